"""The report as one HTML file that asks for nothing: styles, script, charts and data are in it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files

from shadow_mw.types import Json
from shadow_mw.version import __version__

SCRIPTS = (
    "dom",
    "format",
    "charts",
    "intervals",
    "verdict",
    "figures",
    "plots",
    "evidence",
    "diff",
    "source",
    "detail",
    "pairs",
    "labelling",
    "main",
)
"""One script in this order: they share their names, and nobody else's."""

MARK = '<meta name="generator" content="shadow-mw '
"""Every page has it within its first `MARK_WITHIN` bytes."""
MARK_WITHIN = 2048


def page(data: Mapping[str, Json]) -> str:
    """The page that shows `data`: `commands/page_data.py` says what is in it.

    With `live` true nothing else is needed: the page then asks the service that it came from.
    """
    template, style, charts, script = _parts()
    parts = {
        "policy": _policy(style, (charts, script), live=data.get("live") is True),
        "version": __version__,
        "title": "shadow-mw report",
        "style": style,
        "data": embedded(data),
        "charts": charts,
        "script": script,
    }
    # Once over the template only: what is put in may itself hold a name in braces.
    pieces = template.split("{")
    return pieces[0] + "".join(
        parts[name] + rest for name, _, rest in (piece.partition("}") for piece in pieces[1:])
    )


def is_page(head: bytes) -> bool:
    """Whether a file that begins like this is such a page."""
    return MARK.encode() in head[:MARK_WITHIN]


def embedded(data: Mapping[str, Json]) -> str:
    """JSON that can stand in a script element: nothing in it ends the element, or opens one."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    # A lone surrogate of somebody's broken text is no UTF-8.
    return text.encode("utf-8", "backslashreplace").decode()


@cache
def _parts() -> tuple[str, str, str, str]:
    static = files("shadow_mw.report") / "static"

    def read(name: str) -> str:
        return static.joinpath(name).read_text("utf-8")

    own = "\n".join(read(f"js/{name}.js") for name in SCRIPTS)
    script = f'(() => {{\n"use strict";\n{own}}})();'
    return read("page.html"), read("page.css"), read("echarts.js"), script


def _policy(style: str, scripts: tuple[str, ...], *, live: bool) -> str:
    allowed = " ".join(map(_hash, scripts))
    connect = "'self'" if live else "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; img-src data:;"
        f" connect-src {connect}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
