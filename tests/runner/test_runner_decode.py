from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.runner.decode import decoded

LIMIT = 10**6


@given(st.binary(max_size=5000))
def test_what_was_compressed_comes_back(body: bytes):
    assert decoded(gzip.compress(body), "gzip", LIMIT) == body
    assert decoded(zlib.compress(body), "deflate", LIMIT) == body
    assert decoded(body, "", LIMIT) == body


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_opened_or_refused(body: bytes):
    assert isinstance(decoded(body, "gzip", LIMIT), bytes | None)


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
def test_a_bomb_is_refused(encoding: str):
    bomb = gzip.compress(bytes(200 * 2**20))

    assert decoded(bomb, encoding, LIMIT) is None
