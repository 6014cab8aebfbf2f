"""Documents of real receipts, errors put into them on purpose, and what each error is."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.fields import dates, decimals

RECEIPTS = Path(__file__).parents[2] / "shared" / "data" / "receipts.jsonl"
ITEMS = 6
DISTINCT = 3
"""Leaves in which any two items of one document differ, so that every error has one place."""

Document = dict[str, Any]
Classes = Counter[str]
"""Outcomes of all leaves of a document."""


@dataclass(frozen=True, slots=True)
class Injected:
    """One document with one error."""

    truth: Document
    output: Document | None
    classes: Classes


def receipts() -> list[dict[str, Any]]:
    return [strict_json.loads(line) for line in RECEIPTS.read_text().splitlines()]


def documents() -> list[Document]:
    """Six receipts each, with the date and a reference on the document itself."""
    waiting = [_item(row["truth"]) for row in receipts()]
    found: list[Document] = []
    while True:
        chosen: list[Document] = []
        for item in waiting:
            if len(chosen) < ITEMS and all(_apart(item, known) for known in chosen):
                chosen.append(item)
        if len(chosen) < ITEMS:
            return found
        waiting = [item for item in waiting if item not in chosen]
        head = chosen[0]
        found.append(
            {"company": head["company"], "date": head["date"], "po_number": None, "items": chosen}
        )


def _item(truth: dict[str, Any]) -> Document:
    return {
        "company": truth["company"],
        "date": truth["date"],
        "total": truth["total"],
        "pages": 1,
        "tax_id": truth["vendor_tax_id"],
    }


def _apart(one: Document, other: Document) -> bool:
    return len([key for key in one if one[key] != other[key]]) >= DISTINCT


def injected(kind: str, most: int) -> Iterator[Injected]:
    """Documents with this error, where they have a place for it."""
    chance = random.Random(kind)
    for truth in documents()[:most]:
        output = copy.deepcopy(truth)
        changes = KINDS[kind](output, chance)
        if changes is not None:
            classes = right(truth)
            gone, come, *other = changes
            classes.subtract(gone)
            classes.update(come)
            yield Injected(truth, other[0] if other else output, +classes)


def right(truth: Document) -> Classes:
    values = [truth[key] for key in ("company", "date", "po_number")]
    values += [value for item in truth["items"] for value in item.values()]
    return Counter("correct_null" if value is None else "correct" for value in values)


Changes = Any
"""Outcomes gone, outcomes come, and another output than the changed one; None without a place."""


def _nothing(_: Document, __: random.Random) -> Changes:
    return [], []


def _order(output: Document, _: random.Random) -> Changes:
    output["items"].reverse()
    return [], []


def _absent(output: Document, _: random.Random) -> Changes:
    del output["po_number"]
    return [], []


def _leaf(
    key: str, outcome: str, change: Callable[[Any], Any], *, inside: bool = True
) -> Callable[[Document, random.Random], Changes]:
    """One error at one leaf, in the document itself or in one of its items."""

    def inject(output: Document, chance: random.Random) -> Changes:
        wants_null = outcome in ("hallucinated", "null_like")
        places = output["items"] if inside else [output]
        fitting = [place for place in places if (place[key] is None) == wants_null]
        if not fitting:
            return None
        place = chance.choice(fitting)
        place[key] = change(place[key])
        return ["correct_null" if wants_null else "correct"], [outcome]

    return inject


def _extra(output: Document, chance: random.Random) -> Changes:
    invented = {"company": "ZENITH QUARTZ", "date": "1/1/2011", "total": "77.07", "pages": 9}
    place = chance.randrange(ITEMS + 1)
    output["items"].insert(place, invented | {"tax_id": "000111222333"})
    return [], ["hallucinated"] * 5


def _lost(output: Document, chance: random.Random) -> Changes:
    lost = output["items"].pop(chance.randrange(ITEMS))
    values = sum(value is not None for value in lost.values())
    return ["correct"] * values, ["missed"] * values


def _invented_twice(output: Document, chance: random.Random) -> Changes:
    """An item that is wrong in most of its leaves, and hallucinates in it."""
    fitting = [item for item in output["items"] if item["tax_id"] is None]
    if not fitting:
        return None
    item = chance.choice(fitting)
    item |= {"company": "QQQ", "date": "3/3/2003", "pages": 44, "tax_id": "000111222333"}
    return ["correct"] * 3 + ["correct_null"], ["wrong_value"] * 3 + ["hallucinated"]


def _unexpected(output: Document, _: random.Random) -> Changes:
    output["approved_by"] = "J. Smith"
    return [], ["unexpected_field"]


def _crash(output: Document, _: random.Random) -> Changes:
    classes = right(output)
    return classes, {"invalid_output": classes.total()}, None


def _next_day(text: str) -> str:
    day = dates.parse(text, "dmy")
    assert day is not None
    return f"{day.fromordinal(day.toordinal() + 1):%d/%m/%Y}"


def _cent(text: str) -> str:
    amount = decimals.parse(text, "en")
    assert amount is not None
    return str(amount + Decimal("0.01"))


def _letter(text: str) -> str:
    return text[:3] + ("X" if text[3] != "X" else "Y") + text[4:]


KINDS: dict[str, Callable[[Document, random.Random], Changes]] = {
    "nothing wrong": _nothing,
    "items in another order": _order,
    "a null key left out": _absent,
    "one letter wrong": _leaf("company", "wrong_value", _letter, inside=False),
    "a date one day off": _leaf("date", "wrong_value", _next_day, inside=False),
    "a cent too much, in an item": _leaf("total", "wrong_value", _cent),
    "true for 1, in an item": _leaf("pages", "wrong_value", lambda _: True),
    "a value left out, in an item": _leaf("total", "missed", lambda _: None),
    "a null hallucinated": _leaf("po_number", "hallucinated", lambda _: "PO-4471", inside=False),
    "a null hallucinated, in an item": _leaf("tax_id", "hallucinated", lambda _: "000111222333"),
    "N/A for null, in an item": _leaf("tax_id", "null_like", lambda _: "N/A"),
    "an item mostly wrong, with a null hallucinated": _invented_twice,
    "an item invented": _extra,
    "an item lost": _lost,
    "a key nobody asked for": _unexpected,
    "no JSON at all": _crash,
}
HARMLESS = ("nothing wrong", "items in another order", "a null key left out")


def plain(value: Any) -> Any:
    """As the standard library reads the same JSON, for those who expect that."""
    return None if value is None else json.loads(strict_json.dumps(value))
