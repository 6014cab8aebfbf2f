"""`shadow-mw label --terminal` on a real terminal, over a real store."""

import json
import os
import re
import signal
import stat
from collections import Counter

import pytest
from rows.pair_rows import command, environment, lines, printed, row
from support.judge_server import judge_server
from support.terminal import Terminal

from shadow_mw.evaluate.labelling import frame as label_frame
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.series import choose

PROMPT = "q  quit"
MODELS = {"primary": "prime-model-7", "candidate": "cheap-model-3"}


def pair(i, primary="old", candidate="new", **more):
    asked = {"messages": [{"role": "user", "content": f"task {i}"}]}
    legs = (
        {"output": text, "model": MODELS[role]}
        for role, text in (("primary", primary), ("candidate", candidate))
    )
    return row(f"p{i}", *legs, **{"input": asked} | more)


def stored(path, *rows):
    printed(command(path, "import", "-", "--json", stdin=lines(*rows)))


def judged(path, script, names=("judge-1",), *arguments):
    with judge_server(script) as server:
        table = [{"url": server.url, "model": name} for name in names]
        used = {"SHADOW_JUDGES": json.dumps(table)}
        return printed(command(path, "judge", "--json", *arguments, **used))


def labelling(path, *arguments, annotator="ann", **variables):
    env = environment(TERM="dumb", **variables)
    return Terminal(path, "label", "--terminal", "--annotator", annotator, *arguments, env=env)


def written(path, name="labels.jsonl"):
    return [json.loads(line) for line in (path / name).read_text().splitlines()]


def answers(path, annotator="ann"):
    return [line for line in written(path) if line.get("annotator") == annotator]


def outputs(shown):
    """The texts under A and B."""
    return re.search(r"\nA *\n(.*?)\n *\nB *\n(.*?)\n *\n", shown, re.DOTALL).groups()


def key_for(shown, text):
    first, second = outputs(shown)
    assert (text in first) != (text in second)
    return "a" if text in first else "b"


def label_all(terminal, n, text):
    for _ in range(n):
        terminal.press(key_for(terminal.until(PROMPT), text))
    assert terminal.end() == 0


@pytest.fixture
def store(tmp_path):
    stored(tmp_path, *(pair(i) for i in range(12)))
    return tmp_path


def test_choices_are_kept_by_output_whatever_was_shown_as_a(store):
    with labelling(store, "--n", 12) as terminal:
        slots = Counter()
        for n in range(12):
            shown = terminal.until(PROMPT)
            assert f"pair {n + 1} of 12" in shown
            key = key_for(shown, "new")
            slots[key] += 1
            terminal.press(key)
        assert terminal.end() == 0
        assert "12 of 12 pairs labelled" in terminal.screen
        for name in (*MODELS.values(), "primary", "candidate"):
            assert name not in terminal.screen
        assert terminal.modes == terminal.before
    assert min(slots.values()) > 0
    given = answers(store)
    assert {line["human"] for line in given} == {"B"}
    assert sorted(line["id"] for line in given) == sorted(f"p{i}" for i in range(12))
    assert {line["inclusion"] for line in given} == {1.0}
    assert stat.S_IMODE((store / "labels.jsonl").stat().st_mode) == 0o600


def test_every_key(store):
    with labelling(store) as terminal:
        terminal.until(PROMPT)
        terminal.press("u")
        terminal.until("nothing to undo")
        terminal.press("T")
        terminal.until(PROMPT)
        terminal.press("x")
        terminal.until(PROMPT)
        # Arrow up ends with an A, and several at once are nobody's answer.
        for keys in (b"\x1b[A", b"ab", b"z", b"\xff"):
            terminal.press(keys)
            terminal.until(PROMPT)
        terminal.press("s")
        terminal.until("pair 4 of 12")
        terminal.until(PROMPT)
        terminal.press("q")
        assert terminal.end() == 0
        assert "2 of 12 pairs labelled" in terminal.screen
    given = answers(store)
    assert [line["human"] for line in given] == ["TIE", "TIE"]
    assert [line.get("both_bad") for line in given] == [None, True]


def test_undo_asks_again_and_the_last_answer_counts(store):
    with labelling(store) as terminal:
        first = terminal.until(PROMPT)
        terminal.press(key_for(first, "old"))
        terminal.until(PROMPT)
        terminal.press("u")
        again = terminal.until(PROMPT)
        assert outputs(again) == outputs(first)
        terminal.press(key_for(again, "new"))
        terminal.until(PROMPT)
        terminal.press("q")
        terminal.end()
    assert [line["human"] for line in answers(store)] == ["A", None, "B"]
    judged(store, lambda asked: "TIE")
    found = printed(command(store, "calibrate", "-", "--json", stdin=calibratable(store)))
    assert found["confusion"]["B"]["TIE"] == 2
    assert found["confusion"]["A"]["TIE"] == 0


def calibratable(store):
    """The same lines with a verdict, since no judge was asked when they were drawn."""
    return lines(*(line | {"judge": ["TIE", "TIE"]} for line in written(store)))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, "hang up"])
def test_after_any_end_what_is_labelled_is_not_asked_again(store, end):
    asked = []
    with labelling(store, "--n", 6) as terminal:
        for _ in range(3):
            shown = terminal.until(PROMPT)
            asked.append(re.search(r"task \d+", shown)[0])
            terminal.press(key_for(shown, "new"))
        terminal.until(PROMPT)
        if end == "hang up":
            terminal.hang_up()
            terminal.process.wait(30)
        else:
            terminal.signal(end)
            terminal.end()
        if end in (signal.SIGTERM, signal.SIGINT):
            assert terminal.modes == terminal.before
    assert len(answers(store)) == 3
    with labelling(store, "--n", 6) as terminal:
        assert "6 pairs drawn, 3 labelled by ann" in terminal.until("labelled by ann")
        for n in range(3):
            shown = terminal.until(PROMPT)
            assert f"pair {n + 4} of 6" in shown
            asked.append(re.search(r"task \d+", shown)[0])
            terminal.press(key_for(shown, "new"))
        assert terminal.end() == 0
    assert len(set(asked)) == 6
    assert [line["human"] for line in answers(store)] == ["B"] * 6


def test_a_line_that_a_crash_cut_short_is_taken_off_and_a_whole_one_kept(store):
    with labelling(store, "--n", 3) as terminal:
        label_all(terminal, 3, "new")
    path = store / "labels.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with labelling(store, "--n", 3) as terminal:
        label_all(terminal, 1, "new")
    assert path.read_bytes() == whole
    path.write_bytes(whole[:-1])
    with labelling(store, "--n", 3) as terminal:
        assert terminal.end() == 0
    assert path.read_bytes() == whole


def test_several_people_in_one_file_are_asked_the_same_each_in_an_order_of_slots(store):
    with labelling(store) as one, labelling(store, annotator="bob") as other:
        label_all(one, 12, "new")
        label_all(other, 12, "new")
    sides = [
        [outputs(part)[0] for part in terminal.screen.split(PROMPT)[:-1]]
        for terminal in (one, other)
    ]
    assert sides[0] != sides[1]
    assert [a["id"] for a in answers(store)] == [b["id"] for b in answers(store, "bob")]
    found = printed(command(store, "calibrate", "-", "--json", stdin=calibratable(store)))
    assert found["human_ceiling"] == {"value": 1, "ci": found["human_ceiling"]["ci"], "n": 12}


def test_verdicts_and_probabilities_are_in_the_file_and_calibrate_reads_it(tmp_path):
    """A judge that looks at the slot only is doubted; half of the pairs are unlike that."""
    stored(tmp_path, *(pair(i, segment="even" if i % 2 == 0 else "odd") for i in range(40)))

    def script(asked):
        if int(asked.texts["task"].split()[-1]) < 8:
            return "A"
        return "A" if "new" in asked.texts["answer A"] else "B"

    judged(tmp_path, script)
    with labelling(tmp_path, "--n", 12) as terminal:
        label_all(terminal, 12, "new")
    given = {line["id"]: line for line in answers(tmp_path)}
    assert len(given) == 12
    frame = [line for line in written(tmp_path) if "annotator" not in line]
    assert len(frame) == 40
    chances = {line["id"]: line["inclusion"] for line in frame}
    assert sum(chances.values()) == pytest.approx(12)
    doubted = {f"p{i}" for i in range(8)}
    assert {round(chances[id] / chances["p20"], 6) for id in doubted} == {2.0}
    for line in given.values():
        assert line["judge"] == (["A", "B"] if line["id"] in doubted else ["B", "B"])
        assert line["inclusion"] == chances[line["id"]]
        assert line["segment"] == ("even" if int(line["id"][1:]) % 2 == 0 else "odd")
    found = printed(command(tmp_path, "calibrate", "labels.jsonl", "--json", "--win", "B"))
    assert (found["items"], found["n"]) == (40, 12)
    assert found["win_rate"]["naive"] == pytest.approx((32 + 8 / 2) / 40)
    assert found["win_rate"]["corrected"] == pytest.approx(1)
    again = judged(tmp_path, script, ("judge-1",), "--labels", "labels.jsonl")
    assert again["judges"][0]["calibration"]["n"] == 12


def test_of_several_judges_one_is_named_and_pairs_on_which_they_differ_come_first(tmp_path):
    stored(tmp_path, *(pair(i) for i in range(20)))
    judged(tmp_path, lambda asked: "A" if "new" in asked.texts["answer A"] else "B")
    judged(tmp_path, split, ("judge-2",))
    with labelling(tmp_path) as terminal:
        assert terminal.end() == 65
        assert "name one judge with --judge, it has judge-1, judge-2" in terminal.screen
    with labelling(tmp_path, "--judge", "judge-2", "--n", 4) as terminal:
        terminal.until(PROMPT)
        terminal.press("q")
        terminal.end()
    chances = {line["id"]: line["inclusion"] for line in written(tmp_path)}
    assert [id for id in chances if chances[id] > min(chances.values())] == ["p3"]


def split(asked):
    """One pair goes the other way, in both orders."""
    good = "old" if asked.texts["task"].endswith("task 3") else "new"
    return "A" if good in asked.texts["answer A"] else "B"


def test_without_a_judge_the_labels_wait_for_one(store):
    with labelling(store) as terminal:
        label_all(terminal, 12, "new")
    done = command(store, "calibrate", "labels.jsonl")
    assert done.returncode == 65
    assert b"nothing to compare: none of the 12 labelled items has a judge's verdict" in done.stderr
    found = judged(
        store,
        lambda asked: "A" if "new" in asked.texts["answer A"] else "B",
        ("judge-1",),
        "--labels",
        "labels.jsonl",
    )
    assert found["judges"][0]["calibration"]["n"] == 12


HOSTILE = [
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[H",
    "\x9b31m",
    "\x1bP+q\x1b\\",
    "\u202egnp",
    "back\x08\x08\x08\x08\x7f",
    "over\rwritten",
    "[bold]markup[/bold] :smile:",
    "\u2028\x85\x0b\x0c",
    "\ud800",
]


@pytest.mark.parametrize("term", ["dumb", "xterm-256color"])
def test_nothing_that_a_terminal_obeys_gets_through(tmp_path, term):
    bad = "".join(HOSTILE)
    asked = {"messages": [{"role": "user", "content": f"task {bad}"}]}
    truth = {"t": f"x{bad[:40]}"}
    keyed = json.dumps({"\x1b[1mkey": bad, "list": [1, {"x": bad}]})
    stored(
        tmp_path,
        pair(1, f"old {bad}", f"new {bad}", input=asked, truth=truth),
        pair(2, json.dumps({"\x1b[1mkey": "fine", "list": []}), keyed, input=asked),
    )
    env = environment(TERM=term, PYTHONUTF8="1")
    with Terminal(tmp_path, "label", "--terminal", "--annotator", "a", env=env) as terminal:
        for _ in range(2):
            shown = terminal.until(PROMPT)
            assert "\\x1b]0;owned\\x07" in shown.replace("\n", "")
            terminal.press("f")
            terminal.until(PROMPT)
            terminal.press("t")
        assert terminal.end() == 0
        # Before that comes the progress bar.
        _, _, sent = terminal.raw.decode().partition("pairs drawn")
    # Colours are our own; lines end as the terminal driver writes them.
    left = re.sub(r"\x1b\[[\d;]*m", "", sent).replace("\r\n", "\n")
    if term == "dumb":
        assert "\x1b" not in sent
    assert {char for char in left if not char.isprintable()} == {"\n"}
    assert "[bold]markup[/bold] :smile:" in left.replace("\n", "")


def test_fields_that_differ_are_put_side_by_side(tmp_path):
    stored(
        tmp_path,
        pair(1, '{"total": "9.00", "same": 1}', '{"total": "8.00", "same": 1, "x": [{"y": null}]}'),
    )
    with labelling(tmp_path) as terminal:
        shown = terminal.until(PROMPT)
        table = shown[shown.index("differs") :]
        assert re.search(r'total +"[89]\.00" +"[89]\.00"', table)
        assert re.search(r"x\[0\]\.y +(null +-|- +null)", table)
        assert "same" not in table
        terminal.press("q")
        terminal.end()


def test_a_long_text_is_whole_when_asked_for(tmp_path):
    stored(tmp_path, pair(1, "old " + "word " * 2_000 + "END", "new"))
    with labelling(tmp_path) as terminal:
        shown = terminal.until(PROMPT)
        assert "more characters: press f" in shown
        assert "END" not in shown
        terminal.press("f")
        assert "END" in terminal.until(PROMPT)
        terminal.press("q")
        terminal.end()


def test_a_request_that_is_shown_as_its_body_has_no_model_in_it(tmp_path):
    body = {"model": MODELS["primary"], "prompt": "task 1"}
    stored(tmp_path, pair(1, input=body))
    with labelling(tmp_path) as terminal:
        shown = terminal.until(PROMPT)
        assert "task 1" in shown
        assert MODELS["primary"] not in shown
        terminal.press("q")
        terminal.end()


def test_outputs_that_are_the_same_and_failed_calls_are_not_asked(tmp_path):
    failed = row("f", "x", {"output": None, "error": "timeout"}, input=pair(1)["input"])
    stored(tmp_path, pair(1), pair(2, "same", "same"), failed)
    with labelling(tmp_path) as terminal:
        assert "1 pairs drawn" in terminal.until("labelled by")
        terminal.until(PROMPT)
        terminal.press("q")
        terminal.end()


def test_what_cannot_be_done_is_one_line(store):
    for arguments in ((), ("x.jsonl", "--terminal"), ("--web", "--terminal")):
        assert command(store, "label", *arguments).returncode == 64
    done = command(store, "label", "truth.jsonl", "--all")
    assert done.returncode == 64
    assert b"--all needs --terminal" in done.stderr
    done = command(store, "label", "--terminal")
    assert done.returncode == 64
    assert b"--terminal needs a terminal" in done.stderr
    assert not (store / "labels.jsonl").exists()
    (store / "labels.jsonl").write_text('{"id": "p1", "human": "A", "judge": ["A", "A"]}\n')
    with labelling(store) as terminal:
        assert terminal.end() == 65
        assert "has no draw of `shadow-mw label --terminal` in it" in terminal.screen
    with labelling(store, "--out", "none/labels.jsonl") as terminal:
        assert terminal.end() == 65
        assert "cannot be written" in terminal.screen


def test_a_file_of_another_series_is_refused(store, tmp_path_factory):
    with labelling(store) as terminal:
        label_all(terminal, 12, "new")
    other = tmp_path_factory.mktemp("other")
    stored(other, pair(99))
    os.rename(store / "labels.jsonl", other / "labels.jsonl")
    with labelling(other) as terminal:
        assert terminal.end() == 65
        assert "12 of its pairs are not in" in terminal.screen.replace("\n", " ")


def test_of_a_large_series_a_part_is_looked_into_and_its_share_is_in_the_probabilities(
    tmp_path, monkeypatch
):
    stored(tmp_path, *(pair(i, segment=f"s{i % 2}") for i in range(30)))
    monkeypatch.setattr(label_frame, "MOST_READ", 10)
    with Store.open(tmp_path / "shadow.db") as opened:
        series, _ = choose(opened, None, None)
        for n, lines_expected in ((4, 4), (10, 10), (50, 10)):
            found = label_frame.frame(opened, series, None, 0, whole=False)
            drawn = label_frame.plan(opened, found, n, 0)
            assert len(drawn) == lines_expected
            assert sum(line["inclusion"] for line in drawn) == pytest.approx(min(n, 10) ** 2 / 30)
    judged(tmp_path, lambda asked: "TIE", ("judge-1",), "--sample", "20")
    with Store.open(tmp_path / "shadow.db") as opened:
        found = label_frame.frame(opened, series, None, 0, whole=False)
        drawn = label_frame.plan(opened, found, 5, 0)
        every = label_frame.frame(opened, series, None, 0, whole=True)
    # The judge's mean needs all that it judged, and its segments; labels are of ten of them.
    assert len(drawn) == 20
    assert sum("order" in line for line in drawn) == 5
    assert sum(line.get("inclusion", 0) for line in drawn) == pytest.approx(5 * 10 / 20)
    assert {line["segment"] for line in drawn} == {"s0", "s1"}
    assert (len(every.rows), every.share) == (10, pytest.approx(1 / 3))


def test_the_reference_is_written_as_people_write_it(tmp_path):
    stored(tmp_path, pair(0, truth={"currency": "€"}))
    with labelling(tmp_path, "--n", 1) as terminal:
        assert '{"currency":"€"}' in terminal.until(PROMPT)
        terminal.press("q")
        assert terminal.end() == 0
