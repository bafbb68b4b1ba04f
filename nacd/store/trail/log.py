"""The audit file: one JSON line a record, appended with one ``write``, each line tied to the one before.

Knows: the trail as it is written: its chain, its checkpoints, when a file is full, what the disk did not take. Refuses
to know: what a record means.

A line is in the kernel's hands when ``append`` returns; it is either there whole or not at all, and only then are its
number and its link used up. What opening the file has shown (half a line, missing records) is written with the first
record, so that looking changes nothing.

Not for several threads; a thread of its own waits for the disk (``writing/disk``), and what comes of that is told with
the next ``tick``.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from nacd.audit.blocks import timestamp
from nacd.audit.chain import events, links
from nacd.audit.chain.events import Place
from nacd.audit.line import line
from nacd.errors import AuditRefused
from nacd.store.trail.names import full_name
from nacd.store.trail.writing import ending, opening, rotation
from nacd.store.trail.writing.beginning import beginning
from nacd.store.trail.writing.disk import Disk, sync, sync_folder
from nacd.store.trail.writing.opening import words
from nacd.store.trail.writing.options import NEVER, Options
from nacd.store.trail.writing.tally import Tally
from nacd.store.trail.writing.vouching import Vouching
from nacd.values import AuditEvent

_AGAIN_S: Final = 60.0
"""How long a file that could not be turned over is left alone, and a checkpoint that was not taken."""


class AuditLog:
    """Append-only JSON lines. One process writes a file at a time (``flock``)."""

    def __init__(
        self,
        path: Path,
        *,
        hand_over: bool = False,
        options: Options | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open or create ``path`` with mode 0640. hand_over: a file that root makes goes to the owner of its folder.

        clock: seconds since the epoch. Raises AuditRefused if it cannot be opened, another nacd holds it, or somebody
        else may have laid it there.
        """
        self.tally = Tally()
        self._path = path
        self._hand_over = hand_over
        self._options = options or Options()
        self._clock = clock
        self._astray = ""
        self._glue = b""
        self._torn = True  # there may be half a line
        self._vouching = Vouching(self._options, hand_over=hand_over)
        self._said: deque[AuditEvent] = deque()
        opened = opening.opened(path, hand_over=hand_over)
        self._fd, self._regular, self._turns = opened.fd, opened.regular, opened.regular and opened.ours
        try:
            found = beginning(opened, path, self._options.head, self._options.version, clock())
        except OSError as error:
            os.close(self._fd)
            raise AuditRefused(f"cannot read `{path}`: {words(error)}") from error
        self._writer, self._seq, self._link = found.writer, found.seq, found.link
        self._size, self._began, self._first_seq = found.size, found.began, found.first_seq
        self._aged_from, self._holds_records = found.began, found.records
        self._first: list[AuditEvent] = found.says
        self._signer = found.key
        self._note_signer()
        self._checked_seq = self._seq
        self._due_seq = self._options.due_after(self._seq)
        self._noted, self._ending = found.head, False
        if self._due_seq < NEVER and any(each.code == events.REPAIRED for each in found.says):
            self._due_seq = self._seq  # signed at once: what comes next shall not look as doubtful
        self._unsynced_names = self._options.sync == "each"
        self._turn_not_before = self._checkpoint_not_before = 0.0
        self._checkpoint_at = float("-inf")  # one soon after the start: until then nothing of it is signed
        self._disk = Disk(self._fd, every_s=self._options.sync_every_s, thread=self._options.sync != "never")
        self._each = self._options.sync == "each"

    @property
    def path(self) -> Path:
        """Where the records are."""
        return self._path

    @property
    def writer(self) -> str:
        """The trail's own name."""
        return self._writer

    @property
    def seq(self) -> int:
        """Number of the last record."""
        return self._seq

    @property
    def behind_s(self) -> float:
        """For how long the disk lacks something that was written, seconds; 0.0 where nobody waits for the disk."""
        return self._disk.behind_s

    # -- records -----------------------------------------------------------------------------------

    def append(self, *records: AuditEvent, sync: bool = True) -> None:
        """Write records, with one write. sync: False for what no answer depends on, where each record is carried to
        the disk. Raises AuditRefused if the file did not take all; nothing of them remains then."""
        if self._options.veil is not None:
            records = tuple(map(self._options.veil, records))
        self._write(records, sync=sync)
        self._holds_records = True
        if self._seq >= self._due_seq and self._disk.keeps_up:  # else with the next one: on a slow disk they pile up
            self._try_checkpoint()

    def keep(self) -> None:
        """Wait until what was appended outlives a power cut. Raises AuditRefused if that cannot be had."""
        try:
            sync(self._fd)
        except OSError as error:
            raise AuditRefused(f"cannot write `{self._path}`: {words(error)}") from error

    def when_kept(self, then: Callable[[str], None]) -> None:
        """As ``keep``, in the thread that waits for the disk: it calls ``then`` with ``""``, or with what is wrong."""
        self._disk.then(then)

    def retire(self, *, file: str, first_seq: int, last_seq: int, last_link: str, why: str) -> None:
        """Say that a full file is going to be deleted; ``keep`` or ``when_kept`` before it is. Raises AuditRefused."""
        self.append(
            events.retired(
                file=file, first_seq=first_seq, last_seq=last_seq, last_link=last_link, why=why, at=self._clock()
            )
        )
        if self._due_seq < NEVER:
            self._try_checkpoint()  # who deletes has it signed before: nobody else could write himself such a record

    # -- now and then ------------------------------------------------------------------------------

    def tick(self) -> tuple[str, ...]:
        """Once a second or so: checkpoints, full files, what the disk has to say. Returns what people should hear.

        Raises AuditRefused if the file does not take what is due; it is tried again.
        """
        heard = list(self._vouching.heard())
        self._said += self._vouching.notes(self._clock())
        self._disk.look()
        if self._disk.trouble and not self._astray:
            heard.append(f"what was written to `{self._path}` is not on the disk: {self._disk.trouble}")
        if self._astray:
            return tuple(heard)
        self._notice_a_cut()
        self._said += self._disk.notes(self._path.name, self._clock())
        while self._said:
            self._write((self._said[0],))
            self._said.popleft()
        now = time.monotonic()
        if self._is_full() and now >= self._turn_not_before:
            heard += self._turn_over(now)
        every = self._options.checkpoint_s
        if every and self._seq > self._checked_seq and now - self._checkpoint_at >= every:
            self._try_checkpoint()
        return tuple(heard)

    def percent_full(self) -> int:
        """How full the disk under the file is for an ordinary user, 0..100."""
        return opening.percent_full(self._path.parent)

    def follow_rotation(self) -> bool:
        """Open the path anew if somebody moved the file away (logrotate). True if it was.

        Raises AuditRefused if that fails; from then on ``append`` refuses too: records in a file that
        nobody will find again are lost.
        """
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            there = None
        here = os.fstat(self._fd)
        if there is not None and (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
            self._astray = ""
            return False
        try:
            fresh = opening.opened(self._path, hand_over=self._hand_over)
        except AuditRefused as refused:
            self._astray = str(refused)
            raise
        self._astray = ""
        self._begin_file(fresh, rotation.name_of(self._path, (here.st_dev, here.st_ino)))
        return True

    def renew(self, options: Options) -> None:
        """Go by other options from now on; the head stays where it is."""
        self._options = options = replace(options, head=self._options.head, version=self._options.version)
        self._vouching.renew(options)
        self._note_signer()
        self._due_seq = options.due_after(self._checked_seq)
        self._disk.every_s = options.sync_every_s
        self._each = options.sync == "each"

    def close(self) -> None:
        """Let go of the file and its lock, with a last checkpoint if there is something to tell of."""
        if self._fd < 0:
            return
        self._ending = True
        due = self._seq > self._checked_seq and self._due_seq < NEVER and not self._astray
        told = due and self._try_checkpoint()
        if not told and self.tally.records and self._options.head is not None and self._regular:
            self._vouch(b"")
        fd, self._fd = self._fd, -1  # a write after this must fail, not land in whatever gets the number next
        if self._disk.close():
            os.close(fd)

    # -- writing -----------------------------------------------------------------------------------

    def _write(self, records: tuple[AuditEvent, ...] | list[AuditEvent], *, sync: bool = True) -> bytes:
        """All of them or nothing, and what was to be said first before them. Returns what was written."""
        count = len(records)
        if self._astray or self._torn or self._disk.trouble or self._noted is not None:
            self._mend(count)
        if self._first:
            records = (*self._first, *records)
        octets, seq, link = links.chained([line(each) for each in records], self._seq, self._link)
        if self._glue:
            octets = self._glue + octets
        try:
            written = os.write(self._fd, octets)
        except OSError as error:
            self._refuse(count, f"cannot write `{self._path}`: {words(error)}", error)
        if written != len(octets):
            self._take_back(octets[:written])
            self._refuse(count, f"cannot write `{self._path}`: no space for a whole record")
        if self._each and sync:
            self._sync_or_take_back(count, octets)
        elif not self._disk.dirty:
            self._disk.wrote()
        said_first, self._glue, self._first = bool(self._first), b"", []
        self.tally.records += seq - self._seq
        self._seq, self._link = seq, link
        self._size += written
        self.tally.octets += written
        if said_first and self._options.head is not None:
            self._vouch(b"")  # or a power cut could take what was said of the one before
        return octets

    def _refuse(self, count: int, why: str, cause: OSError | None = None) -> None:
        self.tally.refused += count
        raise AuditRefused(why) from cause

    def _mend(self, count: int) -> None:
        """What is in the way of any record, once more. Raises AuditRefused while it is."""
        if self._astray:
            self._refuse(count, self._astray)
        if self._disk.trouble:
            self._refuse(count, f"what was written to `{self._path}` is not on the disk: {self._disk.trouble}")
        self._cut_to_size(count)
        self._torn = False
        self._vouching.goes_on(self._noted)
        self._noted = None

    def _cut_to_size(self, count: int) -> None:
        """Take away what is behind the last whole line."""
        try:
            if self._regular and os.fstat(self._fd).st_size > self._size:
                os.ftruncate(self._fd, self._size)
        except OSError as error:
            self._refuse(count, f"a partial record stands at the end of `{self._path}`: {words(error)}", error)

    def _take_back(self, octets: bytes) -> None:
        """Take back what was written, so that the file stays a list of whole lines."""
        if not self._regular:  # of a pipe nothing can be: what is whole counts, what follows begins a line of its own
            whole = octets[: octets.rfind(b"\n") + 1]
            self._glue = b"" if whole == octets else b"\n"
            if (last := links.split(whole[whole.rfind(b"\n", 0, -1) + 1 :])) is not None:
                self._seq, self._link, self._first = last.seq, last.link, []
            return
        try:
            self._size = os.fstat(self._fd).st_size - len(octets)
            os.ftruncate(self._fd, self._size)
        except OSError:
            self._torn = True

    def _sync_or_take_back(self, count: int, octets: bytes) -> None:
        try:
            sync(self._fd)
            if self._unsynced_names and self._regular:
                sync_folder(self._path)
                self._unsynced_names = False
        except OSError as error:
            self._take_back(octets)
            self._refuse(count, f"cannot write `{self._path}`: {words(error)}", error)
        self._disk.synced_at = time.monotonic()

    def _notice_a_cut(self) -> None:
        """Somebody made the file shorter while it was open (``copytruncate``): that is no way to rotate it."""
        if not self._regular:
            return
        size = os.fstat(self._fd).st_size
        if size < self._size:
            after, at = self._seq, self._clock()
            gap = events.gap(reason="cut", file=self._path.name, missing=-1, after=after, following=after + 1, at=at)
            self._said.append(gap)
            self._size = size

    # -- checkpoints -------------------------------------------------------------------------------

    def _try_checkpoint(self) -> bool:
        """One now; False if the file does not take it, and it is left alone for a while then."""
        now = time.monotonic()
        if now < self._checkpoint_not_before:
            return False
        try:
            self._checkpoint()
        except AuditRefused:
            self.tally.refused -= 1  # nobody has lost anything
            self._checkpoint_not_before = now + 1.0
            return False
        return True

    def _checkpoint(self) -> None:
        if self._first:
            self._write(())  # a checkpoint speaks of the record right before it
        event = self._vouching.checkpoint(self._writer, self._seq, self._link, timestamp(self._clock()))
        self._vouch(self._write((event,)))
        self._checked_seq = self._seq
        self._due_seq = self._options.due_after(self._seq)
        self._checkpoint_at = time.monotonic()
        self.tally.checkpoints += 1
        self.tally.checkpoint_at = self._clock()

    def _vouch(self, octets: bytes) -> None:
        """When the disk has it: the anchors, and the head. octets: end with the checkpoint's line, if there is one."""
        place = (self._path, self._writer, self._seq, self._link, self._size, self._signer)
        head = self._vouching.head(*place, ended=self._ending)
        checkpoint = octets[octets.rfind(b"\n", 0, -1) + 1 :] if octets else b""
        self._disk.then(partial(self._vouching.vouch, head if self._regular else None, checkpoint))

    def _note_signer(self) -> None:
        """Say that another key signs from now on, if one does."""
        event = self._vouching.signer_event(self._writer, self._signer, timestamp(self._clock()))
        self._signer = self._vouching.key.id if self._vouching.key else ""
        if event is not None:
            self._first.append(event)

    # -- full files --------------------------------------------------------------------------------

    def _is_full(self) -> bool:
        if not self._turns or not self._holds_records:
            return False
        self._aged_from = min(self._aged_from, self._clock())  # a clock may be set back for good
        return self._options.is_full(self._size, self._clock() - self._aged_from)

    def _turn_over(self, now: float) -> tuple[str, ...]:
        """Begin a new file; says in words why not."""
        self._turn_not_before = now + _AGAIN_S
        if (self._first or self._seq > self._checked_seq) and not self._try_checkpoint():
            return ()
        name = full_name(self._path, self._began, self._first_seq)
        try:
            fd = rotation.turn_over(self._path, self._fd, name)
        except OSError as error:
            return (f"`{self._path}` is full and cannot be turned over: {words(error)}",)
        self._turn_not_before = 0.0
        self.tally.rotated += 1
        self._begin_file(opening.Opened(fd, True, True), name)
        return ()

    def _begin_file(self, fresh: opening.Opened, before: str) -> None:
        """Write in another file from now on; its first record says so, with the next write at the latest."""
        if self._torn:
            with suppress(AuditRefused):
                self._cut_to_size(0)
        octets = ending.ending(fresh.fd).whole if fresh.regular else 0
        sha256 = ending.pinned(fresh.fd, 0, octets)[0] if octets else ""
        self._disk.turn(fresh.fd, self._path)
        self._fd, self._regular, self._turns = fresh.fd, fresh.regular, fresh.regular and fresh.ours
        self._size, self._first_seq = octets, self._seq + 1
        self._began = self._aged_from = self._clock()
        self._torn, self._glue, self._holds_records = True, b"", False
        self._unsynced_names = True
        previous, version = Place(before, self._seq, self._link.decode()), self._options.version
        begun = events.file_begun(
            writer=self._writer, previous=previous, version=version, at=self._began, octets=octets, sha256=sha256
        )
        self._first = [begun, *(each for each in self._first if each.code != events.FILE_BEGUN)]
        with suppress(AuditRefused):  # it is said with the first record that is taken, then
            self._write(())
