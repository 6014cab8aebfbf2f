"""What doctor says of calls that a runner has told of."""

from time import time

from shadow_mw.doctor import captured
from shadow_mw.runner.status import Status, write_status
from shadow_mw.settings import Settings
from shadow_mw.types import REPEAT


def seen(settings: Settings, **outcomes: dict[str, int]) -> str:
    settings.directory.mkdir(parents=True)
    status = Status(
        pid=1,
        time=time(),
        experiment="default",
        candidates=list(outcomes),
        target="shadow.db",
        in_flight=0,
        waiting=0,
        held=0,
        captured=8,
        outcomes=outcomes,
    )
    write_status(settings.directory, status)
    return captured.check(settings, present=True).seen


def test_calls_are_not_added_up_over_candidates(settings: Settings) -> None:
    """Each of them is asked every call."""
    found = seen(settings, small={"mirrored": 4}, large={"mirrored": 3, "timeout": 1})
    assert found == "8 calls, mirrored to large 3, to small 4, timeout 1"


def test_the_primary_asked_again_is_no_second_candidate(settings: Settings) -> None:
    found = seen(settings, small={"mirrored": 8}, **{REPEAT: {"mirrored": 2}})
    assert found == "8 calls, 8 mirrored; asked of the primary again: mirrored 2"
