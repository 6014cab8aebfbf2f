"""shadow_mw: find out on live traffic whether a candidate model may replace the primary one."""

from __future__ import annotations

from shadow_mw.capture.context import annotate
from shadow_mw.version import __version__

__all__ = ["__version__", "annotate", "install"]


def install() -> None:
    """Capture the LLM calls of a script or task worker that has no web framework.

    Reads the `SHADOW_*` variables once; calling it again does nothing.

    Raises:
        ConfigError: a setting is wrong.
    """
    from shadow_mw.capture.shadow import Shadow

    Shadow.shared()
