"""The report as one HTML file, in a real browser."""

import base64
import json
import os
import re
import time
from pathlib import Path

import pytest
from evaluate.spans import store_of
from report.page_driver import (
    focused,
    look_everywhere,
    pairs,
    reload,
    shown,
    size,
    texts,
    written,
)
from report.page_values import gate, page_data, pair_json, trend, verdict
from rows.pair_rows import command, lines, row

from shadow_mw.verdicts import State

SECTIONS = (
    *("verdict", "gates", "table", "fields", "segments", "days", "latency", "cost", "coverage"),
    *("judges", "checks", "divergence", "sensitivity", "pairs"),
)
HARMS = ["hallucinated"] * 60 + ["wrong_value"] * 10 + ["missed"] * 5
VALUES = {
    "hallucinated": ("null", "null", '"DE 123"'),
    "wrong_value": ('"1000.00"', '"1000.00"', '"1001.00"'),
    "missed": ('"2026-11-02"', '"2026-11-02"', "null"),
}
PATHS = {"hallucinated": "vendor_tax_id", "wrong_value": "total_due", "missed": "due_date"}
SHOTS = Path(os.environ["PAGE_SHOTS"]) if "PAGE_SHOTS" in os.environ else None


def rows():
    return [
        pair_json(n, harm, PATHS[harm], VALUES[harm], segment=("monday", "friday")[n % 2])
        for n, harm in enumerate(HARMS)
    ]


@pytest.fixture(scope="module")
def url(report, tmp_path_factory):
    return written(tmp_path_factory.mktemp("page"), page_data(report, rows()))


@pytest.fixture
def page(chromium, url):
    found = shown(chromium, url)
    yield found
    assert found.errors == []
    assert {one for one in found.requests if not one.startswith("data:")} <= {
        url, *(one for one in found.requests if one.startswith(f"{url}#"))
    }  # fmt: skip


def test_everything_is_there_in_its_order_and_nothing_is_asked_for(page):
    look_everywhere(page)

    found = page.evaluate(
        "[...document.querySelectorAll('main > section:not([hidden])')].map(one => one.id)"
    )
    assert tuple(found) == SECTIONS
    assert "NO-GO" in page.text("#verdict h1")
    assert page.text("#verdict .reason") == "Hallucination: 1.1 % against 0.3 % of null fields"
    charts = page.evaluate(
        "[...document.querySelectorAll('.chart')].map(one => [one.getAttribute('aria-label'),"
        " one.querySelectorAll('svg path, svg rect, svg circle').length])"
    )
    # Six gates, two segments, two trends, latency, the calendar, a judge.
    assert len(charts) == 6 + 2 + 2 + 1 + 1 + 1
    assert all(label and drawn for label, drawn in charts), charts


def test_the_worst_gates_come_first_and_say_their_state_in_words(page):
    states = texts(page, "#gates tbody td:first-child")

    assert [one.split("\n")[0] for one in states] == (
        ["✕ fail"] + ["? unproven"] * 4 + ["✓ pass"] * 2
    )
    assert "waived by ann: read by hand" in page.text("#gates")
    first = texts(page, "#gates tbody tr:first-child > *")
    assert first[2:5] == ["0.3 %", "1.1 %", "+0.80 pp\n+0.60 pp to +1.00 pp"]


def lines_of(page, gate):
    """Lines of a gate's chart as [x1, y1, x2, y2], from left to right."""
    script = f"""(() => {{
      const chart = document.querySelector(`#gates .chart[aria-label^={json.dumps(gate)}]`);
      const found = [...chart.querySelectorAll('path')].map(one => [one.getBBox(), one]);
      const of = kind => found.filter(([box, one]) => kind(box, one)).map(([box]) => box.x);
      const bar = found.find(([box, one]) => one.getAttribute('stroke-width') === '5')[0];
      const margin = found.find(([box, one]) => one.getAttribute('stroke-dasharray'))[0];
      return {{low: bar.x, high: bar.x + bar.width, margin: margin.x, width: chart.clientWidth}};
    }})()"""
    return page.evaluate(script)


def test_bars_stand_to_the_margin_as_their_intervals_do(page):
    look_everywhere(page)
    failed, passed = lines_of(page, "Hallucination"), lines_of(page, "Field accuracy")
    unproven, open_end = lines_of(page, "Errors"), lines_of(page, "Latency p95")

    assert failed["margin"] < failed["low"] < failed["high"]
    assert passed["margin"] < passed["low"] < passed["high"]
    assert unproven["low"] < unproven["margin"] < unproven["high"]
    assert open_end["high"] == pytest.approx(open_end["width"] - 2, abs=1)


def test_a_latency_without_end_is_beyond_the_margin_and_said_so(chromium, report, tmp_path):
    endless = gate(
        *("latency", "Latency p95", State.FAIL),
        primary=480.0, interval=(None, None), margin=1.2, unit="ratio",
    )  # fmt: skip
    page = shown(
        chromium, written(tmp_path, page_data(report, [], verdict=verdict(gates=(endless,))))
    )
    cells = texts(page, "#gates tbody td")
    assert (cells[1], cells[2], cells[3].split("\n")) == ("480 ms", "∞", ["∞", "∞ to ∞"])
    look_everywhere(page)
    lines = page.until(
        "(() => { const all = [...document.querySelectorAll('#gates .interval path')];"
        " return all.length && all.map(one => [one.getAttribute('stroke-width'),"
        " one.getBoundingClientRect().left]); })()"
    )
    (bar,) = [left for width, left in lines if width == "5"]
    (margin,) = [left for width, left in lines if width == "1.5"]
    assert bar > margin
    assert page.errors == []


def test_a_chart_says_its_figures_where_the_mouse_is(page):
    tip = "document.querySelector('#latency .tip')?.innerText.includes('primary: ')"
    page.hover("#latency .chart", shown=tip)
    assert " within " in page.text("#latency .tip")


def test_fields_put_hallucinations_first_and_say_what_became_of_nulls(page):
    assert texts(page, "#fields tbody th") == ["tax_id", "total"]
    assert texts(page, "#fields tbody tr:first-child td")[0].split() == ["0", "→", "12"]
    assert "12 hallucinated (100 %)" in page.text("#fields")


def test_filters_are_in_the_address_and_survive_a_reload(page, url):
    assert pairs(page) == list(range(50))
    page.evaluate(
        "(() => { const form = document.querySelector('form.filters');"
        " form.elements.harm.value = 'wrong_value'; form.elements.segment.value = 'monday';"
        " form.elements.harm.dispatchEvent(new Event('change')); })()"
    )
    page.until("document.querySelectorAll('button.row').length === 5")
    assert pairs(page) == [60, 62, 64, 66, 68]
    page.click("button.row[data-id='62']")
    page.until("location.hash.includes('open=62')")

    reload(page)
    assert pairs(page) == [60, 62, 64, 66, 68]
    assert page.evaluate("document.querySelector('form.filters').elements.harm.value") == (
        "wrong_value"
    )
    page.until("document.querySelector('#pair-62 table.fielddiff') !== null")

    page.evaluate("location.hash = 'field=due_date&harm=wrong_value'")
    page.until("document.querySelectorAll('button.row').length === 0")
    assert "No pair matches" in page.text("#pairs .status")
    page.evaluate("location.hash = 'q=DUE_DATE&harm=missed'")
    page.until("document.querySelectorAll('button.row').length === 5")
    page.click("form.filters button")
    page.until("document.querySelectorAll('button.row').length === 50")
    assert page.evaluate("location.hash") == ""


CHOSEN = "document.querySelector('form.filters').elements.harm.value"


def test_the_back_button_undoes_a_filter_and_a_turned_page(page):
    page.evaluate("document.querySelector('form.filters').elements.harm.focus()")
    page.evaluate(
        "(() => { const { harm } = document.querySelector('form.filters').elements;"
        " harm.value = 'missed'; harm.dispatchEvent(new Event('change')); })()"
    )
    page.until("document.querySelectorAll('button.row').length === 5")
    page.evaluate("history.back()")
    page.until("document.querySelectorAll('button.row').length === 50")
    assert page.evaluate(CHOSEN) == ""
    assert page.evaluate("document.activeElement.name") == "harm", "the reader's place is kept"
    page.evaluate("history.forward()")
    page.until("document.querySelectorAll('button.row').length === 5")
    assert page.evaluate(CHOSEN) == "missed"
    page.evaluate("history.back()")
    page.until("document.querySelectorAll('button.row').length === 50")
    page.evaluate("document.querySelector('.pager button:last-child').click()")
    page.until("document.querySelectorAll('button.row').length === 25")
    page.click("button.row[data-id='60']")
    page.until("location.hash.includes('open=60')")
    page.evaluate("history.back()")
    page.until("document.querySelectorAll('button.row').length === 50")
    assert page.evaluate("location.hash") == ""


def test_keys_go_through_the_pairs(page):
    page.press("j")
    page.press("j")
    assert focused(page) == "1"
    page.press("k")
    page.press("o")
    page.until("document.querySelector('#pair-0 table') !== null")
    page.press("o")
    assert page.evaluate("document.querySelector('#pair-0').hidden")
    page.press("k")
    assert focused(page) == "0"
    page.press("/")
    assert focused(page) == "filter"
    for char in "jo":
        page.press(char)
    assert page.evaluate("document.querySelector('#filter').value") == "jo"
    page.press("Escape")
    assert focused(page) == ""
    page.press("?")
    assert page.evaluate("document.querySelector('#help').open")
    page.press("j")
    page.press("Escape")
    assert not page.evaluate("document.querySelector('#help').open")
    page.press("j", modifiers=2)
    assert focused(page) != "0"


def test_the_next_key_goes_on_to_the_next_page(page):
    page.evaluate("document.querySelector('button.row[data-id=\"49\"]').focus()")
    page.press("j")
    page.until("document.querySelector('button.row').dataset.id === '50'")
    page.until("document.activeElement.dataset.id === '50'")
    assert page.evaluate("location.hash") == "#offset=50"
    page.press("k")
    page.until("document.activeElement.dataset.id === '49'")


def marked(page, number, column):
    return page.evaluate(
        f"[...document.querySelectorAll('#pair-{number} tbody tr:first-child td:nth-child({column})"
        " :is(ins, del)')].map(one => [one.tagName, one.textContent])"
    )


def test_a_diff_shows_which_characters_changed(page):
    page.evaluate("location.hash = 'harm=wrong_value&open=61'")
    page.until("document.querySelector('#pair-61 ins') !== null")
    assert marked(page, 61, 4) == [["DEL", "0"], ["INS", "1"]]
    assert marked(page, 61, 3) == []
    assert "wrong value" not in page.text("#pair-61 tbody tr:last-child")
    assert "wrong value" in page.text("#pair-61 tbody tr:first-child")

    page.evaluate("location.hash = 'harm=hallucinated&open=1'")
    page.until("document.querySelector('#pair-1 ins') !== null")
    assert marked(page, 1, 4) == [["DEL", "null"], ["INS", '"DE 123"']]
    page.click("#pair-1 details summary")
    page.until("document.querySelector('#pair-1 pre ins') !== null")
    changed = page.evaluate(
        "[...document.querySelectorAll('#pair-1 .both ins')].map(one => one.textContent).join('')"
    )
    assert changed == '"DE 123"'


HOSTILE = "</script><script>document.title='x'</script><img src=x onerror=document.title=1><!--"
RTL = "abc\u202efed\u200b\ud800"


def test_what_models_say_is_text(chromium, report, tmp_path):
    data = page_data(
        report | {"segments": {HOSTILE: next(iter(report["segments"].values()))}},
        [
            pair_json(1, "hallucinated", HOSTILE, ("null", "null", json.dumps(HOSTILE)),
                      summary=HOSTILE, output=HOSTILE + RTL, input=HOSTILE, segment=HOSTILE),
            pair_json(2, "wrong_value", "x", ('"abcdef"', '"abcdef"', f'"{RTL}"')),
        ],
        verdict=verdict(reason=HOSTILE, candidate=HOSTILE),
    )  # fmt: skip
    url = written(tmp_path, data)
    page = shown(chromium, url)
    for number in (1, 2):
        page.click(f"button.row[data-id='{number}']")
        page.until(f"document.querySelector('#pair-{number} ins') !== null")
    for n in range(1, 4):
        page.click(f"#pair-1 > details:nth-of-type({n}) summary")
    look_everywhere(page)

    assert HOSTILE in page.text("#pair-1")
    assert HOSTILE in page.text("#verdict")
    assert page.evaluate("document.title") == "shadow-mw report"
    assert page.evaluate("document.images.length + document.scripts.length") == 3
    assert "\\u{202e}fed\\u{200b}\\u{d800}" in page.text("#pair-2")
    assert page.errors == []
    assert {one for one in page.requests if not one.startswith(("data:", url))} == set()


def test_an_empty_store_a_missing_verdict_and_a_file_of_figures_only(chromium, report, tmp_path):
    empty = {"live": False, "verdict": None, "report": {}, "latency": {}, "pairs": None}
    page = shown(chromium, written(tmp_path, empty))
    assert "No verdict yet" in page.text("#verdict")
    assert page.errors == []

    bare = [{k: v for k, v in row.items() if k != "detail"} for row in rows()]
    page = shown(chromium, written(tmp_path, page_data(report, bare), "figures.html"))
    page.press("j")
    page.press("o")
    page.until("document.querySelector('#pair-0').innerText.includes('not in this file')")
    assert page.errors == []


def test_without_data_it_says_where_to_look_and_shows_no_empty_tables(chromium, tmp_path):
    store = tmp_path / "none.db"
    store_of(store)
    page = shown(chromium, file_of(tmp_path, store))
    assert "shadow-mw doctor" in page.text("#verdict")
    assert page.text("#pairs .status") == "No pair yet."
    found = "[...document.querySelectorAll('main > section:not([hidden])')].map(one => one.id)"
    assert page.evaluate(found) == ["verdict", "pairs"]
    assert page.errors == []


def test_one_pair_without_a_time_whose_candidate_failed(chromium, tmp_path):
    store = tmp_path / "one.db"
    done = command(tmp_path, "import", "-", "--store", str(store), stdin=lines(
        row("p1", {"output": '{"total": "9"}', "latency_ms": 480},
            {"model": "b", "output": None, "error": "timeout"}),
    ))  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = shown(chromium, file_of(tmp_path, store))
    look_everywhere(page)
    table = page.text("#table")
    assert re.search(r"Latency p50\s+480 ms\s+∞", table), table
    assert "candidate, p95 ∞" in page.text("#latency")
    # The one answer is a dot: a curve of one point would not be seen.
    assert page.evaluate("document.querySelectorAll('#latency svg path').length") > 0
    assert "1970" not in page.text()
    assert texts(page, "button.row .summary") == ["no answer (timeout)"]
    assert " to \u2013" not in page.text("#verdict")
    assert page.evaluate("document.querySelector('#coverage').hidden") is True
    assert page.errors == []


def test_pairs_that_are_not_listed_are_counted(chromium, tmp_path):
    yes, failed = {"output": "yes", "latency_ms": 5}, {"error": "gone", "latency_ms": 5}
    rows = [row("p0", yes, yes), row("p1", failed, yes), row("p2", failed, yes)]
    assert command(tmp_path, "import", "-", stdin=lines(*rows)).returncode == 0
    page = shown(chromium, file_of(tmp_path, tmp_path / "shadow.db"))
    said = page.text("#pairs .status")
    assert said.endswith("1 of 1; 2 more have no answer of the primary to compare with.")
    page.evaluate("location.hash = 'harm=same'")
    page.until("document.querySelector('#pairs .status').innerText.endsWith('1 of 1.')")
    assert page.errors == []


def test_one_day_has_its_interval_drawn_and_a_saving_is_said_in_words(chromium, report, tmp_path):
    data = page_data(report, rows(), verdict=verdict(trends={"hallucination": trend(0.008)[-1:]}))
    data["report"] = report | {
        "metrics": report["metrics"]
        | {"cost_per_1k_usd": {"primary": 0.4, "candidate": 0.1, "delta": -0.3, "n": 1}}
    }
    page = shown(chromium, written(tmp_path, data))
    look_everywhere(page)
    high = page.evaluate(
        "Math.max(...[...document.querySelectorAll('#days svg path')]"
        ".filter(one => one.getAttribute('fill-opacity') === '0.22')"
        ".map(one => one.getBoundingClientRect().height))"
    )
    assert high > 5
    assert "costs 75 % less a call, over 1 pair with" in page.text("#cost")


LONG = "document.line_items[].a_rather_long_field_name_of_a_schema.value"


@pytest.mark.parametrize("width", [400, 1280])
def test_long_names_and_forty_fields_fit(chromium, report, tmp_path, width):
    field = next(iter(report["fields"].values()))
    part = next(iter(report["segments"].values()))
    data = page_data(
        report
        | {
            "fields": {f"{LONG}.{n}": field for n in range(40)},
            "segments": {f"segment-with-a-long-name-{n}-eu-central-1": part for n in range(40)}
            | {"x" * 300: part},
            "judges": [report["judges"][0] | {"judge": "a-judge-" * 12}],
        },
        [
            pair_json(0, "wrong_value", LONG, ('"1"', '"1"', json.dumps("word " * 600))),
            pair_json(99, "missed", segment="customer-service-escalations-eu-central-1"),
            pair_json(98, "missed", segment="x" * 300),
            *rows(),
        ],
        verdict=verdict(reason=f"{LONG}: 1.1 % against 0.3 %", experiment="long-name-" * 20),
    )
    page = shown(chromium, written(tmp_path, data), width)
    page.press("j")
    page.press("o")
    page.until("document.querySelector('.body table') !== null")
    look_everywhere(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 1280:
        assert page.evaluate(
            "(() => { const box = document.querySelector('#segments .scroll');"
            " return box.scrollWidth <= box.clientWidth; })()"
        ), "one long name moves no column out of sight"
    parts = "[...document.querySelectorAll('button.row span')]"
    right = f"Math.max(...{parts}.map(one => one.getBoundingClientRect().right))"
    assert page.evaluate(right) <= width
    # A name is not squeezed to a few letters a line, nor a row as high as its longest value.
    cell = "document.querySelector('.body tbody tr')"
    assert page.evaluate(f"{cell}.querySelector('th').clientWidth") > 120
    assert page.evaluate(f"{cell}.clientHeight") < 450
    assert page.errors == []


def file_of(path, store):
    """What `report --html` makes of a store."""
    file = path / "report.html"
    done = command(path, "report", "--html", str(file), "--store", str(store))
    assert done.returncode == 0, done.stderr
    return file.as_uri()


def test_two_hundred_long_pairs_stay_quick(chromium, report, tmp_path):
    long = json.dumps("lorem ipsum " * 1600)
    many = [
        pair_json(n, "wrong_value", "text", (long, long, long.replace("ipsum", f"i{n}", 3)))
        for n in range(200)
    ]
    huge = pair_json(200, "wrong_value", "text", ('"a"', '"b"', json.dumps("x" * 1_000_000)))
    url = written(tmp_path, page_data(report, [huge, *many]))

    start = time.monotonic()
    page = shown(chromium, url)
    assert time.monotonic() - start < 8
    spent = page.evaluate(
        "(async () => { const start = performance.now();"
        " for (const id of [200, 0, 1, 2]) {"
        "   document.querySelector(`button.row[data-id='${id}']`).click();"
        "   while (!document.querySelector(`#pair-${id} table`))"
        "     await new Promise(done => setTimeout(done, 5)); }"
        " document.body.offsetHeight; return performance.now() - start; })()"
    )
    assert spent < 2000
    assert "more characters" in page.text("#pair-200 button.more")
    page.click("#pair-200 button.more")
    page.until("document.querySelector('#pair-200').textContent.length > 1e6")
    spent = page.evaluate(
        "(async () => { const start = performance.now(); location.hash = 'q=i150';"
        " while (document.querySelectorAll('button.row').length !== 1)"
        "   await new Promise(done => setTimeout(done, 5)); return performance.now() - start; })()"
    )
    assert spent < 2000
    assert page.errors == []


@pytest.mark.parametrize("width", [400, 1280, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(chromium, url, width, scheme):
    page = shown(chromium, url, width, prefers_color_scheme=scheme)
    page.press("j")
    page.press("o")
    look_everywhere(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Everything that is text, against what it stands on: WCAG 2.2, 1.4.3.
    assert page.evaluate(CONTRAST) == []
    wide = (
        "[...document.querySelectorAll('.chart svg')]"
        ".filter(one => one.clientWidth > one.closest('.chart').clientWidth + 1).length"
    )
    assert page.evaluate(wide) == 0
    assert page.errors == []
    if SHOTS:
        photograph(page, SHOTS / f"{scheme}-{width}.png")


CONTRAST = """(() => {
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const ground = one => {
    for (; one; one = one.parentElement) {
      const found = rgb(getComputedStyle(one).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const one of document.querySelectorAll('body *')) {
    if (one.closest('svg, .unseen, .skip, dialog, [disabled]') || !one.checkVisibility()) continue;
    if (![...one.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    const [a, b] = [light(rgb(getComputedStyle(one).color)), light(ground(one))];
    const found = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (found < 4.5) bad.push([one.className, one.textContent.slice(0, 20), found]);
  }
  return bad;
})()"""


def photograph(page, file):
    """All of the page."""
    height = page.evaluate("document.documentElement.scrollHeight")
    shot = page.send(
        "Page.captureScreenshot",
        captureBeyondViewport=True,
        clip={"x": 0, "y": 0, "width": page.evaluate("innerWidth"), "height": height, "scale": 1},
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(base64.b64decode(shot["data"]))


def test_the_choice_of_colours_is_kept(chromium, url):
    page = shown(chromium, url, prefers_color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    for _ in range(2):
        page.click("#theme")
    dark = page.evaluate(ground)
    assert light == "rgb(255, 255, 255)" != dark
    reload(page)
    assert page.evaluate(ground) == dark
    page.click("#theme")
    assert page.evaluate(ground) == light


def test_paper_gets_everything_in_black_on_white(chromium, url):
    page = shown(chromium, url, prefers_color_scheme="dark")
    pdf = page.send("Page.printToPDF")["data"]
    if SHOTS:
        SHOTS.mkdir(parents=True, exist_ok=True)
        (SHOTS / "report.pdf").write_bytes(base64.b64decode(pdf))
    assert len(pdf) > 50_000

    size(page, 700)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.send("Emulation.setEmulatedMedia", media="print")
    page.until("document.querySelectorAll('.body table').length >= 50")
    assert page.evaluate("document.querySelectorAll('details:not([open])').length") == 0
    assert page.evaluate("document.querySelectorAll('.chart:not(:has(svg))').length") == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.querySelectorAll('.body:not([hidden])').length") == 0


def test_tables_have_headings_and_controls_have_names(page):
    page.press("j")
    page.press("o")
    page.until("document.querySelector('#pair-0 table') !== null")

    assert page.evaluate("document.querySelectorAll('table:not(:has(caption))').length") == 0
    assert page.evaluate("document.querySelectorAll('th:not([scope])').length") == 0
    tree = page.send("Accessibility.getFullAXTree")["nodes"]
    nameless = [
        node["role"]["value"]
        for node in tree
        if node.get("role", {}).get("value") in ("button", "link", "combobox", "searchbox", "image")
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []
    page.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_only_a_table_that_is_cut_is_a_stop_for_the_tab_key(page):
    stops = (
        "[...document.querySelectorAll('main > section .scroll')]"
        ".filter(one => one.checkVisibility())"
        ".map(one => [one.tabIndex === 0, one.scrollWidth > one.clientWidth])"
    )
    page.until(f"{stops}.every(([stop]) => !stop)")
    size(page, 360)
    page.until(f"{stops}.some(([stop]) => stop) && {stops}.every(([stop, cut]) => stop === cut)")
