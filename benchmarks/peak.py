"""The most resident memory that a process has had, as Linux keeps it: nothing is sampled.

Not by `getrusage`, whose figure begins with that of the process that started this one.
"""

from __future__ import annotations

import re
from pathlib import Path


def peak_mb(pid: int | str = "self") -> float:
    """Since the process began, or since `reset_peak`."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise ProcessLookupError(f"process {pid} has ended")
    return int(found[1]) / 1024


def reset_peak(pid: int | str = "self") -> None:
    """Begin anew, with what the process has now."""
    # proc_pid_clear_refs(5): "5 ... reset the peak resident set size".
    Path(f"/proc/{pid}/clear_refs").write_text("5")
