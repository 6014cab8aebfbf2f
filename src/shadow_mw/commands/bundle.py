"""`shadow-mw verdict --evidence DIR`: everything that a verdict rests on, in one directory."""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from shadow_mw.commands.judges import judges_json
from shadow_mw.commands.page_data import page_data
from shadow_mw.commands.verdict_work import Decided
from shadow_mw.decide.plan_file import written
from shadow_mw.decide.ramp import ramp_json
from shadow_mw.evaluate.pipeline import Store, summarise
from shadow_mw.exceptions import ConfigError
from shadow_mw.prices import PriceTable
from shadow_mw.report.as_json import as_json
from shadow_mw.report.html import page
from shadow_mw.report.ramp_markdown import ramp_markdown
from shadow_mw.report.verdict_json import verdict_json
from shadow_mw.report.verdict_markdown import verdict_markdown
from shadow_mw.settings import Settings
from shadow_mw.types import Json, Usage
from shadow_mw.version import __version__

LIBRARIES = ("numpy", "scipy", "pydantic", "genai-prices", "jsonschema-rs", "rapidfuzz")
MANIFEST = "MANIFEST"


def write_bundle(
    target: Path, store: Store, found: Decided, used: Settings, *, content: bool = True
) -> None:
    """Write the bundle, whole or not at all.

    Args:
        target: a directory that is not there, or is empty.
        store: whose data.
        found: the verdict and what it is of.
        used: for the prices that were declared.
        content: whether what was asked and said in the worst pairs is in its page.

    Raises:
        ConfigError: the directory has something in it, or cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"--evidence {target}: accepted is a directory that is new or empty")
    target = target.absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise ConfigError(f"--evidence {target}: {error.strerror}") from None
    try:
        with store.transaction(write=False):
            _fill(made, _files(store, found, used, content))
        made.chmod(0o755)
        os.replace(made, target)
    except OSError as error:
        raise ConfigError(f"--evidence {target}: {error.strerror}") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _fill(directory: Path, files: Iterable[tuple[str, str]]) -> None:
    lines = []
    for name, content in files:
        data = content.encode()
        (directory / name).write_bytes(data)
        lines.append(f"{sha256(data).hexdigest()}  {name}\n")
    # The format of sha256sum, which can check it.
    (directory / MANIFEST).write_text("".join(sorted(lines, key=lambda line: line[66:])))


def _files(
    store: Store, found: Decided, used: Settings, content: bool
) -> Iterator[tuple[str, str]]:
    verdict, plan = found.verdict, found.plan
    yield "verdict.json", _json(verdict_json(verdict))
    yield "verdict.md", verdict_markdown(verdict)
    yield "plan.toml", written(plan, "plan.toml")
    yield "plan.json", _json({"hash": plan.hash, "plan": json.loads(plan.canonical)})
    summary = summarise(store, found.series.experiment, found.series.candidate)
    judges = judges_json(store, found.series)
    # A copy of the store under another name has to give the same files.
    yield "report.json", _json(as_json(summary) | judges | {"store": None})
    shown = page_data(store, found.series, content=content, verdict=verdict_json(verdict))
    yield "report.html", page(shown)
    yield "judges.json", _json(_judges(judges))
    yield "prices.json", _json(_prices((summary.primary.model, summary.candidate.model), used))
    yield "versions.json", _json(_versions())
    ramp = ramp_json(plan, verdict)
    yield "ramp.json", _json(ramp)
    yield "ramp.md", ramp_markdown(ramp, verdict)


def _judges(judges: dict[str, Json]) -> Json:
    """Who judged, as it was asked and as it answered."""
    names = ("judge", "model", "system_fingerprint", "fingerprint", "epoch", "newest", "gates")
    return [{name: card[name] for name in names} for card in judges["judges"] or []]


def _prices(models: Iterable[str | None], used: Settings) -> dict[str, Json]:
    """What a million tokens of each model cost, by whom, and a hash over it."""
    table: dict[str, Json] = {
        "usd_per_million_tokens": {
            name: _price(name, used) for name in sorted({name for name in models if name})
        },
        "genai_prices": _version("genai-prices"),
    }
    text = json.dumps(table, sort_keys=True, separators=(",", ":"))
    return table | {"sha256": sha256(text.encode()).hexdigest()}


def _price(model: str, used: Settings) -> Json:
    """Costs that came with rows are not by this table."""
    table, million = PriceTable(used.prices), 1_000_000
    if not table.knows(model):
        return {"source": None, "input": None, "output": None}
    source = "declared" if model in used.prices else "genai-prices"
    each = [table.cost(model, usage) for usage in (Usage(million, 0), Usage(0, million))]
    ours, theirs = (None if cost is None else float(cost) for cost in each)
    return {"source": source, "input": ours, "output": theirs}


def _versions() -> dict[str, Json]:
    return {
        "shadow_mw": __version__,
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _json(value: Json) -> str:
    return json.dumps(value, indent=2, allow_nan=False) + "\n"
