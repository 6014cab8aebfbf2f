"""Plans as files: what is written is read back, and a fault is one line."""

import tomllib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from shadow_mw.decide.plan import Gates, Hallucination, Plan, Sample, Window
from shadow_mw.decide.plan_file import read, written
from shadow_mw.decide.plan_notes import NOTES
from shadow_mw.decide.presets import ARTICLES, PRESETS, STRICT
from shadow_mw.exceptions import ConfigError


@pytest.mark.parametrize("plan", PRESETS.values(), ids=lambda plan: plan.name)
def test_a_preset_comes_back_with_its_hash(plan, tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(written(plan))
    assert read(path) == plan
    assert read(path).hash == plan.hash


def test_the_thresholds_of_the_articles():
    gates = ARTICLES.gates
    assert (ARTICLES.sample.pairs, ARTICLES.window.days) == (10_000, 14)
    assert ARTICLES.window.weekday_times == 2
    assert gates.hallucination.margin == 0.002
    assert (gates.latency.percent, gates.latency.ratio) == (95, 1.2)
    assert gates.win_rate.at_least == 0.55
    assert all(getattr(gates, name) is not None for name in Gates.model_fields)


def test_strict_is_nowhere_looser():
    ours, theirs = STRICT.gates, ARTICLES.gates
    assert STRICT.alpha < ARTICLES.alpha
    assert STRICT.window.days > ARTICLES.window.days
    for name in ("hallucination", "invalid_output", "null_like", "accuracy", "errors", "likeness"):
        assert getattr(ours, name).margin < getattr(theirs, name).margin
    assert ours.latency.load
    assert ours.latency.ratio < theirs.latency.ratio
    assert ours.win_rate.at_least >= theirs.win_rate.at_least


def test_comments_and_order_do_not_change_the_hash(tmp_path):
    lines = written(ARTICLES).splitlines()
    path = tmp_path / "plan.toml"
    path.write_text("\n".join(line for line in lines if not line.startswith("#")))
    assert read(path).hash == ARTICLES.hash
    text = path.read_text().replace("alpha = 0.05\n", "").replace("power", "alpha = 0.05\npower")
    path.write_text(text)
    assert read(path).hash == ARTICLES.hash


def test_a_number_changes_the_hash(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(written(ARTICLES).replace("alpha = 0.05", "alpha = 0.04"))
    assert read(path).hash != ARTICLES.hash


def test_an_amount_has_one_hash(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text('name = "p"\nbudget_usd = 25.00\n[gates]\n')
    same = Plan(name="p", budget_usd=Decimal(25), gates=Gates())
    assert read(path).hash == same.hash
    path.write_text(written(same))
    assert read(path).hash == same.hash


texts = st.one_of(st.none(), st.text(min_size=1, max_size=20))


@given(
    experiment=texts,
    alpha=st.floats(1e-6, 0.49),
    rate=st.floats(0.001, 1),
    margin=st.floats(0, 0.99),
    pairs=st.integers(1, 10**9),
    budget=st.one_of(st.none(), st.decimals(0, 10**6, places=3)),
)
def test_any_plan_comes_back(experiment, alpha, rate, margin, pairs, budget):
    plan = Plan(
        name="p",
        experiment=experiment,
        alpha=alpha,
        budget_usd=budget,
        window=Window(looks=(0.25, 0.5, 1.0)),
        sample=Sample(pairs=pairs, rate=rate),
        gates=Gates(hallucination=Hallucination(margin=margin)),
    )
    assert Plan.model_validate(tomllib.loads(written(plan))).hash == plan.hash


def test_every_key_is_explained():
    def keys(model, path):
        for name, info in model.model_fields.items():
            yield path + name
            kinds = [info.annotation, *getattr(info.annotation, "__args__", ())]
            for kind in kinds:
                if isinstance(kind, type) and issubclass(kind, BaseModel):
                    yield from keys(kind, f"{path}{name}.")

    assert set(keys(Plan, "")) == set(NOTES)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("alpha = 0.05\nalpha = 1", "is not TOML"),
        ("alpha = 0.7", "alpha=0.7: accepted is less than 0.5"),
        ("[window]\nlooks = [0.5]", "window.looks=[0.5]: accepted is shares of the window"),
        ('[window]\ntimezone = "Moon"', 'window.timezone="Moon": accepted is a time zone such as'),
        (
            "[gates]\nspeed = 1",
            "gates.speed is not a key of a plan; accepted there: hallucination,",
        ),
        ("[gates.latency]\npercentile = 9", "accepted there: percent, ratio, load"),
        ('[gates.errors]\nmargin = "low"', 'gates.errors.margin="low": accepted is a valid number'),
        ("[gates.errors]\ncap = 0.1", "gates.errors.margin is not set"),
        ("budget_usd = -1", "budget_usd=-1: accepted is an amount of 0 or more"),
    ],
)
def test_a_fault_is_one_line(tmp_path, line, said):
    path = tmp_path / "plan.toml"
    gates = "" if "[gates" in line else "\n[gates]"
    path.write_text(f'name = "p"\n{line}{gates}\n')
    with pytest.raises(ConfigError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert said in message
    assert "\n" not in message
