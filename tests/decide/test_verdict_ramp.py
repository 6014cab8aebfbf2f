"""Phases of a ramp: what each may pass on, and what stops it."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from decide.windows import Window, evidence

from shadow_mw.decide.phases import PHASES, phase_result
from shadow_mw.decide.presets import ARTICLES
from shadow_mw.decide.ramp import kills, ramp_json
from shadow_mw.decide.verdict import decide
from shadow_mw.report.ramp_markdown import ramp_markdown
from shadow_mw.verdicts import Decision, PlanName

REGISTERED = PlanName("articles", ARTICLES.hash, True, "")


def reached(name, found, plan=ARTICLES, plan_name=REGISTERED, **signed):
    verdict = decide(plan, found, plan_name, **signed)
    return phase_result(PHASES[name], plan, found, verdict)


@pytest.mark.parametrize(
    ("days", "pairs", "passed"),
    [
        (1, 400, []),
        (1, 600, ["5"]),
        (4, 12_000, ["5", "25"]),
        (14, 40_000, ["5", "25", "100", "canary"]),
    ],
)
def test_more_is_proven_the_longer_it_runs(days, pairs, passed):
    found = evidence(Window(days=days, pairs=pairs, errors=(0.004, 0.001)))
    results = {name: reached(name, found) for name in PHASES}
    assert [n for n, result in results.items() if result.decision is Decision.GO] == passed
    assert all(result.decision is not Decision.NO_GO for result in results.values())


def test_a_proven_failure_stops_every_phase():
    found = evidence(Window(days=2, errors=(0.002, 0.05)))
    for name in PHASES:
        result = reached(name, found)
        assert result.decision is Decision.NO_GO
        assert "errors" in {gate.name for gate in result.gates}
        assert result.reason.startswith("errors: ")


def test_a_spent_budget_stops_it():
    plan = ARTICLES.model_copy(update={"budget_usd": Decimal("1.00")})
    result = reached("5", evidence(), plan)
    assert result.decision is Decision.NO_GO
    assert result.reason.startswith("the candidate's calls cost $4.")
    rich = ARTICLES.model_copy(update={"budget_usd": Decimal("10.00")})
    assert reached("5", evidence(), rich).decision is Decision.GO


def test_a_quarter_needs_data_of_every_gate():
    unlabelled = evidence(Window(days=3, labelled=False))
    assert reached("5", unlabelled).decision is Decision.GO
    result = reached("25", unlabelled)
    assert (result.decision, result.reason) == (
        Decision.INSUFFICIENT,
        "hallucination on null fields: no ground truth: shadow-mw label",
    )


def test_real_traffic_needs_a_registered_plan_and_waivers_that_still_hold():
    found = evidence(likeness=())
    late = replace(REGISTERED, registered=False, note="unregistered")
    waiver = {"likeness": "Ann: until 2026-11-30, no A/A pairs"}
    assert reached("100", found, plan_name=late, waivers=waiver).decision is Decision.GO
    assert reached("canary", found, plan_name=late, waivers=waiver).decision is not Decision.GO
    assert reached("canary", found, waivers=waiver).decision is Decision.GO
    old = reached("canary", found, waivers={"likeness": "Ann: until 2026-11-10"})
    assert old.decision is Decision.INSUFFICIENT
    assert old.reason == (
        "the waiver of likeness held until 2026-11-10, and the newest pair is of 2026-11-15"
    )
    shouted = reached("canary", found, waivers={"likeness": "Ann: UNTIL 2026-11-10"})
    assert shouted.reason == old.reason
    for odd in ("2026-99-10", "2026-1-5", "5/1/2026"):
        result = reached("canary", found, waivers={"likeness": f"Ann: until {odd}"})
        assert f"until {odd}, which is no day" in result.reason
    free = reached("canary", found, waivers={"likeness": "Ann: until 500 pairs are labelled"})
    assert free.decision is Decision.GO


def test_what_stops_the_ramp_is_what_decides():
    plan = ARTICLES.model_copy(update={"budget_usd": Decimal(5)})
    verdict = decide(plan, evidence(Window(pairs=2_000)), REGISTERED)
    found = {kill.gate: kill for kill in kills(plan, verdict)}
    gates = {gate.name: gate for gate in verdict.gates if not gate.name.startswith("coverage.")}
    assert set(found) == {*gates, "budget"}
    assert all(found[name].margin == gate.margin for name, gate in gates.items())
    assert "\n> 0.005 * sum(" in found["accuracy"].promql
    assert 'model="llama"' in found["errors"].canary_promql
    table = ramp_json(plan, verdict)
    assert [phase["share"] for phase in table["phases"]] == [0.05, 0.25, 1, 0.05, 0.25, 0.5, 1]
    text = ramp_markdown(table, verdict)
    assert all(phase["check"] in text for phase in table["phases"])


def test_names_in_the_ramp_are_no_markup():
    found = evidence(Window(pairs=2_000))
    series = replace(found.series, experiment="<img src=x>", candidate="`rm`|b\n# c")
    verdict = decide(ARTICLES, replace(found, series=series), REGISTERED)
    verdict = replace(verdict, reason="field <script>: +1 point")
    text = ramp_markdown(ramp_json(ARTICLES, verdict), verdict)
    lines = text.split("## What stops it")[0].splitlines()
    assert lines[0] == r"# Ramp of \`rm\`\|b?\# c in \<img src=x\>"
    assert r"field \<script\>: +1 point" in lines[2]
    (row,) = [line for line in lines if line.startswith("| shadow 5 ")]
    cells = re.split(r"(?<!\\)\|", row)
    assert len(cells) == 6
    check = cells[4].strip()
    assert (check[:3], check[-3:]) == ("`` ", " ``")
    assert r"--candidate '`rm`\|b\n# c'" in check


def test_queries_of_a_hostile_name_stay_strings():
    found = evidence(Window(pairs=2_000))
    series = replace(found.series, candidate='x"} or vector(1) #\n')
    verdict = decide(ARTICLES, replace(found, series=series), REGISTERED)
    query = kills(ARTICLES, verdict)[0].promql
    assert 'candidate="x\\"} or vector(1) #\\n"' in query
