"""`shadow-mw report --html`, and what the page's file is made of."""

import hashlib
import json
import re
from importlib.resources import files

import pytest
from rows.pair_rows import command, lines, row

from shadow_mw.report import html

STATIC = files("shadow_mw.report") / "static"
SECRET = "a text that only a model said"


@pytest.fixture
def store(tmp_path):
    rows = [row(f"p{n}", "yes", f"no, {SECRET}", truth=None) for n in range(3)]
    rows = [{k: v for k, v in one.items() if v is not None} for one in rows]
    assert command(tmp_path, "import", "-", stdin=lines(*rows)).returncode == 0
    return tmp_path


def data_of(text):
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_the_bundle_is_the_one_that_was_built():
    (line,) = STATIC.joinpath("echarts.js.sha256").read_text("ascii").splitlines()
    found = hashlib.sha256(STATIC.joinpath("echarts.js").read_bytes()).hexdigest()

    assert line == f"{found}  echarts.js"
    head = STATIC.joinpath("echarts.js").read_text("utf-8")[:3000]
    licences = STATIC.joinpath("echarts.LICENSES.txt").read_text("utf-8")
    for name in ("Apache ECharts 6.1.0", "ZRender 6.1.0", "tslib 2.3.0"):
        assert name in head
        assert f"{name} (" in licences


def test_a_file_has_the_verdict_and_the_worst_pairs_and_only_a_report_is_replaced(store):
    done = command(store, "report", "--html", "r.html")
    assert (done.returncode, done.stdout) == (0, b"")
    assert re.fullmatch(rb"r\.html: 0\.\d MB\n", done.stderr)
    text = (store / "r.html").read_text("utf-8")
    data = data_of(text)
    assert data["verdict"]["verdict"] == "INSUFFICIENT"
    assert data["report"]["funnel"]["paired"] == data["pairs"]["total"] == 3
    assert SECRET in data["pairs"]["rows"][0]["detail"]["candidate"]["output"]

    assert command(store, "report", "--html", "r.html", "--no-content").returncode == 0
    text = (store / "r.html").read_text("utf-8")
    assert SECRET not in text
    assert [one["pair_id"] for one in data_of(text)["pairs"]["rows"]] == ["p2", "p1", "p0"]

    other = store / "notes.html"
    other.write_text("<!doctype html><p>mine")
    done = command(store, "report", "--html", "notes.html")
    assert done.returncode == 78
    assert b"notes.html: is there, and no report" in done.stderr
    assert other.read_text() == "<!doctype html><p>mine"
    assert sorted(one.suffix for one in store.glob("*.html")) == [".html"] * 2
    assert not list(store.glob(".*.html*"))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--html", "r.html", "--json"], 64),
        (["--html", "r.html", "--suggest-rules"], 64),
        (["--no-content"], 64),
        (["--html", "."], 78),
        (["--html", "no/such/directory/r.html"], 78),
        (["--html", "r.html", "--experiment", "nope"], 65),
    ],
)
def test_what_cannot_be_written_is_said_and_leaves_nothing(store, options, code):
    before = sorted(store.iterdir())
    done = command(store, "report", *options)

    assert done.returncode == code
    assert sorted(store.iterdir()) == before


def test_data_ends_no_element_and_names_in_it_are_left_alone():
    text = html.page({"live": False, "x": "</script><!--<script>{style}{data}&\u2028\ud800"})

    assert data_of(text)["x"] == "</script><!--<script>{style}{data}&\u2028\ud800"
    assert text.count("<script") == text.count("</script>") == 3
    assert html.is_page(text.encode())
    assert "connect-src 'none'" in text
    assert "connect-src 'self'" in html.page({"live": True})
