"""`python -I -S launcher.py USED COMMAND...`: runs a command, and writes what it took to USED.

On Linux a process begins with the peak memory of whoever started it: `exec` keeps the high-water
mark of the image that it replaces. Hence a starter as small as Python can be, which imports next to
nothing; started by it, a command's peak is its own wherever that is more than about 10 MB.
"""

import os
import sys
import time


def main() -> None:
    used, *command = sys.argv[1:]
    started = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, resources = os.wait4(pid, 0)
    wall = time.monotonic() - started
    with open(used, "w") as out:
        out.write(f"{wall} {resources.ru_utime + resources.ru_stime} {resources.ru_maxrss / 1024}")
    sys.exit(os.waitstatus_to_exitcode(status) % 256)


if __name__ == "__main__":
    main()
