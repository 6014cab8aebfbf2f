from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from shadow_mw.exceptions import ConfigError
from shadow_mw.settings import Settings, load
from shadow_mw.types import WireFormat

MINIMAL = {"SHADOW_CANDIDATE_URL": "http://c/v1/", "SHADOW_CANDIDATE_MODEL": "m"}

MARK = "mark-0123456789abcdef"


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch):
    def put(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return put


def test_two_variables_are_enough_and_mirror_everything(environ):
    environ(**MINIMAL)

    settings = load()

    assert settings.active
    assert (settings.sample_rate, settings.max_concurrency, settings.budget_usd) == (1.0, 8, None)
    assert settings.all_candidates[0].url == "http://c/v1"
    assert settings.all_candidates[0].id == "m"


def test_without_a_candidate_nothing_is_active():
    assert not load().active


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("SAMPLE_RATE", "2", "a number from 0 to 1"),
        ("SAMPLE_RATE", "10%", "a number from 0 to 1"),
        ("ENABLED", "maybe", "true or false"),
        ("CANDIDATE_URL", "host/v1", "a base URL such as https://host/v1"),
        ("MAX_CONCURRENCY", "0", "a whole number from 1 to 1000"),
        ("WINDOW_END", "tomorrow", "an ISO 8601 time with its zone, such as 2026-11-16T00:00:00Z"),
        ("CAPTURE", "some", "'auto', 'inbound' or 'outbound'"),
        ("STICKY", "user", "'auto', 'session', 'conversation', 'trace' or 'none'"),
        ("REDACT", "names", "`off`, or some of credentials, email, phone, card, iban"),
        ("RUNNER", "thread", "'auto', 'external' or 'inline'"),
        ("BUDGET_USD", "-1", "an amount of 0 or more, such as 25.00"),
        ("TIMEOUT", "soon", "seconds above 0"),
    ],
)
def test_a_wrong_value_is_one_line_with_name_value_and_what_is_accepted(
    environ, name: str, value: str, accepted: str
):
    environ(**MINIMAL | {f"SHADOW_{name}": value})

    with pytest.raises(ConfigError) as error:
        load()

    assert str(error.value) == f"SHADOW_{name}={value}: accepted is {accepted}"


@pytest.mark.parametrize("name", ["CANDIDATE_PARAMS", "CANDIDATES", "PRICES"])
def test_broken_json_is_one_line_and_shows_no_secret(environ, name: str):
    environ(**MINIMAL | {f"SHADOW_{name}": '[{"api_key": "sk-1"'})

    with pytest.raises(ConfigError, match=f"^SHADOW_{name}=.*: accepted is a JSON") as error:
        load()

    assert name == "PRICES" or "sk-1" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://h:99999/v1",
        "https://[bad/v1",
        "http://user:pass@h/v1",
        "http://h/v1?key=1",
        "http://h /v1",
    ],
)
def test_a_candidate_url_that_cannot_work_stops_the_start(environ, url: str):
    environ(**MINIMAL | {"SHADOW_CANDIDATE_URL": url})

    with pytest.raises(ConfigError, match="accepted is a base URL"):
        load()


@pytest.mark.parametrize("value", ["inf", "nan"])
def test_endless_is_no_number_of_seconds(environ, value: str):
    environ(**MINIMAL, SHADOW_TIMEOUT=value)

    with pytest.raises(ConfigError, match="accepted is seconds above 0"):
        load()


def test_a_secret_is_not_printed(environ):
    environ(**MINIMAL, SHADOW_CANDIDATE_API_KEY="sk-1", SHADOW_MARK=MARK, SHADOW_OTLP_TOKEN="t-1")

    for secret in ("sk-1", MARK, "t-1"):
        assert secret not in repr(load())


@pytest.mark.parametrize(
    "mark", ["short", "m" * 129, "mark with spaces in it", "mark-0123456789abcdef\n", "ü" * 16]
)
def test_a_mark_that_could_be_guessed_or_would_not_travel_is_refused_unseen(environ, mark: str):
    environ(**MINIMAL, SHADOW_MARK=mark)

    with pytest.raises(ConfigError) as error:
        load()

    assert str(error.value).startswith("SHADOW_MARK=***: accepted is 16 to 128 letters, digits")
    assert mark not in str(error.value)


def test_a_collector_without_a_mark_stops_the_start(environ):
    environ(**MINIMAL, SHADOW_OTLP_ENDPOINT="http://collector:4318")

    with pytest.raises(ConfigError, match=r"^SHADOW_MARK is not set: with SHADOW_OTLP_ENDPOINT"):
        load()
    environ(SHADOW_MARK="")
    with pytest.raises(ConfigError, match=r"^SHADOW_MARK is not set"):
        load()


@pytest.mark.parametrize(
    "given",
    ["http://h:4318", "http://h:4318/", "http://h:4318/v1/traces", "http://h:4318/v1/metrics"],
)
def test_an_otlp_endpoint_is_the_base_of_its_signals(environ, given: str):
    environ(**MINIMAL, SHADOW_OTLP_ENDPOINT=given, SHADOW_MARK=MARK)

    assert load().otlp_endpoint == "http://h:4318"


@pytest.mark.parametrize("name", ["OTLP_ENDPOINT", "SCORES_ENDPOINT", "EVALUATOR_URL"])
def test_an_endpoint_that_is_no_url_stops_the_start(environ, name: str):
    environ(**MINIMAL, SHADOW_MARK=MARK, **{f"SHADOW_{name}": "collector:4318"})

    with pytest.raises(ConfigError, match=f"^SHADOW_{name}=collector:4318: accepted is a base URL"):
        load()


@pytest.mark.parametrize("listen", ["0.0.0.0:80", "[::1]:4319", "localhost:4319"])
def test_serve_listens_at_a_host_and_a_port(environ, listen: str):
    environ(SHADOW_LISTEN=listen)

    assert load().listen == listen


@pytest.mark.parametrize("listen", ["4319", ":4319", "host", "host:", "http://h:1", "h:70000"])
def test_an_address_that_is_none_is_refused(environ, listen: str):
    environ(SHADOW_LISTEN=listen)

    with pytest.raises(ConfigError, match=r"^SHADOW_LISTEN=.*: accepted is host:port"):
        load()


def test_a_child_process_gets_the_same_settings_secrets_included(environ):
    environ(**MINIMAL, SHADOW_OTLP_ENDPOINT="http://h:4318", SHADOW_MARK=MARK)
    environ(SHADOW_OTLP_TOKEN="t-1", SHADOW_EVALUATOR_URL="http://e:4319")
    before = load()

    environ(**before.to_environ())

    assert load() == before


@pytest.mark.parametrize("missing", MINIMAL)
def test_half_a_candidate_names_the_other_half(environ, missing: str):
    environ(**{name: value for name, value in MINIMAL.items() if name != missing})

    with pytest.raises(ConfigError, match=f"{missing} is not set"):
        load()


def test_paths_of_ones_own_name_their_format(environ):
    environ(**MINIMAL, SHADOW_PATHS="/v1/chat/completions, /llm/ask=openai_chat")

    assert load().paths == {
        "/v1/chat/completions": WireFormat.OPENAI_CHAT,
        "/llm/ask": WireFormat.OPENAI_CHAT,
    }


def test_a_path_of_unknown_format_is_refused(environ):
    environ(**MINIMAL, SHADOW_PATHS="/llm/ask")

    with pytest.raises(ConfigError, match=r"SHADOW_PATHS=/llm/ask: accepted is .*openai_chat"):
        load()


def test_a_budget_over_an_unknown_price_needs_a_bound_in_calls(environ):
    environ(**MINIMAL, SHADOW_BUDGET_USD="5")

    with pytest.raises(ConfigError, match="price of m is not known; set SHADOW_MAX_CALLS"):
        load()
    environ(SHADOW_MAX_CALLS="100")
    assert load().budget_usd == Decimal(5)


def test_a_budget_over_a_known_price_needs_nothing_else(environ):
    environ(**MINIMAL, SHADOW_BUDGET_USD="5", SHADOW_PRICES='{"m": {"input": 0.1, "output": 0.2}}')

    assert load().max_calls is None


def test_a_window_that_ends_before_it_starts(environ):
    environ(
        **MINIMAL,
        SHADOW_WINDOW_START="2026-11-02T00:00:00Z",
        SHADOW_WINDOW_END="2026-11-01T00:00:00Z",
    )

    with pytest.raises(ConfigError, match=r"^SHADOW_WINDOW_END=2026-11-01.*a time after"):
        load()


TOML = """
experiment = "invoices"
sample_rate = 0.25

[prices."my-8b"]
input = 0.1
output = 0.2

[[candidates]]
id = "eight"
url = "http://eight/v1"
model = "my-8b"
api_key = "sk-8"
params = { temperature = 0.5 }
remove = ["logit_bias"]
"""


def test_a_file_says_what_the_environment_does_not(environ, tmp_path: Path):
    (tmp_path / "shadow.toml").write_text(TOML)
    environ(SHADOW_CONFIG=str(tmp_path / "shadow.toml"), SHADOW_SAMPLE_RATE="0.5")

    settings = load()

    assert (settings.experiment, settings.sample_rate) == ("invoices", 0.5)
    assert settings.all_candidates[0].params == {"temperature": 0.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "sample_rat = 1",
            r"sample_rat in .*shadow.toml is not a setting, .*; accepted: .*sample_rate",
        ),
        ("sample_rate = 3", "sample_rate=3: accepted is a number from 0 to 1"),
        ("sample_rate = ", "not TOML"),
    ],
)
def test_a_wrong_file_is_one_line(environ, tmp_path: Path, text: str, message: str):
    (tmp_path / "shadow.toml").write_text(text)
    environ(SHADOW_CONFIG=str(tmp_path / "shadow.toml"))

    with pytest.raises(ConfigError, match=message):
        load()


def test_a_misspelt_setting_is_told_its_file_and_the_nearest_name(environ, tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text("sample_rat = 1")
    environ(SHADOW_CONFIG=str(path))

    with pytest.raises(ConfigError) as refused:
        load()
    assert str(refused.value).startswith(
        f"sample_rat in {path} is not a setting, did you mean sample_rate?; accepted: "
    )


def test_a_misspelt_key_of_a_variable_names_the_variable(environ):
    environ(**MINIMAL, SHADOW_JUDGE='{"concurency": 2}')

    with pytest.raises(
        ConfigError, match=r"^judge.concurency in SHADOW_JUDGE is not .*concurrency"
    ):
        load()


def test_a_missing_file_is_one_line(environ):
    environ(SHADOW_CONFIG="/nowhere/shadow.toml")

    with pytest.raises(ConfigError, match=r"SHADOW_CONFIG=/nowhere/shadow.toml: cannot be read"):
        load()


def test_a_child_process_reads_back_the_same(environ, tmp_path: Path, monkeypatch):
    (tmp_path / "shadow.toml").write_text(TOML)
    environ(
        **MINIMAL,
        SHADOW_CONFIG=str(tmp_path / "shadow.toml"),
        SHADOW_CANDIDATE_API_KEY="sk-1",
        SHADOW_CANDIDATE_PARAMS='{"temperature": 0.1}',
        SHADOW_CANDIDATE_REMOVE="user,metadata",
        SHADOW_REDACT="off",
        SHADOW_WINDOW_END="2027-01-01T00:00:00Z",
        SHADOW_STATE_DIR=str(tmp_path),
    )
    settings = load()

    for name in (*MINIMAL, "SHADOW_CONFIG"):
        monkeypatch.delenv(name)
    environ(**settings.to_environ())
    again = load()

    assert again.all_candidates == settings.all_candidates
    assert again.directory == settings.directory
    assert again.model_dump(exclude={"config", "store"}) == settings.model_dump(
        exclude={"config", "store"}
    )


def test_another_candidate_store_or_experiment_has_another_directory(tmp_path: Path):
    base = {"candidate_url": "http://c/v1", "candidate_model": "m", "state_dir": tmp_path}
    directories = {
        Settings(**base | changes).directory
        for changes in (
            {},
            {"candidate_model": "n"},
            {"experiment": "e"},
            {"store": tmp_path / "other.db"},
        )
    }

    assert len(directories) == 4


def test_the_runner_gets_no_key_of_a_judge(environ):
    judges = [{"url": "http://h/v1", "model": "m", "api_key": "sesame"}]
    environ(**MINIMAL, SHADOW_JUDGES=json.dumps(judges), SHADOW_JUDGE='{"concurrency": 2}')
    settings = load()

    assert settings.judges[0].api_key.get_secret_value() == "sesame"
    assert "sesame" not in repr(settings)
    assert not any("JUDGE" in name for name in settings.to_environ())


@pytest.mark.parametrize("table", ["judges", "judge"])
def test_a_misspelt_key_of_a_judge_names_those_that_there_are(environ, tmp_path, table: str):
    path = tmp_path / "shadow.toml"
    head = '[[judges]]\nurl = "http://h/v1"\nmodel = "m"' if table == "judges" else "[judge]"
    path.write_text(f"{head}\ntemprature = 1\n")
    environ(SHADOW_CONFIG=str(path))
    known = "max_tokens" if table == "judges" else "max_calls"

    with pytest.raises(ConfigError, match=rf"temprature in .*shadow.toml is not .*{known}"):
        load()


@pytest.mark.parametrize("name", ["SHADOW_OTLP_ENDPOINT", "SHADOW_CANDIDATE_URL"])
def test_a_refused_url_is_not_printed_with_its_credentials(environ, name):
    environ(**MINIMAL | {name: "https://user:pw123secret@host:4318/v1"})
    with pytest.raises(ConfigError) as error:
        load()
    assert name in str(error.value)
    assert "pw123secret" not in str(error.value)
