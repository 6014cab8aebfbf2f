"""The live page of a running service in a real browser."""

import json
import sqlite3
from contextlib import closing

import pytest
from evaluate.spans import both, leg
from report.page_driver import READY, enter, pairs, reload
from serve.bodies import send
from serve.page_data import ORDER, answer, fill, row_of
from support.browser import browser
from support.serve import running_serve

TOKEN = "a-token-that-nobody-guesses"
SUMMARIES = "[...document.querySelectorAll('button.row .summary')].map(one => one.innerText)"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def serve(tmp_path):
    with running_serve(tmp_path) as one:
        fill(one)
        yield one


def shown(chromium, serve, more=""):
    page = chromium.page()
    page.open(f"{serve.url}/{more}")
    page.until(READY)
    return page


def figures_are_there(page):
    """A process has to start for them, beside all that runs here."""
    for _ in range(3):
        try:
            return page.until("document.querySelector('#verdict')?.innerText")
        except AssertionError:
            continue
    return page.until("document.querySelector('#verdict')?.innerText")


def is_clean(page, serve):
    """No error, no policy that was broken, no request off the host."""
    assert page.errors == []
    assert {address.startswith((serve.url, "data:")) for address in page.requests} == {True}
    assert page.evaluate("document.title") == "shadow-mw report"


def appears(page, selector):
    page.until(f"Boolean(document.querySelector({json.dumps(selector)}))")


def listed(page, n):
    page.until(f"document.querySelectorAll('button.row').length === {n}")


def test_verdict_pairs_filters_and_one_pair(chromium, serve):
    page = shown(chromium, serve)
    listed(page, len(ORDER))
    assert page.evaluate(SUMMARIES)[0] == "made up: vendor_tax_id"
    verdict = figures_are_there(page)
    assert "INSUFFICIENT" in verdict or "NO-GO" in verdict

    page.evaluate(
        "(() => { const e = document.querySelector('select[name=harm]'); e.value = 'missed';"
        " e.dispatchEvent(new Event('change')); })()"
    )
    listed(page, 1)
    assert "harm=missed" in page.evaluate("location.hash")
    reload(page)
    listed(page, 1)

    page.evaluate("location.hash = '#q=NEW 100%25'")
    row = row_of(serve, "differs")
    page.until(f"document.querySelector('button.row')?.dataset.id === '{row}'")
    assert pairs(page) == [row]
    page.click("button.row")
    appears(page, f"#pair-{row} dl")
    # What a model said is text here, whatever it looks like.
    assert page.evaluate("document.images.length") == 0
    is_clean(page, serve)


def test_one_pair_shows_what_changed(chromium, serve):
    row = row_of(serve, "hallucinated")
    page = shown(chromium, serve, f"#open={row}")
    appears(page, f"#pair-{row} .fielddiff")
    text = page.text(f"#pair-{row} .fielddiff")
    assert "vendor_tax_id" in text
    assert '"DE1"' in text
    assert page.evaluate(f"document.querySelectorAll('#pair-{row} .fielddiff del').length") > 0
    is_clean(page, serve)


def test_labels_are_given_blind_with_keys_and_taken_back(chromium, serve):
    row = row_of(serve, "differs")
    page = shown(chromium, serve, "#harm=differs")
    listed(page, 1)
    page.press("l")
    begin_as(page, "Ann 1")
    assert page.evaluate("document.querySelector('dialog#label').open") is True
    assert people(serve) == set()
    shade = "getComputedStyle(document.querySelector('button.row .summary')).visibility"
    assert page.evaluate(shade) == "hidden"
    text = page.text("#label")
    for name in ("primary", "candidate", "big", "small"):
        assert name not in text.lower()
    outputs = page.evaluate(
        "[...document.querySelectorAll('#label .outputs pre')].map(e => e.innerText)"
    )
    new = "1" if outputs[0].startswith("new") else "2"
    page.press(new)
    page.until("document.querySelector('#label [role=status]').innerText.includes('No pair')")
    assert kept(serve) == [(row, "candidate", 0, 0.0)]
    assert people(serve) == {"Ann 1"}
    page.press("u")
    appears(page, "#label .outputs")
    assert kept(serve) == []
    page.press("4")
    page.until("document.querySelector('#label [role=status]').innerText.includes('No pair')")
    assert kept(serve) == [(row, "tie", 1, 0.0)]
    page.evaluate("document.querySelector('dialog#label').close()")
    page.until(f"{shade} === 'visible'")
    is_clean(page, serve)


def test_who_labels_is_asked_once_and_may_change(chromium, serve):
    row = row_of(serve, "differs")
    page = shown(chromium, serve, "#harm=differs")
    listed(page, 1)
    page.press("l")
    appears(page, "#label input[name=person]")
    # Nobody yet: neither a key nor an empty name labels.
    enter(page, "")
    enter(page, " ")
    assert page.evaluate("document.querySelector('#label .outputs')") is None
    page.evaluate("document.querySelector('#label input[name=person]').value = ''")
    begin_as(page, "1 s u")
    page.press("3")
    page.until("document.querySelector('#label [role=status]').innerText.includes('No pair')")
    assert people(serve) == {"1 s u"}

    # The next person is asked about the same pair, and is no one else.
    page.click("#label .note button")
    page.evaluate("document.querySelector('#label input[name=person]').value = ''")
    begin_as(page, "Bea")
    page.press("4")
    page.until("document.querySelector('#label [role=status]').innerText.includes('No pair')")
    assert sorted(kept(serve)) == [(row, "tie", 0, 0.0), (row, "tie", 1, 0.0)]
    assert people(serve) == {"1 s u", "Bea"}

    reload(page)
    listed(page, 1)
    page.press("l")
    page.until("document.querySelector('#label').innerText.includes('You label as Bea')")
    is_clean(page, serve)


def test_pairs_that_come_in_appear(chromium, serve):
    page = shown(chromium, serve)
    listed(page, len(ORDER))
    figures_are_there(page)
    keyed = {"shadow__key": "invoice-17"}
    bad = answer(vendor_tax_id="FR2")
    send(
        serve, leg("primary", "p-live", answer(), **keyed), leg("candidate", "p-live", bad, **keyed)
    )
    for _ in range(4):
        try:
            page.until("document.querySelector('#pairs').innerText.includes('new')")
            break
        except AssertionError:
            continue
    page.evaluate("location.hash = '#harm=hallucinated'")
    listed(page, 2)
    is_clean(page, serve)


def test_a_session_lets_a_browser_in(chromium, tmp_path):
    with running_serve(tmp_path, SHADOW_OTLP_TOKEN=TOKEN) as serve:
        send(serve, *both("p-1"), token=TOKEN)
        page = chromium.page()
        page.open(f"{serve.url}/?experiment=e")
        assert page.evaluate("document.activeElement.name") == "token"
        page.send("Input.insertText", text=TOKEN)
        page.click("button")
        page.until("document.querySelectorAll('button.row').length === 1")
        assert page.evaluate("location.search") == "?experiment=e"
        assert page.evaluate("document.cookie") == ""
        is_clean(page, serve)


def begin_as(page, name):
    appears(page, "#label input[name=person]")
    enter(page, name)
    appears(page, "#label .outputs")
    assert f"You label as {name}" in page.text("#label")


def people(serve):
    with closing(sqlite3.connect(serve.store)) as connection:
        return {name for (name,) in connection.execute("SELECT person FROM preferences")}


def kept(serve):
    connection = sqlite3.connect(serve.store)
    found = connection.execute(
        "SELECT pair, winner, both_bad, inclusion FROM preferences"
    ).fetchall()
    connection.close()
    return found
