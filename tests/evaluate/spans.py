"""Spans as the runner emits them, made by a real tracer."""

import json

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shadow_mw import semconv
from shadow_mw.evaluate.pipeline import Evaluator, Store, label, summarise
from shadow_mw.prices import PriceTable
from shadow_mw.results import Label
from shadow_mw.settings import Price

START = 1_790_000_000_000_000_000
PRICES = PriceTable(
    {"big": Price(input="1", output="2"), "small": Price(input="0.1", output="0.2")}
)


ENDED = InMemorySpanExporter()
PROVIDER = TracerProvider(shutdown_on_exit=False)
PROVIDER.add_span_processor(SimpleSpanProcessor(ENDED))


def span(attributes, ms=100.0, start=START):
    """One ended span."""
    ENDED.clear()
    started = PROVIDER.get_tracer("test").start_span(
        "chat", attributes=attributes, start_time=start
    )
    started.end(start + int(ms * 1e6))
    return ENDED.get_finished_spans()[0]


def messages(text=None, tools=()):
    """Output messages with a text and tool calls of (name, arguments)."""
    parts = [] if text is None else [{"type": "text", "content": text}]
    parts += [{"type": "tool_call", "id": "t", "name": n, "arguments": a} for n, a in tools]
    return json.dumps([{"role": "assistant", "parts": parts, "finish_reason": "stop"}])


def leg(role, pair="p1", output=None, *, experiment="e", ms=100.0, start=START, tools=(), **more):
    """One leg; keyword arguments with `__` for `.` set any other attribute."""
    text = json.dumps(output) if isinstance(output, dict) else output
    attributes = {
        semconv.ROLE: role,
        semconv.PAIR_ID: pair,
        semconv.EXPERIMENT_ID: experiment,
        semconv.OUTCOME: "ok",
        semconv.OUTPUT_MESSAGES: messages(text, tools),
        semconv.REQUEST_MODEL: "big" if role == "primary" else "small",
        semconv.USAGE_INPUT_TOKENS: 1000,
        semconv.USAGE_OUTPUT_TOKENS: 100,
    }
    if role == "primary":
        attributes[semconv.REQUEST] = '{"messages": []}'
    else:
        attributes[semconv.CANDIDATE_ID] = "c"
    attributes |= {name.replace("__", "."): value for name, value in more.items()}
    return span({k: v for k, v in attributes.items() if v is not None}, ms, start)


def both(pair="p1", primary="yes", candidate="yes", **more):
    """Both legs of one pair, with the same further attributes."""
    return [leg("primary", pair, primary, **more), leg("candidate", pair, candidate, **more)]


def store_of(path, *spans, labels=()):
    """A store file with these spans and labels."""
    evaluator = Evaluator.open(path, PRICES)
    assert evaluator.export(spans).name == "SUCCESS"
    evaluator.shutdown()
    if labels:
        add_labels(path, *labels)
    return path


def add_labels(path, *labels):
    with Store.open(path) as store:
        return label(store, [Label(key, truth) for key, truth in labels])


def summary(path, **choice):
    with Store.open(path) as store:
        return summarise(store, **choice)
