"""Stores with what alarms are about, and the command on them."""

import sys
from pathlib import Path

from support.cli import run_text
from support.servers import clean_environ

from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.store.readings import set_reading
from shadow_mw.records import Reading

COMMAND = str(Path(sys.executable).with_name("shadow-mw"))


def tell(path, *, experiment="e", candidate="c", source="runner:h:1", captured=1, **values):
    """What a runner reports, kept as the evaluator keeps it."""
    with Store.open(path, create=True) as store, store.transaction():
        counts = {"captured": captured, "mirrored": captured}
        set_reading(store, Reading(experiment, candidate, source, counts, values))


def alerts(path, *arguments, timeout=60, **env):
    """`shadow-mw alerts` on a store: a finished process."""
    used = clean_environ(SHADOW_STORE=str(path), **env)
    return run_text("alerts", *arguments, cwd=path.parent, env=used, timeout=timeout)
