"""Every query of every panel and variable, as it is in the dashboards, against a Prometheus that
scrapes a real collector and a real evaluator."""

import math
import re

import pytest
from dashboards.conftest import CANDIDATE, Installation, dashboard, filled, panels

QUERIES = [
    pytest.param(target["expr"], id=f"{name}-{panel['title']}-{target['refId']}".replace(" ", "-"))
    for name in ("production", "shadow")
    for panel in panels(name)
    for target in panel["targets"]
]


@pytest.mark.parametrize("expression", QUERIES)
def test_a_panel_shows_something(installation: Installation, expression: str) -> None:
    samples = installation.prometheus.query(filled(expression))

    assert samples
    assert not any(math.isnan(sample.value) for sample in samples)


@pytest.mark.parametrize("name", ["production", "shadow"])
def test_variables_have_values(installation: Installation, name: str) -> None:
    for variable in dashboard(name)["templating"]["list"]:
        if variable["type"] != "query":
            continue
        (selector, label) = re.fullmatch(
            r"label_values\((.+), (\w+)\)", variable["query"]["query"]
        ).groups()
        samples = installation.prometheus.query(f"count by ({label}) ({filled(selector)})")
        assert all(sample.labels[label] for sample in samples)
        assert samples


def asked(installation: Installation, name: str, title: str, ref: str = "A") -> dict[str, float]:
    """What a panel shows, by its labels' values."""
    (panel,) = [panel for panel in panels(name) if panel["title"] == title]
    (target,) = [target for target in panel["targets"] if target["refId"] == ref]
    samples = installation.prometheus.query(filled(target["expr"]))
    return {" ".join(sample.labels.values()): sample.value for sample in samples}


def test_production_has_what_production_sent_and_nothing_else(installation: Installation) -> None:
    total = installation.prometheus.query("sum(traces_span_metrics_calls_total)")

    assert [sample.value for sample in total] == [2 * installation.requests]
    assert set(asked(installation, "production", "Models")) == {"chat big"}
    assert set(asked(installation, "production", "Request rate")) == {"shop"}
    for panel in panels("production"):
        for target in panel["targets"]:
            names = set(re.findall(r"\b(\w+)\{", target["expr"]))
            assert all(name.startswith("traces_span_metrics_") for name in names)


def test_the_shadow_view_counts_what_was_sent(installation: Installation) -> None:
    n = installation.requests
    funnel = [sum(asked(installation, "shadow", "Funnel", ref).values()) for ref in "ABCD"]

    assert funnel == [n + 6, n, n, n]
    assert asked(installation, "shadow", "Error rate, whole experiment") == {
        "primary": 0.0,
        "candidate": pytest.approx(0.1),
    }
    # A crash improves nothing: the candidate's failed tenth is odd, too, and hallucinates nothing.
    assert asked(installation, "shadow", "Hallucination rate, last 31 days") == {
        "primary": 0.0,
        "candidate": pytest.approx(0.4),
    }
    assert asked(installation, "shadow", "Spend against budget") == {"": pytest.approx(0.85)}


def test_reasons_name_what_did_not_get_on(installation: Installation) -> None:
    reasons = asked(installation, "shadow", "Why calls are missing")

    assert reasons["not_sampled"] == 2
    assert reasons["candidate_timeout"] == 2
    assert CANDIDATE not in reasons
