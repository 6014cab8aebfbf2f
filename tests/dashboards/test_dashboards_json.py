"""What Grafana asks of a dashboard file and of provisioning, as far as files can show it."""

import re

import pytest
import yaml
from dashboards.conftest import DASHBOARDS, dashboard
from support.prometheus import COLLECTOR, CONFIG

NAMES = ("production", "shadow")
PROVISIONING = COLLECTOR / "grafana" / "provisioning"
UNITS = {
    *("bytes", "currencyUSD", "dateTimeAsIso", "ms", "percentunit", "reqps", "s", "short"),
}
"""Ids of Grafana's units (packages/grafana-data, valueFormats/categories.ts)."""
TYPES = {"bargauge", "barchart", "gauge", "row", "stat", "table", "timeseries"}
BUILT_IN = {"__rate_interval", "__range"}


def test_every_file_is_a_dashboard_that_is_tested():
    assert {path.stem for path in DASHBOARDS.glob("*")} == set(NAMES)
    assert len({dashboard(name)["uid"] for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_has_what_grafana_needs(name):
    board = dashboard(name)

    assert re.fullmatch(r"[a-zA-Z0-9_-]{8,40}", board["uid"])
    assert board["title"]
    assert "id" not in board  # Grafana gives it
    assert isinstance(board["schemaVersion"], int)
    assert set(board["time"]) == {"from", "to"}
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", NAMES)
def test_panels_lie_beside_one_another(name):
    taken = set()
    for panel in dashboard(name)["panels"]:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert cells
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", NAMES)
def test_panels_say_what_they_show_in_a_unit(name):
    source = {"type": "prometheus", "uid": "${datasource}"}
    for panel in dashboard(name)["panels"]:
        assert panel["type"] in TYPES
        assert panel["title"]
        if panel["type"] == "row":
            continue
        assert len(panel["description"]) > 10
        assert panel["datasource"] == source
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        refs = [target["refId"] for target in panel["targets"]]
        assert refs
        assert len(set(refs)) == len(refs)
        for target in panel["targets"]:
            assert target["datasource"] == source
            assert target["instant"] is not target["range"]
            # Tables join instant samples by a label.
            assert (target.get("format") == "table") is (panel["type"] in ("table", "barchart"))


@pytest.mark.parametrize("name", NAMES)
def test_queries_use_variables_that_are_there(name):
    board = dashboard(name)
    variables = {variable["name"] for variable in board["templating"]["list"]}
    used = set()
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            used |= set(re.findall(r"\$\{?(\w+)", target["expr"]))

    assert used <= variables | BUILT_IN
    assert variables <= used | {"datasource"}


@pytest.mark.parametrize("name", NAMES)
def test_tables_rename_columns_that_they_have(name):
    """`Value #A` of query A, where several are joined; `Value` where there is one."""
    for panel in dashboard(name)["panels"]:
        refs = [target["refId"] for target in panel.get("targets", ())]
        values = {f"Value #{ref}" for ref in refs} if len(refs) > 1 else {"Value"}
        for transformation in panel.get("transformations", ()):
            if transformation["id"] == "organize":
                options = transformation["options"]
                named = {*options["renameByName"], *options["excludeByName"]}
                assert {n for n in named if n.startswith("Value")} == values


def test_provisioning_finds_the_dashboards_and_prometheus():
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "shadow_mw.yml").read_text())[
        "providers"
    ]
    interval = yaml.safe_load(CONFIG.read_text())["global"]["scrape_interval"]

    assert source["type"] == "prometheus"
    assert source["access"] == "proxy"
    assert source["jsonData"]["timeInterval"] == interval
    assert provider["type"] == "file"
    assert provider["options"]["path"].startswith("/")
