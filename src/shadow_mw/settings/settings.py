"""Every setting: its name, its default, what it accepts. Environment first, then `shadow.toml`."""

from __future__ import annotations

import hashlib
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from shadow_mw.settings.models import (
    Candidate,
    CheckChoice,
    Embeddings,
    JudgeEndpoint,
    JudgeRun,
    Price,
)
from shadow_mw.settings.values import (
    REDACTIONS,
    AbsolutePath,
    ApiKey,
    BaseUrl,
    OtlpUrl,
    Words,
    from_json,
    host_port,
    mark_text,
    paths_table,
    redactions,
    webhook,
)
from shadow_mw.types import PATHS, WireFormat
from shadow_mw.version import __version__

NOT_FOR_CHILDREN = {
    *("config", "embeddings", "judge", "judges"),
    *("page_url", "scores_token", "webhook_url"),
}


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
    candidate_params: Annotated[dict[str, Any], NoDecode, BeforeValidator(from_json)] = {}
    candidate_remove: Words = ()
    candidate_context_tokens: int | None = Field(default=None, ge=1)
    """What the candidate can read and write in one call."""
    candidates: Annotated[tuple[Candidate, ...], NoDecode, BeforeValidator(from_json)] = ()
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
    repeat_rate: float = Field(default=0.0, ge=0, le=1)
    """Share of the mirrored calls that the primary is asked once more, to know its own noise."""
    primary_url: BaseUrl | None = None
    """Where the primary is asked once more: the app's own address and key are never captured."""
    primary_api_key: ApiKey | None = None
    replicas: int = Field(default=1, ge=1)
    """Hosts that share the budget, calls and concurrency."""

    capture: Literal["auto", "inbound", "outbound"] = "auto"
    paths: Annotated[dict[str, WireFormat], NoDecode, BeforeValidator(paths_table)] = PATHS
    runner: Literal["auto", "external", "inline"] = "auto"
    store: AbsolutePath = Field(default=Path("shadow.db"), validate_default=True)
    state_dir: AbsolutePath | None = None
    otlp_endpoint: OtlpUrl | None = None
    """Base URL of a collector's OTLP/HTTP receiver; without it spans go to the store."""
    otlp_token: ApiKey | None = None
    """Bearer token: sent with OTLP, and required by `serve`."""
    mark: Annotated[SecretStr, AfterValidator(mark_text)] | None = None
    """What a collector knows our spans by; required with an OTLP endpoint."""
    listen: Annotated[str, AfterValidator(host_port)] = "127.0.0.1:4319"
    """Where `serve` listens."""
    scores_endpoint: OtlpUrl | None = None
    """OTLP/HTTP base URL to which `serve` sends scores."""
    scores_token: ApiKey | None = None
    """Bearer token that is sent there."""
    webhook_url: Annotated[SecretStr, AfterValidator(webhook)] | None = None
    """Where alarms are told: a Slack-compatible incoming webhook."""
    page_url: BaseUrl | None = None
    """Where people reach the page of `serve`: messages link to it."""
    evaluator_url: BaseUrl | None = None
    """Base URL of `serve`, for `doctor`; without it `doctor` looks into the store."""
    trace_hosts: Words = ()
    response_header: bool = False
    redact: Annotated[tuple[str, ...], NoDecode, BeforeValidator(redactions)] = REDACTIONS
    redact_key: SecretStr | None = None
    """Key of the pseudonyms; without it one is made beside the store."""
    content: Literal["full", "none"] = "full"
    prices: Annotated[dict[str, Price], NoDecode, BeforeValidator(from_json)] = {}
    """USD per million tokens by model name, before any public price list."""
    judges: Annotated[tuple[JudgeEndpoint, ...], NoDecode, BeforeValidator(from_json)] = ()
    """LLM judges (`[[judges]]` in shadow.toml), for `shadow-mw judge`."""
    judge: Annotated[JudgeRun, NoDecode, BeforeValidator(from_json)] = JudgeRun()
    """How they are asked (`[judge]` in shadow.toml)."""
    embeddings: Annotated[Embeddings | None, NoDecode, BeforeValidator(from_json)] = None
    """An embedding model (`[embeddings]` in shadow.toml), for `shadow-mw embed`."""
    fields: Annotated[dict[str, dict[str, Any]], NoDecode, BeforeValidator(from_json)] = {}
    """How fields are compared, by path (`[fields."items[].price"]` in shadow.toml)."""
    checks: Annotated[CheckChoice, NoDecode, BeforeValidator(from_json)] = CheckChoice()
    """Which checks run, and how (`[checks]` in shadow.toml)."""
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
            context_tokens=self.candidate_context_tokens,
        )
        return (single, *self.candidates)

    @property
    def context_tokens(self) -> dict[str, int]:
        """What candidates can read and write in one call, by id, where it is set."""
        return {c.id: c.context_tokens for c in self.all_candidates if c.context_tokens}

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

        But for judges and embeddings: the runner asks none, and has no use for their keys.
        """
        table = self.model_dump(mode="json", exclude_none=True, exclude=NOT_FOR_CHILDREN)
        secrets = {
            name: value.get_secret_value()
            for name in (
                *("candidate_api_key", "primary_api_key"),
                *("mark", "otlp_token", "redact_key"),
            )
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
