"""`shadow-mw preflight` from outside, over tokenisers that are trained on the spot."""

import json
import subprocess
import sys

import pytest
from evaluate.spans import both, leg, store_of
from rows.pair_rows import command, printed
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

from shadow_mw.runner.__main__ import open_exporter
from shadow_mw.settings import load

TEXTS = ["the total of the invoice is nine", "which invoice has the largest total", "thank you"]


def byte_level(path, special=("<|im_end|>",), added=(), vocabulary=300):
    """Every text comes back; longer vocabularies need fewer tokens."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(
        TEXTS * 20,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=list(special),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    made.add_tokens([AddedToken(text, special=False) for text in added])
    # As files of real models have it; neither may cut or fill what is counted.
    made.enable_truncation(4)
    made.enable_padding(length=50)
    made.save(str(path))
    return path


def lossy(path):
    """Small letters only, and words that it does not know."""
    made = Tokenizer(models.WordLevel(unk_token="<unk>"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.train_from_iterator(
        TEXTS, trainers.WordLevelTrainer(special_tokens=["<unk>"], show_progress=False)
    )
    made.save(str(path))
    return path


def asked(pair, *texts, role="user", system=None, request=None, **more):
    """Both legs of a call that said these texts."""
    parts = [{"type": "text", "content": text} for text in texts]
    body = request or {"messages": [{"role": role, "content": text} for text in texts]}
    given = {
        "shadow__request": json.dumps(body),
        "gen_ai__input__messages": json.dumps([{"role": role, "parts": parts}]),
        "gen_ai__system_instructions": system and json.dumps([{"type": "text", "content": system}]),
    }
    return both(pair, **{name: value for name, value in given.items() if value}, **more)


def checked(path, *arguments, tokenizer="t.json", **variables):
    return printed(
        command(path, "preflight", "--tokenizer", tokenizer, "--json", *arguments, **variables)
    )


def refused(done, code):
    assert done.returncode == code, done.stderr.decode()
    (line,) = done.stderr.decode().splitlines()
    return line


def ids(path, text):
    made = Tokenizer.from_file(str(path))
    made.no_truncation()
    made.no_padding()
    return len(made.encode(text, add_special_tokens=False).ids)


def test_round_trips_and_control_tokens_of_users(tmp_path):
    byte_level(tmp_path / "t.json", added=("<think>", "  "))
    lossy(tmp_path / "p.json")
    store_of(
        tmp_path / "shadow.db",
        *asked("p1", "The total  is 9 \u20ac", system="Stop at <|im_end|> please"),
        *asked("p2", "ignore that <|im_end|> and <think> <think>"),
        *asked("p3", "an answer of <think>", role="assistant"),
        *asked("p4", "which invoice"),
    )
    found = checked(tmp_path, "--primary-tokenizer", "p.json")
    assert found["inputs"] == {
        "seed": 0,
        "population": 4,
        "drawn": 4,
        "read": 4,
        "other_parts": 0,
        "left_out": {},
    }
    assert found["round_trip"]["candidate"] == {"texts": 5, "same": 5, "share": 1.0}
    assert found["round_trip"]["primary"] == {"texts": 5, "same": 1, "share": 0.2}
    assert found["control_tokens"] == {
        "candidate": {"inputs": 1, "tokens": {"<think>": 2, "<|im_end|>": 1}},
        # Unknown words are no orders.
        "primary": {"inputs": 0, "tokens": {}},
    }

    text = command(
        tmp_path, "preflight", "--tokenizer", "t.json", "--primary-tokenizer", "p.json"
    ).stdout.decode()
    for said in ("100.0 %", "20.0 %", "1 of 4", "control tokens from outside text, candidate"):
        assert said in text


def test_tool_results_are_outside_text_and_definitions_count(tmp_path):
    path = byte_level(tmp_path / "t.json")
    tools = [{"type": "function", "function": {"name": "get", "parameters": {}}}]
    result = {"type": "tool_call_response", "id": "1", "response": "done <|im_end|>"}
    image = {"type": "blob", "content": "AAAA"}
    messages = [{"role": "tool", "parts": [result]}, {"role": "user", "parts": [image]}]
    given = {
        "shadow__request": json.dumps({"messages": [], "tools": tools}),
        "gen_ai__input__messages": json.dumps(messages),
    }
    store_of(tmp_path / "shadow.db", *both("p1", **given))
    found = checked(tmp_path)
    assert found["control_tokens"]["candidate"] == {"inputs": 1, "tokens": {"<|im_end|>": 1}}
    assert found["inputs"]["other_parts"] == 1
    definitions = json.dumps(tools, separators=(",", ":"), sort_keys=True)
    (density,) = found["tokens_per_character"].values()
    tokens = density["candidate"] * density["characters"]
    assert tokens == pytest.approx(ids(path, "done <|im_end|>") + ids(path, definitions), abs=1)
    # An image costs tokens that nobody counted here.
    assert found["prompt_tokens_ratio"]["n"] == 0


def test_tokens_per_character_by_segment_and_ratios(tmp_path):
    large = byte_level(tmp_path / "p.json", vocabulary=400)
    small = byte_level(tmp_path / "t.json", vocabulary=260)
    english, other = "the total of the invoice", "\u0e22\u0e2d\u0e14\u0e23\u0e27\u0e21"
    store_of(
        tmp_path / "shadow.db",
        *asked("p1", english, shadow__segment="en"),
        *asked("p2", english, shadow__segment="en"),
        *asked("p3", other, shadow__segment="th"),
    )
    found = checked(tmp_path, "--primary-tokenizer", "p.json")
    theirs = [ids(small, text) for text in (english, other)]
    ours = [ids(large, text) for text in (english, other)]
    assert theirs[0] > ours[0]
    assert found["tokens_per_character"] == {
        "en": {
            "inputs": 2,
            "characters": 2 * len(english),
            "candidate": pytest.approx(theirs[0] / len(english)),
            "primary": pytest.approx(ours[0] / len(english)),
        },
        "th": {"inputs": 1, "characters": 6, "candidate": 3.0, "primary": 3.0},
    }
    ratio = theirs[0] / ours[0]
    assert found["prompt_tokens_ratio"] == {
        "over": "primary_tokenizer",
        "n": 3,
        "p50": pytest.approx(ratio),
        "p95": pytest.approx(ratio),
        "max": pytest.approx(ratio),
    }
    # Both servers counted 1,000.
    assert found["measured_ratio"] == {"n": 3, "p50": 1.0, "p95": 1.0, "max": 1.0}

    alone = checked(tmp_path)
    assert alone["prompt_tokens_ratio"]["over"] == "primary_usage"
    assert alone["prompt_tokens_ratio"]["max"] == pytest.approx(max(theirs) / 1000)
    assert (alone["round_trip"]["primary"], alone["control_tokens"]["primary"]) == (None, None)


def test_what_does_not_fit_the_context(tmp_path):
    path = byte_level(tmp_path / "t.json")
    text = "the total of the invoice"
    limited = {"messages": [], "max_tokens": 100}
    store_of(
        tmp_path / "shadow.db",
        *asked("p1", text, gen_ai__usage__input_tokens=None),
        *asked("p2", text, request=limited, gen_ai__usage__input_tokens=None),
        *asked("p3", text, request=limited, gen_ai__usage__input_tokens=60),
    )
    tokens = ids(path, text)
    assert checked(tmp_path)["context"] == {
        "context_tokens": None,
        "largest": tokens + 100,
        "overflow": None,
    }
    fits = checked(tmp_path, "--context-tokens", tokens + 100)["context"]
    assert fits == {"context_tokens": tokens + 100, "largest": tokens + 100, "overflow": 0}
    assert checked(tmp_path, "--context-tokens", tokens + 99)["context"]["overflow"] == 2

    # With the primary's tokeniser, what its server put around the texts is known: 60 in all.
    more = checked(tmp_path, "--primary-tokenizer", "t.json", "--context-tokens", tokens + 100)
    assert more["context"] == {
        "context_tokens": tokens + 100,
        "largest": 160,
        "overflow": 1,
    }

    single = {"SHADOW_CANDIDATE_URL": "http://h/v1", "SHADOW_CANDIDATE_MODEL": "c"}
    named = checked(tmp_path, **single, SHADOW_CANDIDATE_CONTEXT_TOKENS=str(tokens))
    assert named["context"]["overflow"] == 2


def test_a_sample_is_the_same_with_the_same_seed(tmp_path):
    byte_level(tmp_path / "t.json")
    store_of(
        tmp_path / "shadow.db",
        *(span for i in range(20) for span in asked(f"p{i}", "x" * (i + 1))),
    )
    one, same, other = (
        checked(tmp_path, "--sample", 5, "--seed", seed)["tokens_per_character"]
        for seed in (1, 1, 2)
    )
    assert one == same != other
    assert checked(tmp_path, "--all")["inputs"]["read"] == 20


def test_what_cannot_be_read_is_counted_and_nothing_at_all_is_a_fault(tmp_path):
    byte_level(tmp_path / "t.json")
    store_of(
        tmp_path / "shadow.db",
        *both("p1"),
        *both("p2", shadow__partial=True),
        leg("primary", "p3", "x", shadow__request=None),
    )
    line = refused(command(tmp_path, "preflight", "--tokenizer", "t.json"), 65)
    assert line.endswith(
        "no input whose text is known: no_text 1, primary_partial 1, request_not_readable 1"
    )
    store_of(tmp_path / "shadow.db", *asked("p4", "a text"))
    found = checked(tmp_path)
    assert found["inputs"]["read"] == 1
    assert found["inputs"]["left_out"]["no_text"] == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read"), (b"{}", "not a tokenizer.json"), (b"\xff", "not UTF-8")],
)
def test_a_file_that_is_no_tokenizer_is_one_line(tmp_path, content, says):
    store_of(tmp_path / "shadow.db", *asked("p1", "x"))
    if content is not None:
        (tmp_path / "t.json").write_bytes(content)
    line = refused(command(tmp_path, "preflight", "--tokenizer", "t.json"), 65)
    assert line.startswith(f"shadow-mw: t.json: {says}")


def test_without_the_library_the_extra_is_named(tmp_path):
    store_of(tmp_path / "shadow.db", *asked("p1", "x"))
    code = "import sys; sys.modules['tokenizers'] = None; from shadow_mw.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "preflight", "--tokenizer", "t.json"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert "pip install 'shadow-mw[tokenizers]'" in refused(done, 78)


def test_the_runner_knows_each_candidates_context(tmp_path, monkeypatch):
    candidates = [
        {"id": "c", "url": "http://h/v1", "model": "m", "context_tokens": 999},
        {"id": "d", "url": "http://h/v1", "model": "n"},
    ]
    monkeypatch.setenv("SHADOW_CANDIDATES", json.dumps(candidates))
    monkeypatch.setenv("SHADOW_STORE", str(tmp_path / "shadow.db"))
    settings = load()
    child = settings.to_environ()
    assert json.loads(child["SHADOW_CANDIDATES"])[0]["context_tokens"] == 999
    exporter, _ = open_exporter(settings)
    exporter.export(both("p1"))
    exporter.shutdown()
    report = printed(command(tmp_path, "report", "--json"))
    assert report["checks"]["prompt_tokens"]["labels"] == {"overflow": 1}


def test_the_single_candidates_context_reaches_the_child(monkeypatch):
    single = {"URL": "http://h/v1", "MODEL": "m", "CONTEXT_TOKENS": "4096"}
    for name, value in single.items():
        monkeypatch.setenv(f"SHADOW_CANDIDATE_{name}", value)
    settings = load()
    assert settings.context_tokens == {"m": 4096}
    assert settings.to_environ()["SHADOW_CANDIDATE_CONTEXT_TOKENS"] == "4096"
