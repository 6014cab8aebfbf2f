"""A browser, and a report of a real store, for all tests of the page."""

import pytest
from rows.pair_rows import command, lines, printed, row
from support.browser import browser


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """`report --json` of twelve judged documents in two segments."""
    path = tmp_path_factory.mktemp("store")
    rows = [
        row(
            f"p{n}",
            {"output": '{"total": "9.00", "tax_id": null}', "latency_ms": 400, "cost_usd": 0.0004},
            {"output": f'{{"total": "9.0{n % 2}", "tax_id": "X"}}', "latency_ms": 200},
            time=f"2026-11-{2 + n:02}T09:00:00Z",
            segment=("monday", "friday")[n % 2],
            truth={"total": "9.00", "tax_id": None},
            judge={"name": "arbiter", "winners": ["candidate", "candidate"]},
        )
        for n in range(12)
    ]
    assert command(path, "import", "-", stdin=lines(*rows)).returncode == 0
    return printed(command(path, "report", "--json"))


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found
