"""Where opinions are kept, so that an interrupted run asks nothing twice."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from shadow_mw.evaluate.judging.values import Opinion, Winner
from shadow_mw.exceptions import DataError
from shadow_mw.types import Json, Role


class Record(Protocol):
    """What a run needs of a store."""

    def opinions(self, spec: str) -> Iterable[Opinion]:
        """What is on record of one judge (`Opinion.spec`)."""

    def add(self, opinion: Opinion) -> None:
        """Keep one more; it is on disk when this returns."""


class JudgeFile:
    """An append-only file, one opinion a line; one run at a time writes to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(handle, "r+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._opinions = self._read()
        except BlockingIOError:
            self._file.close()
            raise DataError(f"{path}: another run is writing to it") from None
        except BaseException:
            self._file.close()
            raise

    def opinions(self, spec: str) -> list[Opinion]:
        """What is on record of one judge."""
        return [opinion for opinion in self._opinions if opinion.spec == spec]

    def add(self, opinion: Opinion) -> None:
        """Append one."""
        self._file.write(json.dumps(_written(opinion)).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._opinions.append(opinion)

    def _read(self) -> list[Opinion]:
        opinions, end = list[Opinion](), 0
        for number, line in enumerate(self._file, 1):
            if not line.endswith(b"\n"):
                # An append that was cut off: that one is asked again.
                self._file.truncate(end)
                break
            end += len(line)
            try:
                opinions.append(_opinion(json.loads(line)))
            except (ValueError, TypeError, KeyError, InvalidOperation) as error:
                raise DataError(f"{self._path}:{number}: not a verdict ({error})") from None
        self._file.seek(end)
        return opinions

    def close(self) -> None:
        """Close the file, and let the next run in."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _written(opinion: Opinion) -> dict[str, Json]:
    cost = opinion.cost_usd
    return asdict(opinion) | {"cost_usd": None if cost is None else str(cost)}


def _opinion(value: dict[str, Json]) -> Opinion:
    known = {field.name for field in fields(Opinion)}
    table = {name: value[name] for name in value if name in known}
    table["first"], table["winner"] = Role(value["first"]), Winner(value["winner"])
    table["lengths"] = tuple(value["lengths"])
    cost = value["cost_usd"]
    table["cost_usd"] = None if cost is None else Decimal(cost)
    return Opinion(**table)
