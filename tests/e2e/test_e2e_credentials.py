"""Nothing that identifies the app at its provider reaches the candidate; nothing raw is stored."""

from __future__ import annotations

import json
import re

from support import calls, calls_anthropic
from support.lab import CANDIDATE_KEY, PRIMARY_KEY, Lab, Model, text_of, until

EMAIL, PHONE = "jo.smith@example.org", "+44 20 7946 0958"
CARD, IBAN = "4111 1111 1111 1111", "GB82 WEST 1234 5698 7654 32"
API_KEY = "sk-proj-AbCdEfGhIjKlMnOpQrStUv"
PERSONAL = f"Write to {EMAIL}, call {PHONE}, card {CARD}, account {IBAN}, key {API_KEY}."
KINDS = ("email", "phone", "card", "iban")


def test_the_candidate_gets_its_own_key_and_nothing_of_the_primarys(
    lab: Lab, primary: Model, candidate: Model
) -> None:
    app = lab.agent()
    secrets = calls.with_secrets, calls_anthropic.anthropic_with_secrets, calls.legacy_httpx
    for call in secrets:
        app.run(call, key=call.__name__)
        # One after another, so that a cookie of the candidate's answer could come back.
        lab.pair(call.__name__)
    sent, got = json.dumps(primary.seen()), json.dumps(candidate.seen())
    for secret in ("cookie", "org", "proj", "header", "user"):
        assert f"{secret}-secret" in sent
    assert PRIMARY_KEY in sent
    assert not re.search(r"\w+-secret", got)
    assert PRIMARY_KEY not in got
    assert "cookie" not in got.lower()
    by_path = {s["path"]: {n.lower(): v for n, v in s["headers"]} for s in candidate.seen()}
    assert by_path["/v1/chat/completions"]["authorization"] == f"Bearer {CANDIDATE_KEY}"
    claude = by_path["/v1/messages"]
    assert claude["x-api-key"] == CANDIDATE_KEY
    assert "authorization" not in claude
    assert claude["anthropic-beta"] == "tools-2024"
    for headers in by_path.values():
        assert set(headers) <= ALLOWED, set(headers) - ALLOWED


ALLOWED = {
    *("host", "connection", "content-length", "content-type", "accept", "accept-encoding"),
    *("user-agent", "authorization", "x-api-key", "anthropic-version", "anthropic-beta"),
    *("x-shadow-role", "x-trace-id", "traceparent"),
}


def test_personal_data_are_stored_as_the_same_pseudonyms_everywhere(
    lab: Lab, candidate: Model
) -> None:
    app = lab.agent()
    (answer,) = app.run(calls.ask, texts=[PERSONAL])
    assert answer == f"You said: {PERSONAL}"
    lab.drained(1)
    (pair,) = lab.pairs()
    # What the candidate gets is what the primary got; what is stored is not.
    assert candidate.seen()[0]["body"]["messages"][0]["content"] == PERSONAL
    stored = text_of(pair.primary)
    assert stored == text_of(pair.candidate)
    pseudonyms = re.findall(r"<(\w+):[0-9a-f]{12}(?:~[0-9a-f]+)?>", stored)
    assert sorted(pseudonyms) == sorted(KINDS)
    assert "<credential:" in stored
    given = json.loads(pair.primary.content.input or "")[0]["parts"][0]["content"]
    assert stored == f"You said: {given}"
    assert given in pair.primary.content.request
    raw = lab.store.read_bytes() + b"".join(p.read_bytes() for p in lab.path.glob("shadow.db-*"))
    contents = [text for p in (pair.primary, pair.candidate) for text in vars_of(p.content)]
    for secret in (EMAIL, PHONE, CARD, IBAN, API_KEY):
        assert secret.encode() not in raw
        assert not any(secret in text for text in contents)


def vars_of(content: object) -> list[str]:
    names = ("request", "system", "input", "output")
    return [getattr(content, name) or "" for name in names]


def test_nothing_stays_in_the_spool(lab: Lab) -> None:
    app = lab.agent()
    app.run(calls.ask, texts=[PERSONAL])
    lab.drained(1)
    app.close()
    until(lambda: not list(lab.directory.glob("*.seg")), "the segment's end")
    lab.stop_runner()
    left = b"".join(p.read_bytes() for p in lab.directory.iterdir())
    for secret in (EMAIL, PRIMARY_KEY, API_KEY):
        assert secret.encode() not in left


def test_truth_with_the_raw_value_matches_the_stored_pseudonym(lab: Lab) -> None:
    app = lab.agent()
    answer = json.loads(app.run(calls.ask_json, key="letter-1", text=f"From {EMAIL}") or "")
    assert answer["email"] == EMAIL
    lab.pair("letter-1")
    truth = {"key": "letter-1", "truth": {"email": EMAIL, "length": answer["length"]}}
    labelled = lab.cli("label", "-", "--json", stdin=json.dumps(truth) + "\n")
    assert json.loads(labelled.stdout)["scored"] == 1, labelled
    report = lab.report()
    assert report["funnel"]["scored"] == 1
    for leg in ("primary", "candidate"):
        assert report["fields"]["email"][leg]["correct"] == 1
        assert report["metrics"]["field_accuracy"][leg] == 1.0
    wrong = {"key": "letter-1", "truth": {"email": "other@example.org"}}
    lab.cli("label", "-", stdin=json.dumps(wrong) + "\n")
    assert lab.report()["fields"]["email"]["primary"].get("correct", 0) == 0


def test_malformed_labels_are_refused_whole(lab: Lab) -> None:
    lab.agent().run(calls.ask_json, key="k", text="x")
    lab.pair("k")
    lines = ['{"key": "k", "truth": {"length": 1}}', '{"key": "k"}']
    refused = lab.cli("label", "-", stdin="\n".join(lines))
    assert refused.returncode == 65
    assert "2" in refused.stderr
    assert lab.report()["funnel"]["scored"] == 0
