"""Ways in which a verdict might have rested on what nobody had promised beforehand."""

from shadow_mw.decide.presets import ARTICLES
from shadow_mw.decide.registered import Registered, plan_name
from shadow_mw.evaluate.evidence import gather
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series

REGISTERED_NS = 5_000_000_000
KNOWN = Registered(ARTICLES.hash, REGISTERED_NS, 0)


def test_a_plan_of_a_store_without_a_leg_is_before_any_data(tmp_path):
    with Store.open(tmp_path / "shadow.db", create=True) as store:
        found = gather(store, Series("e", "c"))

    assert found.first_received_ns is None
    assert plan_name(ARTICLES, KNOWN, found.first_received_ns).note.endswith("before any data")
