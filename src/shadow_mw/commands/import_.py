"""`shadow-mw import`: pairs from anywhere into the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import click

from shadow_mw import settings
from shadow_mw.commands.files import check_readable
from shadow_mw.commands.progress import progress
from shadow_mw.evaluate.logs import logs
from shadow_mw.evaluate.pipeline import Standards, Store
from shadow_mw.evaluate.rows.lines import Lines, name_of, opened, size_of
from shadow_mw.evaluate.rows.rows import Imported, Reader, Staged, stage, stage_parquet, store_rows
from shadow_mw.prices import PriceTable
from shadow_mw.report.numbers import counted
from shadow_mw.runner.redact import Redactor, sidecar_of
from shadow_mw.types import REPEAT, Role

A_PATH = click.Path(path_type=Path, allow_dash=True)
MOST_REMEMBERED = 2_000
"""Characters of a text."""
JOINS = sorted({join for joins in logs.JOINS.values() for join in joins})


MOST_CANDIDATES = 5
"""Named in one line."""
LOG_OPTIONS = ("primary", "candidate", "primary_model", "candidate_model", "join", "input")


@dataclass(frozen=True, slots=True)
class Source:
    """Which files hold what."""

    file: Path | None
    form: str
    primary: Path | None
    candidate: Path | None
    primary_model: str | None
    candidate_model: str | None
    join: str | None
    input: Path | None

    @property
    def stdin_twice(self) -> bool:
        """Whether both legs, or requests and results, would come from there."""
        files = (self.file, self.file, self.primary, self.candidate, self.input)
        return [str(file) for file in files].count("-") > 1

    @property
    def name(self) -> str:
        """The file that messages are about."""
        return name_of(self.file or self.primary)


@click.command("import")
@click.argument("file", type=A_PATH, required=False)
@click.option("--store", type=click.Path(path_type=Path), help="Default: SHADOW_STORE.")
@click.option("--experiment", help="Of rows that name none. Default: SHADOW_EXPERIMENT.")
@click.option("--format", "form", type=click.Choice(["pairs", *logs.READERS]), default="pairs")
@click.option("--primary", type=A_PATH, help="A log of the primary's calls.")
@click.option("--candidate", type=A_PATH, help="A log of the candidate's calls.")
@click.option("--primary-model", metavar="MODEL", help="Only its calls are the primary's.")
@click.option("--candidate-model", metavar="MODEL", help="Only its calls are the candidate's.")
@click.option("--join", type=click.Choice(JOINS), help="What two calls of one pair share.")
@click.option("--input", type=A_PATH, help="The requests of an openai batch.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def import_(store: Path | None, experiment: str | None, machine: bool, **source: Path) -> None:
    """Store and judge the pairs of FILE (- is standard input; .gz is unpacked).

    One JSON object a line; only pair_id, primary and candidate are required:

    \b
    {"pair_id": "p1", "time": "2026-11-02T09:14:05Z", "key": "invoice-17",
     "input": {"messages": []}, "truth": {"total": "9.00", "tax_id": null},
     "primary": {"model": "a", "output": "{}", "latency_ms": 480},
     "candidate": {"model": "b", "output": null, "error": "timeout"}}

    A failed call says whose it is too, by `model` or `id`, where others do. All
    lines are checked before any is stored. Content is redacted as live calls are. A pair
    without a key has its pair_id as key; its truth is a label under that key. Importing the same
    again changes nothing.

    A gateway's log holds single calls: give two files, --primary and --candidate, or one FILE and
    --primary-model and --candidate-model.
    """
    chosen = Source(**source)  # type: ignore[arg-type]
    _check(chosen)
    check_readable(chosen.file, chosen.primary, chosen.candidate, chosen.input)
    used = settings.load()
    if store is not None:
        used = used.model_copy(update={"store": store.absolute()})
    standards = Standards.declared(used)
    with Staged() as staged, _redactor(used) as redactor:
        reader = Reader(redactor, PriceTable(used.prices), experiment or used.experiment)
        skipped = _stage(chosen, reader, staged)
        with (
            Store.open(used.store, create=True) as target,
            progress("storing", staged.rows) as advance,
        ):
            result = store_rows(target, staged, chosen.name, advance, skipped, standards)
    click.echo(json.dumps(asdict(result)) if machine else sentence(result))


def _check(source: Source) -> None:
    """Whose calls are in which file has to be said, and no more than that."""
    if source.form == "pairs":
        if source.file is None:
            raise click.UsageError("Missing argument 'FILE'.")
        if any(getattr(source, name) for name in LOG_OPTIONS):
            raise click.UsageError("--primary, --candidate, --join and --input need a --format")
        return
    two = source.primary and source.candidate and not source.file
    one = source.file and source.primary_model and source.candidate_model
    if not two and not (one and not (source.primary or source.candidate)):
        raise click.UsageError(
            "accepted are --primary FILE and --candidate FILE, or FILE with --primary-model and"
            " --candidate-model"
        )
    if source.stdin_twice:
        raise click.UsageError("standard input can be read once: give files")
    if source.join and source.join not in logs.JOINS[source.form]:
        accepted = ", ".join(logs.JOINS[source.form])
        raise click.UsageError(f"--join {source.join}: accepted for {source.form}: {accepted}")
    if source.input and source.form != "openai":
        raise click.UsageError("--input is for --format openai")


def _stage(source: Source, reader: Reader, staged: Staged) -> dict[str, int]:
    """Read and check everything; what was left out, by reason."""
    if source.form == "pairs":
        assert source.file is not None
        if source.file.suffix == ".parquet":
            stage_parquet(source.file, reader, staged)
        else:
            with _lines("reading", source.file) as lines:
                stage(lines, reader, staged)
        return {}
    log = logs.Log(source.form, source.join or logs.JOINS[source.form][0])
    if source.input is not None:
        with _lines("reading requests", source.input) as lines:
            log.bodies = logs.bodies(lines)
    primary, candidate = source.primary or source.file, source.candidate or source.file
    assert primary is not None
    assert candidate is not None
    total = (size_of(primary) or 0) + (size_of(candidate) or 0)
    with (
        progress("reading", total) as advance,
        opened(candidate, advance) as theirs,
        opened(primary, advance) as ours,
    ):
        alone = source.file is None
        logs.stage(
            logs.Side(Role.PRIMARY, ours, source.primary_model, alone),
            logs.Side(Role.CANDIDATE, theirs, source.candidate_model, alone),
            log,
            reader,
            staged,
        )
    return dict(sorted((+log.skipped).items()))


@contextmanager
def _lines(title: str, file: Path) -> Iterator[Lines]:
    with progress(title, size_of(file)) as advance, opened(file, advance) as lines:
        yield lines


class _Remembering(Redactor):
    """The same names, labels and prompts stand in every request of a file."""

    def text(self, text: str) -> str:
        """As `Redactor`, looked through once."""
        return self._short(text) if len(text) <= MOST_REMEMBERED else super().text(text)

    @lru_cache(maxsize=4096)  # noqa: B019 (lives as long as the command)
    def _short(self, text: str) -> str:
        return super().text(text)


@contextmanager
def _redactor(used: settings.Settings) -> Iterator[Redactor]:
    """By the rules of what is in the store already; a new store gets those in force now.

    Where no store comes of it, nothing is left of the key and of the directories made for it.
    """
    if used.store.exists():
        yield _Remembering.for_labels(used)
        return
    directory = used.store.parent
    made = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    was_there = sidecar_of(used).exists()
    redactor = _Remembering.for_store(used)
    written = _file(sidecar_of(used))
    try:
        yield redactor
    except BaseException:
        # Whoever else uses the key has written it anew, into another file of the same name.
        if not (was_there or used.store.exists()) and _file(sidecar_of(used)) == written:
            sidecar_of(used).unlink(missing_ok=True)
            for path in made:
                with suppress(OSError):
                    path.rmdir()
        raise


def _file(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def sentence(result: Imported) -> str:
    """What a person reads."""
    known = result.rows - result.new
    text = f"{counted(result.rows, 'pair')} read, {result.new:,} new"
    if known:
        text += f", {known:,} known already"
    text += f"; {counted(result.labels, 'new label')}"
    if result.replaced:
        text += f", {counted(result.replaced, 'label')} replaced"
    if result.judged:
        text += f"; judge verdicts of {counted(result.judged, 'row')}"
    candidates = {name: n for name, n in result.candidates.items() if name != REPEAT}
    if len(candidates) > 1:
        text += f"; {len(candidates):,} candidates, each for itself: {_named(candidates)}"
    if result.skipped:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in result.skipped.items())
        text += f"; lines left out: {reasons}"
    return text


def _named(candidates: dict[str, int]) -> str:
    shown = [f"{n if n.isprintable() else ascii(n)} {k:,}" for n, k in candidates.items()]
    return ", ".join([*shown[:MOST_CANDIDATES], *(["..."] if shown[MOST_CANDIDATES:] else [])])


# `import` is no name in Python; the command line looks for one by the command's.
globals()["import"] = import_
