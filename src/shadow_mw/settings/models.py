"""Tables of `shadow.toml` that there may be several of, or that belong together."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from shadow_mw.settings.values import ApiKey, BaseUrl
from shadow_mw.types import WireFormat


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
    context_tokens: int | None = Field(default=None, ge=1)
    """What it can read and write in one call."""


class CheckChoice(BaseModel):
    """Which checks run, and how; what is None was not said."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    only: tuple[str, ...] | None = None
    """Names; the others do not run."""
    without: tuple[str, ...] | None = None
    """Names that do not run."""
    tool_calls_ordered: bool | None = None
    """Whether the order of parallel calls counts."""
    length_band: tuple[float, float] | None = None
    """Lengths over the primary's that are `within`."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.only is not None and self.without is not None:
            raise ValueError("only or without, not both")
        return self

    @field_validator("length_band")
    @classmethod
    def _ascending(cls, band: tuple[float, float] | None) -> tuple[float, float] | None:
        if band is not None and not 0 <= band[0] < band[1]:
            raise ValueError("two ratios, the smaller first, such as [0.5, 2.0]")
        return band


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


class Embeddings(BaseModel):
    """The embedding model of `shadow-mw embed`: where it is, who we are there, how it is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    url: BaseUrl
    model: str = Field(min_length=1)
    api_key: ApiKey | None = None
    dimensions: int | None = Field(default=None, ge=1, le=16_384)
    """Asked for, of models that can shorten their vectors."""
    params: dict[str, Any] = {}
    """Further request fields, such as `input_type`."""
    batch_size: int = Field(default=64, ge=1, le=2048)
    """Texts in one call."""
    concurrency: int = Field(default=4, ge=1, le=1000)
    max_chars: int = Field(default=24_000, ge=1)
    """Longer texts are left out and counted: a server might cut them without a word."""
    max_calls: int | None = Field(default=None, ge=0)
    budget_usd: Decimal | None = Field(default=None, ge=0)
    timeout: float = Field(default=60, gt=0)
    tries: int = Field(default=4, ge=1)
    longest_rest: float = Field(default=60, ge=0)
    """Seconds: the most that a server's Retry-After is obeyed."""
