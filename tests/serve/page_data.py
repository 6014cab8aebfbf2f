"""Pairs of every class of harm, sent over OTLP, and the client of a page."""

from __future__ import annotations

import json
import time
from typing import Any

from evaluate.spans import add_labels, both, leg
from serve.bodies import send
from support.serve import Serve

HOSTILE = "<img src=x onerror=alert(1)></script><script>document.title='taken'</script>"
TRUTH = {"vendor_tax_id": None, "total": "9.00", "lines": [{"item": "pen", "n": 2}]}
RIGHT = json.dumps(TRUTH)
ORDER = ["hallucinated", "new_refusal", "invalid_json", "wrong_value", "missed", "differs", "same"]


def answer(**more: Any) -> str:
    return json.dumps(TRUTH | more)


def fill(serve: Serve, token: str | None = None) -> None:
    """One pair of each class, named after it, and a truth for all that are JSON."""
    keyed = {"shadow__key": "invoice-17"}
    asked = {"shadow__request": json.dumps({"messages": [], "response_format": {"type": "json"}})}
    outputs = {
        "hallucinated": answer(vendor_tax_id="DE1"),
        "invalid_json": "{" + HOSTILE,
        "wrong_value": answer(total="8.00"),
        "missed": answer(total=None),
        "same": RIGHT,
    }
    spans = [
        span
        for name, text in outputs.items()
        for span in (
            leg("primary", f"p-{name}", RIGHT, shadow__segment="monday", **keyed, **asked),
            leg("candidate", f"p-{name}", text, shadow__segment="monday", **keyed),
        )
    ]
    failed = {"shadow__outcome": "timeout", "shadow__reason": "candidate_timeout"}
    spans.append(leg("primary", "p-new_refusal", "yes"))
    spans.append(leg("candidate", "p-new_refusal", None, **failed))
    spans += both("p-differs", f"old {HOSTILE}")[:1]
    spans += both("p-differs", candidate=f"new 100% {HOSTILE}")[1:]
    send(serve, *spans, token=token)
    add_labels(serve.store, ("invoice-17", TRUTH))


def listed(serve: Serve, **asked: Any) -> dict[str, Any]:
    """`GET /v1/harm`."""
    found: dict[str, Any] = serve.client.get("/v1/harm", params=asked).raise_for_status().json()
    return found


def names(found: dict[str, Any]) -> list[str]:
    return [row["pair_id"].removeprefix("p-") for row in found["rows"]]


def row_of(serve: Serve, name: str) -> int:
    """The number under which a pair is asked for."""
    (row,) = listed(serve, q=f"p-{name}")["rows"]
    return int(row["id"])


def figures(serve: Serve, **asked: Any) -> Any:
    """`GET /v1/report`, once there are figures."""
    end = time.monotonic() + 60
    while (response := serve.client.get("/v1/report", params=asked)).status_code == 202:
        assert time.monotonic() < end, "no figures come"
        time.sleep(0.1)
    return response.raise_for_status()
