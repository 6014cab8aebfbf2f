"""Every setting: its name, its default, what it accepts. Environment first, then `shadow.toml`.

Read once at start-up, never on the request path: importing pydantic is not free.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from shadow_mw.exceptions import ConfigError
from shadow_mw.types import PATHS, WireFormat
from shadow_mw.version import __version__

SECRETS = (
    "candidate_api_key",
    "candidate_params",
    "candidates",
    "judges",
    "mark",
    "otlp_token",
    "redact_key",
)
"""Settings whose values are, or may hold, credentials: never printed."""
NOT_FOR_CHILDREN = {"config", "judge", "judges"}
REDACTIONS = ("credentials", "email", "phone", "card", "iban")


def _words(value: Any) -> Any:
    """`a, b` as environment variables write lists."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


def _json(value: Any) -> Any:
    if isinstance(value, str):
        return json.loads(value)
    return value


def _base_url(value: str) -> str:
    wrong = ValueError("a base URL such as https://host/v1, without credentials or query")
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        raise wrong from None
    if url.scheme not in ("http", "https") or not url.hostname or port == 0:
        raise wrong
    if url.username or url.password or url.query or url.fragment or set(value) & set(" \t\r\n"):
        raise wrong
    return value.rstrip("/")


def _header_value(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not (text.isascii() and text.isprintable() and text.strip() == text):
        raise ValueError("printable ASCII without spaces around it")
    return value


def _otlp_url(value: str) -> str:
    """The base of `/v1/traces` and `/v1/metrics`, also where somebody gives one of them."""
    return _base_url(value).removesuffix("/v1/traces").removesuffix("/v1/metrics")


def _mark(value: SecretStr) -> SecretStr:
    """Long enough not to be guessed, and good in a header and in a collector's expression."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{16,128}", value.get_secret_value()):
        raise ValueError("16 to 128 letters, digits or . _ -; `openssl rand -hex 16` makes one")
    return value


def _host_port(value: str) -> str:
    try:
        split_host_port(value)
    except ValueError:
        raise ValueError("host:port such as 127.0.0.1:4319, or [::1]:4319") from None
    return value


def split_host_port(value: str) -> tuple[str, int]:
    """Host and port of `host:port`, an IPv6 address in brackets.

    Raises:
        ValueError: it is something else.
    """
    url = urlsplit(f"//{value}")
    if not url.hostname or url.port is None or url.netloc != value or url.username is not None:
        raise ValueError(value)
    return url.hostname, url.port


def _redactions(value: Any) -> Any:
    words = _words(value)
    if words in (["off"], ["none"]):
        return []
    unknown = [word for word in words if word not in REDACTIONS]
    if unknown:
        raise ValueError(f"`off`, or some of {', '.join(REDACTIONS)}")
    return words


def _paths(value: Any) -> Any:
    """`/v1/chat/completions,/llm/ask=openai_chat` to path ending and wire format."""
    if isinstance(value, dict):
        return value
    table = {}
    for item in _words(value):
        path, _, name = item.partition("=")
        wire = name or next((f for known, f in PATHS.items() if path.endswith(known)), "")
        if not path.startswith("/") or wire not in list(WireFormat):
            raise ValueError(
                "path endings such as /v1/chat/completions, any other as /path=FORMAT with one of "
                + ", ".join(WireFormat)
            )
        table[path] = wire
    return table


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
AbsolutePath = Annotated[Path, AfterValidator(Path.absolute)]
"""Made absolute at once: an app may change its directory later."""
BaseUrl = Annotated[str, AfterValidator(_base_url)]
OtlpUrl = Annotated[str, AfterValidator(_otlp_url)]
ApiKey = Annotated[SecretStr, AfterValidator(_header_value)]


class Price(BaseModel):
    """USD per million tokens, or per request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Decimal = Field(default=Decimal(0), ge=0)
    output: Decimal = Field(default=Decimal(0), ge=0)
    cache_read: Decimal | None = Field(default=None, ge=0)
    cache_write: Decimal | None = Field(default=None, ge=0)
    request: Decimal = Field(default=Decimal(0), ge=0)


class Candidate(BaseModel):
    """One model under test: where it is, who we are there, what differs in the request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    url: BaseUrl
    model: str
    api_key: ApiKey | None = None
    params: dict[str, Any] = {}
    """Request fields to set, over what the app sent."""
    remove: tuple[str, ...] = ()
    """Request fields to leave out."""


def _left_to_server(value: Any) -> Any:
    """TOML has no null."""
    return None if value == "default" else value


class JudgeEndpoint(BaseModel):
    """One LLM judge: where it is, who we are there, how it is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: str = Field(min_length=1)
    url: BaseUrl
    format: Literal[WireFormat.OPENAI_CHAT, WireFormat.ANTHROPIC_MESSAGES] = WireFormat.OPENAI_CHAT
    api_key: ApiKey | None = None
    name: str = ""
    """What reports call it; the model where empty."""
    mode: Literal["schema", "tool"] | None = None
    """How the verdict's schema is enforced; by default as the format's servers do it best."""
    temperature: Annotated[float | None, BeforeValidator(_left_to_server)] = 0.0
    """`default` leaves it out: reasoning models refuse it."""
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int = Field(default=2048, ge=1)
    params: dict[str, Any] = {}
    """Further request fields."""


class JudgeRun(BaseModel):
    """How a run of judges goes about its work."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    rubric: str | None = None
    """Replaces ours."""
    concurrency: int = Field(default=8, ge=1, le=1000)
    """Calls at once, per judge."""
    max_calls: int | None = Field(default=None, ge=0)
    budget_usd: Decimal | None = Field(default=None, ge=0)
    timeout: float = Field(default=120, gt=0)
    tries: int = Field(default=4, ge=1)
    longest_rest: float = Field(default=60, ge=0)
    """Seconds: the most that a server's Retry-After is obeyed."""
    max_chars: int = Field(default=200_000, ge=1)
    """Pairs with more text than this are not judged."""
    allow_same_family: bool = False
    watch_system_fingerprint: bool = True
    """Whether another `system_fingerprint` begins another epoch."""


class Settings(BaseSettings):
    """The settings of one experiment; immutable once read. Use `load()`."""

    model_config = SettingsConfigDict(
        env_prefix="SHADOW_",
        extra="forbid",
        frozen=True,
        env_ignore_empty=True,
        allow_inf_nan=False,
    )

    enabled: bool = True
    candidate_url: BaseUrl | None = None
    candidate_model: str | None = None
    candidate_api_key: ApiKey | None = None
    candidate_params: Annotated[dict[str, Any], NoDecode, BeforeValidator(_json)] = {}
    candidate_remove: Words = ()
    candidates: Annotated[tuple[Candidate, ...], NoDecode, BeforeValidator(_json)] = ()
    """Several candidates (`[[candidates]]` in shadow.toml); the single one goes first."""
    experiment: str = Field(default="default", pattern=r"^[\w.:-]{1,80}$")

    sample_rate: float = Field(default=1.0, ge=0, le=1)
    sticky: Literal["auto", "session", "conversation", "trace", "none"] = "auto"
    window_start: AwareDatetime | None = None
    window_end: AwareDatetime | None = None
    window_days: float = Field(default=14, gt=0)
    """Where no end is set: days from the first mirrored call."""
    budget_usd: Decimal | None = Field(default=None, ge=0)
    max_calls: int | None = Field(default=None, ge=0)
    max_concurrency: int = Field(default=8, ge=1, le=1000)
    timeout: float = Field(default=60, gt=0)
    """Seconds for one candidate call, first byte to last."""
    queue_bytes: int = Field(default=64 * 2**20, ge=2**20)
    """Unconsumed bytes on disk that one app process may have."""
    queue_age: float = Field(default=3600, gt=0)
    """Seconds after which a captured call is too old to repeat."""
    retry_hold: float = Field(default=60, ge=0)
    """Seconds that a failed attempt waits for the SDK's own retry."""
    max_request_bytes: int = Field(default=4 * 2**20, ge=1024)
    max_response_bytes: int = Field(default=8 * 2**20, ge=1024)
    idle_timeout: float = Field(default=120, gt=0)
    """Seconds after the last chunk when an abandoned stream counts as ended."""
    replicas: int = Field(default=1, ge=1)
    """Hosts that share the budget, calls and concurrency."""

    capture: Literal["auto", "inbound", "outbound"] = "auto"
    paths: Annotated[dict[str, WireFormat], NoDecode, BeforeValidator(_paths)] = PATHS
    runner: Literal["auto", "external", "inline"] = "auto"
    store: AbsolutePath = Field(default=Path("shadow.db"), validate_default=True)
    state_dir: AbsolutePath | None = None
    otlp_endpoint: OtlpUrl | None = None
    """Base URL of a collector's OTLP/HTTP receiver; without it spans go to the store."""
    otlp_token: ApiKey | None = None
    """Bearer token: sent with OTLP, and required by `serve`."""
    mark: Annotated[SecretStr, AfterValidator(_mark)] | None = None
    """What a collector knows our spans by; required with an OTLP endpoint."""
    listen: Annotated[str, AfterValidator(_host_port)] = "127.0.0.1:4319"
    """Where `serve` listens."""
    scores_endpoint: OtlpUrl | None = None
    """OTLP/HTTP base URL to which `serve` sends scores."""
    evaluator_url: BaseUrl | None = None
    """Base URL of `serve`, for `doctor`; without it `doctor` looks into the store."""
    trace_hosts: Words = ()
    response_header: bool = False
    redact: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_redactions)] = REDACTIONS
    redact_key: SecretStr | None = None
    """Key of the pseudonyms; without it one is made beside the store."""
    content: Literal["full", "none"] = "full"
    prices: Annotated[dict[str, Price], NoDecode, BeforeValidator(_json)] = {}
    """USD per million tokens by model name, before any public price list."""
    judges: Annotated[tuple[JudgeEndpoint, ...], NoDecode, BeforeValidator(_json)] = ()
    """LLM judges (`[[judges]]` in shadow.toml), for `shadow-mw judge`."""
    judge: Annotated[JudgeRun, NoDecode, BeforeValidator(_json)] = JudgeRun()
    """How they are asked (`[judge]` in shadow.toml)."""
    fields: Annotated[dict[str, dict[str, Any]], NoDecode, BeforeValidator(_json)] = {}
    """How fields are compared, by path (`[fields."items[].price"]` in shadow.toml)."""
    config: Path | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic's signature)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over the file's values, which `load` passes as arguments."""
        return env_settings, init_settings

    @property
    def all_candidates(self) -> tuple[Candidate, ...]:
        """The single candidate of the environment, then those of the file."""
        if self.candidate_url is None or self.candidate_model is None:
            return self.candidates
        single = Candidate(
            id=self.candidate_model,
            url=self.candidate_url,
            model=self.candidate_model,
            api_key=self.candidate_api_key,
            params=self.candidate_params,
            remove=self.candidate_remove,
        )
        return (single, *self.candidates)

    @property
    def active(self) -> bool:
        """Whether there is anything to mirror to, and nobody said no."""
        return self.enabled and bool(self.all_candidates)

    @property
    def state_root(self) -> Path:
        """Where every experiment of this user keeps its spool."""
        if self.state_dir is not None:
            return self.state_dir
        base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        return Path(base).expanduser() / "shadow-mw"

    @property
    def identity(self) -> dict[str, str]:
        """What makes an experiment another one, by variable."""
        candidates = self.all_candidates
        return {
            "SHADOW_CANDIDATE_URL": ", ".join(c.url for c in candidates),
            "SHADOW_CANDIDATE_MODEL": ", ".join(c.model for c in candidates),
            "SHADOW_STORE": str(self.store),
            "SHADOW_EXPERIMENT": self.experiment,
        }

    @property
    def directory(self) -> Path:
        """This experiment's spool: two apps, or two sides of a deploy, never share one."""
        identity = [
            [(c.id, c.url, c.model) for c in self.all_candidates],
            str(self.store),
            self.experiment,
        ]
        digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:12]
        return self.state_root / f"{digest}-{__version__}"

    def to_environ(self) -> dict[str, str]:
        """The same settings as variables for a child process, the file's values included.

        But for the judges: the runner asks none, and has no use for their keys.
        """
        table = self.model_dump(mode="json", exclude_none=True, exclude=NOT_FOR_CHILDREN)
        secrets = {
            name: value.get_secret_value()
            for name in ("candidate_api_key", "mark", "otlp_token", "redact_key")
            if (value := getattr(self, name)) is not None
        }
        table |= secrets | {"store": str(self.store)}
        for raw, candidate in zip(table["candidates"], self.candidates, strict=True):
            if candidate.api_key is not None:
                raw["api_key"] = candidate.api_key.get_secret_value()
        return {f"SHADOW_{name.upper()}": _variable(name, value) for name, value in table.items()}


def _variable(name: str, value: Any) -> str:
    if name == "redact" and not value:
        return "off"
    if name == "paths":
        return ",".join(f"{path}={wire}" for path, wire in value.items())
    if name in ("candidate_remove", "trace_hosts", "redact"):
        return ",".join(value)
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)


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
        raise ConfigError(_one_line(error, values)) from None
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


def _one_line(error: ValidationError, values: dict[str, Any]) -> str:
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    name = location[0].lower().removeprefix("shadow_") if location else ""
    variable = f"SHADOW_{name.upper()}"
    if first["type"] == "extra_forbidden":
        model = _NESTED.get(name, Settings) if len(location) > 1 else Settings
        accepted = ", ".join(sorted(model.model_fields))
        return f"{'.'.join(location)} in shadow.toml is not a setting; accepted: {accepted}"
    if name in ("judge", "judges") and len(location) > 1:
        return _one_line_in(variable if variable in os.environ else name, first)
    value = os.environ.get(variable, first.get("input"))
    shown = "***" if name in SECRETS else value
    where = variable if variable in os.environ or name not in values else ".".join(location)
    return f"{where}={shown!s}: accepted is {_accepted(name, first['msg'])}"


def _one_line_in(table: str, error: ErrorDetails) -> str:
    """Of a value within a table: its place, and what is accepted there."""
    where = ".".join([table, *map(str, error["loc"][1:])])
    if error["type"] == "missing":
        return f"{where} is not set: every judge needs it"
    secret = error["loc"][-1] in ("api_key", "url") or "params" in error["loc"]
    shown = "***" if secret else error["input"]
    return f"{where}={shown!s}: accepted is {_accepted('', error['msg'])}"


_ACCEPTED = {
    "enabled": "true or false",
    "response_header": "true or false",
    "candidate_url": "a base URL such as https://host/v1",
    "candidate_params": 'a JSON object such as {"temperature": 0}',
    "candidates": "a JSON list of objects with id, url and model",
    "judges": "a JSON list of objects with url and model",
    "judge": 'a JSON object such as {"concurrency": 4}',
    "sample_rate": "a number from 0 to 1",
    "window_start": "an ISO 8601 time with its zone, such as 2026-11-02T00:00:00Z",
    "window_end": "an ISO 8601 time with its zone, such as 2026-11-16T00:00:00Z",
    "budget_usd": "an amount of 0 or more, such as 25.00",
    "max_calls": "a whole number of 0 or more",
    "max_concurrency": "a whole number from 1 to 1000",
    "timeout": "seconds above 0",
    "experiment": "1 to 80 letters, digits or . _ : -",
    "prices": 'a JSON object such as {"my-model": {"input": 0.15, "output": 0.60}}',
}


_NESTED: dict[str, type[BaseModel]] = {
    "candidates": Candidate,
    "judges": JudgeEndpoint,
    "judge": JudgeRun,
}


def _accepted(name: str, message: str) -> str:
    text = message.removeprefix("Value error, ").removeprefix("Input should be ")
    return _ACCEPTED.get(name, text)


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
    ids = [candidate.id for candidate in settings.all_candidates]
    if len(set(ids)) < len(ids):
        raise ConfigError(f"candidates: ids must differ, got {', '.join(ids)}")
    if settings.active and settings.budget_usd is not None and settings.max_calls is None:
        _check_priced(settings)


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
