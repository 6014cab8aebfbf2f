"""Which plan was registered for an experiment, and when: kept in the store beside the data."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass

from shadow_mw.evaluate.store import Store


@dataclass(frozen=True, slots=True)
class Registration:
    """A plan as it was registered."""

    plan: str
    """Canonical JSON."""
    hash: str
    registered_ns: int
    """Unix time."""
    legs: int
    """Of the experiment that the store had then; a plan counts as one where it is 0."""
    replaced: tuple[str, ...] = ()
    """Hashes of the plans that were registered before it, oldest first."""


def registration(store: Store, experiment: str) -> Registration | None:
    """The registered plan of an experiment."""
    rows = store.query("SELECT value FROM meta WHERE name = ?", (_name(experiment),))
    if not rows:
        return None
    found = json.loads(rows[0][0])
    return Registration(
        json.dumps(found["plan"], sort_keys=True, separators=(",", ":")),
        found["hash"],
        found["registered_ns"],
        found["legs"],
        tuple(found.get("replaced", ())),
    )


def register(store: Store, experiment: str, plan: str, digest: str, *, replace: bool) -> bool:
    """Register a plan; registering the same one again changes nothing.

    Args:
        store: where.
        experiment: whose plan.
        plan: canonical JSON.
        digest: its hash.
        replace: whether it may take another one's place, which is noted.

    Returns:
        Whether it is the registered plan now; False where there is another one.
    """
    with store.transaction():
        known = registration(store, experiment)
        if known is not None and (known.hash == digest or not replace):
            return known.hash == digest
        (legs,) = store.one("SELECT count(*) FROM observations WHERE experiment = ?", (experiment,))
        earlier = () if known is None else (*known.replaced, known.hash)
        made = asdict(Registration(plan, digest, time.time_ns(), legs, earlier))
        store.write(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            [(_name(experiment), json.dumps(made | {"plan": json.loads(plan)}))],
        )
    return True


def _name(experiment: str) -> str:
    return f"plan:{experiment}"
