"""Rows of a file that say something of rows long before them: `score` keeps little of those."""

import json
import sqlite3

from rows.pair_rows import lines, printed, row

from shadow_mw.evaluate.tables.pair_facts import FACTS, copy_facts

TRUTH = {"total": "9.00", "tax_id": None}
RIGHT, WRONG = json.dumps(TRUTH), json.dumps({"total": "8.00", "tax_id": "DE1"})
ASKED = {"messages": [{"role": "user", "content": "Total 9.00, of DE2"}]}
JUDGE = {"name": "gpt-4o", "winners": ["primary", "primary"]}


def many(count):
    """More rows than are read together."""
    return [row(f"between-{n}", RIGHT, RIGHT, key=f"k{n}") for n in range(count)]


def both(shadow, text, *options):
    """The report of `score`, held against the one of `import` and `report`."""
    scored = printed(shadow("score", "-", "--json", *options, stdin=text))
    shadow("import", "-", stdin=text)
    reported = printed(shadow("report", "--json", *options))
    assert scored == reported | {"store": None}
    return scored


def test_what_comes_late_is_as_good_as_what_comes_early(shadow):
    """Another candidate, a truth, and the verdicts of a judge, each far from the pair's first row.

    The truth of `early` is there from the first row on, so nothing but the last row asks for its
    content again; that of `late` comes after its pair was judged without.
    """
    early = row("early", RIGHT, WRONG, key="early", truth=TRUTH, input=ASKED)
    late = row("late", RIGHT, WRONG, key="late", input=ASKED)
    unnamed = row("unnamed", RIGHT, WRONG, key=None, input=ASKED)
    other = {"model": "other", "output": WRONG}
    text = lines(
        *(early, late, unnamed),
        *many(300),
        early | {"candidate": other, "judge": JUDGE},
        row("tells", RIGHT, WRONG, key="late", truth=TRUTH),
        # The candidate's own key is the pair's where the primary has none.
        unnamed | {"candidate": other | {"key": "own"}},
        *many(600)[300:],
        row("owns", RIGHT, WRONG, key="own", truth=TRUTH),
    )
    small = both(shadow, text, "--candidate", "small")
    assert small["fields"]["total"]["candidate"]["wrong_value"] == 4
    found = both(shadow, text, "--candidate", "other")
    assert found["fields"]["total"]["candidate"]["wrong_value"] == 2
    assert found["judges"][0]["pairs"] == 1


def test_a_truth_that_is_said_twice_judges_nothing_anew(shadow):
    text = lines(
        row("one", RIGHT, WRONG, key="k", truth=TRUTH),
        *many(300),
        row("two", RIGHT, WRONG, key="k", truth=TRUTH),
    )
    assert both(shadow, text)["fields"]["total"]["candidate"]["wrong_value"] == 2


def test_of_two_faults_the_first_line_is_told(shadow):
    twice = lines(row("p1"), *many(20), row("p1"), *many(40)[20:]) + "no row\n"
    for command in ("score", "import"):
        done = shadow(command, "-", stdin=twice)
        assert done.returncode == 65
        assert done.stderr == (
            b"shadow-mw: <stdin>:22: pair 'p1' of candidate 'small' was on line 1 already;"
            b' accepted: {"pair_id": "p1", "primary": {"output": "..."},'
            b' "candidate": {"output": "..."}}\n'
        )


def test_the_same_primary_is_the_same_however_its_row_says_so(shadow):
    """Without a key the pair's id is its key: the same text, here and there another object."""
    text = lines(row("p1"), row("p1", key="p1", candidate={"model": "other", "output": "yes"}))
    for command in ("score", "import"):
        assert shadow(command, "-", stdin=text).stderr == b""


def test_pairs_are_stored_with_what_the_trigger_would_copy(shadow, tmp_path):
    failed = {"output": None, "error": "timeout", "latency_ms": 12, "ttft_ms": 3}
    cut = {"output": RIGHT, "partial": True, "ttft_ms": 8, "latency_ms": 9.5}
    cancelled = {"output": None, "outcome": "cancelled", "latency_ms": 1, "model": "third"}
    priced = {
        "output": RIGHT,
        "latency_ms": 250.5,
        "ttft_ms": 20,
        "cost_usd": 0.25,
        "input_tokens": 5,
        "output_tokens": 6,
        "cache_read_tokens": 1,
        "cache_write_tokens": 2,
    }
    sides = (failed, cut, cancelled, priced, {"output": "yes"})
    rows = [
        row(f"p{n}-{m}", one, other, segment=f"s{n}" if n else None, session="day", sample_rate=0.5)
        for n, one in enumerate(sides)
        for m, other in enumerate(sides)
    ]
    rows.append(row("timed", time="2026-11-02T00:00:19.759287Z"))
    assert shadow("import", "-", stdin=lines(*rows)).returncode == 0
    with sqlite3.connect(tmp_path / "shadow.db") as store:
        columns = f"SELECT {', '.join(FACTS)} FROM pairs ORDER BY id"
        stored = store.execute(columns).fetchall()
        assert len(stored) == len(rows)
        store.execute(copy_facts("pairs", "1"))
        assert store.execute(columns).fetchall() == stored
