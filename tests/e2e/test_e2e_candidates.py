"""Several candidates of one experiment: each at its own pace, and none at another one's cost."""

from __future__ import annotations

import json
from collections.abc import Callable

from support import calls
from support.lab import CANDIDATE, Lab, Model, model, resume, stop, until

from shadow_mw.types import REPEAT

BACKLOG = 400


def two(other: Model, **more: str) -> dict[str, str]:
    """Settings with a second candidate beside the lab's own."""
    second = {"id": "other", "url": other.url, "model": "other"}
    return {"SHADOW_CANDIDATES": json.dumps([second])} | more


def backlog(lab: Lab, before: Callable[[], object] = lambda: None) -> None:
    """One call, then many that wait on disk when the runner comes to them."""
    app = lab.agent()
    app.run(calls.ask, texts=["first"])
    lab.drained(1)
    (runner,) = lab.runners()
    stop(runner)
    before()
    app.run(calls.ask, texts=[f"question {n}" for n in range(BACKLOG)])
    resume(runner)


def outcomes(lab: Lab, candidate: str) -> dict[str, int]:
    assert lab.status is not None
    return lab.status.outcomes.get(candidate, {})


def test_a_backlog_waits_on_disk_where_all_are_equally_fast(
    new_lab: Callable[..., Lab], candidate: Model
) -> None:
    with model() as other:
        lab = new_lab(**two(other))
        backlog(lab)
        lab.drained(BACKLOG + 1)

        assert outcomes(lab, CANDIDATE) == outcomes(lab, "other") == {"mirrored": BACKLOG + 1}


def test_the_primary_asked_again_loses_nothing_of_a_backlog(
    new_lab: Callable[..., Lab], primary: Model
) -> None:
    key = {"SHADOW_PRIMARY_API_KEY": "sk-own-0123456789abcdef01234567"}
    lab = new_lab(SHADOW_REPEAT_RATE="1", SHADOW_PRIMARY_URL=primary.url, **key)
    backlog(lab)
    lab.drained(BACKLOG + 1)

    assert outcomes(lab, CANDIDATE) == outcomes(lab, REPEAT) == {"mirrored": BACKLOG + 1}


def test_one_that_hangs_holds_up_no_other(new_lab: Callable[..., Lab], candidate: Model) -> None:
    with model() as other:
        lab = new_lab(**two(other))
        backlog(lab, lambda: other.mode("hang"))

        until(lambda: len(candidate.seen()) == BACKLOG + 1, "every call at the candidate")
        shed = BACKLOG - 8 - 128
        until(lambda: outcomes(lab, "other").get("queue_full") == shed, "what was shed")
        assert len(other.seen()) == 1 + 8
