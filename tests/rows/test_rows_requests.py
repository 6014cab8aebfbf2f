"""Requests are stored as one redaction of the whole would store them, however they are read."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.evaluate.rows.json_values import dumps, plain
from shadow_mw.evaluate.rows.read import Unchanged
from shadow_mw.evaluate.rows.requests import Requests
from shadow_mw.runner.redact import Redactor
from shadow_mw.settings import REDACTIONS

TEXTS = st.text(max_size=5) | st.sampled_from(["jane@example.com", "api_key", 'a"b', "é", ""])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(
    TEXTS | st.sampled_from(["messages", "input", "model"]), VALUES, max_size=4
)
REDACTOR = Redactor(REDACTIONS, b"key")


@given(st.lists(BODIES, min_size=1, max_size=3))
def test_parts_that_are_remembered_make_the_same_whole(bodies):
    for redaction in (Unchanged(), REDACTOR):
        requests = Requests(redaction.request)
        for body in [*bodies, *bodies]:
            value, text = requests.read(body)
            whole = redaction.request(plain(body))
            assert (json.loads(text), value) == (json.loads(dumps(whole)), whole)
            assert text == dumps(whole)
