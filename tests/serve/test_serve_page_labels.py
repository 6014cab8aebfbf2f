"""Labels of the page: whose they are is not for a link to say."""

import json

import pytest
from evaluate.spans import both, store_of
from serve.page_data import fill, row_of
from support.serve import running_serve

from shadow_mw.evaluate.calibration.rows import BY_HAND
from shadow_mw.evaluate.labelling.preferences import PUT, people
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.worst.blind import blind, keep_said
from shadow_mw.harms import Said
from shadow_mw.results import Series


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    with running_serve(tmp_path_factory.mktemp("labels")) as one:
        fill(one)
        yield one


@pytest.fixture
def origin(serve):
    return {"origin": serve.url}


def test_a_link_does_not_say_who_labels(serve, origin):
    row = row_of(serve, "differs")
    with serve.http as browser:
        followed = browser.get(f"/v1/label/{row}?person=alice")
        assert "set-cookie" not in followed.headers
        shown = browser.get(f"/v1/label/{row}").json()
        assert shown["person"] != "alice"
        body = {"id": row, "ticket": followed.json()["ticket"], "choice": "tie", "person": "bob"}
        assert browser.post("/v1/labels", json=body, headers=origin).status_code == 409
        kept = browser.post("/v1/labels", json=body | {"person": "alice"}, headers=origin)
        assert kept.status_code == 200
        assert "set-cookie" in kept.headers
        assert browser.get(f"/v1/label/{row}").json()["person"] == "alice"


def test_where_outputs_differ_says_not_whose_is_whose(tmp_path):
    ours = {"z": "1", "a": "2", "items": [{"n": "x"}, {"n": "q"}]}
    theirs = {"a": "3", "b": "4", "z": "5", "items": [{"n": "y"}, {"n": "r"}, {"n": "b"}]}

    def rows(name, primary, candidate):
        texts = json.dumps(primary), json.dumps(candidate)
        path = store_of(tmp_path / name, *both("p1", *texts))
        with Store.open(path) as store:
            found = blind(store, 1, primary_first=True)
        return [(field, *sorted(values)) for field, *values in found.differences]

    one, other = rows("one.db", ours, theirs), rows("other.db", theirs, ours)
    assert [row[0] for row in one] == sorted(row[0] for row in one)
    assert len(one) > 4
    assert one == other


def test_labels_by_hand_take_no_pair_out_of_the_sample(tmp_path):
    path = store_of(tmp_path / "s.db", *both("p1"))
    with Store.open(path) as store:
        with store.transaction():
            store.write(PUT, [(1, "bob", "tie", 0, 0.25, 1)])
        keep_said(store, 1, "cy", Said.CANDIDATE)
        assert store.query("SELECT inclusion FROM preferences WHERE person = 'cy'") == [(BY_HAND,)]
        assert people(store, Series("e", "c"))["p1"].inclusion == 0.25
        keep_said(store, 1, "bob", Said.CANDIDATE)
        assert store.query("SELECT inclusion FROM preferences WHERE person = 'bob'") == [(0.25,)]
