"""What a backfill asks: stored calls as captured ones, and who is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import click

from shadow_mw.evaluate.ingest import Observation
from shadow_mw.evaluate.inputs import Input, inputs, known
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.exceptions import ConfigError, WireError
from shadow_mw.prices import PriceTable
from shadow_mw.runner.backfill import SEAM, Stored
from shadow_mw.runner.limits import ASSUMED_OUTPUT_TOKENS, BYTES_PER_TOKEN
from shadow_mw.settings import Candidate, Settings
from shadow_mw.types import REPEAT, Call, Exchange, Reason, Usage
from shadow_mw.wire import format_of


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked of one candidate."""

    settings: Settings
    """Of this candidate alone."""
    candidate: Candidate
    store: Store
    experiment: str
    selected: int
    todo: list[str]
    skipped: Counter[str] = field(default_factory=Counter)

    def calls(self) -> Iterator[Stored]:
        """What can be asked, one after the other; the rest is counted."""
        self.skipped.clear()
        for stored in inputs(self.store, self.experiment, self.todo):
            call = _stored(stored)
            if isinstance(call, Reason):
                self.skipped[str(call)] += 1
            else:
                yield call

    @property
    def is_priced(self) -> bool:
        """Whether what a call costs is known."""
        return PriceTable(self.settings.prices).knows(self.candidate.model)


def candidates_of(
    used: Settings, name: str | None, url: str | None, model: str | None
) -> tuple[Candidate, ...]:
    """Who is asked.

    Raises:
        ConfigError: nobody is set, or there is none of this name.
    """
    if url is not None or model is not None:
        if name is not None:
            raise click.UsageError("--candidate chooses among the settings: give no URL or model")
        return (_given(used, url, model),)
    found = tuple(one for one in used.all_candidates if name in (None, one.id))
    if found:
        return found
    names = ", ".join(one.id for one in used.all_candidates)
    if name is not None and names:
        raise ConfigError(f"--candidate {name}: accepted is one of {names}")
    raise ConfigError(
        "nobody to ask: set SHADOW_CANDIDATE_URL and _MODEL, or give --candidate-url and"
        " --candidate-model"
    )


def check_priced(used: Settings, candidates: Iterable[Candidate]) -> None:
    """A budget in USD over an unknown price would never stop anything.

    Raises:
        ConfigError: that is so of one of them.
    """
    if used.budget_usd is None or used.max_calls is not None:
        return
    prices = PriceTable(used.prices)
    for candidate in candidates:
        if not prices.knows(candidate.model):
            raise ConfigError(
                f"--budget-usd {used.budget_usd}: the price of {candidate.model} is not known; "
                "give --max-calls too, or set its price in SHADOW_PRICES"
            )


def _given(used: Settings, url: str | None, model: str | None) -> Candidate:
    url, model = url or used.candidate_url, model or used.candidate_model
    if url is None or model is None:
        missing = "--candidate-url" if url is None else "--candidate-model"
        raise ConfigError(f"{missing} is not given, and the settings have none")
    if model == REPEAT:
        raise ConfigError(
            f"--candidate-model {REPEAT}: accepted is any other, since reports call the primary so"
        )
    # Validated as the setting is; the environment's URL would go before an argument.
    try:
        own = Candidate(id=model, url=url, model=model)
    except ValueError:
        raise ConfigError(
            f"--candidate-url {url}: accepted is a base URL such as https://host/v1"
        ) from None
    ours = used.candidate_url is None or _origin(used.candidate_url) == _origin(own.url)
    return own.model_copy(
        update={
            "api_key": used.candidate_api_key if ours else None,
            "params": used.candidate_params,
            "remove": used.candidate_remove,
        }
    )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def work_of(
    used: Settings, store: Store, experiment: str, candidate: Candidate, pairs: list[str]
) -> Work:
    """What is left to ask of one candidate."""
    alone = {
        "experiment": experiment,
        "candidates": (candidate,),
        "candidate_url": None,
        "candidate_model": None,
    }
    asked = known(store, experiment, candidate.id)
    todo = [pair_id for pair_id in pairs if pair_id not in asked]
    own = used.model_copy(update=alone)
    return Work(own, candidate, store, experiment, len(pairs), todo)


def _stored(given: Input) -> Stored | Reason:
    """A stored call as a captured one, or why it cannot be asked."""
    if given.skip is not None or given.format is None:
        return given.skip or Reason.REQUEST_INVALID
    wire = format_of(given.format)
    try:
        call = wire.read_request(given.body)
    except WireError:
        return Reason.REQUEST_INVALID
    if (reason := wire.skip_reason(given.body)) is not None:
        return reason
    primary = given.primary
    exchange = Exchange(
        pair_id=primary.pair_id,
        trace_id=primary.trace_id,
        parent_span_id=None,
        format=given.format,
        seam=SEAM,
        host=None,
        started_ns=primary.time_ns,
        latency_ns=int((primary.latency_ms or 0) * 1e6),
        ttft_ns=None,
        status=None,
        content_type="",
        content_encoding="",
        end="eof",
        error=None,
        request=(primary.content.request or "").encode(),
        response=b"",
        key=primary.key,
        segment=primary.segment,
        session=primary.session,
        sample_rate=1.0 if primary.sample_rate is None else primary.sample_rate,
    )
    return Stored(exchange, call, given.body, primary.span_id, _expected(primary, call))


def _expected(primary: Observation, call: Call) -> Usage:
    """By what the primary used; where that is unknown, as a reservation has it."""
    size = len((primary.content.request or "").encode())
    given, made = primary.input_tokens, primary.output_tokens
    return Usage(
        input_tokens=size // BYTES_PER_TOKEN if given is None else given,
        output_tokens=(call.max_tokens or ASSUMED_OUTPUT_TOKENS) if made is None else made,
    )
