"""A seeded generator of messy supplier invoices, each with the truth about what it prints."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from shadow_mw.demo.documents import Document
from shadow_mw.demo.layouts import Fact, Rows, beside, lay_out, slip
from shadow_mw.demo.locales import WEIGHTED
from shadow_mw.demo.locales_english import Locale

STATED = {"vendor_tax_id": 0.6, "due_date": 0.75, "order_number": 0.6, "currency": 0.94}
"""How many invoices state a field; the others always do."""


STAMPS = ("Page 1 of 1", "*** ORIGINAL ***", "COPY", "Scanned by CamScanner", "RECEIVED 3. MAR")
PLACES = (("head",), ("head",), ("foot",), ("head", "foot"))
"""Where a tax number is printed."""


def generate(count: int, seed: int) -> list[Document]:
    """The first `count` invoices of a seed; a larger count only adds some."""
    return [invoice(number, seed) for number in range(count)]


def invoice(number: int, seed: int) -> Document:
    """One invoice of a seed, counted from 0."""
    return _invoice(random.Random(f"{seed}:{number}"), f"invoice-{number:05d}")


@dataclass(slots=True)
class _Draft:
    """One invoice in the making."""

    rng: random.Random
    locale: Locale
    truth: dict[str, str | None]
    tax_id_in: frozenset[str]
    net: str = ""
    tax: str = ""
    items: Rows = field(default_factory=list)

    def label(self, choices: Sequence[str]) -> str:
        weights = [4 / (rank + 1) ** 2 for rank in range(len(choices))]
        text = self.rng.choices(choices, weights)[0]
        return text.upper() if self.rng.random() < 0.12 else text

    def money(self, amount: str) -> str:
        symbol = self.truth["currency"]
        if symbol is None:
            return amount
        return f"{symbol} {amount}" if self.rng.random() < 0.6 else f"{amount} {symbol}"


def _invoice(rng: random.Random, name: str) -> Document:
    locales, weights = zip(*WEIGHTED, strict=True)
    locale: Locale = rng.choices(locales, weights)[0]
    draft = _Draft(rng, locale, _facts(rng, locale), frozenset(rng.choice(PLACES)))
    _bill(draft)
    rows = [*_head(draft), "", *_middle(draft), "", *draft.items, *_totals(draft), *_foot(draft)]
    return Document(name, "\n".join(rows), draft.truth, locale.code)


def shape(rng: random.Random, pattern: str) -> str:
    """Fill a shape: `#` a digit, `@` a capital letter."""
    text = re.sub("#", lambda _: str(rng.randint(0, 9)), pattern)
    return re.sub("@", lambda _: rng.choice("ADHKMPTVWX"), text)


def _facts(rng: random.Random, locale: Locale) -> dict[str, str | None]:
    suffix = rng.choice(locale.suffixes) if rng.random() < 0.86 else ""
    style = rng.choice(locale.dates)
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.choice([2023, 2024, 2025])
    truth: dict[str, str | None] = {
        "company": f"{rng.choice(locale.names)} {suffix}".strip(),
        "invoice_number": shape(rng, rng.choice(["INV-#####", "######", "####/##", "@@##-####"])),
        "date": _date(locale, style, day, month, year),
        "due_date": _date(locale, style, day, month % 12 + 1, year + month // 12),
        "order_number": shape(rng, rng.choice(["PO-#####", "45########", "########", "@-#####"])),
        "currency": rng.choice(locale.currencies),
        "total": None,
        "vendor_tax_id": shape(rng, rng.choice(locale.tax_shapes)),
    }
    for name, share in STATED.items():
        if rng.random() >= share:
            truth[name] = None
    return truth


def _date(locale: Locale, style: str, day: int, month: int, year: int) -> str:
    return style.format(d=day, m=month, y=year, yy=year % 100, mon=locale.months.split()[month - 1])


def amount(cents: int, separators: tuple[str, str]) -> str:
    """Cents as the locale writes them."""
    thousands, point = separators
    return f"{cents // 100:,}".replace(",", thousands) + f"{point}{cents % 100:02d}"


def _bill(draft: _Draft) -> None:
    """Items that add up: net, tax and total belong together."""
    net = 0
    for name in draft.rng.sample(draft.locale.items, draft.rng.randint(1, 3)):
        quantity, price = draft.rng.randint(1, 24), draft.rng.randint(250, 30000)
        net += quantity * price
        prices = [amount(n, draft.locale.separators) for n in (price, quantity * price)]
        draft.items.append(f"{name}  {quantity}  {'  '.join(prices)}")
    tax = net * int(re.sub(r"\D", "", draft.locale.tax_amount) or 8) // 100
    draft.net, draft.tax = (amount(n, draft.locale.separators) for n in (net, tax))
    draft.truth["total"] = amount(net + tax, draft.locale.separators)


def _head(draft: _Draft) -> Rows:
    rng, locale = draft.rng, draft.locale
    title = [slip(rng, rng.choice(locale.titles))]
    sender = [str(draft.truth["company"]), rng.choice(locale.streets), rng.choice(locale.cities)]
    contact = [(draft.label(locale.phone), shape(rng, locale.phone_shape))]
    if rng.random() < 0.5:
        contact.append(_registration(draft))
    contact += _tax_id(draft, "head")
    block = [*sender, *lay_out(rng, contact)]
    if rng.random() < 0.12:
        block.insert(0, rng.choice(STAMPS))
    return [*title, *block] if rng.random() < 0.45 else [*block, *title]


def _tax_id(draft: _Draft, place: str) -> list[Fact]:
    value = draft.truth["vendor_tax_id"]
    if value is None or place not in draft.tax_id_in:
        return []
    return [(draft.label(draft.locale.tax_id), value)]


def _registration(draft: _Draft) -> Fact:
    value = shape(draft.rng, draft.rng.choice(draft.locale.registration_shapes))
    return draft.label(draft.locale.registration), value


def _middle(draft: _Draft) -> Rows:
    customer, facts = _customer(draft), _meta(draft)
    block = lay_out(draft.rng, facts)
    if draft.rng.random() < 0.25:
        return beside(draft.rng, customer, block)
    return [*customer, "", *block] if draft.rng.random() < 0.7 else [*block, "", *customer]


def _customer(draft: _Draft) -> Rows:
    rng, locale = draft.rng, draft.locale
    name = f"{rng.choice(['Alder', 'Orion', 'Meridian', 'Halden'])} {rng.choice(locale.suffixes)}"
    rows = [f"{draft.label(locale.bill_to)}:", name, rng.choice(locale.cities)]
    if rng.random() < 0.07:
        rows.append(f"{draft.label(locale.tax_id)}: {shape(rng, rng.choice(locale.tax_shapes))}")
    return rows


def _meta(draft: _Draft) -> list[Fact]:
    locale, truth, rng = draft.locale, draft.truth, draft.rng
    named = {
        "invoice_number": locale.number,
        "date": locale.date,
        "due_date": locale.due,
        "order_number": locale.order,
    }
    facts = [(draft.label(named[f]), value) for f in named if (value := truth[f]) is not None]
    if rng.random() < 0.35:
        facts.insert(rng.randint(0, len(facts)), (locale.customer_number, shape(rng, "1######")))
    return facts


def _totals(draft: _Draft) -> Rows:
    locale, total = draft.locale, str(draft.truth["total"])
    facts = [(locale.net, draft.net), (locale.tax_amount, draft.tax)]
    return lay_out(draft.rng, [*facts, (draft.label(locale.total), draft.money(total))])


def _foot(draft: _Draft) -> Rows:
    rng, locale = draft.rng, draft.locale
    facts: list[Fact] = []
    if rng.random() < 0.7:
        label, pattern = locale.bank
        facts.append((shape(rng, label), shape(rng, pattern)))
    if rng.random() < 0.35:
        facts.append(_registration(draft))
    facts += _tax_id(draft, "foot")
    if rng.random() < 0.4:
        return ["", " | ".join(f"{slip(rng, label)} {value}" for label, value in facts)]
    return ["", *lay_out(rng, facts)]
