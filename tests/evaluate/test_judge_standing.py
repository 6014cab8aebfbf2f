"""Panels, anchors and people's labels of the store, through the commands, over a scripted judge."""

import json
import sqlite3

import pytest
from evaluate.test_judge_command import good, judged, pair, refused, stored, variables
from rows.pair_rows import command, environment, lines, printed
from support.judge_server import Raw, chat, judge_server, verdict
from support.terminal import Terminal

from shadow_mw.evaluate.judging.standing import standings
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.results import Series

FROZEN = 12


def stored_standings(path):
    with Store.open(path / "shadow.db") as store:
        return standings(store, Series("default", "small"))


def days_later(path):
    """Make every round older than a day."""
    connection = sqlite3.connect(path / "shadow.db")
    connection.execute("UPDATE anchors SET time_ns = time_ns - 90000 * 1000000000")
    connection.commit()
    connection.close()


@pytest.fixture
def store(tmp_path):
    stored(tmp_path, *(pair(i) for i in range(16)))
    return tmp_path


def test_several_judges_are_a_panel_and_what_they_differ_on_is_drawn_more_often(store):
    """The third one likes what the others do not, on a quarter of the pairs."""

    def script(asked):
        odd = asked.body["model"] == "c" and int(asked.texts["task"].split()[-1]) % 4 == 0
        return {"A": "B", "B": "A"}[good(asked)] if odd else good(asked)

    with judge_server(script) as server:
        used = variables(server, *({"model": name} for name in "abc"))
        found = printed(command(store, "judge", "--json", **used))
        text = command(store, "judge", **used).stdout.decode()
        alone = printed(command(store, "judge", "--json", "--judge", "a", **used))
    panel = found["panel"]
    assert (panel["judges"], panel["pairs"]) == (["a", "b", "c"], 16)
    assert panel["wins"] == {"candidate": 16, "primary": 0, "tie": 0, "invalid": 0}
    assert panel["unanimous"]["value"] == 0.75
    differing = {f"p{i}" for i in range(0, 16, 4)}
    assert panel["disagreements"]["n"] == 4
    assert set(panel["disagreements"]["pairs"]) == differing
    assert panel["win_rate"]["value"] == 1
    assert "panel of a, b, c over 16 pairs: candidate 16" in text
    assert "4 pairs that they differ on" in text
    assert alone["panel"] is None

    assert printed(command(store, "report", "--json"))["panel"] == panel
    assert "unanimous 75.0 %" in command(store, "report").stdout.decode()
    assert stored_standings(store).panel.disagreements == tuple(panel["disagreements"]["pairs"])
    drawn = labelled_draw(store)
    weights = {row["id"]: row["inclusion"] for row in drawn}
    assert {round(weights[name] / weights["p1"], 6) for name in differing} == {2.0}


def labelled_draw(path):
    """The draw of a file of labels: written before anybody is asked."""
    arguments = ("label", "--terminal", "--annotator", "ann", "--judge", "a", "--n", 4)
    with Terminal(path, *arguments, env=environment(TERM="dumb")) as terminal:
        terminal.until("q  quit")
        terminal.press("q")
        assert terminal.end() == 0
    return [json.loads(line) for line in (path / "labels.jsonl").read_text().splitlines()]


def test_anchors_are_asked_again_once_a_day_and_say_nothing_of_a_judge_that_stays(store):
    with judge_server(good) as server:
        frozen = judged(store, server, "--freeze-anchors", FROZEN)
        assert frozen["run"]["frozen"] == {"judge-1": FROZEN}
        assert frozen["judges"][0]["drift"] is None
        assert len(server.asked) == 32

        again = judged(store, server)
        assert (again["run"]["anchors"], len(server.asked)) == ([], 32)

        days_later(store)
        dry = judged(store, server, "--dry-run")["plan"]
        assert (dry["calls"], dry["anchors"]["calls"]) == (0, 2 * FROZEN)
        next_day = judged(store, server)
        assert len(server.asked) == 32 + 2 * FROZEN
        forced = judged(store, server, "--anchors")
    (asked,) = next_day["run"]["anchors"]
    assert (asked["round"], asked["asked"], asked["left"]) == (1, 2 * FROZEN, 0)
    drift = next_day["judges"][0]["drift"]
    assert (drift["anchors"], drift["compared"], drift["changed"]) == (FROZEN, FROZEN, 0)
    assert (drift["p"], drift["alarm"], drift["same_judge"]) == (1, False, True)
    assert forced["judges"][0]["drift"]["round"] == 2
    # The other figures are of the first answers alone.
    assert forced["judges"][0]["pairs"] == 16


def test_a_judge_that_moves_to_one_side_alarms_and_so_does_another_model(store):
    turned, model = [False], ["judge-1"]

    def script(asked):
        slot = good(asked)
        slot = {"A": "B", "B": "A"}[slot] if turned[0] else slot
        return Raw(body=chat(verdict(slot), model=model[0]))

    with judge_server(script) as server:
        judged(store, server, "--freeze-anchors", FROZEN)
        turned[0] = True
        moved = judged(store, server, "--anchors")["judges"][0]["drift"]
        assert stored_standings(store).judges[0].drift.alarm
        text = command(store, "report").stdout.decode()
        turned[0], model[0] = False, "judge-1-june"
        other = judged(store, server, "--anchors")["judges"][0]["drift"]
        assert stored_standings(store).judges[0].drift.round == 2
        # Frozen anew: what the other model said.
        judged(store, server, "--freeze-anchors", FROZEN)
        assert stored_standings(store).judges[0].drift is None
        settled = judged(store, server, "--anchors")["judges"][0]["drift"]
    assert (moved["to_primary"], moved["to_candidate"]) == (FROZEN, 0)
    assert moved["p"] == pytest.approx(2 / 2**FROZEN)
    assert (moved["alarm"], moved["same_judge"]) == (True, True)
    assert "McNemar p 0.00049" in moved["reasons"][0]
    assert "DRIFT: 0 verdicts moved to the candidate and 12 to the primary" in " ".join(
        text.split()
    )
    assert (other["alarm"], other["same_judge"], other["p"]) == (True, False, 1)
    assert "another model or system fingerprint answers" in other["reasons"][0]
    assert (settled["round"], settled["alarm"], settled["compared"]) == (1, False, FROZEN)


def test_a_judge_that_falls_silent_alarms(store):
    silent = [False]
    with judge_server(lambda asked: Raw(body=chat("no")) if silent[0] else good(asked)) as server:
        judged(store, server, "--freeze-anchors", FROZEN)
        silent[0] = True
        drift = judged(store, server, "--anchors")["judges"][0]["drift"]
    assert (drift["compared"], drift["lost"], drift["alarm"]) == (0, FROZEN, True)
    assert drift["reasons"] == ["12 pairs have no verdict any more"]


def test_a_round_that_a_budget_cut_is_gone_on_with(store):
    with judge_server(good) as server:
        judged(store, server, "--freeze-anchors", FROZEN)
        cut = judged(store, server, "--anchors", "--max-calls", 32 + 6)
        assert (cut["run"]["anchors"][0]["asked"], cut["run"]["anchors"][0]["left"]) == (6, 18)
        whole = judged(store, server)
    (asked,) = whole["run"]["anchors"]
    assert (asked["round"], asked["asked"]) == (1, 18)
    assert whole["judges"][0]["drift"]["compared"] == FROZEN
    assert len(server.asked) == 32 + 2 * FROZEN


def test_too_few_verdicts_are_no_anchors(tmp_path):
    stored(tmp_path, *(pair(i) for i in range(3)))
    with judge_server(good) as server:
        used = variables(server)
        line = refused(command(tmp_path, "judge", "--freeze-anchors", 8, **used), 65)
        assert command(tmp_path, "judge", "--freeze-anchors", 7, **used).returncode == 64
    assert "judge judge-1: 3 pairs have a verdict in both orders, at least 8 are needed" in line


def test_labels_of_the_store_calibrate_and_qualify_its_judge(tmp_path):
    stored(tmp_path, *(pair(i) for i in range(70)))
    with judge_server(good) as server:
        judged(tmp_path, server)
        (before,) = stored_standings(tmp_path).judges
        assert (before.qualified, before.labels, before.gates) == (None, 0, False)
        unknown = command(tmp_path, "calibrate")
        rows = [{"id": f"p{i}", "human": "B", "annotator": "ann"} for i in range(60)]
        rows += [{"id": f"p{i}", "human": "B", "annotator": "bob"} for i in range(3)]
        kept = printed(command(tmp_path, "label", "-", "--json", stdin=lines(*rows)))
        assert kept == {"stored": 63, "taken_back": 0, "unmatched": 0}
        (card,) = judged(tmp_path, server)["judges"]
        assert len(server.asked) == 140
    assert "nothing to compare" in refused(unknown, 65)
    assert (card["qualified"], card["gates"]) == (True, True)
    assert card["win_rate"]["corrected"] == pytest.approx(1)

    found = printed(command(tmp_path, "calibrate", "--json"))
    assert (found["n"], found["agreement"], found["qualified"]) == (60, 1, True)
    assert (found["judge"], found["candidate"], found["win_rate"]["of"]) == (
        "judge-1",
        "small",
        "B",
    )
    assert found["human_ceiling"]["n"] == 3
    (standing,) = stored_standings(tmp_path).judges
    assert (standing.qualified, standing.labels, standing.gates) == (True, 60, True)
    assert standing.agreement_lb == found["agreement_lb"] > 0.9
    assert standing.corrected.value == pytest.approx(1)
    shown = command(tmp_path, "report").stdout.decode()
    assert "qualified by 60 labels: its verdicts may gate a decision" in shown

    back = lines({"id": "p0", "human": None, "annotator": "ann"}, {"id": "x", "human": "A"})
    kept = printed(command(tmp_path, "label", "-", "--json", stdin=back))
    assert kept == {"stored": 0, "taken_back": 1, "unmatched": 1}
    assert printed(command(tmp_path, "calibrate", "--json"))["human_ceiling"]["n"] == 2


def test_a_judge_without_enough_labels_gates_nothing(store):
    with judge_server(good) as server:
        judged(store, server)
    shown = command(store, "report").stdout.decode()
    assert "not calibrated: no pair that it judged has a label by people; gates nothing" in shown
    printed(command(store, "label", "-", "--json", stdin=lines({"id": "p1", "human": "B"})))
    shown = command(store, "report").stdout.decode()
    assert "unqualified: gates nothing (1 labelled items, at least 50 are needed" in shown
    assert stored_standings(store).judges[0].qualified is False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            [{"id": "p1", "human": "A"}, {"key": "k", "truth": {"a": 1}}],
            "<stdin>:2: unknown key 'key'",
        ),
        (
            [{"key": "k", "truth": {"a": 1}}, {"id": "p1", "human": "A"}],
            "<stdin>:2: unknown key 'human'",
        ),
        ([{"id": "p1", "human": "C"}], '"C" in `human` is not A, B or TIE'),
        ([{"id": "p1", "human": None}], "no line has a human label"),
    ],
)
def test_one_kind_of_labels_a_file(store, given, said):
    assert said in refused(command(store, "label", "-", stdin=lines(*given)), 65)


def test_labels_without_a_probability_only_qualify_where_others_have_one(store):
    with judge_server(good) as server:
        judged(store, server)
    picked = [{"id": f"p{i}", "human": "A"} for i in range(6)]
    drawn = [{"id": f"p{i}", "human": "B", "inclusion": 0.5} for i in range(6, 16)]
    printed(command(store, "label", "-", "--json", stdin=lines(*picked, *drawn)))
    found = printed(command(store, "calibrate", "--json"))
    assert (found["n"], found["only_qualify"]) == (16, 6)
    assert found["win_rate"]["corrected"] == pytest.approx(1)
    assert found["agreement"] == pytest.approx(10 / 16)
