"""The candidate: what it said to the probe's call, which the runner itself made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shadow_mw import semconv
from shadow_mw.doctor.finding import Finding, broken, holds
from shadow_mw.doctor.probe import Probe
from shadow_mw.settings import Candidate, Settings
from shadow_mw.types import Outcome, Reason

LINK = "candidate"


def check(settings: Settings, probe: Probe) -> Iterator[Finding]:
    """One finding for each candidate."""
    legs = {leg.get(semconv.CANDIDATE_ID): leg for leg in probe.candidates()}
    for candidate in settings.all_candidates:
        leg = legs.get(candidate.id)
        if leg is None:
            mend = f"see {_name(settings, candidate, 'url')}, or raise SHADOW_TIMEOUT"
            yield broken(LINK, f"{candidate.id} was not called through in time", mend)
        elif leg[semconv.OUTCOME] == Outcome.OK:
            yield holds(LINK, f"{candidate.id} answered at {candidate.url}{_model(leg)}")
        else:
            yield broken(LINK, _seen(candidate, leg), _mend(settings, candidate, leg))


def not_found(probe: Probe) -> bool:
    """Whether every candidate said that there is no such path, or no such model."""
    legs = list(probe.candidates())
    return bool(legs) and all(leg.get(semconv.HTTP_STATUS) == 404 for leg in legs)


def _model(leg: Mapping[str, object]) -> str:
    model = leg.get(semconv.RESPONSE_MODEL)
    return f" as {model}" if model else ""


def _seen(candidate: Candidate, leg: Mapping[str, object]) -> str:
    status = leg.get(semconv.HTTP_STATUS)
    said = str(leg["message"])
    what = f"answered {status}" if status else str(leg.get(semconv.REASON, "failed"))
    return f"{candidate.id} at {candidate.url}: {what}{': ' + said if said else ''}"


def _mend(settings: Settings, candidate: Candidate, leg: Mapping[str, object]) -> str:
    def name(field: str) -> str:
        return _name(settings, candidate, field)

    match leg.get(semconv.HTTP_STATUS):
        case 401 | 403:
            return f"{name('api_key')} is " + ("refused" if candidate.api_key else "not set")
        case 404:
            return f"{name('model')} is not a model there, or the path of {name('url')} is wrong"
        case 400 | 422:
            return f"see {name('params')} and {name('remove')}: it does not take this request"
        case 429:
            return f"its limit is reached: ask for more there, or lower {name('rate')}"
        case int(status) if status >= 500:
            return f"the server at {name('url')} is out of order: see its log"
    match leg.get(semconv.REASON):
        case Reason.CANDIDATE_TIMEOUT:
            return f"SHADOW_TIMEOUT is {settings.timeout:g} s: raise it, or see {name('url')}"
        case Reason.CANDIDATE_INVALID_RESPONSE | Reason.CANDIDATE_REDIRECT:
            return f"{name('url')} must be the base URL of an LLM API, such as https://host/v1"
        case _:
            return f"{name('url')} cannot be reached from here: is the server up, the name right?"


def _name(settings: Settings, candidate: Candidate, field: str) -> str:
    """The variable, or the key in the file."""
    if field == "rate":
        return "SHADOW_SAMPLE_RATE"
    if settings.candidate_url is not None and candidate.id == settings.candidate_model:
        return f"SHADOW_CANDIDATE_{field.upper()}"
    return f"`{field}` of {candidate.id} in SHADOW_CANDIDATES or shadow.toml"
