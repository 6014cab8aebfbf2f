import functools

import pytest
from rows.pair_rows import command


@pytest.fixture
def shadow(tmp_path):
    """`shadow-mw` in a directory of its own."""
    return functools.partial(command, tmp_path)
