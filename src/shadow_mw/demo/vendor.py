"""Who sent the document: company, address, tax number; where the two extractors differ most."""

from __future__ import annotations

import re
from collections.abc import Callable

from shadow_mw.demo import lexicon
from shadow_mw.demo.reading import Labelled, Manners, Page

HEAD = 8
"""Rows in which a letterhead is looked for."""

_REGISTERED = re.compile(r"\s*\((?:co\W.*|\d[\w\s-]*)\)?\s*$", re.IGNORECASE)
_CONTINUED = re.compile(r"(?:&|co\b|sdn\b|bhd\b|enterprise\b)", re.IGNORECASE)
_ADDRESS_END = re.compile(
    r"\b(?:tel|phone|fax|gst|invoice|date|co\W*(?:no|reg)|company no|receipt|email|h/?p|cash|reg)\b"
    r"|\(?\d{5,}-\w\)?$|\+?\d{2,3}[ -]\d{3,4} ?\d{4}|www\.|@",
    re.IGNORECASE,
)
_POSTCODE = re.compile(r"\b\d{5}\b")


def careful_company(page: Page) -> str | None:
    """A line of the letterhead with a legal form that leaves no doubt."""
    row = _company_row(page, lexicon.STRICT_SUFFIX, lexicon.RECIPIENT)
    return None if row is None else _name(page, row)


def eager_company(page: Page) -> str | None:
    """Any legal form; else the first line that is no title."""
    row = _company_row(page, lexicon.SUFFIX, lexicon.MANY_RECIPIENTS)
    if row is not None:
        name = _name(page, row)
        return f"{_name(page, row - 1)} {name}" if row and _CONTINUED.match(name) else name
    first = next((r for r in range(len(page.rows)) if not _is_title(page.line(r))), None)
    return None if first is None else _name(page, first)


def _company_row(page: Page, suffix: re.Pattern[str], recipient: re.Pattern[str]) -> int | None:
    for row in range(min(HEAD, len(page.rows))):
        line = page.line(row)
        if recipient.search(line):
            return None
        if suffix.search(line) and not _is_title(line):
            return row
    return None


def _is_title(line: str) -> bool:
    return lexicon.TITLES.match(line) is not None


def _name(page: Page, row: int) -> str:
    return _REGISTERED.sub("", page.rows[row][0].text).strip()


def careful_address(page: Page) -> str | None:
    """The lines below the company, where they hold a postcode and end as an address does."""
    rows = _address_rows(page, _company_row(page, lexicon.STRICT_SUFFIX, lexicon.RECIPIENT))
    address = " ".join(rows)
    return address if _POSTCODE.search(address) else None


def eager_address(page: Page) -> str | None:
    """The lines below the company, or below the first line, whatever they hold."""
    row = _company_row(page, lexicon.SUFFIX, lexicon.MANY_RECIPIENTS)
    return " ".join(_address_rows(page, 0 if row is None else row)) or None


def _address_rows(page: Page, company: int | None) -> list[str]:
    if company is None:
        return []
    rows: list[str] = []
    for row in range(company + 1, min(company + 7, len(page.rows))):
        line = page.line(row)
        if _ADDRESS_END.search(line) or _is_title(line):
            if rows:
                break
            continue
        rows.append(line)
    return rows


def careful_tax_id(labelled: Labelled) -> Callable[[Page], str | None]:
    """The number that a tax label names, outside the recipient's block; null where two differ."""

    def read(page: Page) -> str | None:
        block = _recipient_rows(page, lexicon.RECIPIENT)
        values = {found.value for found in labelled.find(page) if found.label.row not in block}
        return values.pop() if len(values) == 1 else None

    return read


def eager_tax_id(labelled: Labelled) -> Callable[[Page], str | None]:
    """The same with more labels; and where there is none, a number that looks like one."""
    register = Labelled.of(lexicon.REGISTRATION, lexicon.TAX_NUMBER, Manners(True, True, True))

    def read(page: Page) -> str | None:
        block = _recipient_rows(page, lexicon.MANY_RECIPIENTS)
        for source in (labelled, register):
            for found in source.find(page):
                if found.label.row not in block:
                    return found.value
        runs = (lexicon.RUN.search(cell.text) for cell in page.cells)
        return next((run.group() for run in runs if run), None)

    return read


def _recipient_rows(page: Page, recipient: re.Pattern[str]) -> set[int]:
    """The heading of a recipient's block and the three rows below it."""
    rows: set[int] = set()
    for row in range(len(page.rows)):
        if recipient.search(page.line(row)):
            rows.update(range(row, row + 4))
    return rows
