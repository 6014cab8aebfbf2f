from __future__ import annotations

import pytest

from shadow_mw.demo.documents import INVOICE_SCHEMA, RECEIPT_SCHEMA, Document
from shadow_mw.demo.extractors import EXTRACTORS, extract
from shadow_mw.demo.invoices import generate

PLAIN = """\
Pennine Tooling Ltd
Unit 7, Canal Road
Tel: 01234 567890
VAT Reg No: GB123456789

Bill to:
Orion Ltd
VAT Reg No: GB999999999

Invoice No: INV-123
Invoice Date: 01/02/2025
Due Date      03/03/2025
PO Number: 4512345678

Net: 100.00
Total: £ 120.00"""

RECEIPT = """\
TAN WOON YANN
MAJU HARDWARE SDN BHD (139386 X)
NO 8, JALAN SAGU 3,
81100 JOHOR BAHRU
TEL: 03-55551111
GST ID : 0012 3456 7890
DATE : 19-03-2018 18:08:38
SUBTOTAL : 5.00
TOTAL :  RM  6.00
CASH : 10.00"""


def invoice(name: str, text: str) -> dict[str, str | None]:
    return extract(name, text, INVOICE_SCHEMA["properties"])


@pytest.mark.parametrize("name", EXTRACTORS)
def test_a_plain_invoice_is_read_by_both(name: str) -> None:
    assert invoice(name, PLAIN) == {
        "company": "Pennine Tooling Ltd",
        "invoice_number": "INV-123",
        "date": "01/02/2025",
        "due_date": "03/03/2025",
        "order_number": "4512345678",
        "currency": "£",
        "total": "120.00",
        "vendor_tax_id": "GB123456789",
    }


@pytest.mark.parametrize("name", EXTRACTORS)
def test_a_plain_receipt_is_read_by_both(name: str) -> None:
    assert extract(name, RECEIPT, RECEIPT_SCHEMA["properties"]) == {
        "company": "MAJU HARDWARE SDN BHD",
        "date": "19-03-2018",
        "address": "NO 8, JALAN SAGU 3, 81100 JOHOR BAHRU",
        "total": "6.00",
        "vendor_tax_id": "001234567890",
    }


@pytest.mark.parametrize("name", EXTRACTORS)
def test_only_the_fields_asked_for_are_answered_and_unknown_ones_are_null(name: str) -> None:
    assert extract(name, PLAIN, {"total": {}, "colour": {}}) == {"total": "120.00", "colour": None}


@pytest.mark.parametrize("name", EXTRACTORS)
def test_an_empty_document_has_no_fields(name: str) -> None:
    assert set(invoice(name, " \n").values()) == {None}


@pytest.mark.parametrize(
    ("text", "field", "careful", "overconfident"),
    [
        ("Invoice No   Date\nX-123        01.02.2025", "invoice_number", None, "X-123"),
        ("Your ref A-1\nTotal\n9.00", "total", None, "9.00"),
        ("T0TAL: 9.00", "total", None, "9.00"),
        ("Endbetrag: 1.234,50 EUR", "total", None, "1.234,50"),
        ("Total: 9.00\nTotal: 9.50", "total", None, "9.50"),
        ("TOTAL 30.91\nTOTAL ROUNDED 30.90", "total", "30.91", "30.90"),
        ("TOTAL : 55.10\nTOTAL : 52.00  3.12", "total", None, "55.10"),
        ("Total qty: 4.00", "total", None, None),
        ("Bergmann Technik\nRingstraße 12", "company", None, "Bergmann Technik"),
        ("TAX INVOICE\nKIM SENG ENTERPRISE", "company", None, "KIM SENG ENTERPRISE"),
        ("29/03/18 13:24 SLIP 7", "date", "29/03/18", "29/03/18"),
        ("29/03/18 then 30/03/18", "date", None, "29/03/18"),
        ("lot 43-45-47 level 2", "date", None, None),
        ("Vervaldatum: 01-02-2025", "due_date", "01-02-2025", "01-02-2025"),
        ("Please pay by: 01/02/2025", "due_date", None, "01/02/2025"),
        ("Cust. PO: P-77", "order_number", None, "P-77"),
        ("USt-IdNr.: DE123456789", "vendor_tax_id", "DE123456789", "DE123456789"),
        ("Steuernummer: 212/9431/8182", "vendor_tax_id", None, "212/9431/8182"),
    ],
)
def test_each_rule(text: str, field: str, careful: str | None, overconfident: str | None) -> None:
    assert invoice("careful", text)[field] == careful
    assert invoice("overconfident", text)[field] == overconfident


@pytest.mark.parametrize(
    ("text", "grabbed"),
    [
        ("Company No: 12345678", "12345678"),
        ("Tel: 123456789", "123456789"),
        ("Maybank A/C 191207379594", "191207379594"),
        ("Tel: 0123 456 789", None),
    ],
)
def test_the_overconfident_one_takes_any_number_for_a_tax_number(
    text: str, grabbed: str | None
) -> None:
    assert invoice("careful", text)["vendor_tax_id"] is None
    assert invoice("overconfident", text)["vendor_tax_id"] == grabbed


def rates(name: str, documents: list[Document]) -> tuple[float, float]:
    """Field accuracy, and the hallucination rate over all null leaves."""
    right, leaves, hallucinated, nulls = 0, 0, 0, 0
    for document in documents:
        fields = invoice(name, document.text)
        for field, truth in document.truth.items():
            leaves += 1
            right += fields[field] == truth
            nulls += truth is None
            hallucinated += truth is None and fields[field] is not None
    return right / leaves, hallucinated / nulls


def test_the_overconfident_one_wins_on_accuracy_and_loses_on_null_fields() -> None:
    documents = generate(300, 0)
    careful, overconfident = (rates(name, documents) for name in ("careful", "overconfident"))
    assert careful[0] + 0.05 < overconfident[0] < 1
    assert careful[1] < 0.02 < overconfident[1]
