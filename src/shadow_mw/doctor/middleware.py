"""The middleware: whether an app with these settings is alive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from shadow_mw.capture.presence import Presence, living
from shadow_mw.doctor.finding import Finding, broken, holds
from shadow_mw.settings import Settings

LINK = "middleware"
ABSENT = """\
add its line and start the app:
  FastAPI, Starlette  app.add_middleware(ShadowMiddleware)  of shadow_mw.asgi
  Flask               app.wsgi_app = ShadowMiddleware(app.wsgi_app)  of shadow_mw.wsgi
  Django              "shadow_mw.django.ShadowMiddleware" in MIDDLEWARE
  a script or worker  shadow_mw.install()
where the app runs already, as another user or in another container: set SHADOW_STATE_DIR to
one directory for both"""


def check(settings: Settings, apps: list[Presence]) -> Finding:
    """Whether any of these apps lives, or another one whose settings differ."""
    if apps:
        return holds(LINK, "; ".join(map(_described, apps)))
    elsewhere = [
        f"{directory}: {_described(app)} has {_difference(settings, directory, app)}"
        for directory, app in _others(settings)
    ]
    if elsewhere:
        return broken(
            LINK,
            "no app runs with these settings; " + "; ".join(elsewhere),
            "run this with the app's own SHADOW_* variables",
        )
    return broken(
        LINK,
        f"no app with it is alive, none under {settings.state_root}",
        ABSENT,
    )


def _others(settings: Settings) -> Iterator[tuple[Path, Presence]]:
    root = settings.state_root
    for directory in sorted(root.iterdir()) if root.is_dir() else []:
        if directory.is_dir() and directory != settings.directory:
            yield from ((directory, app) for app in living(directory))


def _difference(settings: Settings, directory: Path, app: Presence) -> str:
    """What makes the app's directory another one."""
    differing = [
        f"{name}={app.settings[name]} (here {value})"
        for name, value in settings.identity.items()
        if name in app.settings and app.settings[name] != value
    ]
    version = directory.name.partition("-")[2]
    return ", ".join(differing) or f"shadow-mw {version}"


def _described(app: Presence) -> str:
    since = datetime.fromtimestamp(app.time, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return f"{app.kind} app, pid {app.pid}, since {since}"
