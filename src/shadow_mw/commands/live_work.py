"""Works out the figures of the live page for one series: `python -m shadow_mw.commands.live_work`.

A process of its own, for it takes seconds of computing and the memory of all pairs, and whoever
receives spans has neither to spare.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Final

from shadow_mw.commands.page_data import figures
from shadow_mw.evaluate.store import Store
from shadow_mw.exceptions import ShadowError
from shadow_mw.results import Series

NICENESS: Final = 10


def main(path: str, *names: str) -> int:
    """Print them as one JSON object; the exit code, after one line of what is wrong.

    Args:
        path: of the store.
        names: experiment and candidate; none of a store without data.
    """
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    try:
        with Store.open(path) as store:
            found = figures(store, Series(*names) if names else None)
    except ShadowError as error:
        print(error, file=sys.stderr)  # noqa: T201  # this is a program
        return error.exit_code
    sys.stdout.write(json.dumps(found, allow_nan=False, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
