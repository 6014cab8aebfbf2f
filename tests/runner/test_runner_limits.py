from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from shadow_mw.prices import PriceTable
from shadow_mw.runner.ledger import Ledger
from shadow_mw.runner.limits import Breaker, Budget
from shadow_mw.settings import Candidate, Price, Settings
from shadow_mw.types import REPEAT, Call, Reason, Usage

PRICES = PriceTable({"m": Price(input=Decimal(1), output=Decimal(2))})
CALL = Call("m", False, [], [], [], False, max_tokens=1000, params={})


@pytest.fixture
def ledger(tmp_path: Path):
    made = Ledger(tmp_path / "abc-0.1.0")
    yield made
    made.close()


def budget(ledger: Ledger, **limits: object) -> Budget:
    settings = Settings(candidate_url="http://x/v1", candidate_model="m", **limits)
    return Budget(settings, Candidate(id="m", url="http://x/v1", model="m"), PRICES, ledger)


def test_calls_are_counted_and_end_at_the_bound(ledger: Ledger):
    limited = budget(ledger, max_calls=2)

    answers = [limited.reserve(CALL, 300) for _ in range(3)]

    assert answers[2] is Reason.MAX_CALLS
    assert ledger.spent("m").calls == 2


def test_money_is_reserved_before_and_settled_after(ledger: Ledger):
    limited = budget(ledger, budget_usd=Decimal("0.01"))

    reserved = limited.reserve(CALL, 3000)
    assert reserved == Decimal(1000 * 1 + 1000 * 2) / 1_000_000
    assert ledger.spent("m").usd == reserved
    limited.settle(reserved, Usage(input_tokens=100, output_tokens=10))

    assert ledger.spent("m").usd == Decimal("0.00012")


def test_reservations_alone_exhaust_a_budget(ledger: Ledger):
    limited = budget(ledger, budget_usd=Decimal("0.007"))

    answers = [limited.reserve(CALL, 3000) for _ in range(3)]

    assert answers[2] is Reason.BUDGET_USD
    assert ledger.spent("m").usd <= Decimal("0.007")


def test_a_reservation_whose_call_died_with_the_runner_stays(ledger: Ledger):
    budget(ledger, budget_usd=Decimal("0.007")).reserve(CALL, 3000)

    assert isinstance(budget(ledger, budget_usd=Decimal("0.007")).reserve(CALL, 3000), Decimal)
    assert budget(ledger, budget_usd=Decimal("0.007")).reserve(CALL, 3000) is Reason.BUDGET_USD


def test_unknown_usage_keeps_the_reservation(ledger: Ledger):
    limited = budget(ledger, budget_usd=Decimal(1))
    reserved = limited.reserve(CALL, 3000)

    limited.settle(reserved, Usage())

    assert ledger.spent("m").usd == reserved


def test_hosts_share_the_bounds(ledger: Ledger):
    limited = budget(ledger, max_calls=4, replicas=2)

    assert [limited.reserve(CALL, 3) for _ in range(3)][2] is Reason.MAX_CALLS


def test_the_breaker_opens_probes_and_closes():
    now = [0.0]
    breaker = Breaker(threshold=2, first=5, longest=8, clock=lambda: now[0])

    breaker.failed()
    assert breaker.admits()
    breaker.failed()
    assert not breaker.admits()

    now[0] = 5.0
    assert breaker.admits()
    assert not breaker.admits(), "one probe at a time"
    breaker.failed()
    now[0] = 12.0
    assert not breaker.admits(), "the wait has grown, up to 8 s"
    now[0] = 13.0
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.admits()
    assert breaker.admits()


def test_an_upgrade_of_the_package_is_no_new_budget(tmp_path: Path):
    old, new = Ledger(tmp_path / "abc-0.1.0"), Ledger(tmp_path / "abc-0.2.0")

    budget(old, max_calls=1).reserve(CALL, 3)

    assert budget(new, max_calls=1).reserve(CALL, 3) is Reason.MAX_CALLS
    old.close()
    new.close()


def test_trying_again_needs_a_call_too(ledger: Ledger):
    limited = budget(ledger, max_calls=2)
    limited.reserve(CALL, 3)

    assert [limited.repeat(), limited.repeat()] == [True, False]


def shared(ledger: Ledger, **limits: object) -> dict[str, Budget]:
    """Two candidates, and the primary that is asked again."""
    both = [Candidate(id=name, url="http://x/v1", model="m") for name in ("a", "b")]
    settings = Settings(candidates=tuple(both), **limits)
    primary = Candidate(id=REPEAT, url="http://x/v1", model="")
    return {one.id: Budget(settings, one, PRICES, ledger) for one in (*both, primary)}


def test_asking_the_primary_again_counts_against_every_candidates_calls(ledger: Ledger):
    limited = shared(ledger, max_calls=3)

    limited["a"].reserve(CALL, 3)
    limited[REPEAT].reserve(CALL, 3)

    assert isinstance(limited["b"].reserve(CALL, 3), Decimal)
    assert isinstance(limited["b"].reserve(CALL, 3), Decimal), "none of these is a's"
    assert limited["b"].reserve(CALL, 3) is Reason.MAX_CALLS
    assert limited[REPEAT].reserve(CALL, 3) is Reason.MAX_CALLS, "b has no call left to share"
    assert isinstance(limited["a"].reserve(CALL, 3), Decimal)
    assert limited["a"].reserve(CALL, 3) is Reason.MAX_CALLS


def test_a_candidates_gauge_is_what_its_budget_is_used_up_by(ledger: Ledger):
    limited = shared(ledger, budget_usd=Decimal(1))
    for name in ("a", REPEAT):
        limited[name].settle(limited[name].reserve(CALL, 3), Usage(input_tokens=10**5), "m")

    assert limited["a"].money == {"spend_usd": 0.2, "budget_usd": 1.0}
    assert limited["b"].money == {"spend_usd": 0.1, "budget_usd": 1.0}
    assert limited[REPEAT].money == {"spend_usd": 0.1}
