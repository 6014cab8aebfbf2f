"""`shadow-mw label --web`: the real command, over HTTP."""

import json
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest
from evaluate.test_label_terminal import HOSTILE, MODELS, answers, pair, stored
from rows.pair_rows import command, environment


@contextmanager
def page(path, *arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "shadow_mw", "label", "--web", "--annotator", "ann", *arguments],
        cwd=path,
        env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = process.stdout.readline() + process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", said)[0]
        with httpx.Client(base_url=url, timeout=30) as client:
            yield client
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.communicate()


def press(client, found, key):
    return client.post("answer", json={"place": found["place"], "key": key}).raise_for_status()


@pytest.fixture
def store(tmp_path):
    stored(tmp_path, *(pair(i) for i in range(8)))
    return tmp_path


def test_answers_are_kept_by_output_and_gone_on_with(store):
    slots = set()
    with page(store) as client:
        found = client.get("pair").json()
        for n in range(5):
            assert (found["labelled"], found["drawn"]) == (n, 8)
            assert sorted(found["outputs"]) == ["new", "old"]
            assert not set(MODELS.values()) & set(json.dumps(found).split('"'))
            key = "ab"[found["outputs"].index("new")]
            slots.add(key)
            found = press(client, found, key).json()
    with page(store) as client:
        found = client.get("pair").json()
        assert found["labelled"] == 5
        first = found
        found = press(client, found, "s").json()
        found = press(client, found, "x").json()
        undone = press(client, {"place": found["place"] - 1}, "u").json()
        assert undone["place"] == found["place"] - 1
        found = press(client, undone, "t").json()
        found = press(client, found, "t").json()
        assert (found["place"], found["labelled"]) == (None, 7)
        assert client.get("pair").json() == first | {"labelled": 7}
    assert len(slots) == 2
    given = answers(store)
    assert [line["human"] for line in given] == ["B"] * 5 + ["TIE", None, "TIE", "TIE"]
    assert [line["human"] for line in given if line.get("both_bad")] == ["TIE"]


def test_who_does_not_know_the_address_or_is_another_page_gets_nothing(store):
    with page(store) as client:
        base = str(client.base_url)
        root = base[: base.index("/", 8)]
        good = {"place": 0, "key": "a"}
        for url in (root, f"{root}/", f"{root}/pair", f"{root}/{'x' * 32}/pair"):
            assert client.get(url).status_code == 404
        assert client.post(f"{root}/{'x' * 32}/answer", json=good).status_code == 404
        assert client.get("pair", headers={"host": "evil.example"}).status_code == 404
        other = {"origin": "http://evil.example"}
        assert client.post("answer", json=good, headers=other).status_code == 403
        assert client.post("answer", json=good, headers={"origin": "null"}).status_code == 403
        assert client.post("answer", data={"place": 0, "key": "a"}).status_code == 415
        text = {"content-type": "text/plain"}
        assert client.post("answer", content=json.dumps(good), headers=text).status_code == 415
        assert client.get("answer").status_code == 405
        keys = [(8, "a"), (-1, "a"), (True, "a"), ("0", "a"), (0, "q"), (0, "a" * 2000)]
        for bad in ([], *({"place": place, "key": key} for place, key in keys)):
            assert client.post("answer", json=bad).status_code == 400
        assert client.get("pair").json()["labelled"] == 0
        assert client.post("answer", json=good, headers={"origin": root}).status_code == 200
    assert len(answers(store)) == 1


def test_the_page_is_whole_and_outputs_are_text_in_it(tmp_path):
    bad = "<img src=x onerror=alert(1)></pre><script>alert(2)</script>" + "".join(HOSTILE)
    asked = {"messages": [{"role": "user", "content": bad}]}
    stored(tmp_path, pair(1, f"old {bad}", f"new {bad}", input=asked))
    with page(tmp_path) as client:
        shown = client.get("")
        policy = shown.headers["content-security-policy"]
        nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)[1]
        assert policy.startswith("default-src 'none';")
        assert shown.text.count(f'nonce="{nonce}"') == 2
        assert client.get("").headers["content-security-policy"] != policy
        # No address, and no way to make elements from text.
        for word in ("http:", "https:", "innerHTML", "insertAdjacent", "document.write", "src="):
            assert word not in shown.text
        data = client.get("pair")
        assert data.headers["content-type"] == "application/json"
        assert data.headers["x-content-type-options"] == "nosniff"
        found = data.json()
        assert "<script>alert(2)</script>" in found["task"]
        texts = found["task"] + "".join(found["outputs"])
        assert {char for char in texts if not char.isprintable()} == {"\n"}


def test_options_of_no_use_are_refused(store):
    done = command(store, "label", "--web", "--json")
    assert (done.returncode, b"no JSON is printed" in done.stderr) == (64, True)
