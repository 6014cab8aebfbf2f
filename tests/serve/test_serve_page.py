"""The live page of a running service: what its address gives, over HTTP."""

import json
import sqlite3

import pytest
from evaluate.spans import both
from serve.bodies import send
from serve.page_data import HOSTILE, ORDER, figures, fill, listed, names, row_of
from support.serve import running_serve


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    with running_serve(tmp_path_factory.mktemp("page")) as one:
        fill(one)
        yield one


@pytest.fixture
def origin(serve):
    return {"origin": serve.url}


def labels(serve):
    connection = sqlite3.connect(serve.store)
    found = connection.execute(
        "SELECT person, winner, both_bad, inclusion FROM preferences"
    ).fetchall()
    connection.close()
    return found


def test_pairs_come_the_worst_first_with_every_class_counted(serve):
    found = listed(serve)
    assert names(found) == ORDER
    assert found["total"] == len(ORDER)
    assert found["next"] is None
    assert found["counts"] == dict.fromkeys(ORDER, 1) | {"judge_loss": 0}
    assert list(found["counts"])[5] == "judge_loss"
    first, refused = found["rows"][:2]
    assert first["fields"] == ["vendor_tax_id"]
    assert first["summary"] == "made up: vendor_tax_id"
    assert first["segment"] == "monday"
    assert len(first["trace_id"]) == 32
    assert refused["summary"] == "no answer (timeout: candidate_timeout)"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"harm": "missed"}, ["missed"]),
        ({"segment": "monday"}, [n for n in ORDER if n not in ("new_refusal", "differs")]),
        ({"segment": ""}, ["new_refusal", "differs"]),
        ({"segment": "tuesday"}, []),
        ({"field": "total"}, ["invalid_json", "wrong_value", "missed"]),
        ({"field": "total", "harm": "missed"}, ["missed"]),
        ({"field": "no such path"}, []),
        ({"q": "p-mi"}, ["missed"]),
        ({"q": "p-"}, ORDER),
        ({"q": "invoice-17", "field": "vendor_tax_id"}, ["hallucinated", "invalid_json"]),
        ({"q": "NEW 100"}, ["differs"]),
        ({"q": "100%"}, ["differs"]),
        ({"q": "%"}, ["differs"]),
        ({"q": "_"}, ["hallucinated", "wrong_value", "missed", "invalid_json", "same"]),
        ({"q": "' OR 1=1 --"}, []),
        ({"q": "</script>"}, ["invalid_json", "differs"]),
        ({"offset": 2, "limit": 2}, ORDER[2:4]),
        ({"offset": 1000}, []),
    ],
)
def test_filters_work_on_the_server(serve, asked, expected):
    assert sorted(names(listed(serve, **asked))) == sorted(expected)


def test_pages_lead_to_one_another(serve):
    found, seen = listed(serve, limit=3), []
    while True:
        seen += names(found)
        if found["next"] is None:
            break
        found = listed(serve, limit=3, offset=found["next"])
    assert seen == ORDER
    trace = listed(serve)["rows"][0]["trace_id"]
    assert names(listed(serve, q=trace[:20])) == ["hallucinated"]


@pytest.mark.parametrize(
    "asked",
    [
        "harm=bad",
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=-1",
        "offset=-1",
        "offset=99999999999999999999999",
        "offset=%C2%B2",
        "hram=missed",
        "q=a&q=b",
        "q=" + "a" * 1001,
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(serve, asked):
    response = serve.client.get(f"/v1/harm?{asked}")
    assert response.status_code == 400
    assert "\n" not in response.json()["error"]


def test_a_pair_has_its_leaves_side_by_side(serve):
    found = serve.client.get(f"/v1/harm/{row_of(serve, 'hallucinated')}").json()
    fields = {field["path"]: field for field in found["fields"]}
    assert list(fields) == ["vendor_tax_id", "total", "lines[].item", "lines[].n"]
    assert fields["vendor_tax_id"] == {
        "path": "vendor_tax_id",
        "truth": "null",
        "primary": "null",
        "candidate": '"DE1"',
        "primary_outcome": "correct_null",
        "candidate_outcome": "hallucinated",
        "differs": True,
        "cut": False,
    }
    assert not fields["total"]["differs"]
    assert found["primary"]["model"] == "big"
    assert json.loads(found["candidate"]["output"])["vendor_tax_id"] == "DE1"
    assert json.loads(found["truth"])["total"] == "9.00"
    assert {check["name"] for check in found["checks"]} >= {"json", "refusal"}
    for missing in (0, 10**6, 2**63, 10**30):
        assert serve.client.get(f"/v1/harm/{missing}").status_code == 404


def test_what_is_long_is_cut_and_says_so(tmp_path):
    long = "x" * 30_000
    with running_serve(tmp_path) as serve:
        send(serve, *both("p-long", json.dumps({"a": long}), json.dumps({"a": long + "y"})))
        found = serve.client.get("/v1/harm/1").json()
    (field,) = found["fields"]
    assert field["cut"]
    assert field["differs"]
    assert len(field["primary"]) == len(field["candidate"]) == 2_000
    assert len(found["candidate"]["output"]) == 20_000
    assert found["candidate"]["output_left_out"] == len(json.dumps({"a": long + "y"})) - 20_000


def test_half_a_character_that_a_model_said_is_no_fault(tmp_path):
    with running_serve(tmp_path) as serve:
        send(serve, *both("p-half", "fine", '{"a": "\\ud83d"}'))
        assert "\\ud83d" in serve.client.get("/v1/harm/1").json()["candidate"]["output"]


def test_figures_come_from_a_process_apart_and_are_not_sent_twice(serve):
    response = figures(serve)
    found = response.json()
    assert found["live"] is True
    assert found["report"]["metrics"]["field_accuracy"]["n"] > 0
    assert found["verdict"]["verdict"] in ("NO-GO", "INSUFFICIENT")
    assert found["pairs"]["total"] == len(ORDER)
    assert [share for _, share in found["latency"]["primary"]][-1] == 1.0
    assert found["fault"] is None
    tag = {"if-none-match": response.headers["etag"]}
    again = serve.client.get("/v1/report", headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    rows = serve.client.get("/v1/harm")
    tag = {"if-none-match": rows.headers["etag"]}
    assert serve.client.get("/v1/harm", headers=tag).status_code == 304


def test_new_pairs_are_there_at_once_and_in_the_figures_after_a_while(tmp_path):
    with running_serve(tmp_path) as serve:
        assert listed(serve)["rows"] == []
        empty = figures(serve)
        assert empty.json()["report"]["experiment"] is None
        before = serve.client.get("/v1/harm").headers["etag"]
        send(serve, *both("p-1"), *both("p-other", experiment="other"))
        response = serve.client.get("/v1/harm?experiment=e", headers={"if-none-match": before})
        assert names(response.json()) == ["1"]
        assert names(listed(serve, experiment="other")) == ["other"]
        assert figures(serve, experiment="e").json()["report"]["funnel"]["paired"] == 1
        unknown = serve.client.get("/v1/report", params={"experiment": "none"})
        assert unknown.status_code == 404
        assert "'none'" in unknown.json()["error"]


def test_a_label_is_blind_kept_and_taken_back(serve, origin):
    row, slots = row_of(serve, "differs"), set()
    for _ in range(40):
        shown = serve.client.get(f"/v1/label/{row}", params={"person": "ann"}).json()
        text = json.dumps(shown)
        for name in ("primary", "candidate", "big", "small"):
            assert f'"{name}"' not in text
        slots.add(shown["outputs"][0][:3])
        if len(slots) == 2:
            break
    assert slots == {"old", "new"}
    assert shown["labelled"] is False

    def say(choice, shown):
        body = {"id": row, "ticket": shown["ticket"], "choice": choice, "person": "ann"}
        return serve.client.post("/v1/labels", json=body, headers=origin)

    for _ in range(4):
        shown = serve.client.get(f"/v1/label/{row}", params={"person": "ann"}).json()
        new = "first" if shown["outputs"][0].startswith("new") else "second"
        assert say(new, shown).json() == {"id": row, "labelled": 1}
        assert labels(serve) == [("ann", "candidate", 0, 0.0)]
    assert serve.client.get(f"/v1/label/{row}?person=ann").json()["labelled"] is True
    assert serve.client.get(f"/v1/harm/{row}").json()["labelled"] == 1
    say("both_bad", shown)
    assert labels(serve) == [("ann", "tie", 1, 0.0)]
    assert say("none", shown).json() == {"id": row, "labelled": 0}
    assert labels(serve) == []


def test_a_browser_without_a_name_is_one_person(serve, origin):
    row = row_of(serve, "differs")
    with serve.http as browser:
        shown = browser.get(f"/v1/label/{row}").json()
        body = {"id": row, "ticket": shown["ticket"], "choice": "tie"}
        for choice in ("tie", "both_bad"):
            answer = browser.post("/v1/labels", json=body | {"choice": choice}, headers=origin)
            assert answer.json()["labelled"] == 1
        assert browser.get(f"/v1/label/{row}").json()["labelled"] is True
        assert [person for person, *_ in labels(serve)] == [shown["person"]]
        browser.post("/v1/labels", json=body | {"choice": "none"}, headers=origin)
    assert labels(serve) == []


def test_a_pair_that_was_drawn_is_picked_by_hand_by_others(serve, origin):
    row = row_of(serve, "missed")
    connection = sqlite3.connect(serve.store)
    with connection:
        connection.execute("INSERT INTO preferences VALUES (?, 'bob', 'tie', 0, 0.25, 1)", (row,))
    shown = serve.client.get(f"/v1/label/{row}?person=cy").json()
    body = {"id": row, "ticket": shown["ticket"], "choice": "tie", "person": "cy"}
    serve.client.post("/v1/labels", json=body, headers=origin)
    assert sorted((*person[:1], person[3]) for person in labels(serve)) == [
        ("bob", 0.25),
        ("cy", 0.0),
    ]
    with connection:
        connection.execute("DELETE FROM preferences")
    connection.close()


@pytest.mark.parametrize(
    "change",
    [
        {"choice": "a"},
        {"id": "1"},
        {"id": True},
        {"id": 2**63},
        {"ticket": None},
        {"person": ""},
        {"person": "x" * 65},
        {"person": "a\nb"},
        {"person": "\ud800"},
        {"more": 1},
    ],
)
def test_a_label_that_makes_no_sense_is_refused(serve, origin, change):
    shown = serve.client.get(f"/v1/label/{row_of(serve, 'differs')}").json()
    body = {"id": shown["id"], "ticket": shown["ticket"], "choice": "tie"} | change
    content = json.dumps(body).encode()
    headers = origin | {"content-type": "application/json"}
    response = serve.client.post("/v1/labels", content=content, headers=headers)
    assert response.status_code == 400
    assert labels(serve) == []


def test_a_ticket_is_good_for_its_pair_alone(serve, origin):
    differs, same = row_of(serve, "differs"), row_of(serve, "same")
    ticket = serve.client.get(f"/v1/label/{differs}").json()["ticket"]
    for wrong in (ticket[:-1], "x", "", f"\u00e9{ticket}", "."):
        body = {"id": differs, "ticket": wrong, "choice": "tie"}
        assert serve.client.post("/v1/labels", json=body, headers=origin).status_code == 409
    body = {"id": same, "ticket": ticket, "choice": "first"}
    assert serve.client.post("/v1/labels", json=body, headers=origin).status_code == 409
    refused = row_of(serve, "new_refusal")
    assert serve.client.get(f"/v1/label/{refused}").status_code in (200, 404)
    assert labels(serve) == []


def test_what_models_said_is_never_markup(serve):
    assert HOSTILE not in serve.client.get("/").text
    for path in ("/v1/harm?q=p-differs", f"/v1/harm/{row_of(serve, 'differs')}"):
        response = serve.client.get(path)
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in response.headers["content-security-policy"]
