"""Pictures of the report page for the README: `python -m benchmarks.screenshots REPORT --out DIR`.

REPORT is what `shadow-mw report --html` wrote, or the address of a live page.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.browser import Browser

ROOT = Path(__file__).parents[1]
SIZE = (1280, 800)
PHONE = (400, 800)
LARGEST = 300_000
"""Bytes of one picture in a repository."""
Shot = tuple[str, str, tuple[int, int], bool]
"""The section at the top, colours, size, and whether the first pair is open."""
SHOTS: dict[str, Shot] = {
    "report-verdict": ("verdict", "light", SIZE, False),
    "report-verdict-dark": ("verdict", "dark", SIZE, False),
    "report-days": ("days", "light", SIZE, False),
    "report-pairs": ("pairs", "light", SIZE, True),
    "report-phone": ("verdict", "light", PHONE, False),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screenshots")
    parser.add_argument("report", help="a file, or an address")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests"))
    from support.browser import browser

    url = args.report if "://" in args.report else Path(args.report).resolve().as_uri()
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, browser(Path(profile)) as chromium:
        for name, shot in SHOTS.items():
            size = _shoot(chromium, url, args.out / f"{name}.png", shot)
            print(f"{args.out / name}.png: {size / 1000:.0f} KB", file=sys.stderr)
            assert size <= LARGEST, "too large for a repository"


def _shoot(chromium: Browser, url: str, file: Path, shot: Shot) -> int:
    section, scheme, size, opened = shot
    page = chromium.page()
    width, height = size
    page.send(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=height,
        deviceScaleFactor=1,
        mobile=size == PHONE,
    )
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    page.send("Emulation.setEmulatedMedia", features=media)
    page.open(url)
    page.until("document.documentElement?.dataset.ready === ''", 100)
    page.until("document.querySelector('button.row') !== null")
    if opened:
        page.evaluate("document.querySelector('button.row').click()")
        page.until("document.querySelector('.body table') !== null")
    # What is drawn late would move what is above it.
    page.evaluate("dispatchEvent(new Event('beforeprint')); dispatchEvent(new Event('afterprint'))")
    top = f"document.getElementById('{section}')"
    page.evaluate(f"{'scrollTo(0, 0)' if section == 'verdict' else f'{top}.scrollIntoView()'}")
    chromium.listen(0.5)
    page.screenshot(file)
    assert page.errors == [], page.errors
    return file.stat().st_size


if __name__ == "__main__":
    main()
