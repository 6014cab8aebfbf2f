"""The primary asked once more: what may be set, and what stops the start."""

from __future__ import annotations

import json
import re

import pytest

from shadow_mw.exceptions import ConfigError
from shadow_mw.settings import load

MINIMAL = {"SHADOW_CANDIDATE_URL": "http://c/v1", "SHADOW_CANDIDATE_MODEL": "m"}
KEY = "sk-primary-of-our-own"


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch):
    def put(**variables: str) -> None:
        for name, value in (MINIMAL | variables).items():
            monkeypatch.setenv(name, value)

    return put


def test_nothing_is_asked_again_unless_told(environ):
    environ()

    assert (load().repeat_rate, load().primary_url) == (0.0, None)


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        (
            {"SHADOW_REPEAT_RATE": "0.1"},
            "SHADOW_PRIMARY_URL is not set: with SHADOW_REPEAT_RATE=0.1 accepted is the primary's"
            " base URL, such as https://host/v1",
        ),
        ({"SHADOW_REPEAT_RATE": "1.5"}, "SHADOW_REPEAT_RATE=1.5: accepted is a number from 0 to 1"),
        ({"SHADOW_REPEAT_RATE": "nan"}, "SHADOW_REPEAT_RATE=nan: accepted is a number from 0 to 1"),
        (
            {"SHADOW_REPEAT_RATE": "1", "SHADOW_PRIMARY_URL": "api.host"},
            "SHADOW_PRIMARY_URL=api.host: accepted is a base URL such as https://host/v1",
        ),
        (
            {"SHADOW_CANDIDATE_MODEL": "primary"},
            "SHADOW_CANDIDATE_MODEL=primary: accepted is any other name, since reports call the"
            " primary so; with [[candidates]] such a model has an id of its own",
        ),
        (
            {"SHADOW_CANDIDATES": '[{"id": "primary", "url": "http://h/v1", "model": "m2"}]'},
            "candidates: id primary: accepted is any other, since reports call the primary so",
        ),
        (
            {"SHADOW_PRIMARY_API_KEY": "sk-ünseen"},
            "SHADOW_PRIMARY_API_KEY=***: accepted is printable ASCII without spaces around it",
        ),
    ],
)
def test_what_cannot_work_stops_the_start_with_one_line(environ, variables, line):
    environ(**variables)

    with pytest.raises(ConfigError, match=f"^{re.escape(line)}$"):
        load()


def test_a_model_called_primary_may_have_another_id(environ):
    environ(SHADOW_CANDIDATES='[{"id": "p", "url": "http://h/v1", "model": "primary"}]')

    assert [candidate.id for candidate in load().all_candidates] == ["m", "p"]


def test_the_runner_gets_the_key_and_nobody_sees_it(environ):
    environ(
        SHADOW_REPEAT_RATE="0.05",
        SHADOW_PRIMARY_URL="https://api.example/v1/",
        SHADOW_PRIMARY_API_KEY=KEY,
    )
    before = load()

    assert KEY not in repr(before)
    assert KEY not in json.dumps(before.model_dump(mode="json"))
    environ(**before.to_environ())
    assert load() == before
    assert load().primary_api_key.get_secret_value() == KEY
    assert load().primary_url == "https://api.example/v1"


def test_the_share_is_no_other_experiment(environ):
    environ()
    before = load().directory
    environ(SHADOW_REPEAT_RATE="0.05", SHADOW_PRIMARY_URL="https://api.example/v1")

    assert load().directory == before
