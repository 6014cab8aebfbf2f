"""Alarms as they are kept in the store: neither a restart nor a second evaluator repeats one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from shadow_mw.alarms import Alarm, Change, Kind, is_news
from shadow_mw.evaluate.store import Store

SECOND: Final = 10**9

READ: Final = "alarms:read"
"""In `meta`: when the newest data that alarms were worked out from were read."""
MARK: Final = "alarms:mark"
"""In `meta`: what stood in the store when the alarms of a series were worked out last."""
COLUMNS: Final = "alarm, segment, state, text, low, high"


class AlarmStore:
    """The table `alarms` of one open store, and what is added to `messages`."""

    def __init__(self, store: Store, clock: Callable[[], int] = time.time_ns) -> None:
        self._store = store
        self._clock = clock

    def keep(
        self,
        experiment: str,
        candidate: str,
        found: Iterable[Alarm],
        read_ns: int,
        message: Callable[[Change], dict[str, Any]] | None,
    ) -> list[Change]:
        """Keep how alarms are now, and a message for each that changed, all or nothing.

        Args:
            experiment: whose they are.
            candidate: empty for those of the whole experiment.
            found: every alarm, also those that are clear.
            read_ns: when the data were read that they rest on; older than what somebody else has
                kept meanwhile, they are no news and left out.
            message: what to tell of a change; None tells nobody.

        Returns:
            What changed; it is not what others kept a moment ago.
        """
        changes, written = [], False
        name = f"{READ}:{experiment}/{candidate}"
        with self._store.transaction():
            if (self._noted(name) or 0) > read_ns:
                return []
            before = {
                (change.alarm.kind, change.alarm.segment): change
                for change in self.kept(experiment, candidate)
            }
            for alarm in found:
                known = before.get((alarm.kind, alarm.segment))
                change = self._keep(experiment, candidate, known, alarm)
                news = change is not known and (known is not None or _standing(alarm))
                if news:
                    changes.append(change)
                written = written or known is None or known.alarm != alarm
                # Also what stands since before there was anybody to tell.
                if message is not None and (news or _standing(change.alarm)):
                    self._tell(change, message)
            if written:
                self._note(name, read_ns)
        return changes

    def kept(self, experiment: str | None = None, candidate: str | None = None) -> list[Change]:
        """Alarms as they are kept, of all experiments or of one."""
        rows = self._store.query(
            f"SELECT experiment, candidate_id, since_ns, {COLUMNS} FROM alarms"
            " WHERE experiment = coalesce(?, experiment)"
            " AND candidate_id = coalesce(?, candidate_id) ORDER BY 1, 2, 4, 5",
            (experiment, candidate),
        )
        return [
            Change(name, who, Alarm(Kind(kind), *values), since)
            for name, who, since, kind, *values in rows
        ]

    def forget(self, experiment: str, candidate: str) -> None:
        """Work out the alarms of a candidate anew, as if none had ever been raised."""
        with self._store.transaction():
            self._store.write(
                "DELETE FROM alarms WHERE experiment = ? AND candidate_id = ? AND alarm != ?",
                [(experiment, candidate, Kind.VERDICT)],
            )
            self._note(f"{MARK}:{experiment}/{candidate}", "")

    def mark(self, experiment: str, candidate: str) -> str:
        """What `set_mark` was given last."""
        return str(self._noted(f"{MARK}:{experiment}/{candidate}") or "")

    def set_mark(self, experiment: str, candidate: str, mark: str) -> None:
        """Note from what state of the store the kept alarms are."""
        self._note(f"{MARK}:{experiment}/{candidate}", mark)

    def _noted(self, name: str) -> Any:
        rows = self._store.query("SELECT value FROM meta WHERE name = ?", (name,))
        return json.loads(rows[0][0]) if rows else None

    def _note(self, name: str, value: Any) -> None:
        self._store.write("REPLACE INTO meta VALUES (?, ?)", [(name, json.dumps(value))])

    def _keep(self, experiment: str, candidate: str, known: Change | None, now: Alarm) -> Change:
        """The kept state: `known` itself where its state is the same."""
        clock, whose = self._clock(), (experiment, candidate, now.kind, now.segment)
        if known and not is_news(known.alarm, now, (clock - known.since_ns) / SECOND):
            same = (known.alarm.low, known.alarm.high) == (now.low, now.high)
            if same and (known.alarm.state != now.state or known.alarm.text == now.text):
                return known
            self._store.write(
                "UPDATE alarms SET low = ?, high = ?, text = CASE WHEN state = ? THEN ? ELSE text"
                " END WHERE experiment = ? AND candidate_id = ? AND alarm = ? AND segment = ?",
                [(now.low, now.high, now.state, now.text, *whose)],
            )
            return known
        change = Change(experiment, candidate, now, clock)
        self._store.write(
            f"REPLACE INTO alarms (experiment, candidate_id, {COLUMNS}, since_ns)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(*whose, now.state, now.text, now.low, now.high, clock)],
        )
        return change

    def _tell(self, change: Change, message: Callable[[Change], dict[str, Any]]) -> None:
        self._store.write(
            "INSERT OR IGNORE INTO messages (name, body, made_ns) VALUES (?, ?, ?)",
            [(change.name, json.dumps(message(change)), self._clock())],
        )


def _standing(alarm: Alarm) -> bool:
    """Whether whoever is new here should be told."""
    return alarm.raised or (alarm.kind == Kind.VERDICT and alarm.decision != "INSUFFICIENT")
