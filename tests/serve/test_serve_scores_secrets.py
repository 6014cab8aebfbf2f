"""Which secrets go with the scores, and where they go to."""

import pytest
from evaluate.spans import both
from serve.bodies import send
from serve.scores_endpoint import scores_endpoint, values
from support.serve import running_serve
from support.waiting import until

MARK = "mark-of-this-deployment"
OWN = {"SHADOW_MARK": MARK, "SHADOW_OTLP_TOKEN": "a-token-of-this-deployment"}


@pytest.fixture
def endpoint():
    with scores_endpoint() as server:
        yield server


def arrived(endpoint, tmp_path, **env):
    """Tokens and marks that came with the scores of one pair; what the start said of them."""
    with running_serve(tmp_path, SHADOW_SCORES_ENDPOINT=endpoint.url, **OWN | env) as serve:
        send(serve, *both("p1"), token=OWN["SHADOW_OTLP_TOKEN"])
        until(lambda: endpoint.spans and endpoint.records, "spans and scores")
        said = serve.log().splitlines()[0].partition(f"scores go to {endpoint.url} ")[2]
    tokens = {headers.get("authorization") for headers in endpoint.headers}
    marks = {values(x.attributes).get("shadow.mark") for x in endpoint.spans + endpoint.records}
    return tokens, marks, said


def test_serves_own_token_goes_nowhere_and_the_mark_to_the_collector(endpoint, tmp_path):
    found = arrived(endpoint, tmp_path)
    assert found == ({None}, {MARK}, "(with the mark, no token)")


def test_the_endpoints_own_token_goes_there(endpoint, tmp_path):
    found = arrived(endpoint, tmp_path, SHADOW_SCORES_TOKEN="theirs")
    assert found == ({"Bearer theirs"}, {MARK}, "(with the mark, a token)")


def test_where_the_collector_is_known_the_mark_goes_to_no_other_host(endpoint, tmp_path):
    elsewhere = "http://collector.example:4318"
    found = arrived(endpoint, tmp_path, SHADOW_OTLP_ENDPOINT=elsewhere)
    assert found == ({None}, {None}, "(without the mark, no token)")


def test_the_known_collector_gets_it(endpoint, tmp_path):
    found = arrived(endpoint, tmp_path, SHADOW_OTLP_ENDPOINT=f"{endpoint.url}/v1/traces")
    assert found[1] == {MARK}
