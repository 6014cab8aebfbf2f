"""`shadow-mw export`: the store's pairs, as `shadow-mw import` reads them."""

from __future__ import annotations

import gzip
import json
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO

import click

from shadow_mw import settings
from shadow_mw.commands.progress import progress
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.rows import parquet as rows_parquet
from shadow_mw.evaluate.rows import write as rows_write
from shadow_mw.evaluate.series import choose
from shadow_mw.exceptions import ConfigError
from shadow_mw.report.numbers import counted


@click.command()
@click.option("--store", type=click.Path(path_type=Path), help="Default: SHADOW_STORE.")
@click.option("--experiment", help="Default: all.")
@click.option("--candidate", help="Default: all.")
@click.option("--format", "form", type=click.Choice(["jsonl", "parquet"]), default="jsonl")
@click.option(
    "--out", type=click.Path(path_type=Path, allow_dash=True), help="Default: standard output."
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object; needs --out.")
def export(
    store: Path | None,
    experiment: str | None,
    candidate: str | None,
    form: str,
    out: Path | None,
    force: bool,
    machine: bool,
) -> None:
    """Write every pair with its truth, one JSON object a line (gzip where --out ends in .gz).

    What is written reads back to the same pairs, labels and scores. Personal data are the
    pseudonyms that the store has. Legs whose other half has not come, labels without a pair, and
    the counters of live traffic are not in it.
    """
    out = None if str(out) == "-" else out
    if out is None and (machine or form == "parquet"):
        raise click.UsageError("--json and --format parquet need --out FILE")
    if form == "parquet":
        rows_parquet.require()
    with Store.open(store or settings.load().store) as opened, opened.transaction(write=False):
        chosen, others = choose(opened, experiment, candidate)
        series = [chosen, *others] if chosen else []
        written = rows_write.Written()
        with progress("writing", rows_write.count(opened)) as advance:
            _write(rows_write.rows(opened, series, written, advance), form, out, force)
    if machine:
        click.echo(json.dumps(asdict(written) | {"file": str(out)}))
    else:
        click.echo(_sentence(written, out), err=True)


def _write(lines: Iterable[str], form: str, out: Path | None, force: bool) -> None:
    if out is None:
        _print(lines)
        return
    with _replacing(out, force) as draft:
        if form == "parquet":
            rows_parquet.write(lines, draft)
            return
        with _opened(draft, packed=out.suffix == ".gz") as file:
            file.writelines(f"{line}\n".encode() for line in lines)


def _print(lines: Iterable[str]) -> None:
    try:
        for line in lines:
            sys.stdout.buffer.write(f"{line}\n".encode())
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Whoever reads has enough; nothing more may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _opened(draft: Path, *, packed: bool) -> IO[bytes]:
    return gzip.open(draft, "wb", compresslevel=6) if packed else draft.open("wb")  # type: ignore[return-value]


@contextmanager
def _replacing(out: Path, force: bool) -> Iterator[Path]:
    """A draft beside the file, which takes its name whole or not at all."""
    if out.exists() and not force:
        raise ConfigError(_is_there(out))
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    # It holds what users said.
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        yield draft
        _sync(draft)
        if force:
            draft.replace(out)
        else:
            os.link(draft, out)
    except FileExistsError:
        raise ConfigError(_is_there(out)) from None
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _is_there(out: Path) -> str:
    return f"--out {out}: is there already; --force replaces it"


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _sentence(written: rows_write.Written, out: Path | None) -> str:
    text = f"{counted(written.rows, 'pair')} written{f' to {out}' if out else ''}"
    if written.inexact:
        text += f"; of {written.inexact:,} some content could not be written and is left out"
    return text
