"""When which test is due, what the window covers, and how a measure developed."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from decide.windows import DAY, START, Window, evidence, select, with_columns

from shadow_mw.decide.calendar import calendar
from shadow_mw.decide.case import before, case_of
from shadow_mw.decide.coverage import covered
from shadow_mw.decide.looks import look_at
from shadow_mw.decide.plan import Window as PlanWindow
from shadow_mw.decide.presets import ARTICLES
from shadow_mw.decide.sensitivity import sensitivity
from shadow_mw.decide.stats import obrien_fleming
from shadow_mw.decide.trends import trends
from shadow_mw.decide.units import clustered
from shadow_mw.decide.verdict import decide
from shadow_mw.verdicts import Decision, PlanName, State

REGISTERED = PlanName("articles", ARTICLES.hash, True, "")


def times(*days):
    return START + DAY * np.array(days, float)


def planned(**window):
    return ARTICLES.model_copy(update={"window": PlanWindow(**window)})


@pytest.mark.parametrize(
    ("newest", "name", "until"),
    [
        (0.5, "between looks (anytime-valid)", 14),
        (6.99, "between looks (anytime-valid)", 14),
        (7.0, "interim 1 of 2", 7),
        (7.99, "interim 1 of 2", 7),
        (8.0, "between looks (anytime-valid)", 14),
        (13.9, "between looks (anytime-valid)", 14),
        (13.96, "final", 14),
        (30, "final", 14),
    ],
)
def test_the_look_follows_from_the_newest_pair(newest, name, until):
    found = look_at(ARTICLES, times(0, newest))
    assert (found.name, found.until) == (name, START + until * DAY)
    assert found.planned is not name.startswith("between")
    assert found.complete is (name == "final")


def office_hours(until):
    """A call every ten minutes, Monday to Friday, 9 to 18, for a fortnight."""
    began = datetime(2026, 11, 2, 9, tzinfo=UTC).timestamp()
    every = began + np.arange(0, 14 * DAY, 600.0)
    hour, day = every / 3600 % 24, (every // DAY + 3) % 7
    return every[(hour >= 9) & (hour < 18) & (day < 5) & (every < began + until * DAY)]


@pytest.mark.parametrize(
    ("until", "complete"),
    [(14, True), (11.4, True), (10.4, False), (7.3, False)],
)
def test_a_window_whose_last_days_are_a_weekend_is_over_when_the_weekend_begins(until, complete):
    found = look_at(ARTICLES, office_hours(until))
    assert found.complete is complete


def test_planned_looks_spend_alpha_as_o_brien_and_fleming_do():
    first, final = obrien_fleming((0.5, 1.0), 0.05)
    assert look_at(ARTICLES, times(0, 7)).alpha == first
    assert look_at(ARTICLES, times(0, 14)).alpha == final
    assert look_at(ARTICLES, times(0, 9)).alpha == ARTICLES.alpha


def test_a_window_ends_at_the_same_time_of_day_when_clocks_change():
    zone = ZoneInfo("Europe/Berlin")
    began = datetime(2026, 10, 20, 9, 30, tzinfo=zone)
    found = look_at(planned(timezone="Europe/Berlin"), np.array([began.timestamp()]))
    end = datetime.fromtimestamp(found.end, zone)
    assert (end.isoformat(), found.start) == (
        "2026-11-03T09:00:00+01:00",
        began.timestamp() - 1800,
    )


def test_data_after_the_look_are_left_out():
    found = evidence(Window(days=7.5, worse_on={"monday": 0.2}))
    case = case_of(ARTICLES, found)
    assert case.look.name == "interim 1 of 2"
    assert case.pairs.time_s[-1] < START + 7 * DAY <= case.window.time_s[-1]
    late = evidence(Window(days=28))
    assert case_of(ARTICLES, late).window.time_s[-1] < START + 14 * DAY
    assert decide(ARTICLES, late, REGISTERED).decision is Decision.GO


def test_a_disaster_is_called_off_early_and_success_is_not():
    bad = decide(ARTICLES, evidence(Window(days=3, errors=(0.002, 0.05))), REGISTERED)
    assert (bad.decision, bad.look) == (Decision.NO_GO, "between looks (anytime-valid)")
    assert "confidence sequence" in next(g for g in bad.gates if g.name == "errors").method
    good = decide(ARTICLES, evidence(Window(days=7.2)), REGISTERED)
    assert (good.decision, good.look) == (Decision.INSUFFICIENT, "interim 1 of 2")
    assert good.reason == "days: 8 of 14 days: the window is not over"


def test_between_looks_segments_that_are_worse_together_prove_one_another():
    """e-BH: one of the five would not be called by confidence sequences at alpha by 21."""
    worse = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), 0.917)
    window = Window(pairs=14_000, days=13.0, accuracy=(0.94, 0.94), worse_on=worse)
    found = decide(ARTICLES, evidence(window), REGISTERED)
    one = decide(ARTICLES, evidence(replace(window, worse_on={"monday": 0.94})), REGISTERED)

    regressed = {row.name for row in found.segments if row.state == "regressed"}
    assert regressed == set(worse)
    assert {row.measure for row in found.segments if row.name in worse} == {"accuracy"}
    assert "regressed" not in {row.state for row in one.segments}
    methods = {g.name: g.method for g in found.gates}
    assert methods["segments"].startswith("e-BH")
    assert "Holm" not in methods["hallucination.fields"]


def test_intervals_between_looks_are_wider_than_at_them():
    at = decide(ARTICLES, evidence(Window(days=7.0)), REGISTERED)
    between = decide(ARTICLES, evidence(Window(days=6.9)), REGISTERED)
    final = decide(ARTICLES, evidence(), REGISTERED)
    widths = [
        high - low
        for verdict in (final, at, between)
        for gate in verdict.gates
        if gate.name == "errors" and (ends := gate.interval)
        for low, high in [ends]
    ]
    assert widths == sorted(widths)


def test_missing_days_and_hours_are_named_in_the_plans_zone():
    found = evidence(Window(missing=(3, 4)))
    coverage = covered(case_of(ARTICLES, found))
    assert coverage.days == 12
    assert coverage.weekdays == (2, 2, 2, 1, 1, 2, 2)
    assert coverage.missing[:2] == (
        "no pair on Thursday 2026-11-05",
        "no pair on Friday 2026-11-06",
    )
    assert coverage.volume_share == pytest.approx(12 / 14, abs=0.01)
    assert sum(map(sum, coverage.hours)) == len(found.pairs)
    there = covered(case_of(planned(timezone="Asia/Tokyo"), found))
    # Nine hours ahead: Thursday has its first nine hours, and only Friday has none.
    assert (there.days, there.weekdays[3:5]) == (13, (2, 1))
    assert there.missing[0] == "no pair on Friday 2026-11-06"


def test_hours_without_pairs_weigh_what_the_same_hours_have():
    found = evidence(Window())
    when = calendar(found.pairs.time_s, "UTC")
    first_monday = (when.day == when.day[0]) & (when.hour >= 9) & (when.hour < 21)
    kept = np.flatnonzero(~first_monday)
    holes = replace(found, pairs=select(found.pairs, kept))
    coverage = covered(case_of(ARTICLES, holes))
    # Twelve hours of the only other Monday stand for them, a half each: the mean of both.
    assert coverage.volume_share == pytest.approx(1 - 12 / 24 / 14 / 2, abs=0.005)
    assert "hours without a pair: Monday 2026-11-02 09:00" in " ".join(coverage.missing)
    assert coverage.days == 14


def test_a_window_that_begins_at_noon_has_as_many_days_as_planned():
    late = evidence(Window(days=14))
    shifted = with_columns(late, time_s=late.pairs.time_s + 13 * 3600)
    found = decide(ARTICLES, shifted, REGISTERED)
    days = next(gate for gate in found.gates if gate.name == "coverage.days")
    assert (days.state, days.reason) == (State.PASS, "14 of 14 days")
    assert found.coverage.start == "2026-11-02T13:00:00Z"
    assert found.coverage.volume_share > 0.999


@pytest.mark.parametrize(("days", "shown"), [(0.3, 1), (1.5, 3), (13.9, 14)])
def test_a_window_that_began_this_afternoon_has_its_first_day(days, shown):
    """A few calls on the first afternoon are not `0 of 14 days`."""
    late = evidence(Window(days=days, pairs=4_000))
    shifted = with_columns(late, time_s=late.pairs.time_s + 13 * 3600)
    found = decide(ARTICLES, shifted, REGISTERED)
    gate = next(gate for gate in found.gates if gate.name == "coverage.days")
    assert gate.reason == f"{shown} of 14 days: the window is not over"
    assert found.coverage.days == gate.candidate == shown


def test_local_days_and_hours():
    moments = [
        datetime(2026, 11, 1, 23, 59, tzinfo=UTC).timestamp(),
        datetime(2026, 11, 2, 0, 10, tzinfo=UTC).timestamp(),
    ]
    utc, india = (calendar(np.array(moments), zone) for zone in ("UTC", "Asia/Kolkata"))
    assert (utc.weekday.tolist(), utc.hour.tolist()) == ([6, 0], [23, 0])
    assert (india.weekday.tolist(), india.hour.tolist()) == ([0, 0], [5, 5])


def test_trends_are_one_sequence_over_the_days_and_hold_what_is_true():
    found = trends(case_of(ARTICLES, evidence(Window(hallucination=(0.003, 0.011)))))
    assert list(found) == ["hallucination", "accuracy", "errors"]
    points = found["hallucination"]
    assert [point.day for point in points][::13] == ["2026-11-02", "2026-11-15"]
    widths = [point.high - point.low for point in points]
    assert widths == sorted(widths, reverse=True)
    assert all(point.low <= 0.008 <= point.high for point in points)
    assert points[-1].low > 0.002
    assert points[-1].n == 2 * 40_000


def test_a_days_end_of_sessions_is_what_the_whole_sequence_says():
    found = evidence(Window(batch=3))
    whole = trends(case_of(ARTICLES, found))["accuracy"]
    part = trends(case_of(ARTICLES, replace(found, pairs=before(found.pairs, START + 5 * DAY))))
    assert len(part["accuracy"]) == 5
    assert part["accuracy"][-1].n == whole[4].n
    assert part["accuracy"][-1].low == pytest.approx(whole[4].low, abs=1e-4)


def test_sensitivity_names_the_day_and_the_clusters():
    window = Window(batch=3, accuracy=(0.94, 0.98), worse_on={"monday": 0.91})
    lines = sensitivity(case_of(ARTICLES, evidence(window)))
    found = {(gate, variation): outcome for gate, variation, outcome in lines}
    assert found["accuracy", "by weekday"].startswith("-3.")
    assert "(Monday) to +4." in found["accuracy", "by weekday"]
    assert "points (2026-11-" in found["accuracy", "a day left out"]
    assert "design effect of all pairs 3." in found["hallucination", "one pair a cluster"]
    assert not sensitivity(case_of(ARTICLES, evidence(Window(pairs=0))))


def test_clusters_are_numbered_as_they_come_and_those_without_a_name_are_alone():
    found = clustered(np.array([7, -1, 3, 7, -1], np.int32))
    assert found.codes.tolist() == [0, 1, 2, 0, 3]
    assert found.sums(np.arange(5)).tolist() == [3, 1, 2, 4]
    assert found.first(5).tolist() == [0, 1, 2, 4]
    assert clustered(np.array([-1, 5, -1], np.int32)).codes is None
