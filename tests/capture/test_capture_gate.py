from __future__ import annotations

import pytest

from shadow_mw.capture.gate import Gate
from shadow_mw.control import CONTROL, WINDOW, shared, write_json
from shadow_mw.settings import Settings
from shadow_mw.types import Reason


def gate(settings: Settings, control: object = None, window: object = None) -> Gate:
    settings.directory.mkdir(parents=True)
    for name, value in ((CONTROL, control), (WINDOW, window)):
        if value is not None:
            write_json(shared(settings.directory, name), value)
    return Gate(settings, settings.directory)


def test_everything_is_mirrored_by_default(settings: Settings):
    assert gate(settings).plain


@pytest.mark.parametrize(
    "control", [[], {"sample_rate": None}, {"sample_rate": "x"}, {"sample_rate": 7}, {"enabled": 0}]
)
def test_a_control_file_that_makes_no_sense_changes_nothing(settings: Settings, control: object):
    assert gate(settings, control).plain


def test_off_and_sample_are_heard(settings: Settings):
    made = gate(settings, {"enabled": False})
    assert made.refuses() is Reason.OFF

    write_json(shared(settings.directory, CONTROL), {"enabled": True, "sample_rate": 0.25})
    made.refresh()

    assert made.refuses() is None
    assert made.sample_rate == 0.25


@pytest.mark.parametrize(("window", "closed"), [({"end": 1.0}, True), ({"end": "soon"}, False)])
def test_the_window_that_the_runner_began_ends(settings: Settings, window: object, closed: bool):
    assert (gate(settings, None, window).refuses() is Reason.WINDOW_CLOSED) is closed


def test_a_slow_disk_pauses_for_a_while(settings: Settings):
    made = gate(settings)
    made.pause(60)

    assert made.refuses() is Reason.SPOOL_SLOW
    made.refresh()
    assert not made.plain


def test_an_upgrade_of_the_package_keeps_what_the_operator_said(settings: Settings):
    newer = settings.directory.with_name(settings.directory.name + ".post1")
    made = gate(settings, {"enabled": False})

    assert made.refuses() is Gate(settings, newer).refuses() is Reason.OFF
