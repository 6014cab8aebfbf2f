"""Labels of the page: whose they are is not for a link to say."""

import pytest
from serve.page_data import fill, row_of
from support.serve import running_serve


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
