"""Two models that extract the fields of invoices, as well as the article says they do."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Mapping
from typing import Any

from benchmarks.article import HARD, HARDER, PRIMARY, Model
from benchmarks.draws import Quotas, Uniform, around, skewed
from shadow_mw.demo.documents import INVOICE_SCHEMA, Document

SYSTEM = (
    "You extract fields from supplier invoices. Copy each value as it is printed; give null for"
    " what the invoice does not state, and never derive a value. The vendor is who sent the"
    " invoice, not who pays it: the customer's tax number is not the vendor's. Answer with one"
    " JSON object that follows the schema."
)
RESPONSE_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "invoice", "strict": True, "schema": INVOICE_SCHEMA},
}
BEFORE_ANY = "2231-0457"
"""What is invented before any document stated such a field."""
SPREAD = 0.25
"""Of the logarithm of what a call costs."""
TIMEOUT_MS = 30_000.0

Row = dict[str, Any]
Fields = Mapping[str, str | None]


class Extractor:
    """One model: which documents it errs on is drawn by quota, so that its figures come out."""

    def __init__(self, model: Model, rng: random.Random, *, priced: bool) -> None:
        self._model, self._rng, self._priced = model, rng, priced
        self._quotas = Quotas(rng)
        self._latency, self._cost = Uniform(rng), Uniform(rng)
        self._stated: dict[str, str] = {}

    def leg(self, document: Document, accuracy: float, *, hard: bool) -> Row:
        """The model's half of a row."""
        model = self._model
        leg: Row = {"model": model.name}
        if self._quotas.draw("fails", model.error_rate):
            return leg | {"output": None, "error": "timeout", "latency_ms": TIMEOUT_MS}
        # A failed call is slower than all others: it is above every percentile of these.
        u = self._latency.draw() * (1 - model.error_rate)
        text, reason = self._output(self._fields(document.truth, accuracy, hard))
        leg |= {
            "output": text,
            "finish_reason": reason,
            "latency_ms": round(skewed(u, model.p50_ms, model.p99_ms), 3),
            "input_tokens": (len(document.text) + len(SYSTEM)) // 3,
            "output_tokens": len(text) // 3,
        }
        cost = around(self._cost.draw(), model.cost_per_1k_usd / 1000, SPREAD)
        return leg | ({"cost_usd": round(cost, 9)} if self._priced else {})

    def _fields(self, truth: Fields, accuracy: float, hard: bool) -> Fields:
        model, draw = self._model, self._quotas.draw
        wrong = model.wrong_values(accuracy) / (1 + HARD * (HARDER - 1)) * (HARDER if hard else 1)
        said: dict[str, str | None] = {}
        for name, value in truth.items():
            if value is None:
                invents = draw("invents", model.hallucination_rate / (1 - model.lost))
                said[name] = self._stated.get(name, BEFORE_ANY) if invents else None
            elif draw("errs", wrong):
                said[name] = None if draw("misses", model.missed) else self._slip(value)
            else:
                said[name] = value
        # What it invents next is as plausible: another document's.
        self._stated.update({name: value for name, value in truth.items() if value})
        return said

    def _slip(self, value: str) -> str:
        """One letter or digit read as another."""
        places = [place for place, char in enumerate(value) if char.isalnum()]
        place = self._rng.choice(places) if places else 0
        signs = string.digits if value[place].isdigit() else string.ascii_letters
        sign = self._rng.choice(signs.replace(value[place], ""))
        return value[:place] + sign + value[place + 1 :]

    def _output(self, fields: Fields) -> tuple[str, str]:
        model = self._model
        text = json.dumps(fields, ensure_ascii=False)
        if not self._quotas.draw("invalid", model.invalid_rate / (1 - model.error_rate)):
            return text, "stop"
        if self._rng.random() < 0.5:
            return f"```json\n{text}\n```", "stop"
        return text[: self._rng.randrange(20, len(text) - 1)], "length"


def request(document: Document) -> Row:
    """What both are asked."""
    return {
        "model": PRIMARY.name,
        "temperature": 0,
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": document.text},
        ],
        "response_format": RESPONSE_FORMAT,
    }
