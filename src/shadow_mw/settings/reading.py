"""Settings read from the environment and `shadow.toml`, and what no single one of them can say."""

from __future__ import annotations

import os
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shadow_mw.exceptions import ConfigError
from shadow_mw.settings.refusal import one_line
from shadow_mw.settings.settings import Settings
from shadow_mw.types import REPEAT


def load(**overrides: Any) -> Settings:
    """Read the settings.

    Args:
        overrides: values by field name, below the environment (a file's level).

    Raises:
        ConfigError: one line that names the variable, the value and what is accepted.
    """
    path = os.environ.get("SHADOW_CONFIG")
    values = (_read_toml(Path(path)) if path else {}) | overrides
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise ConfigError(one_line(error, values)) from None
    _check(settings)
    return settings


COLLECTORS_OWN = {
    "SHADOW_KAFKA_GROUP",
    "SHADOW_METRICS_TOPIC",
    "SHADOW_QUEUE_DIR",
    "SHADOW_SPANS_TOPIC",
    "SHADOW_TRACES_ENDPOINT",
    "SHADOW_TRACES_INSECURE",
}
"""Variables of the collector's configuration, which may share an environment with an app."""


def unknown_variables() -> list[str]:
    """`SHADOW_*` variables that are no settings: most likely misspelt ones."""
    known = {f"SHADOW_{name.upper()}" for name in Settings.model_fields} | COLLECTORS_OWN
    return sorted(n for n in os.environ if n.startswith("SHADOW_") and n not in known)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(
            f"SHADOW_CONFIG={path}: cannot be read ({error.strerror}); give the path of a TOML file"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"SHADOW_CONFIG={path}: not TOML: {error}") from None


def _check(settings: Settings) -> None:
    """What no single field can say."""
    url, model = settings.candidate_url, settings.candidate_model
    if url and not model:
        raise ConfigError("SHADOW_CANDIDATE_MODEL is not set: accepted is a model name")
    if model and not url:
        raise ConfigError(
            "SHADOW_CANDIDATE_URL is not set: accepted is a base URL such as https://host/v1"
        )
    if settings.otlp_endpoint and settings.mark is None:
        raise ConfigError(
            "SHADOW_MARK is not set: with SHADOW_OTLP_ENDPOINT accepted are 16 to 128 letters, "
            "digits or . _ -, the same as the collector's; `openssl rand -hex 16` makes one"
        )
    _check_window(settings.window_start, settings.window_end)
    _check_repeats(settings)
    ids = [candidate.id for candidate in settings.all_candidates]
    if len(set(ids)) < len(ids):
        raise ConfigError(f"candidates: ids must differ, got {', '.join(ids)}")
    if settings.active and settings.budget_usd is not None and settings.max_calls is None:
        _check_priced(settings)


def _check_repeats(settings: Settings) -> None:
    if settings.repeat_rate > 0 and settings.primary_url is None:
        raise ConfigError(
            f"SHADOW_PRIMARY_URL is not set: with SHADOW_REPEAT_RATE={settings.repeat_rate:g} "
            "accepted is the primary's base URL, such as https://host/v1"
        )
    if settings.candidate_model == REPEAT:
        raise ConfigError(
            f"SHADOW_CANDIDATE_MODEL={REPEAT}: accepted is any other name, since reports call the "
            "primary so; with [[candidates]] such a model has an id of its own"
        )
    if any(candidate.id == REPEAT for candidate in settings.candidates):
        raise ConfigError(
            f"candidates: id {REPEAT}: accepted is any other, since reports call the primary so"
        )


def _check_window(start: datetime | None, end: datetime | None) -> None:
    if start and end and end <= start:
        raise ConfigError(
            f"SHADOW_WINDOW_END={end.isoformat()}: accepted is a time after "
            f"SHADOW_WINDOW_START={start.isoformat()}"
        )


def _check_priced(settings: Settings) -> None:
    """A budget in USD over an unknown price would never stop anything."""
    from shadow_mw.prices import PriceTable

    table = PriceTable(settings.prices)
    for candidate in settings.all_candidates:
        if not table.knows(candidate.model):
            raise ConfigError(
                f"SHADOW_BUDGET_USD={settings.budget_usd}: the price of {candidate.model} is not "
                "known; set SHADOW_MAX_CALLS too, or its price in SHADOW_PRICES"
            )
