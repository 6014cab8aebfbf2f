from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shadow_mw.exceptions import ConfigError
from shadow_mw.runner.redact import Redactor
from shadow_mw.settings import REDACTIONS, Settings

REDACTOR = Redactor(REDACTIONS, b"key")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "jane.doe+x@example.co.uk"),
        ("phone", "+44 20 7946 0958"),
        ("phone", "+491711234567"),
        ("phone", "(020) 7946 0958"),
        ("phone", "012-345 6789"),
        ("phone", "(415) 555-2671"),
        ("phone", "415-555-2671"),
        ("email", "rené@exämple.de"),
        ("card", "4111.1111.1111.1111"),
        ("card", "4111 1111 1111 1111"),
        ("card", "5500005555555559"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("iban", "GB82WEST12345698765432"),
    ],
)
def test_personal_data_become_pseudonyms(kind: str, text: str):
    clean = REDACTOR.text(f"It is {text}, thanks")

    assert text not in clean
    assert clean.startswith(f"It is <{kind}:")
    assert clean.endswith(">, thanks")


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnop1234",
        "sk-ant-api03-abcdefghijklmnop",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a" * 36,
        "xoxb-123456789012-abcdef",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_credentials_are_removed(secret: str):
    clean = REDACTOR.text(f"use {secret} now")

    assert re.fullmatch("use <credential:[0-9a-f]{3}> now", clean)
    assert REDACTOR.text(secret) == clean.split()[1], "two that are equal stay equal"
    other = secret.translate(str.maketrans("fjnE", "gkoF"))
    assert (other != secret) is (REDACTOR.text(f"use {other} now") != clean)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer nF3kd9fj2Kfj39fjwq",
        "Bearer MLdkfjEkdjAlwoeirUtyQpWm",
        "bearer abc.def~ghi+jkl/mno==",
        "Basic dXNlcjpwYXNzd29yZA==",
        "basic YWRtaW46c2VjcmV0LXBhc3M",
    ],
)
def test_credentials_of_a_header_are_removed(header: str):
    scheme, value = header.split()
    clean = REDACTOR.text(f"send {header} along")
    assert re.fullmatch(f"send {scheme} <credential:[0-9a-f]{{3}}> along", clean), value


@pytest.mark.parametrize(
    "text", ["Basic Subscription", "Basic Professional", "Bearer CONFIRMATION-OF-ENTITLEMENT"]
)
def test_what_has_a_schemes_name_may_be_no_credential(text: str):
    assert REDACTOR.text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "25/12/2018 8:13:39 PM",
        "2018-12-25",
        "9.00",
        "RM 1,234.56",
        "000123456789",
        "4111 1111 1111 1112",
        "DE89370400440532013001",
        "TD01167104",
        "NO.53 55,57 & 59, JALAN SAGU 18",
        "123e4567-e89b-42d3-a456-426614174000",
    ],
)
def test_what_only_looks_alike_stays(text: str):
    assert REDACTOR.text(text) == text


def test_equality_survives_between_text_output_and_truth():
    mail = "jane@example.com"
    output = REDACTOR.output(json.dumps({"mail": mail, "n": 1}))
    truth = REDACTOR.json({"mail": mail, "n": 1})

    assert json.loads(output) == truth
    assert truth["mail"] in REDACTOR.text(f"write to {mail}.")
    assert truth["mail"] != REDACTOR.json("john@example.com")


def test_a_card_as_a_bare_number_is_the_same_in_output_and_truth():
    output = REDACTOR.output('{"card": 4111111111111111, "id": 4111111111111112}')

    assert json.loads(output) == REDACTOR.json({"card": 4111111111111111, "id": 4111111111111112})
    assert "4111111111111111" not in output
    assert "4111111111111112" in output


def test_json_output_keeps_its_writing():
    text = '{ "a" :\t"x",\n "mail": "jane@example.com" }'

    clean = REDACTOR.output(text)

    assert clean.startswith('{ "a" :\t"x",\n "mail": "<email:')


@given(JSON)
@example({'"': -29753154433095968})  # a negative number is no card
def test_output_and_truth_agree_on_any_json(value: object):
    text = json.dumps(value, ensure_ascii=False)

    assert json.loads(REDACTOR.output(text)) == REDACTOR.json(value)


PIECES = st.sampled_from(
    [
        *("jane@example.co.uk", "4111 1111 1111 1111", "+44 20 7946 0958", "DE89 3704 0044 0532"),
        *("0130 00", "sk-proj-abcdefghijklmnop1234", "Bearer ", "AKIAIOSFODNN7EXAMPLE", "5500005"),
        *("555555559", " ", "-", "_", ".", "/", "a", "7", ",", "{", "[", ":", "total", "é"),
    ]
)


@given(st.lists(PIECES, max_size=6).map("".join))
def test_an_output_is_looked_into_alike_with_and_without_an_escape(value: str):
    text = json.dumps({"a": value}, ensure_ascii=False)
    plain, escaped = (REDACTOR.output(t) for t in (text, '{"b": "\\u0062", ' + text[1:]))

    assert json.loads(plain)["a"] == json.loads(escaped)["a"] == REDACTOR.json(value)


@given(st.text(max_size=200))
def test_redacting_again_changes_nothing(text: str):
    once = REDACTOR.text(text)

    assert REDACTOR.text(once) == once


def test_another_key_gives_other_pseudonyms():
    assert REDACTOR.text("a@b.example") != Redactor(REDACTIONS, b"other").text("a@b.example")


def test_rules_can_be_left_out():
    assert Redactor(["card"], b"k").text("a@b.example") == "a@b.example"


def test_the_key_is_made_once_beside_the_store_and_read_by_its_owner_only(tmp_path: Path):
    settings = Settings(store=tmp_path / "shadow.db")

    first, second = Redactor.for_store(settings), Redactor.for_store(settings)

    assert first.text("a@b.example") == second.text("a@b.example")
    assert stat.S_IMODE((tmp_path / "shadow.db.key").stat().st_mode) == 0o600


def test_labels_get_the_rules_that_the_store_was_written_with(tmp_path: Path):
    runner = Redactor.for_store(Settings(store=tmp_path / "shadow.db", redact=["email"]))
    labels = Redactor.for_labels(Settings(store=tmp_path / "shadow.db"))

    text = "a@b.example +44 20 7946 0958"
    assert labels.text(text) == runner.text(text)
    assert "7946" in labels.text(text)


def test_labels_may_come_before_anything_is_stored(tmp_path: Path):
    settings = Settings(store=tmp_path / "shadow.db")
    labels = Redactor.for_labels(settings)

    assert labels.text("a@b.example") == Redactor.for_store(settings).text("a@b.example")


def test_a_configured_key_is_not_written_down(tmp_path: Path):
    settings = Settings(store=tmp_path / "shadow.db", redact_key="hush-hush")
    Redactor.for_store(settings)

    assert "hush-hush" not in (tmp_path / "shadow.db.key").read_text()


def test_labels_without_the_configured_key_are_refused(tmp_path: Path):
    Redactor.for_store(Settings(store=tmp_path / "shadow.db", redact_key="hush-hush"))

    with pytest.raises(ConfigError, match="SHADOW_REDACT_KEY is not set"):
        Redactor.for_labels(Settings(store=tmp_path / "shadow.db"))


def test_a_request_s_credentials_by_name_are_removed_and_words_stay():
    body = {
        "messages": [{"role": "user", "content": "my password is secret"}],
        "data_sources": [{"parameters": {"authentication": {"key": "abc"}, "top": 3}}],
        "api_key": "plain-looking",
    }

    clean = REDACTOR.request(body)

    assert clean["messages"] == body["messages"]
    assert clean["api_key"] == "<credential>"
    assert clean["data_sources"] == [{"parameters": {"authentication": "<credential>", "top": 3}}]


def test_json_within_json_is_looked_into():
    arguments = '{"q": "bob\\u0040example.com"}'

    assert "<email:" in REDACTOR.json({"arguments": arguments})["arguments"]


@pytest.mark.timeout(60)
def test_a_long_hostile_text_comes_to_an_end():
    """A pattern that looks back over the whole text needs three quarters of an hour for it."""
    text = "-----BEGIN PRIVATE KEY----- " * 150_000

    assert REDACTOR.text(text) == text


def test_an_image_is_left_as_it_is():
    blob = "data:image/png;base64," + "iVBORw0KGgo" * 100_000

    assert REDACTOR.text(blob) is blob


def test_a_long_text_in_a_language_without_blanks_is_no_image():
    hidden = (
        "bob@example.com",
        "+44 20 7946 0958",
        "4111 1111 1111 1111",
        "GB82WEST12345698765432",
    )
    secret = "sk-proj-abcdefghijklmnop1234"

    clean = REDACTOR.text("联系" * 3000 + "、" + "电话".join((*hidden, secret)) + "电话")

    for value in (*hidden, secret):
        assert value not in clean


def test_a_key_that_was_made_is_kept_when_one_is_configured_later(tmp_path: Path):
    store = tmp_path / "shadow.db"
    before = Redactor.for_store(Settings(store=store)).text("a@b.example")
    Redactor.for_store(Settings(store=store, redact_key="later"))

    assert Redactor.for_store(Settings(store=store)).text("a@b.example") == before


def test_a_pseudonym_says_which_spellings_are_of_one_value():
    plain, upper = (REDACTOR.text(text) for text in ("ann@example.org", "ANN@Example.org"))
    assert upper.startswith(f"{plain[:-1]}~")
    spaced, dashed = (REDACTOR.text(text) for text in ("+49 30 1234567", "+49-30-1234567"))
    assert spaced.partition("~")[0] == dashed.partition("~")[0]
    assert spaced != dashed
    assert REDACTOR.text("+49 30 1234568").partition("~")[0] != spaced.partition("~")[0]
