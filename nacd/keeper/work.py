"""What is done with full files: compressed, indexed, and deleted when their time has come.

Knows: the order of it, one file at a time, and when what failed is tried again. Refuses to know: how a file is
compressed (``sealing``), which one is due (``retention``), and who is told.

One round does one thing and says whether there may be more; whatever happens to the process, the next round finds out
from the folder alone where things stand. The trail says that a file is deleted before it is.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from nacd.keeper import sealing
from nacd.keeper.ending import ending
from nacd.keeper.indexing import Build, CannotIndex
from nacd.keeper.pipe import Retire, Status
from nacd.keeper.settings import Wanted
from nacd.store.full_files import retention
from nacd.store.full_files.ageing import Ageing
from nacd.store.full_files.folder import PACKED, Folder, Full, Listing, Strange
from nacd.store.trail_index.mark import index_path

AGAIN_S: Final = 60.0
"""What failed is tried again after this, twice as long each time, at most ``AGAIN_MOST_S``."""
AGAIN_MOST_S: Final = 1_800.0
_ANSWER_S: Final = 30.0
_SAY_AGAIN_S: Final = 3_600.0


class Tell(Protocol):
    """Whoever is told."""

    def say(self, name: str, fields: Mapping[str, Any]) -> None:
        """Something for the trail."""

    def warn(self, text: str) -> None:
        """Something for people."""

    def retire(self, wanted: Retire, patience_s: float) -> str:
        """Have it recorded that this file is deleted: ``""``, or why not, in words."""


@dataclass(slots=True)
class _Trouble:
    """With one file. said: a problem is said when it is another one."""

    said: str = ""
    wait_s: float = AGAIN_S
    again_at: float = 0.0


@dataclass(slots=True, kw_only=True)
class Parts:
    """What the work is made of. going: raises what ends the work; takes how long this step may be silent, seconds.
    unsent: as ``Forwarding.unsent``. build: makes an index; None where this nacd has none."""

    tell: Tell
    going: Callable[[float], None]
    unsent: Callable[[int, int], Mapping[str, int]]
    build: Build | None = None
    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class Work:
    """In one folder; for one thread. status: how things stand, replaced whole."""

    folder: Folder
    wanted: Wanted
    parts: Parts
    status: Status = field(default_factory=Status)
    _troubles: dict[tuple[str, str], _Trouble] = field(default_factory=dict)
    _strange: frozenset[str] = frozenset()
    _strange_said_at: float = -_SAY_AGAIN_S
    _sealed: int = 0
    _retired: int = 0
    _disk_said_at: float = -_SAY_AGAIN_S
    _held: str = ""
    _ageing: Ageing = field(init=False)

    def __post_init__(self) -> None:
        self._ageing = Ageing(self.parts.wall(), self.parts.monotonic())

    def round(self) -> bool:
        """Do one thing. True if another round may find more to do. Raises OSError if the folder cannot be read, and
        whatever ``going`` and ``tell`` raise."""
        found = self.folder.look()
        for part in found.parts:
            self.folder.delete(part)  # ours, or of one that was killed: whoever holds the lock made it
        self._tell_strange(found.strange)
        self._tell_disk(found)
        names = {one.name for one in found.full}
        self._troubles = {key: kept for key, kept in self._troubles.items() if key[1] in names}
        self._look(found)
        return self._one_thing(found)

    # -- what there is to do -----------------------------------------------------------------------

    def _one_thing(self, found: Listing) -> bool:
        """Room first, then what makes room, then what makes searching quick."""
        keep = self.wanted.keep
        if any(self._unsealed(full) and self._may_try("seal", full.name) for full in found.full):
            keep = replace(keep, octets=None)  # a sixteenth of it may fit: nothing goes for what can be compressed yet
        for number, one in enumerate(self._due(found, keep)):
            following = found.full[number + 1]
            if not self._may_try("retire", one.full.name):
                break  # nothing that is newer goes before it
            return self._retire(one, following.lies)
        for full in found.full:
            if self._unsealed(full) and self._may_try("seal", full.name):
                return self._seal(full)
        for full in found.full:
            if self._unindexed(full) and self._may_try("index", full.name):
                return self._index(full)
        return False

    def _due(self, found: Listing, keep: retention.Keep) -> tuple[retention.Due, ...]:
        wall, monotonic = self.parts.wall(), self.parts.monotonic()
        held = self._ageing.look(wall, monotonic)
        if held != self._held:
            self._held = held
            if held:
                self.parts.tell.warn(f"full audit files: {held}")
        return self._ageing.due(self.folder, found, keep, wall, monotonic)

    def _unsealed(self, full: Full) -> bool:
        """Both forms: it was interrupted between the last two steps, and is finished whatever the settings say."""
        return full.plain >= 0 and (self.wanted.compress or full.packed >= 0)

    def _unindexed(self, full: Full) -> bool:
        if self.parts.build is None or self._unsealed(full):
            return False
        return full.index < 0

    def _seal(self, full: Full) -> bool:
        with self._trouble("seal", full.name, "audit.seal_failed"):
            if full.packed < 0:
                sealing.pack(self.folder, full.name, self._step)
            try:
                sealed = sealing.compare(self.folder, full.name, self._step)
            except sealing.NotTheSame:
                if full.packed < 0:  # we have just made it: it is worth nothing
                    self.folder.delete(full.name + PACKED)
                raise
            text = sealed.text
            told = {"records": text.records, "octets": text.octets, "sha256": text.sha256}
            self.parts.tell.say("audit.sealed", {"file": full.name, **told, "packed_octets": sealed.packed_octets})
            self.folder.delete(self._index_of(full))  # it counts the octets of the plain form
            sealing.unlink(self.folder, full.name)
            self._sealed += 1
            self._well("seal", full.name)
        return True

    def _index(self, full: Full) -> bool:
        assert self.parts.build is not None  # noqa: S101 - `_unindexed` has asked
        with self._trouble("index", full.name, "audit.index_failed"):
            self.parts.build(self.folder.live, full.lies, self._step)
            self._well("index", full.name)
        return True

    def _retire(self, due: retention.Due, following: str) -> bool:
        full = due.full
        with self._trouble("retire", full.name, "audit.retire_failed"):
            last = ending(self.folder, full, following, self._step)
            if last is None:
                raise _Refused("neither it nor the file after it tells which record was its last")
            unsent = self.parts.unsent(full.first_seq, last.seq)
            wanted = Retire(
                file=full.name, first_seq=full.first_seq, last_seq=last.seq, last_link=last.link, why=due.why
            )
            self.parts.going(_ANSWER_S + 60.0)
            if refused := self.parts.tell.retire(wanted, _ANSWER_S):
                raise _Refused(refused)
            for destination, records in unsent.items():
                told = {"file": full.name, "destination": destination, "unsent": records}
                self.parts.tell.say("audit.retired_unsent", told)
            for name in (full.name, full.name + PACKED, self._index_of(full)):
                self.folder.delete(name)
            self.folder.sync()
            self._retired += 1
        return True

    def _index_of(self, full: Full) -> str:
        return index_path(self.folder.live.parent / full.name).name

    def _step(self) -> None:
        self.parts.going(60.0)

    # -- trouble -----------------------------------------------------------------------------------

    @contextmanager
    def _trouble(self, what: str, name: str, event: str) -> Iterator[None]:
        """Say what is wrong with a file once, and leave it alone for a while."""
        try:
            yield
        except sealing.InUse:
            self._later(what, name, wait_s=2.0)
        except FileNotFoundError:
            return  # somebody took it away: the next look knows
        except (OSError, Strange, sealing.NotTheSame, CannotIndex, _Refused) as error:
            words = _words(error)
            trouble = self._later(what, name)
            if trouble.said != words:
                trouble.said = words
                self.parts.tell.say(event, {"file": name, "problem": words})

    def _later(self, what: str, name: str, wait_s: float = 0.0) -> _Trouble:
        trouble = self._troubles.setdefault((what, name), _Trouble())
        trouble.again_at = self.parts.monotonic() + (wait_s or trouble.wait_s)
        if not wait_s:
            trouble.wait_s = min(2 * trouble.wait_s, AGAIN_MOST_S)
        return trouble

    def _may_try(self, what: str, name: str) -> bool:
        trouble = self._troubles.get((what, name))
        return trouble is None or self.parts.monotonic() >= trouble.again_at

    def _well(self, what: str, name: str) -> None:
        self._troubles.pop((what, name), None)

    # -- telling -----------------------------------------------------------------------------------

    def _look(self, found: Listing) -> None:
        waiting = [one for one in found.full if self._unsealed(one) or self._unindexed(one)]
        now = self.parts.wall()
        said = [trouble.said for trouble in self._troubles.values() if trouble.said]
        self.status = Status(
            waiting=len(waiting),
            oldest_waiting_s=max((now - one.changed for one in waiting if one.changed < now), default=0.0),
            files=len(found.full) + 1,
            octets=found.live_octets + sum(one.octets for one in found.full),
            sealed=self._sealed,
            retired=self._retired,
            problem=said[-1] if said else self._held,
        )

    def _tell_strange(self, strange: tuple[str, ...]) -> None:
        """When there are others than were said, and not oftener than once an hour: anybody can make more of them."""
        now = self.parts.monotonic()
        if set(strange) <= self._strange or now < self._strange_said_at + _SAY_AGAIN_S:
            return
        self._strange, self._strange_said_at = frozenset(strange), now
        self.parts.tell.say("audit.strange_files", {"names": list(map(_shown, strange[:20])), "count": len(strange)})

    def _tell_disk(self, found: Listing) -> None:
        """A disk that is nearly full: how much of it the trail has, and what would change that. Nothing is deleted for
        it."""
        now = self.parts.monotonic()
        if now < self._disk_said_at + _SAY_AGAIN_S:
            return
        disk = os.statvfs(self.folder.live.parent)
        usable = disk.f_blocks - disk.f_bfree + disk.f_bavail
        percent = 100 - (100 * disk.f_bavail) // usable if usable else 100
        if percent < self.wanted.audit.warn_at_percent:
            return
        self._disk_said_at = now
        octets = sum(one.octets for one in found.full)
        keep = self.wanted.keep
        then = (
            f"`audit.keep.size` is {keep.octets_words}" if keep.octets is not None else "`audit.keep.size` is not set"
        )
        self.parts.tell.warn(
            f"the disk of `{self.folder.live}` is {percent} % full; {len(found.full)} full audit files have"
            f" {octets >> 20} MiB of it, and none is deleted before its time ({then})"
        )


class _Refused(Exception):
    """It is not recorded that the file is deleted, so it stays."""


def _words(error: Exception) -> str:
    if isinstance(error, OSError):
        if error.errno == errno.ELOOP:
            return "a symbolic link stands there"
        return (error.strerror or str(error)).lower()
    return str(error)


def _shown(name: str) -> str:
    """A file's name may be any octets."""
    return name.encode(errors="backslashreplace").decode()[:255]
