"""`python -m support.agent`: makes the calls that a test orders, one JSON object a line.

With SHADOW_* variables it is an app that called `shadow_mw.install()`; with BARE=1 it is the same
app without shadow_mw.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import json
import logging
import os
import sys
import traceback
import warnings
from typing import Any

logging.basicConfig()
warnings.simplefilter("error")


def run(order: dict[str, Any]) -> Any:
    call = getattr(importlib.import_module(order["module"]), order["name"])
    result = call(**order["arguments"])
    if inspect.iscoroutine(result):
        result = asyncio.run(result)
    gc.collect()
    return result


def main() -> None:
    if "BARE" not in os.environ:
        import shadow_mw

        shadow_mw.install()
    for line in sys.stdin:
        try:
            answer = {"value": run(json.loads(line))}
        except BaseException:  # noqa: BLE001 (the test that ordered it gets it)
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
