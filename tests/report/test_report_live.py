"""The page of a running `shadow-mw serve`, in a real browser."""

import sqlite3

import pytest
from evaluate.spans import START, leg, store_of
from report.live_server import live
from report.page_driver import enter, focused, pairs, reload, shown, texts
from serve.bodies import send
from support.serve import running_serve

TRUTH = {"total": "9.00", "vendor_tax_id": None}
DAY = 86_400 * 10**9
# Figures are worked out by a process that everything else on this machine goes before.
PATIENCE = 100

pytestmark = pytest.mark.timeout(400)


def exchange(name, output=TRUTH, n=0, **more):
    both = {"shadow__key": "invoice", "shadow__segment": ("monday", "friday")[n % 2]} | more
    start = START + n * DAY // 20
    return [
        leg("primary", name, TRUTH, start=start, **both),
        leg("candidate", name, output, start=start, **both),
    ]


def filled(path):
    invented = TRUTH | {"vendor_tax_id": "DE 123"}
    spans = [exchange(f"p{n:02}", invented if n < 60 else TRUTH, n) for n in range(70)]
    return store_of(path, *(s for legs in spans for s in legs), labels=[("invoice", TRUTH)])


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "shadow.db")


@pytest.fixture
def page(chromium, store):
    with live(store) as url:
        found = shown(chromium, url)
        yield found
        leave(found, url)


def leave(page, url):
    """It goes on asking for as long as it is there."""
    page.send("Page.navigate", url="about:blank")
    assert page.errors == []
    assert {one for one in page.requests if not one.startswith((url, "data:", "about:"))} == set()


def labels(store):
    connection = sqlite3.connect(store)
    found = connection.execute("SELECT pair, winner, both_bad FROM preferences").fetchall()
    connection.close()
    return found


def pairs_are(page, n, patience=30):
    page.until(f"document.querySelector('#verdict').innerText.includes('Pairs\\n{n}')", patience)


def test_the_command_serves_it(chromium, tmp_path):
    with running_serve(tmp_path) as one:
        send(one, *exchange("p1"))
        page = shown(chromium, one.url, patience=PATIENCE)
        assert "unregistered" in page.text("#verdict")
        page.until("document.querySelectorAll('button.row').length === 1")
        leave(page, one.url)


def test_figures_and_pairs_come_from_the_service_and_are_paged_there(page):
    assert "unregistered" in page.text("#verdict")
    assert texts(page, "#fields tbody tr:first-child td")[0] == "0 → 60"
    page.until("document.querySelectorAll('button.row').length === 50")
    assert "50 of 70" in page.text("#pairs .status")
    page.evaluate("document.querySelector('.pager button:last-child').click()")
    page.until("document.querySelectorAll('button.row').length === 20")
    assert page.evaluate("location.hash") == "#offset=50"
    reload(page)
    page.until("document.querySelectorAll('button.row').length === 20")
    page.evaluate("document.querySelector('.pager button').click()")
    page.until("document.querySelectorAll('button.row').length === 50")

    page.evaluate("location.hash = 'harm=hallucinated&segment=friday&field=vendor_tax_id'")
    page.until("document.querySelectorAll('button.row').length === 30")
    page.press("/")
    for char in "p59":
        page.press(char)
    page.until("document.querySelectorAll('button.row').length === 1")
    assert page.evaluate("new URLSearchParams(location.hash.slice(1)).get('q')") == "p59"
    page.press("Escape")
    page.press("j")
    page.press("o")
    page.until("document.querySelector('.body ins') !== null")
    assert '"DE 123"' in page.text(".body table")
    listed = [one for one in page.requests if "/v1/harm?" in one]
    assert all("limit=50" in one for one in listed)


def test_what_comes_in_is_shown_and_the_reader_stays_where_they_are(page, store):
    page.press("j")
    page.press("j")
    page.press("o")
    page.until("document.querySelector('.body ins') !== null")
    here, before = focused(page), "document.activeElement.getBoundingClientRect().top"
    top, scrolled = page.evaluate(before), page.evaluate("scrollY")
    assert scrolled > 0

    more = [exchange(f"p{n}", {"total": "8.00"}, n) for n in range(70, 90)]
    store_of(store, *(span for legs in more for span in legs))
    pairs_are(page, 90)
    assert focused(page) == here
    assert page.evaluate(before) == pytest.approx(top, abs=2)
    assert page.evaluate("document.querySelector('.body ins') !== null")
    assert "50 of 70" in page.text("#pairs .status")

    page.evaluate("document.querySelector('#pairs .status button').click()")
    page.until("document.querySelector('#pairs .status').innerText.includes('50 of 90')")
    counts = page.evaluate(
        "[...document.querySelector('select[name=harm]').options].map(one => one.text)"
    )
    assert {"hallucinated (60)", "wrong value (20)"} <= set(counts)


def test_labels_are_blind_and_by_keys(page, store):
    first, second = pairs(page)[:2]
    page.press("j")
    page.press("o")
    page.until("document.querySelector('.body table') !== null")
    page.press("l")
    page.until("document.querySelector('#label input') !== null")
    enter(page, "Ann")
    page.until("document.querySelector('#label .outputs') !== null")
    shown_now = page.evaluate("document.querySelector('#label').innerHTML")
    for name in ("big", "small", "primary", "candidate", "Primary", "Candidate"):
        assert name not in shown_now
    assert len(set(texts(page, "#label .outputs pre"))) == 2

    # The pair that was opened is passed over: whose output is whose is known.
    invented = next(i for i, t in enumerate(texts(page, "#label .outputs pre")) if "DE 123" in t)
    page.press("21"[invented])
    page.until("document.querySelector('#label .choices button[disabled]') === null")
    assert labels(store) == [(second, "primary", 0)]
    page.press("u")
    page.until("document.querySelector('#label .choices button[disabled]') !== null")
    assert labels(store) == []
    page.press("4")
    page.until("document.querySelector('#label .choices button[disabled]') === null")
    assert labels(store) == [(second, "tie", 1)]
    page.press("s")
    page.press("Escape")
    page.until("!document.querySelector('#label').open")
    assert first not in {pair for pair, *_ in labels(store)}


def test_a_service_that_is_away_is_said_so_and_found_again(chromium, store):
    with live(store) as url:
        page = shown(chromium, url)
    page.until("document.querySelector('#live').innerText.includes('not reached')")
    store_of(store, *exchange("more"))
    with live(store, int(url.rpartition(":")[2])):
        pairs_are(page, 71)
        assert "as of" in page.text("#live")
        page.send("Page.navigate", url="about:blank")


def test_a_store_without_data_fills_before_the_reader_s_eyes(chromium, tmp_path):
    store = store_of(tmp_path / "shadow.db")
    with live(store) as url:
        page = shown(chromium, url)
        assert "No verdict yet" in page.text("#verdict")
        store_of(store, *exchange("p1"))
        page.until("document.querySelector('#verdict').innerText.includes('INSUFFICIENT')")
        page.evaluate("document.querySelector('#pairs .status button').click()")
        page.until("document.querySelectorAll('button.row').length === 1")
        leave(page, url)
