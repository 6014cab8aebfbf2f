"""Answers of the page: never kept by a browser, never read as anything but what they are."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from shadow_mw.serve.guard import HEADERS, policy
from shadow_mw.serve.login import form
from shadow_mw.types import Json


def json_reply(value: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """In ASCII: half of a surrogate pair, which a model may well say, is no UTF-8."""
    body = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Response(body, status, HEADERS | (headers or {}), "application/json")


def unchanged(request: Request, tag: str) -> Response | None:
    """What is said to who has this state already."""
    known = request.headers.get("if-none-match")
    return Response(status_code=304, headers=HEADERS | {"etag": tag}) if known == tag else None


def login_reply(status: int, said: str) -> Response:
    """The form that asks for the token, and what was wrong with the last one."""
    html = form(said)
    headers = HEADERS | {"content-security-policy": policy(html)}
    return HTMLResponse(html, status, headers)


def set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    """For this host's own requests alone, and never for scripts."""
    # Not `secure`: who runs us behind TLS knows, and nothing that a proxy may forge says so.
    response.set_cookie(name, value, seconds, path="/", httponly=True, samesite="strict")
