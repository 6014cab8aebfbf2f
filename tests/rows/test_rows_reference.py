"""The field table once more, slow and from the documentation alone, against whole reports."""

import json
import random
from collections import Counter, defaultdict
from decimal import Decimal

import pytest
from rows.pair_rows import lines, printed, row

LEGS = ("primary", "candidate")
RIGHT = {"correct", "correct_null"}
PLACEHOLDERS = ("", "N/A", "-", "none")
VALUES = ("x", "X", " x", "y", "1,000.50", "1000.5", 7, 7.0, "7", True, False, 0)
DAMAGED = (
    "",
    "sorry",
    "[1]",
    "null",
    '{"id": 1',
    '```json\n{"id": null}\n```',
    '{"id": 1, "id": 2}',
)
RULES = {
    "total": {"normalise": "decimal", "locale": "en"},
    "state": {"normalise": "enum", "values": ["x", "none"]},
    "vendor.name": {"normalise": "text"},
    "items": {"list": "keyed", "by": ["n"]},
}


def is_nothing(value, path):
    """Null or a placeholder, unless the enum declares it."""
    return value is None or (value in PLACEHOLDERS and (path, value) != ("state", "none"))


def normal(value, path):
    """Equal for equal values; a boolean is no number."""
    if isinstance(value, bool):
        return str(value), bool
    if path == "total" and isinstance(value, str) and value[:1].isdigit():
        return Decimal(value.replace(",", "")), Decimal
    if isinstance(value, int | float):
        return Decimal(str(value)), Decimal
    folded = value.strip().casefold()
    without_case = path == "vendor.name" or (path == "state" and folded in ("x", "none"))
    return (folded if without_case else value.strip()), str


def outcome(truth, output, path):
    if truth is None and output is None:
        return "correct_null"
    if truth is not None and output is not None and normal(truth, path) == normal(output, path):
        return "correct_null" if is_nothing(truth, path) else "correct"
    if is_nothing(truth, path):
        return "null_like" if is_nothing(output, path) else "hallucinated"
    return "missed" if is_nothing(output, path) else "wrong_value"


def flat(document):
    """Its leaves by place: items by their key, the list itself where it is empty."""
    vendor, items = document.get("vendor") or {}, document.get("items") or []
    leaves = {(path, ""): document.get(path) for path in ("id", "total", "state")}
    leaves["vendor.name", ""] = vendor.get("name")
    return leaves | {
        (f"items[].{key}", item["n"]): item.get(key) for item in items for key in ("n", "price")
    }


def judged(truth, outputs):
    """Every labelled leaf: its path, whether the truth is null there, and both outcomes."""
    told = flat(truth)
    said = [None if output is None else flat(output) for output in outputs]
    places = dict.fromkeys(told) | dict.fromkeys(
        place for leg in said if leg for place, value in leg.items() if value is not None
    )
    for place in places:
        path, value = place[0], told.get(place)
        outcomes = (
            "invalid_output" if leg is None else outcome(value, leg.get(place), path)
            for leg in said
        )
        yield path, is_nothing(value, path), *outcomes


def drawn(chance, odds=(3, 2, 7)):
    kinds = ((None,), PLACEHOLDERS, VALUES)
    return chance.choice(chance.choices(kinds, odds)[0])


def document(chance):
    count = chance.randint(1, 3)
    return {
        **{name: drawn(chance) for name in ("id", "total", "state")},
        "vendor": {"name": drawn(chance)},
        "items": [{"n": f"n{n}", "price": drawn(chance)} for n in range(count)],
    }


def answered(chance, truth):
    """A leg's output, and what a reader finds in it: None where it is no JSON object."""
    if chance.random() < 0.1:
        return {"output": chance.choice(DAMAGED)}, None
    output = json.loads(json.dumps(truth))
    for name in ("id", "total", "state"):
        if chance.random() < 0.4:
            output[name] = drawn(chance)
        elif chance.random() < 0.1:
            del output[name]
    if chance.random() < 0.2:
        output["vendor"] = chance.choice([None, {}, {"name": "made up"}])
    items = output["items"]
    if chance.random() < 0.3:
        items.append({"n": f"more {len(items)}", "price": drawn(chance)})
    if chance.random() < 0.2:
        items.pop(0)
    chance.shuffle(items)
    failed = {"error": "timeout"} if chance.random() < 0.1 else {}
    return {"output": json.dumps(output)} | failed, None if failed else output


def sums(leaves):
    nulls = sum(is_null for _, is_null, *_ in leaves)
    found = {"leaves": len(leaves), "nulls": nulls}
    for number, leg in enumerate(LEGS, 2):
        said = Counter(leaf[number] for leaf in leaves)
        found[leg] = {
            "correct": sum(said[name] for name in RIGHT),
            "hallucinated": said["hallucinated"],
        }
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_reports_say_what_the_documented_tables_say(shadow, tmp_path, seed):
    chance = random.Random(seed)
    rows, known = [], []
    for number in range(300):
        truth = document(chance)
        legs = [answered(chance, truth) for _ in LEGS]
        place = {"segment": chance.choice("abc"), "time": f"2026-11-0{1 + number % 3}T09:00:00Z"}
        rows.append(row(f"p{number}", *(said for said, _ in legs), truth=truth, **place))
        known.append((place, list(judged(truth, [output for _, output in legs]))))
    rules = {"SHADOW_FIELDS": json.dumps(RULES)}
    (tmp_path / "pairs.jsonl").write_text(lines(*rows))
    scored = printed(shadow("score", "pairs.jsonl", "--json", **rules))
    later = [{"key": one["pair_id"], "truth": one.pop("truth")} for one in rows]
    shadow("import", "-", stdin=lines(*rows), **rules)
    shadow("label", "-", stdin=lines(*later), **rules)
    assert printed(shadow("report", "--json")) | {"store": None} == scored

    every = [leaf for _, leaves in known for leaf in leaves]
    fields = defaultdict(Counter)
    for path, _, *outcomes in every:
        fields[path].update(zip(LEGS, outcomes, strict=True))
    assert {
        path: Counter({(leg, name): n for leg in LEGS for name, n in said[leg].items() if n})
        for path, said in scored["fields"].items()
    } == fields
    pairs = Counter(tuple(outcomes) for _, _, *outcomes in every)
    table = scored["transitions"]
    assert {(ours, name): n for ours in table for name, n in table[ours].items() if n} == pairs

    for names, key in (("segments", "segment"), ("days", "time")):
        slices = defaultdict(list)
        for place, leaves in known:
            slices[place[key][:10]] += leaves
        assert set(scored[names]) == set(slices)
        for name, leaves in slices.items():
            found, wanted = scored[names][name], sums(leaves)
            assert (found["leaves"], found["nulls"]) == (wanted["leaves"], wanted["nulls"])
            assert all(wanted[leg].items() <= found[leg].items() for leg in LEGS)

    documents, total = [sums(leaves) for _, leaves in known], sums(every)
    for leg in LEGS:
        rate, accuracy = (scored["metrics"][m] for m in ("hallucination_rate", "field_accuracy"))
        assert rate[leg] == total[leg]["hallucinated"] / total["nulls"]
        assert accuracy[leg] == total[leg]["correct"] / total["leaves"]
        perfect = sum(one[leg]["correct"] == one["leaves"] for one in documents)
        assert scored["documents"]["perfect"][leg] == perfect
        inventing = sum(one[leg]["hallucinated"] > 0 for one in documents)
        assert scored["documents"]["hallucinated"][leg] == inventing


def test_who_reads_a_store_is_told_of_rules_that_wait(shadow):
    rules = {"SHADOW_FIELDS": json.dumps({"id": {"normalise": "identifier"}})}
    told = row("p1", '{"id": "A-1"}', '{"id": "a 1"}', truth={"id": "a1"})
    shadow("import", "-", stdin=lines(told))
    for command in ("report", "verdict"):
        assert b"other rules of fields" in shadow(command, **rules).stderr
        assert shadow(command).stderr == b""
    assert printed(shadow("report", "--json", **rules))["metrics"]["field_accuracy"]["primary"] == 0
    shadow("import", "-", stdin=lines(told), **rules)
    done = shadow("report", "--json", **rules)
    assert printed(done)["metrics"]["field_accuracy"]["primary"] == 1
    assert done.stderr == b""
