"""Who may have the page, and what a browser is told to allow in it.

With a token it is the token that decides, by header or by session. Without one only this host can
connect, but any web page that is open in a browser of this host can make it ask: the name that the
browser knows us by has to be this host's (DNS rebinding), and what writes has to come from here.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from shadow_mw.serve.refusals import ForbiddenError, UnauthorizedError
from shadow_mw.serve.sessions import Sessions, same
from shadow_mw.settings import is_loopback

HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # Not `no-referrer`: under that a browser does not say which page sent a form.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Of every answer; nothing but the page itself runs or loads anything."""

_SCRIPT: Final = re.compile(r"<script(?![^>]*application/json)[^>]*>(.*?)</script>", re.DOTALL)


class Guard:
    """Admits requests.

    Args:
        token: what has to be known; None lets in whoever reaches us by a name of this host.
        sessions: of those who have given it.
    """

    def __init__(self, token: str | None, sessions: Sessions) -> None:
        self.token, self.sessions = token, sessions

    def admit(self, request: Request) -> None:
        """Let a request pass.

        Raises:
            UnauthorizedError: neither token nor session.
            ForbiddenError: it came here under a name that is not this host's.
        """
        if self.token is None:
            host = _host(request)
            if host is None or not is_loopback(host):
                raise ForbiddenError("without SHADOW_OTLP_TOKEN only localhost is answered")
        elif not (has_bearer(request, self.token) or self.has_session(request)):
            raise UnauthorizedError("a session or a bearer token is required: SHADOW_OTLP_TOKEN")

    def has_session(self, request: Request) -> bool:
        """Whether its cookie is good."""
        return self.sessions.known(request.cookies.get(cookie_name(request), ""))

    def admit_write(self, request: Request) -> None:
        """Let a request that changes something pass: a browser says which page made it.

        Raises:
            ForbiddenError: it was another one, or nobody says.
        """
        if self.token is not None and has_bearer(request, self.token):
            return  # no page can add that to what it makes a browser send
        site = request.headers.get("sec-fetch-site")
        # A proxy in front may speak another scheme; the host is what tells pages apart.
        origin = re.sub("^https?://", "", request.headers.get("origin", ""))
        ours = origin and origin == request.headers.get("host")
        if not ours or site not in (None, "same-origin"):
            raise ForbiddenError("only the page itself may write: Origin is not this host")


def cookie_name(request: Request) -> str:
    """Cookies do not tell ports apart: two services of one host must not end each other's."""
    server = request.scope.get("server") or ("", 0)
    return f"shadow_mw_session_{server[1] or 0}"


def policy(html: str) -> str:
    """What a browser may do with a page: run the scripts that are in it, and ask this host."""
    digests = (sha256(script.encode()).digest() for script in _SCRIPT.findall(html))
    scripts = " ".join(f"'sha256-{b64encode(digest).decode()}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:;"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def has_bearer(request: Request, token: str) -> bool:
    """Whether it brings the token; how much of a guess is right does not show in the time."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and same(given.strip().encode("latin-1"), token.encode())


def is_guess(request: Request, token: str | None) -> bool:
    """Whether it brings another token than the right one; what a proxy asks for is none."""
    scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
    return token is not None and scheme == "bearer" and not has_bearer(request, token)


def _host(request: Request) -> str | None:
    """The name that was asked for, without the port; None where that is no name."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return None
