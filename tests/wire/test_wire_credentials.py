from __future__ import annotations

import pytest

from shadow_mw.types import Reason, WireFormat
from shadow_mw.wire import format_of


@pytest.mark.parametrize("wire", list(WireFormat))
def test_keys_in_the_body_stay_with_the_primary(wire: WireFormat):
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "input": "hi",
        "prompt": "hi",
        "api_key": "sk-1",
        "extra_headers": {"Authorization": "Basic x"},
        "guided_json": {},
    }

    sent = format_of(wire).candidate_body(body, model="c", params={}, remove=())

    assert not {"api_key", "extra_headers"} & set(sent)
    assert "guided_json" in sent


def test_a_provider_s_own_retrieval_is_state():
    body = {"model": "m", "messages": [], "data_sources": [{"type": "azure_search"}]}

    assert format_of(WireFormat.OPENAI_CHAT).skip_reason(body) is Reason.STATEFUL
