"""Every alert, tried by promtool: it fires on the data it is for, and not on data next to it."""

import re
from pathlib import Path

import pytest
import yaml
from support.prometheus import ALERTS, CONFIG, promtool

from shadow_mw.types import CANDIDATE_REASONS, Reason

HERE = Path(__file__).parent
RULE_TESTS = sorted(HERE.glob("alerts_*.yml"))
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
NAMES = {rule["alert"]: rule for rule in RULES if "alert" in rule}
DOCS = HERE.parents[1] / "docs" / "dashboards.md"

NO_FAULT = {
    *(Reason.OFF, Reason.NOT_SAMPLED, Reason.WINDOW_NOT_OPEN, Reason.WINDOW_CLOSED),
    *(Reason.BUDGET_USD, Reason.MAX_CALLS, Reason.RECURSION, Reason.SUPERSEDED),
    *(Reason.STATEFUL, Reason.REQUEST_INVALID, Reason.REQUEST_INCOMPLETE),
    *(Reason.PRIMARY_PARTIAL, Reason.CONTENT_TRUNCATED, Reason.LEG_AWAITED),
}
"""Meant by somebody, or in the nature of the call. Failures of a candidate have their own alert."""


def expectations():
    """Of all rule tests: the name of the alert, and whether it is to fire."""
    for path in RULE_TESTS:
        for test in yaml.safe_load(path.read_text())["tests"]:
            for check in test["promql_expr_test"]:
                (name,) = re.findall(r'alertname="(\w+)"', check["expr"])
                assert test["name"].startswith((name, "Every alert"))
                yield name, bool(check["exp_samples"])


def test_configuration_and_rules_are_what_prometheus_takes():
    assert "SUCCESS" in promtool("check", "config", str(CONFIG))


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_rules(path):
    assert "SUCCESS" in promtool("test", "rules", path.name, cwd=HERE)


@pytest.mark.parametrize("fires", [True, False], ids=["fires", "silent"])
def test_every_alert_is_tried_both_ways(fires):
    assert {name for name, fired in expectations() if fired is fires} == set(NAMES)


def test_every_alert_says_what_to_do():
    for rule in NAMES.values():
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert len(rule["annotations"]["summary"]) > 20
        assert len(rule["annotations"]["description"]) > 80


def test_every_alert_is_explained():
    headings = re.findall(r"^### (Shadow\w+)$", DOCS.read_text(), re.MULTILINE)
    assert headings == list(NAMES)


def test_every_reason_is_either_a_fault_that_alerts_or_none():
    """A new reason has to be put on one side."""
    (lost,) = [rule["expr"] for rule in RULES if rule.get("record") == "shadow:lost_calls:delta1h"]
    (faults,) = re.findall(r'reason=~"([\w|]+)"', lost)
    assert set(faults.split("|")) == set(Reason) - NO_FAULT - CANDIDATE_REASONS


def test_what_is_not_meant_to_be_mirrored_is_no_silence():
    (meant,) = re.findall(r'reason=~"([\w|]+)"', NAMES["ShadowMirrorsNothing"]["expr"])
    assert set(meant.split("|")) <= NO_FAULT


def test_every_reason_is_explained():
    table = DOCS.read_text().partition("## Reasons")[2]
    explained = {word for row in table.splitlines() for word in re.findall(r"`(\w+)`", row[:90])}
    assert set(Reason) <= explained
