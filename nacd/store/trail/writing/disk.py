"""What is written and has to outlive a power cut: one thread that waits for the disk, so that nobody else has to.

Knows: the file that is written now, when it was last carried to the disk, and what is to be done after that. Refuses to
know: what stands in it.

What the disk failed to take once is not there because it takes the next: Linux counts the pages that it could not
write as written. So all since the last time it took everything is read and written once more before it is believed, and
named, for whoever keeps records.

Without a thread everything is done at once, by whoever asks.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, TypeAlias

from nacd.audit.chain import events
from nacd.store.trail.writing import ending
from nacd.store.trail.writing.opening import folder_of, words
from nacd.values import AuditEvent

Work: TypeAlias = Callable[[str], None]
"""What comes after the disk has everything; told why it has not, ``""`` when it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Records that the disk failed to take and then took. octets, sha256: of their lines."""

    first_seq: int
    last_seq: int
    octets: int
    sha256: str


_BLOCK: Final = 1 << 18
_FEW: Final = 8
_PATIENCE_S: Final = 5.0
_END: Final = object()


class Disk:
    """``wrote``, ``then``, ``turn`` and ``close`` are for one thread, the one that writes."""

    def __init__(self, fd: int, *, every_s: float, thread: bool) -> None:
        """every_s: how long at most what was written waits."""
        self.every_s = every_s
        self.trouble = ""
        """Why the disk did not take what was written; ``""`` when it did."""
        self.synced_at = time.monotonic()
        """When everything was on the disk last."""
        self.behind_since = 0.0
        """When the oldest record that is not there was written, monotonic; 0.0 for none."""
        self.dirty = not thread
        """Whether the thread knows that something was written; without one it is never told."""
        self.doubts: deque[Doubt] = deque()
        """Noticed, for whoever keeps records to take."""
        self._fd = fd
        self._good = _size(fd)
        self._failed = False
        self._jobs: SimpleQueue[object] = SimpleQueue()
        self._hurry = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="audit disk", daemon=True) if thread else None
        if self._thread is not None:
            self._thread.start()

    @property
    def behind_s(self) -> float:
        """Since the oldest record was written that is not on the disk, seconds; 0.0 for none."""
        since = self.behind_since
        return time.monotonic() - since if since else 0.0

    @property
    def keeps_up(self) -> bool:
        """Whether there is not more to do after the disk than it gets done: each costs it a turn of its own."""
        return self._jobs.qsize() < _FEW

    def notes(self, file: str, at: float) -> Iterator[AuditEvent]:
        """What there is to record, once. file: name of the one that is written."""
        while self.doubts:
            each = self.doubts.popleft()
            yield events.repaired(
                kind="doubtful", file=file, octets=each.octets, sha256=each.sha256,
                first_seq=each.first_seq, last_seq=each.last_seq, at=at,
            )  # fmt: skip

    def look(self) -> None:
        """Notice a thread that has ended by an error: nothing is carried to the disk then."""
        if self._thread is not None and not self._thread.is_alive():
            self.trouble = "the thread that waits for the disk has ended by an error in nacd itself"

    def wrote(self) -> None:
        """Something was written; to be on the disk some time."""
        self.dirty = True
        self.behind_since = self.behind_since or time.monotonic()
        self._jobs.put(None)

    def then(self, work: Work) -> None:
        """Carry all to the disk soon, then do this."""
        self._do(lambda: work(self._sync()))

    def turn(self, fd: int, path: Path) -> None:
        """Another file is written from now on, at this path; the one before is carried to the disk and closed."""

        def turned() -> None:
            self._sync()
            if self._failed:
                self._doubt(_size(self._fd))
            old, self._fd, self._good, self._failed = self._fd, fd, 0, False
            os.close(old)
            try:
                sync_folder(path)
            except OSError as error:
                self.trouble = words(error)
            self._sync()

        self._do(turned)

    def close(self) -> bool:
        """Do what waits, some seconds at most. False if that was not enough: the file is not to be touched then."""
        if self._thread is None:
            return True
        self._ending = True
        self._jobs.put(_END)
        self._hurry.set()
        self._thread.join(_PATIENCE_S)
        return not self._thread.is_alive()

    def _do(self, job: Callable[[], None]) -> None:
        if self._thread is None:
            job()
            return
        self._jobs.put(job)
        self._hurry.set()

    def _sync(self) -> str:
        begun = time.monotonic()
        self.dirty = self._thread is None  # first: what is written meanwhile is to be synced again
        try:
            size = _size(self._fd)
            if self._failed:
                again(self._fd, self._good, size)
            sync(self._fd)
        except OSError as error:
            self.trouble, self._failed = words(error), True
        else:
            if self._failed:
                self._doubt(size)
            self.trouble, self._failed, self._good = "", False, size
            self.behind_since = begun if self.dirty and self._thread is not None else 0.0
            self.synced_at = time.monotonic()
        return self.trouble

    def _doubt(self, size: int) -> None:
        first, last = ending.numbers(self._fd, self._good, size)
        if last:
            sha256, _ = ending.pinned(self._fd, self._good, size)
            self.doubts.append(Doubt(first_seq=first, last_seq=last, octets=size - self._good, sha256=sha256))

    def _run(self) -> None:
        while True:
            job: object = None
            with suppress(Empty):
                job = self._jobs.get(timeout=self.every_s if self.trouble else None)
            if job is _END:
                return
            if callable(job):
                self._hurry.clear()
                job()
            else:
                # What comes in the meantime is carried to the disk with it.
                if not self._ending:
                    self._hurry.wait(self.every_s)
                self._sync()


def again(fd: int, start: int, end: int) -> None:
    """Write what stands there once more, whole lines only; a file that can only be appended to stays as it is. Raises
    OSError."""
    try:
        other = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
    except PermissionError:
        return
    try:
        rest = start
        while rest < end:
            octets = os.pread(other, min(_BLOCK, end - rest), rest)
            if rest + len(octets) >= end:
                octets = octets[: octets.rfind(b"\n") + 1]
            if not octets:
                return
            rest += os.pwrite(other, octets, rest)
    finally:
        os.close(other)


def _size(fd: int) -> int:
    """Octets of a file; 0 of anything else."""
    found = os.fstat(fd)
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def sync(fd: int) -> None:
    """Wait until what was written outlives a power cut; a device has nothing to wait for. Raises OSError."""
    if stat.S_ISREG(os.fstat(fd).st_mode):
        os.fdatasync(fd)


def sync_folder(path: Path) -> None:
    """The same for the names in the folder of this path. Raises OSError."""
    folder = folder_of(path)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
