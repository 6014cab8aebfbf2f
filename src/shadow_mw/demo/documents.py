"""What the demo sends: a document's text, its truth, and the schema of what to extract."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shadow_mw.exceptions import DataError

KEYS = ("id", "text", "truth")


@dataclass(frozen=True, slots=True)
class Document:
    """One document; `truth` stays with whoever sends it, models see the text alone."""

    id: str
    text: str
    truth: dict[str, str | None]
    segment: str


def _schema(**fields: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": ["string", "null"], **spec} for name, spec in fields.items()},
        "required": list(fields),
        "additionalProperties": False,
    }


INVOICE_SCHEMA = _schema(
    company={"description": "Name of the supplier, as printed"},
    invoice_number={"description": "As printed"},
    date={"description": "Date of the invoice, as printed"},
    due_date={"description": "As printed; null where the invoice states none"},
    order_number={"description": "The customer's order number, as printed; null where none"},
    currency={"description": "Code or symbol, as printed"},
    total={"description": "Amount to pay, as printed, without the currency"},
    vendor_tax_id={"description": "The supplier's VAT, GST or tax number, as printed; else null"},
)
"""The fields of a generated invoice."""

RECEIPT_SCHEMA = _schema(
    company={"description": "Name of the shop, as printed"},
    date={"description": "As printed, without the time"},
    address={"description": "All lines of the shop's address, joined by spaces"},
    total={"description": "Amount to pay, as printed"},
    vendor_tax_id={"description": "The shop's GST number; else null", "pattern": "^[0-9]+$"},
)
"""The fields of a receipt of the SROIE data set."""


def load_receipts(path: Path) -> list[Document]:
    """Read `{"id", "text", "truth"}` lines.

    Raises:
        DataError: the file or a line of it cannot be used; file and line are named.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    documents: dict[str, Document] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        document = _document(line, f"{path}:{number}")
        if document.id in documents:
            raise DataError(f"{path}:{number}: id {document.id!r} is there twice")
        documents[document.id] = document
    if not documents:
        raise DataError(f"{path}: holds no documents")
    return list(documents.values())


def _document(line: str, where: str) -> Document:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{where}: not JSON: {error}") from None
    if not isinstance(row, dict) or sorted(row) != sorted(KEYS):
        raise DataError(f"{where}: accepted is an object with exactly the keys {', '.join(KEYS)}")
    if not isinstance(row["id"], str) or not isinstance(row["text"], str) or not row["text"]:
        raise DataError(f"{where}: id and text must be strings, text not empty")
    truth = row["truth"]
    if not isinstance(truth, dict) or not all(
        v is None or isinstance(v, str) for v in truth.values()
    ):
        raise DataError(f"{where}: truth must be an object of strings and nulls")
    return Document(row["id"], row["text"], truth, "receipts")
