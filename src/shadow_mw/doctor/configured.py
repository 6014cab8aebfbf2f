"""The settings: what would be mirrored now, and what keeps anything from being mirrored."""

from __future__ import annotations

from decimal import Decimal

from shadow_mw.capture.gate import Gate
from shadow_mw.control import CONTROL, shared
from shadow_mw.doctor.finding import Finding, broken, holds
from shadow_mw.runner.progress import MIRRORED
from shadow_mw.runner.status import Status, read_status
from shadow_mw.settings import Settings, unknown_variables
from shadow_mw.types import REPEAT, Reason

LINK = "settings"


def check(settings: Settings) -> Finding:
    """Whether a call that came now would be mirrored."""
    gate = Gate(settings, settings.directory)
    control = shared(settings.directory, CONTROL)
    if not settings.enabled:
        return broken(LINK, "mirroring is off", "SHADOW_ENABLED is false: unset it in the app")
    if gate.refusal is Reason.OFF:
        return broken(LINK, f"mirroring is off, {control} says so", "run `shadow-mw on`")
    if gate.refusal is Reason.WINDOW_NOT_OPEN:
        at = settings.window_start
        return broken(LINK, f"the window opens at {at}", "wait, or mend SHADOW_WINDOW_START")
    if gate.refusal is Reason.WINDOW_CLOSED:
        mend = "mend SHADOW_WINDOW_END or SHADOW_WINDOW_DAYS, or name another SHADOW_EXPERIMENT"
        return broken(LINK, "the window is over", mend)
    if gate.sample_rate == 0:
        where = "SHADOW_SAMPLE_RATE" if settings.sample_rate == 0 else str(control)
        return broken(LINK, f"{where} samples no call", "run `shadow-mw sample 1`")
    return _spent(settings) or holds(LINK, _in_force(settings, gate.sample_rate))


def _spent(settings: Settings) -> Finding | None:
    """A finding where the money is gone, or the calls."""
    status = read_status(settings.directory)
    if status is None:
        return None
    for name in status.candidates:
        usd = sum(Decimal(status.spent_usd.get(one, "0")) for one in (name, REPEAT))
        if settings.budget_usd is not None and usd >= settings.budget_usd / settings.replicas:
            return broken(LINK, f"{name} has spent ${usd:.2f}", "raise SHADOW_BUDGET_USD")
        calls = _calls(status, name) + _calls(status, REPEAT)
        if settings.max_calls is not None and calls >= settings.max_calls // settings.replicas:
            return broken(LINK, f"{name} was called {calls} times", "raise SHADOW_MAX_CALLS")
    return None


def _calls(status: Status, candidate: str) -> int:
    return status.outcomes.get(candidate, {}).get(MIRRORED, 0)


def _in_force(settings: Settings, rate: float) -> str:
    ids = ", ".join(f"{c.id} at {c.url}" for c in settings.all_candidates)
    end = settings.window_end
    window = f"until {end}" if end else f"{settings.window_days:g} days from the first call"
    budget = "none" if settings.budget_usd is None else f"${settings.budget_usd}"
    text = (
        f"experiment {settings.experiment}, candidate {ids}, sample {rate:g}, window {window}, "
        f"budget {budget}, to {settings.otlp_endpoint or settings.store}"
    )
    if settings.repeat_rate > 0:
        share = f"{100 * settings.repeat_rate:.4g} %"
        text += f"; {share} of the calls go to {settings.primary_url} again"
    unknown = unknown_variables()
    return text + (f"; no settings, and ignored: {', '.join(unknown)}" if unknown else "")
