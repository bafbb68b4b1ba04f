"""What the guards know, in a small file beside the database of sessions: a restart must not make them forget.

Knows: the file, and that a past which cannot be read is not a past in which nothing happened. Refuses to know: what
follows from any of it (``session/guard``).

Theory. The file is replaced whole before anything that it counts is asked of a NAS, so it outlives the end of this
process, whatever ends it; a thread carries it to the disk itself, for when the machine ends. What cannot be written is
taken away: an older word would let more through than none.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final

import orjson

from nacd.session.guard import Memory

VERSION: Final = 1
"""Of the file's layout; files from before there were versions have version 1's rows and nothing around them."""
_MOST_OCTETS: Final = 64 * 1024 * 1024
_REPORT_EVERY_S: Final = 600.0
_CONSEQUENCE: Final = "after a restart the guard lets nothing go for a while"


class GuardFile:
    """``path``: JSON, times in seconds since the epoch. For one thread. Raises nothing: what is wrong is reported.

    A file of a newer nacd is moved aside (``NAME.newer``) before it is written over, for when that one comes back.

    report: takes a sentence, in any thread. monotonic: seconds of a clock that never jumps.
    """

    def __init__(
        self, path: Path, report: Callable[[str], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._draft = path.with_suffix(".part")
        self._report = report
        self._monotonic = monotonic
        self._reported_at = float("-inf")
        self._carrying = Lock()
        self._written = 0

    def read(self) -> Mapping[str, Memory] | None:
        """By direction, on the clock of the wall; None if there is no file, or no sense in it (which is reported)."""
        try:
            with self._path.open("rb") as file:
                octets = file.read(_MOST_OCTETS)
            return self._known(orjson.loads(octets))
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(f"cannot read `{self._path}`: {_words(error)}")
        except (ValueError, TypeError, KeyError, AttributeError):
            self._complain(f"`{self._path}` has no sense")
        return None

    def _known(self, told: Any) -> Mapping[str, Memory] | None:
        version = told.get("version", VERSION)
        if not isinstance(version, int) or version < 1:
            raise ValueError("no version")
        if version > VERSION:
            aside = self._path.with_name(f"{self._path.name}.newer")
            self._path.replace(aside)
            self._complain(
                f"`{self._path}` has version {version}, of a newer nacd, and this one knows {VERSION}: it is kept as"
                f" `{aside.name}`"
            )
            return None
        return {direction: _memory(row) for direction, row in told.get("directions", told).items()}

    def write(self, known: Mapping[str, Memory]) -> bool:
        """Replace it; False if that cannot be done, and then there is none."""
        octets = orjson.dumps(
            {"version": VERSION, "directions": {direction: _row(each) for direction, each in known.items()}}
        )
        try:
            self._replace(octets)
        except OSError:
            self._take_away()  # on a full disk that makes the room
            try:
                self._replace(octets)
            except OSError as error:
                self._complain(f"cannot write `{self._path}`: {_words(error)}")
                self._take_away()
                return False
        self._written += 1
        if not self._carrying.locked():
            Thread(target=self._carry, name="nacd-guard", daemon=True).start()
        return True

    def _carry(self) -> None:
        """To the disk itself, in a thread: a disk that hangs must not keep the daemon from its work."""
        carried = 0
        # Looked at again when nobody carries any more: whoever wrote just before that has begun no other thread.
        while carried != self._written and self._carrying.acquire(blocking=False):
            try:
                carried = self._written
                # It may have been taken away meanwhile: whoever did that says so, or writes another.
                with suppress(FileNotFoundError):
                    _to_the_disk(self._path)
                _to_the_disk(self._path.parent)
            except OSError as error:
                self._complain(f"cannot carry `{self._path}` to the disk: {_words(error)}")
            finally:
                self._carrying.release()

    def _replace(self, octets: bytes) -> None:
        descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
        self._draft.replace(self._path)

    def _take_away(self) -> None:
        try:
            for path in (self._draft, self._path):
                if path.exists():
                    os.truncate(path, 0)  # the thread may hold it open: taking away its name alone makes no room
                    path.unlink()
        except OSError as error:
            self._complain(f"cannot take away `{self._path}`, which is old: {_words(error)}")

    def _complain(self, sentence: str) -> None:
        now = self._monotonic()
        if now >= self._reported_at + _REPORT_EVERY_S:
            self._reported_at = now
            self._report(f"{sentence}; {_CONSEQUENCE}")


def _to_the_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _row(known: Memory) -> dict[str, Any]:
    return {
        "held_until": known.held_until,
        "discarded_until": known.discarded_until,
        "unknown_until": known.unknown_until,
        "discarded": known.discarded,
        "released": known.released,
        "passed": known.passed,
    }


def _memory(row: dict[str, Any]) -> Memory:
    return Memory(
        held_until=float(row["held_until"]),
        discarded_until=float(row["discarded_until"]),
        unknown_until=float(row["unknown_until"]),
        discarded=tuple([int(id) for id in row["discarded"]]),
        released=tuple([int(id) for id in row["released"]]),
        passed=tuple([(int(id), float(at)) for id, at in row["passed"]]),
    )


def _words(error: OSError) -> str:
    return (error.strerror or "error").lower()
