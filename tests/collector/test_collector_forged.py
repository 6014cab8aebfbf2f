"""Nothing that a caller, baggage or a wrong deployment says moves a span to the other side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from collector.conftest import ROUTING, SHADOW, Chain, running_chain
from support.lab import until
from support.otelcol import series
from support.otlp_traffic import MARK, Made, pair

ROLES: list[dict[str, Any]] = [
    {"shadow.role": "candidate"},
    {"shadow.role": "primary", "shadow.mark": ""},
    {"shadow.role": "candidate", "shadow.mark": "0123456789.wrong-mark"},
    {"shadow.role": "judge", "shadow.mark": MARK + "x"},
    {"shadow.role": "candidate", "shadow.mark": MARK[:-1]},
    {"shadow.role": "candidate", "shadow.mark": 5},
    {"shadow.role": "candidate", "shadow.mark": MARK.encode()},
    {"shadow.role": 1, "shadow.outcome": "ok", "shadow.request": "x", "shadow.": "y"},
]
STATES = [
    "shadow=",
    "shadow=0123456789.wrong-mark",
    f"shadow={MARK}x",
    f"shadow=x{MARK}",
    f"shadows={MARK}",
    f"vendor=shadow={MARK}",
    f"SHADOW={MARK}",
    "shadow=a,shadow=b",
    ",,,===",
]


@pytest.mark.parametrize("forged", ROLES, ids=range(len(ROLES)))
def test_forged_attributes_are_removed_and_the_span_stays(
    chain: Chain, trace: str, forged: dict[str, Any]
) -> None:
    mine = {"http.route": "/x", "shadowing": 1, "x.shadow.role": "a"}
    pair_id = {"shadow.pair.id": "p", "shadow.experiment.id": "e"}
    resource = {"service.name": "shop", "shadow.role": "candidate", "shadow.mark": MARK}
    chain.send(
        Made("plain", trace, attributes={**mine, **forged}),
        Made("paired", trace, attributes={**pair_id, **forged, **mine}),
        Made("on a resource", trace, attributes=mine, resource=resource),
    )
    chain.barrier()
    came = {span.name: span for span in chain.at_primary(trace)}
    assert came["plain"].attributes == mine
    assert came["paired"].attributes == {**mine, **pair_id}
    assert came["on a resource"].attributes == mine
    assert came["on a resource"].resource == {"service.name": "shop"}
    assert len(came) == len(chain.at_primary(trace)) == 3
    assert chain.at_evaluator(trace) == []


@pytest.mark.parametrize("state", STATES)
def test_forged_tracestate_stays_as_it_is(chain: Chain, trace: str, state: str) -> None:
    chain.send(Made("GET /", trace, state=state))
    chain.barrier()
    assert [span.trace_state for span in chain.at_primary(trace)] == [state]
    assert chain.at_evaluator(trace) == []


def test_candidates_own_server_is_recognised_by_the_mark(chain: Chain, trace: str) -> None:
    forged = {"shadow.pair.id": "p9", "shadow.role": "primary", "http.route": "/v1"}
    state = f"a=1,shadow={MARK},b=2"
    chain.send(Made("llm_request", trace, state=state, scope="vllm", attributes=forged))
    chain.barrier()
    assert chain.at_primary(trace) == []
    (span,) = chain.at_evaluator(trace)
    assert span.attributes["shadow.role"] == "candidate"
    assert span.trace_state == ""


@pytest.mark.parametrize("mark", [None, "", "0123456789.wrong-mark"])
def test_the_runners_spans_with_a_wrong_mark_go_nowhere_and_are_counted(
    chain: Chain, trace: str, mark: str | None
) -> None:
    def counted() -> float:
        name = "otelcol_processor_filter_spans_filtered"
        return chain.collector.metric(name, filter="filter/unverified")

    before = counted()
    app = Made("app", trace)
    chain.send(app, *pair("p3", app, mark=mark))
    chain.barrier()
    assert [span.name for span in chain.at_primary(trace)] == ["app"]
    assert chain.at_evaluator(trace) == []
    assert counted() == before + 2


def test_forgeries_are_not_in_span_metrics_as_shadow(chain: Chain, trace: str) -> None:
    chain.send(Made("forged for metrics", trace, attributes={"shadow.role": "candidate"}))
    for _ in range(3):
        chain.barrier()
    assert [n for n in series(chain.collector.span_metrics) if "forged for metrics" in n]


@pytest.fixture(scope="module", params=[SHADOW, ROUTING], ids=["shadow", "routing"])
def configs(request: pytest.FixtureRequest) -> list[Path]:
    return request.param


@pytest.fixture(scope="module", params=["unset", "empty", "other"])
def untrusting(
    request: pytest.FixtureRequest, configs: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chain]:
    """A collector without a mark, or with another one."""
    path = tmp_path_factory.mktemp("collector")
    mark = {"unset": None, "empty": "", "other": "another-mark-0123456789"}[request.param]
    with running_chain(path, configs, SHADOW_MARK=mark) as one:
        yield one


def test_without_our_mark_production_is_whole_and_nothing_is_evaluated(
    untrusting: Chain, trace: str
) -> None:
    app = Made("app", trace, attributes={"a": 1, "shadow.pair.id": "p", "shadow.role": "primary"})
    rest = [
        Made("marked", trace, attributes={"shadow.mark": MARK, "shadow.role": "candidate"}),
        Made("empty mark", trace, attributes={"shadow.mark": "", "shadow.role": "candidate"}),
        Made("state", trace, state=f"shadow={MARK}"),
        Made("empty state", trace, state="shadow="),
        Made("no state", trace),
    ]
    untrusting.send(app, *pair("p4", app), *pair("p5", app, mark=""), *rest)
    untrusting.barrier()
    names = sorted(span.name for span in untrusting.at_primary(trace))
    assert names == sorted(["app", *(span.name for span in rest)])
    came = {span.name: span.attributes for span in untrusting.at_primary(trace)}
    assert came["app"] == {"a": 1, "shadow.pair.id": "p"}
    assert came["marked"] == came["empty mark"] == {}
    assert untrusting.evaluator.spans == []


@pytest.mark.parametrize("mark", ["0123456789012345", "1000000000000e10", "0x12345678901234567"])
def test_a_mark_may_look_like_a_number(tmp_path: Path, trace: str, mark: str) -> None:
    with running_chain(tmp_path, SHADOW_MARK=mark) as chain:
        app = Made("app", trace)
        chain.send(app, *pair("p6", app, mark=mark), Made("own", trace, state=f"shadow={mark}"))
        chain.barrier()
        assert [span.name for span in chain.at_primary(trace)] == ["app"]
        until(lambda: len(chain.at_evaluator(trace)) == 3, "both legs and the server's span")
