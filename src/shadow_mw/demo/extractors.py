"""Two rule-based extractors: a careful one, and one that has learnt more and doubts less.

Both see a document's text and the schema of the fields asked for, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from shadow_mw.demo import lexicon, vendor
from shadow_mw.demo.reading import Found, Labelled, Manners, Page

Fields = dict[str, str | None]
Reader = Callable[[Page], str | None]

CAREFUL = Manners(ocr=False, anywhere=False, below=False)
EAGER = Manners(ocr=True, anywhere=True, below=True)


def extract(name: str, text: str, properties: Mapping[str, Any]) -> Fields:
    """Read the fields of a JSON schema's properties; what is not known is null."""
    page, readers = Page.read(text), EXTRACTORS[name]
    return {
        field: _shaped(readers[field](page) if field in readers else None, spec)
        for field, spec in properties.items()
    }


def _shaped(value: str | None, spec: Any) -> str | None:
    """Keep the digits where the schema wants digits only."""
    if value is None or not isinstance(spec, Mapping) or spec.get("pattern") != "^[0-9]+$":
        return value
    return re.sub(r"\D", "", value) or None


def _agreed(labelled: Labelled) -> Reader:
    """The value that all labels agree on; null where two differ."""

    def read(page: Page) -> str | None:
        values = {found.value for found in labelled.find(page)}
        return values.pop() if len(values) == 1 else None

    return read


def _first(labelled: Labelled) -> Reader:
    """The first value in reading order."""

    def read(page: Page) -> str | None:
        found = next(labelled.find(page), None)
        return found.value if found else None

    return read


def _dated(reader: Reader, *, eager: bool) -> Reader:
    """Else the page's only date; the eager reading takes the first of several."""

    def read(page: Page) -> str | None:
        value = reader(page)
        if value is not None:
            return value
        dates = [m.group() for cell in page.cells for m in lexicon.ANY_DATE.finditer(cell.text)]
        return dates[0] if dates and (eager or len(set(dates)) == 1) else None

    return read


def _careful_total(page: Page) -> str | None:
    values = {found.value for found in _STRICT_TOTAL.find(page) if _is_total(found)}
    return values.pop() if len(values) == 1 else None


def _ranked_total(page: Page) -> str | None:
    for labelled in _RANKED_TOTALS:
        totals = [found for found in labelled.find(page) if _is_total(found)]
        if totals:
            return max(
                totals, key=lambda found: (_stands_alone(page, found), found.label.row)
            ).value
    return None


def _stands_alone(page: Page, found: Found) -> bool:
    """Whether its row holds one amount: a row of several is a summary of taxes."""
    return len(lexicon.AMOUNTS.findall(page.line(found.label.row))) < 2


def _is_total(found: Found) -> bool:
    return lexicon.NOT_A_TOTAL.search(found.label.text) is None


def _currency(total: Reader) -> Reader:
    """The code or symbol in the row of the total."""

    def read(page: Page) -> str | None:
        value = total(page)
        for row in reversed(range(len(page.rows))):
            line = page.line(row)
            if value and value in line and (match := lexicon.CURRENCY.search(line)):
                return match.group()
        return None

    return read


def _labelled(field: str, value: re.Pattern[str], manners: Manners) -> Labelled:
    table = lexicon.MANY_LABELS if manners.anywhere else lexicon.STRICT_LABELS
    return Labelled.of(table[field], value, manners)


def _readers(manners: Manners) -> dict[str, Reader]:
    eager = manners.anywhere
    choose, total = (_first, _ranked_total) if eager else (_agreed, _careful_total)
    date = choose(_labelled("date", lexicon.DATE, manners))
    tax_numbers = _labelled("vendor_tax_id", lexicon.TAX_NUMBER, manners)
    return {
        "company": vendor.eager_company if eager else vendor.careful_company,
        "address": vendor.eager_address if eager else vendor.careful_address,
        "invoice_number": choose(_labelled("invoice_number", lexicon.CODE, manners)),
        "date": _dated(date, eager=eager),
        "due_date": choose(_labelled("due_date", lexicon.DATE, manners)),
        "order_number": choose(_labelled("order_number", lexicon.CODE, manners)),
        "currency": _currency(total),
        "total": total,
        "vendor_tax_id": vendor.eager_tax_id(tax_numbers)
        if eager
        else vendor.careful_tax_id(tax_numbers),
    }


_STRICT_TOTAL = _labelled("total", lexicon.AMOUNT, CAREFUL)
_RANKED_TOTALS = [Labelled.of(rank, lexicon.AMOUNT, EAGER) for rank in lexicon.TOTAL_RANKS]

EXTRACTORS: dict[str, dict[str, Reader]] = {
    "careful": _readers(CAREFUL),
    "overconfident": _readers(EAGER),
}
"""Each extractor: its reader for every field it has rules for."""
