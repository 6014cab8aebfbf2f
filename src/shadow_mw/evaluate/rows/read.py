"""From one line of a pair file to the two observations that a store keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shadow_mw.evaluate import recent, strict_json
from shadow_mw.evaluate.fields.judge import check_truth
from shadow_mw.evaluate.ingest import Content, Observation
from shadow_mw.evaluate.json_line import read_whole
from shadow_mw.evaluate.judging.imported import Verdicts
from shadow_mw.evaluate.rows import values as v
from shadow_mw.evaluate.rows.json_values import read_request, written
from shadow_mw.evaluate.rows.keys import CANDIDATE, PRIMARY, ROW, SHARED
from shadow_mw.evaluate.rows.legs import Legs
from shadow_mw.evaluate.rows.redaction import Redaction
from shadow_mw.evaluate.rows.requests import Requests
from shadow_mw.prices import PriceTable
from shadow_mw.types import Json, Role
from shadow_mw.wire.lenient import encodable

NO_CONTENT = Content()
REQUIRED = ("pair_id", "primary", "candidate")
WINNERS = frozenset({"primary", "candidate", "tie"})


@dataclass(frozen=True, slots=True)
class Row:
    """One pair as it is stored."""

    primary: Observation
    candidate: Observation
    truth: str | None
    """JSON, for the pair's key."""
    judge: Verdicts | None = None
    """A judge's verdicts that it came with."""
    named: bool = field(default=True, compare=False)
    """Whether it says whose call the candidate's is."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads rows under one set of rules."""

    redaction: Redaction
    prices: PriceTable | None
    """Prices what comes without a cost; None leaves it unpriced."""
    experiment: str = "default"
    """Of rows that name none."""
    _requests: Requests = field(init=False, repr=False, compare=False)
    _legs: Legs = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_requests", Requests(self.redaction.request))
        object.__setattr__(self, "_legs", Legs(self.redaction, self.prices))

    def line(self, line: bytes, *, first: bool) -> Row:
        """Read one line.

        Raises:
            ValueError: what is wrong with it.
        """
        return self.row(read_whole(line, first=first))

    def row(self, value: Json) -> Row:
        """Read one row.

        Raises:
            ValueError: what is wrong with it.
        """
        row = v.read_all(value, ROW, "row")
        for key in REQUIRED:
            if row.get(key) is None:
                raise ValueError(f"`{key}` is missing")
        # A pair of which nobody says a key is known by its own id; a null says it has no key.
        row.setdefault("key", row["pair_id"])
        asks_for_json, content = self._request(row)
        names = self._legs.names(row.get("experiment") or self.experiment, row["pair_id"])
        shared = {name: row[name] for name in SHARED if name in row}
        ours = shared | v.read_all(row[Role.PRIMARY], PRIMARY, "primary")
        theirs = shared | v.read_all(row[Role.CANDIDATE], CANDIDATE, "candidate")
        name = theirs.get("id") or theirs.get("model")
        candidate_id = name or "candidate"
        read = self._legs.read
        primary = read(names, "primary", "", ours, content, asks_for_json=asks_for_json)
        candidate = read(names, "candidate", candidate_id, theirs, NO_CONTENT, asks_for_json=False)
        judge = self._judge(row.get("judge"))
        return Row(primary, candidate, self._truth(row), judge, named=bool(name))

    def _judge(self, judge: Json) -> Verdicts | None:
        if judge is None:
            return None
        read = v.read_all(judge, JUDGE, "judge")
        if read.get("name") is None or read.get("winners") is None:
            raise ValueError("`judge` must have a `name` and `winners`")
        return Verdicts(encodable(self.redaction.text(read["name"])), tuple(read["winners"]))

    def _truth(self, row: Mapping[str, Json]) -> str | None:
        truth = row.get("truth")
        if truth is None:
            return None
        if row["key"] is None:
            raise ValueError("`truth` needs a `key`, and this row says that it has none")
        check_truth(truth)
        clean = self.redaction.json(truth)
        text = strict_json.dumps(clean)
        recent.remember(text, clean)
        return text

    def _request(self, row: Mapping[str, Json]) -> tuple[bool, Content]:
        """Whether it asks for JSON; the request as sent, and what it says in a shared shape."""
        given, text, system, messages = row.get("input"), None, None, None
        asks_for_json = False
        if given is not None:
            asked = self._requests.read(given)
            text, messages = asked.text, asked.messages
            if messages is not None:
                asks_for_json = asked.asks_for_json
            elif (call := read_request(asked.body)) is not None:
                asks_for_json = call.expects_json
                system, messages = (
                    written(value)
                    for value in (call.system_instructions or None, call.input_messages)
                )
        # A null says that there are none, whatever the request has.
        if "system_instructions" in row:
            system = written(self.redaction.json(row["system_instructions"]))
        if "input_messages" in row:
            messages = written(self.redaction.json(row["input_messages"]))
        return asks_for_json, Content(text, system, messages)


def _winners(value: Json) -> list[str]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("`judge.winners` must be two verdicts, one for each order")
    if not all(isinstance(item, str) and item in WINNERS for item in value):
        raise ValueError("`judge.winners` must be of primary, candidate, tie")
    return value


JUDGE = {"name": v.FILLED, "winners": v.Kind("a list", _winners)}
