"""What has to be judged anew at the start keeps nobody waiting."""

from evaluate.spans import PRICES, both, store_of, summary
from support.serve import running_serve
from support.waiting import until

from shadow_mw.evaluate.checks.checklist import Checklist
from shadow_mw.evaluate.pipeline import Evaluator, Standards, Store
from shadow_mw.settings import CheckChoice

PAIRS = 250
SHORTER = Checklist.declared(CheckChoice(length_band=(0.99, 1.01)))


def store(path):
    legs = [leg for n in range(PAIRS) for leg in both(f"p{n}", "a" * 100, "a" * 90)]
    return store_of(path, *legs)


def waiting(path):
    with Store.open(path) as opened:
        return opened.one("SELECT count(*) FROM pairs WHERE stale")[0]


def test_it_answers_first_and_judges_then(tmp_path):
    path = store(tmp_path / "shadow.db")
    evaluator = Evaluator.open(path, PRICES, Standards(checks=SHORTER), catches_up=True)
    assert waiting(path) == PAIRS
    assert summary(path).checks["length"].labels == {"within": PAIRS}

    assert evaluator.catch_up(100) is True
    assert waiting(path) == PAIRS - 100
    evaluator.export(both("new", "a" * 100, "a" * 90))
    assert summary(path).checks["length"].labels == {"within": PAIRS - 100, "shorter": 101}

    assert [evaluator.catch_up(100), evaluator.catch_up(100)] == [True, False]
    evaluator.shutdown()
    assert waiting(path) == 0


def test_a_store_that_cannot_be_written_is_tried_again(tmp_path):
    path = store(tmp_path / "shadow.db")
    evaluator = Evaluator.open(
        path, PRICES, Standards(checks=SHORTER), durable=True, catches_up=True
    )
    moved = path.rename(tmp_path / "away.db")
    assert evaluator.catch_up(100) is None
    moved.rename(path)
    assert evaluator.catch_up(PAIRS + 1) is False
    evaluator.shutdown()


def test_the_service_catches_up_by_itself(tmp_path):
    path = store(tmp_path / "shadow.db")
    with running_serve(tmp_path, SHADOW_CHECKS='{"length_band": [0.99, 1.01]}') as serve:
        assert serve.client.get("/healthz").status_code == 200
        until(lambda: waiting(path) == 0, "all are judged")
        assert f"{PAIRS} pairs are judged anew" in serve.log()
    assert summary(path).checks["length"].labels == {"shorter": PAIRS}
