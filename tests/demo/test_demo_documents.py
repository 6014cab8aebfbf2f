from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from shadow_mw.demo.documents import INVOICE_SCHEMA, load_receipts
from shadow_mw.demo.invoices import generate
from shadow_mw.exceptions import DataError

RECEIPTS = Path(__file__).parents[3] / "shared" / "data" / "receipts.jsonl"
ROW = {"id": "r1", "text": "TOTAL 9.00", "truth": {"total": "9.00", "vendor_tax_id": None}}


def test_same_seed_same_invoices_and_a_larger_count_only_adds() -> None:
    assert generate(50, 1) == generate(80, 1)[:50]
    assert generate(50, 1) != generate(50, 2)


def test_truth_names_the_schemas_fields() -> None:
    for document in generate(50, 0):
        assert set(document.truth) == set(INVOICE_SCHEMA["properties"])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_true_value_is_printed(seed: int) -> None:
    for document in generate(200, seed):
        for field, value in document.truth.items():
            assert value is None or value in document.text, (document.id, field)


def test_a_currency_or_tax_label_that_truth_denies_is_not_printed() -> None:
    money = re.compile(r"[€£$]|\b(?:EUR|GBP|USD|RM|MYR)\b")
    for document in generate(300, 0):
        if document.truth["currency"] is None:
            assert not money.search(document.text), document.id
        if document.truth["order_number"] is None:
            assert not re.search(r"PO Number|Bestellnummer|Bon de commande", document.text)


def test_two_in_five_invoices_state_no_tax_number() -> None:
    documents = generate(1000, 0)
    share = sum(d.truth["vendor_tax_id"] is None for d in documents) / len(documents)
    assert 0.36 < share < 0.44
    assert len({d.segment for d in documents}) == 7


def test_receipts_are_read(tmp_path: Path) -> None:
    path = tmp_path / "receipts.jsonl"
    path.write_text(json.dumps(ROW) + "\n\n" + json.dumps(ROW | {"id": "r2"}) + "\n")
    first, second = load_receipts(path)
    assert (first.id, first.truth, second.id) == ("r1", ROW["truth"], "r2")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not JSON"),
        ("[]", "exactly the keys id, text, truth"),
        (json.dumps(ROW | {"more": 1}), "exactly the keys"),
        (json.dumps(ROW | {"text": ""}), "text not empty"),
        (json.dumps(ROW | {"id": 7}), "must be strings"),
        (json.dumps(ROW | {"truth": {"total": 9.0}}), "strings and nulls"),
        (json.dumps(ROW), "'r1' is there twice"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "receipts.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + line + "\n")
    with pytest.raises(DataError, match=says) as caught:
        load_receipts(path)
    assert f"{path}:2: " in str(caught.value)


def test_a_missing_or_empty_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_receipts(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(DataError, match="no documents"):
        load_receipts(tmp_path / "empty.jsonl")


@pytest.mark.skipif(not RECEIPTS.exists(), reason=f"{RECEIPTS} is not there")
def test_the_real_receipts_are_read() -> None:
    documents = load_receipts(RECEIPTS)
    assert len(documents) == 313
    assert sum(d.truth["vendor_tax_id"] is None for d in documents) == 134
