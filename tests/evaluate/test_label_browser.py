"""`shadow-mw label --web` in a real browser: keys, blinding, where answers go, what is loaded."""

import json
import sqlite3

import pytest
from evaluate.test_label_terminal import MODELS, answers, pair, stored
from evaluate.test_label_web import page as served
from support.browser import browser

HOSTILE = "<img src='http://198.51.100.7/x.png' onerror='document.title=1'><script>document.title=2"


@pytest.fixture
def shown(tmp_path):
    """The labelling page over four pairs, and the directory of its store."""
    names = " ".join(MODELS.values())
    asked = {"messages": [{"role": "user", "content": f"task {HOSTILE}"}], "model": names}
    stored(tmp_path, *(pair(i, f"old {HOSTILE}", f"new {HOSTILE}", input=asked) for i in range(4)))
    with served(tmp_path) as client, browser(tmp_path) as chromium:
        page = chromium.page()
        page.open(str(client.base_url))
        page.until("!document.getElementById('pair').hidden")
        yield page, tmp_path, str(client.base_url)


def preferences(path):
    """Labels of the store, in the order in which they came."""
    connection = sqlite3.connect(path / "shadow.db")
    found = connection.execute(
        "SELECT person, winner, both_bad, inclusion FROM preferences ORDER BY time_ns"
    ).fetchall()
    connection.close()
    return found


def labelled(page, n):
    page.until(f"document.getElementById('title').textContent.startsWith('{n} of 4')")
    page.until("!busy")


def test_keys_and_buttons_answer_without_a_name_an_error_or_a_request_elsewhere(shown):
    page, path, url = shown
    slots = []
    for n in range(2):
        new = "a" if page.text("#a").startswith("new") else "b"
        slots.append(new)
        page.press(new)
        labelled(page, n + 1)
    page.press("u")
    labelled(page, 1)
    new = "a" if page.text("#a").startswith("new") else "b"
    page.click(f"button[data-key={new}]")
    labelled(page, 2)
    # A shortcut of the browser is no answer.
    page.press("a", modifiers=2)
    page.press("t")
    labelled(page, 3)
    html = page.html()
    page.press("x")
    page.until("document.getElementById('pair').hidden")
    assert "No pair is left" in page.text("#said")

    assert page.errors == []
    assert {address.startswith(url) for address in page.requests} == {True}
    assert page.evaluate("document.title") == "shadow-mw label"
    for name in (*MODELS.values(), "primary", "candidate", "judge"):
        assert name not in html
    assert page.evaluate("document.images.length") == 0

    given = [line["human"] for line in answers(path)]
    assert given == ["B", "B", None, "B", "TIE", "TIE"]
    kept = preferences(path)
    assert kept == [
        ("ann", "candidate", 0, 1.0),
        ("ann", "candidate", 0, 1.0),
        ("ann", "tie", 0, 1.0),
        ("ann", "tie", 1, 1.0),
    ]


def test_what_others_wrote_is_text_and_the_policy_stops_what_is_not(shown):
    page, _, url = shown
    assert page.text("#a").endswith(HOSTILE)
    assert HOSTILE in page.text("#request")
    blocked = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', e => String(e))")
    assert "Failed to fetch" in blocked
    assert any("Content Security Policy" in error for error in page.errors)
    assert all(address.startswith((url, "http://127.0.0.1:9/")) for address in page.requests)


def test_an_answer_that_cannot_be_kept_is_said(shown):
    page, path, _ = shown
    (path / "labels.jsonl").rename(path / "away.jsonl")
    page.press("a")
    page.until("document.getElementById('said').textContent.startsWith('Not kept:')")
    labelled(page, 0)
    assert "labels.jsonl: cannot be read or written" in page.text("#said")
    assert preferences(path) == []
    assert json.loads((path / "away.jsonl").read_text().splitlines()[0])["human"] is None
