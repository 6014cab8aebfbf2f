"""What a browser asks for, read within limits: parameters, forms, labels."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote

from starlette.requests import Request

from shadow_mw.harms import Filter, Harm, Said
from shadow_mw.serve.refusals import MalformedError, TooLargeError, UnsupportedError
from shadow_mw.types import Json

FILTERS: Final = ("experiment", "candidate", "harm", "segment", "field", "q", "offset", "limit")
MOST_ROWS: Final = 200
LAST_OFFSET: Final = 10**9
LONGEST: Final = 1_000
"""Characters of one parameter."""
LONGEST_BODY: Final = 4_096
LONGEST_NAME: Final = 64
CHOICES: Final = ("first", "second", "tie", "both_bad", "none")
KEYS: Final = frozenset({"id", "ticket", "choice", "person"})


@dataclass(frozen=True, slots=True)
class AskedLabel:
    """What somebody says of two outputs, as they were shown."""

    pair: int
    ticket: str
    choice: str
    person: str | None
    """None: the one to whom they were shown."""

    def said(self, *, primary_first: bool) -> Said:
        """The same of the two models."""
        if self.choice not in ("first", "second"):
            return Said(self.choice)
        return Said.PRIMARY if (self.choice == "first") is primary_first else Said.CANDIDATE


def check_names(request: Request, known: Collection[str]) -> None:
    """A filter that is misspelt must not look like one that lets all through.

    Raises:
        MalformedError: a parameter is not known, is there twice, or is too long.
    """
    names = [name for name, _ in request.query_params.multi_items()]
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise MalformedError(f"parameter {name[:40]!r}: accepted are {', '.join(known)}")
        if names.count(name) > 1 or len(value) > LONGEST:
            raise MalformedError(f"parameter {name}: once, and at most {LONGEST} characters")


def asked_series(request: Request) -> tuple[str | None, str | None]:
    """Experiment and candidate, as far as they are named."""
    asked = request.query_params
    return asked.get("experiment") or None, asked.get("candidate") or None


def asked_filter(request: Request) -> Filter:
    """Which pairs are wanted.

    Raises:
        MalformedError: a value is none of those that there are.
    """
    asked = request.query_params
    harm = asked.get("harm")
    if harm and harm not in list(Harm):
        raise MalformedError(f"parameter harm: accepted are {', '.join(Harm)}")
    return Filter(
        Harm(harm) if harm else None,
        asked.get("segment"),
        asked.get("field") or None,
        (asked.get("q") or "").strip(),
        _number(request, "offset", 0, 0, LAST_OFFSET),
        _number(request, "limit", 50, 1, MOST_ROWS),
    )


def asked_person(request: Request, cookie: str) -> str:
    """Who labels: as they say, as their browser was called before, or a name for it."""
    if given := request.query_params.get("person"):
        return checked_person(given)
    try:
        return checked_person(unquote(request.cookies.get(cookie, "")))
    except MalformedError:
        return f"page-{secrets.token_hex(4)}"


def checked_person(name: Json) -> str:
    """A name that can be stored and shown.

    Raises:
        MalformedError: it is none.
    """
    if not isinstance(name, str) or not name.isprintable() or not name.strip():
        raise MalformedError("person: a name, printable")
    if len(name) > LONGEST_NAME:
        raise MalformedError(f"person: at most {LONGEST_NAME} characters")
    return name.strip()


def asked_label(value: Json) -> AskedLabel:
    """A label as the page sends it.

    Raises:
        MalformedError: it is no such object.
    """
    if not isinstance(value, dict) or not value.keys() <= KEYS:
        raise MalformedError(f"accepted is an object with {', '.join(sorted(KEYS))}")
    pair, ticket, choice = value.get("id"), value.get("ticket"), value.get("choice")
    if isinstance(pair, bool) or not isinstance(pair, int) or not 0 < pair < 2**63:
        raise MalformedError("id: a pair's number")
    if not isinstance(ticket, str):
        raise MalformedError("ticket: the one that came with the outputs")
    if choice not in CHOICES:
        raise MalformedError(f"choice: accepted are {', '.join(CHOICES)}")
    named = value.get("person")
    return AskedLabel(pair, ticket, choice, None if named is None else checked_person(named))


async def read_body(request: Request) -> Json:
    """A small JSON value; no page of another origin can send one without asking first.

    Raises:
        RefusedError: it is none, or too large.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedError("accepted is application/json")
    try:
        return json.loads(await _read(request))
    except (ValueError, RecursionError):
        raise MalformedError("not JSON") from None


async def read_form(request: Request, name: str) -> str:
    """One field of a small form.

    Raises:
        RefusedError: it is none, or too large.
    """
    body = await _read(request)
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=4)
    except ValueError:
        raise MalformedError("not a form") from None
    return found.get(name, [""])[0]


async def _read(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            raise TooLargeError(f"more than {LONGEST_BODY} bytes")
    return body


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most):
        raise MalformedError(f"parameter {name}: accepted are {least} to {most}")
    return int(text)
