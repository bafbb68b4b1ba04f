"""The folder in which full files lie beside the live one.

Knows: which of its names are full files of this trail, and which only look like it. Refuses to know: what is in them.

Theory: the folder may belong to an account that has less power than whoever reads here. So it is held open, every name
is looked up in it and in nothing else, no link is followed, nothing is waited for (a pipe would wait for ever), and
only plain files of root, of ourselves or of the folder's owner, with one name, are touched. What logrotate has moved
away (``audit.jsonl.1``) is logrotate's.

Two keepers at one folder would undo each other's work: who is there first holds its lock.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from nacd.store.trail.names import told_by_name
from nacd.store.trail.reading import writer_of

PACKED: Final = ".gz"
INDEX: Final = ".idx"
PART: Final = ".part"
"""What is not finished: nobody else may count on it, and after a crash it is thrown away."""
_USUAL: Final = ".jsonl"
_ROOT: Final = 0
_READ: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY


class Busy(Exception):
    """Another keeper is at work in this folder."""


class Strange(Exception):
    """What stands at a name is not what it should be; the text says what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """One full file. name: of its plain form. begun: seconds since the epoch, by its name. plain, packed, index:
    octets of each form, -1 where there is none. changed: when it was last written to, seconds since the epoch."""

    name: str
    begun: float
    first_seq: int
    plain: int = -1
    packed: int = -1
    index: int = -1
    changed: float = 0.0

    @property
    def lies(self) -> str:
        """The name of the form that counts: the plain one, as long as it is there."""
        return self.name if self.plain >= 0 else self.name + PACKED

    @property
    def octets(self) -> int:
        """On the disk, in all."""
        return sum(size for size in (self.plain, self.packed, self.index) if size > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What there is. full: oldest first. strange: names. parts: unfinished files. live_octets: of the live file and
    whatever rotation left beside it is not counted."""

    full: tuple[Full, ...]
    strange: tuple[str, ...]
    parts: tuple[str, ...]
    live_octets: int


class Folder:
    """Held open, and locked, until ``close``."""

    def __init__(self, live: Path, *, lock: bool = True) -> None:
        """live: the audit file. lock: False for whoever only looks. Raises OSError; Busy if another keeper is there."""
        self.live = live
        self._fd = os.open(live.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            around = os.fstat(self._fd)
            _check(around)
            self._writers: dict[str, str] = {}
            self._owners = {_ROOT, os.geteuid(), around.st_uid}
            self._id = (around.st_dev, around.st_ino)
            try:
                if lock:
                    fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy from None
        except BaseException:
            os.close(self._fd)
            raise

    def close(self) -> None:
        """Let go of the folder and its lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def is_there(self) -> bool:
        """Whether the path still leads to this folder."""
        try:
            there = os.stat(self.live.parent)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == self._id

    def look(self) -> Listing:
        """Everything that has a name of a full file, as it is now. Raises OSError."""
        names = os.listdir(self._fd)
        found: dict[str, dict[str, os.stat_result]] = {}
        strange, parts = [], []
        for name in names:
            whole = name.removesuffix(PART)
            base, ending = self._split(whole)
            if not base:
                continue
            there = self._status(name)
            if there is None:
                continue
            if self._odd(there):
                strange.append(name)
            elif whole != name:
                parts.append(name)
            else:
                found.setdefault(base, {})[ending] = there
        full = [self._full(base, forms) for base, forms in found.items() if set(forms) != {INDEX}]
        live = self._status(self.live.name)
        return Listing(
            full=self._in_order(full),
            strange=tuple(sorted(strange)),
            parts=tuple(sorted(parts)),
            live_octets=live.st_size if live is not None and stat.S_ISREG(live.st_mode) else 0,
        )

    def _split(self, name: str) -> tuple[str, str]:
        """A name as that of the plain form and the ending behind it; empty for what is no full file's."""
        base, ending = (name.removesuffix(PACKED), PACKED) if name.endswith(PACKED) else (name, "")
        if not base.endswith(PACKED) and told_by_name(self.live, base):
            return base, ending
        if name.endswith(INDEX):
            # `index_path` takes no other ending away.
            base = name.removesuffix(INDEX) + (_USUAL if self.live.suffix == _USUAL else "")
            return (base, INDEX) if told_by_name(self.live, base) else ("", "")
        return "", ""

    def _full(self, base: str, forms: dict[str, os.stat_result]) -> Full:
        told = told_by_name(self.live, base)
        assert told is not None  # noqa: S101 - `_split` has asked
        sizes = {ending: forms[ending].st_size if ending in forms else -1 for ending in ("", PACKED, INDEX)}
        changed = forms[""] if "" in forms else forms[PACKED]
        return Full(
            name=base,
            begun=told[0],
            first_seq=told[1],
            plain=sizes[""],
            packed=sizes[PACKED],
            index=sizes[INDEX],
            changed=changed.st_mtime,
        )

    def _in_order(self, full: list[Full]) -> tuple[Full, ...]:
        """Oldest first: by their numbers, because clocks are set back; each trail by itself where there are several."""
        by_time = sorted(full, key=lambda one: (one.begun, one.first_seq))
        if all(one.first_seq < other.first_seq for one, other in pairwise(by_time)):
            return tuple(by_time)
        writers = {one.name: self._writer(one.lies) for one in by_time}
        several = len({*writers.values()} - {""}) > 1
        since: dict[str, float] = {}
        for one in by_time:
            since.setdefault(writers[one.name], one.begun)
        return tuple(
            sorted(by_time, key=lambda one: (since[writers[one.name]] if several else 0.0, one.first_seq, one.begun))
        )

    def _writer(self, name: str) -> str:
        """The name of a file's trail, ``""`` where it does not tell. Looked up once: the first record stays."""
        if name not in self._writers:
            try:
                with self.reading(name) as fd, io.FileIO(fd, closefd=False) as opened:
                    self._writers[name] = writer_of(opened, compressed=name.endswith(PACKED))
            except (OSError, Strange):
                return ""
        return self._writers[name]

    def _odd(self, there: os.stat_result) -> bool:
        return not stat.S_ISREG(there.st_mode) or there.st_nlink > 1 or there.st_uid not in self._owners

    def _status(self, name: str) -> os.stat_result | None:
        try:
            return os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def forget_drafts(self, older_than: float) -> None:
        """Delete indexes that whoever made them did not finish. older_than: seconds since the epoch. Raises OSError."""
        for name in os.listdir(self._fd):
            base = name[1:].partition(INDEX)[0] + INDEX
            if name.startswith(".") and name.endswith(INDEX + PART) and self._split(base)[0]:
                there = self._status(name)
                if there is not None and not self._odd(there) and there.st_mtime < older_than:
                    self.delete(name)

    # -- files -------------------------------------------------------------------------------------

    @contextmanager
    def reading(self, name: str) -> Iterator[int]:
        """A descriptor of a file that is ours to read. Raises OSError, Strange."""
        fd = os.open(name, _READ, dir_fd=self._fd)
        try:
            if self._odd(os.fstat(fd)):
                raise Strange("it is a link, a pipe, or somebody else's")
            yield fd
        finally:
            os.close(fd)

    def make(self, name: str) -> int:
        """A descriptor of a new file, for writing; only we can read it yet. Raises OSError, also if it is there."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags, 0o600, dir_fd=self._fd)

    def rename(self, name: str, to: str) -> None:
        """Give it another name, and see to it that it has it after a power cut. Raises OSError."""
        os.rename(name, to, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        self.sync()

    def delete(self, name: str) -> None:
        """Whether or not it is there. Raises OSError."""
        try:
            os.unlink(name, dir_fd=self._fd)
        except FileNotFoundError:
            return

    def sync(self) -> None:
        """What was made, renamed and deleted here outlives a power cut. Raises OSError."""
        os.fsync(self._fd)

    def is_same(self, name: str, opened: int) -> bool:
        """Whether the name still leads to this descriptor's file."""
        there, here = self._status(name), os.fstat(opened)
        return there is not None and (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def _check(around: os.stat_result) -> None:
    """Raises OSError for a folder of somebody else: he could change anything in it."""
    if around.st_uid not in (_ROOT, os.geteuid()) and os.geteuid() != _ROOT:
        raise OSError(errno.EPERM, f"the folder belongs to uid {around.st_uid}, neither to root nor to us")
