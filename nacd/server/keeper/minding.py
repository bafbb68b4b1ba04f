"""The keeper's life, as the daemon sees it: started, heard, restarted, ended.

Knows: when a keeper is alive, and what follows when it is not. Refuses to know: what it does, and what its words mean
for anybody but the trail.

    start      with a fixed command line; the daemon's own interpreter and nothing of its files but two pipes
    up         from its first status on; one line a minute at least, or it hangs and is killed
    ends       by itself, by a bug, by a line that is none of its words: begun anew after 1 s, twice as long each time
               up to 5 min; a life of 5 minutes makes up for that
    records    two a second in the long run: whoever has taken it over cannot fill the disk of the trail
    close      the end of its standard input; whoever is there after four seconds is killed

The daemon answers without it. Nothing here waits for it where a packet could wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import nacd
from nacd.audit.keeping import events
from nacd.config.sections.audit.trail import Audit
from nacd.server.keeper import words
from nacd.server.keeper.judging import Judging
from nacd.server.keeper.words import BadWord, Heard, Retire, Said, Status, Warned
from nacd.server.log import logger
from nacd.values import AuditEvent, Instant

SILENT_S: Final = 60.0
"""So long it may say nothing."""
FIRST_S: Final = 1.0
MOST_S: Final = 300.0
"""How long it is waited for before the next one is started, at first and at most; a life that long starts over."""
END_S: Final = 4.0
_DISK_S: Final = 25.0
_LINES_A_S: Final = 200
"""More than that is not listened to: a keeper gone wild costs so much and no more."""
RECORDS_AT_ONCE: Final = 600.0
RECORDS_A_S: Final = 2.0
"""So many events may it have recorded, at once and in the long run; what is more waits in its pipe, and so does it."""
_WARNED_S: Final = 600.0
_WARNED_MOST: Final = 16
_NOT_ITS_OWN: Final = ("NACD_READY_FILE", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID")


class Trail(Protocol):
    """The one writer of the audit log."""

    def take(self, events: tuple[AuditEvent, ...], now: Instant) -> bool:
        """Write these."""

    def retire(self, *, file: str, first_seq: int, last_seq: int, last_link: str, why: str) -> asyncio.Future[bool]:
        """Write that this file is deleted. True when that is on the disk, False if it is not going to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minded:
    """How it stands with the keeper, for whoever shows numbers. wanted: whether there is to be one. up: it has been
    heard of, and is there. restarts: since nacd was started. last_error: why the last one ended, or what it says is
    wrong; ``""`` for nothing. status: what it said last; of a keeper that is gone, what it said before."""

    wanted: bool = False
    up: bool = False
    restarts: int = 0
    last_error: str = ""
    status: Status = field(default_factory=Status)


class Minding:
    """One keeper after the other. For one event loop."""

    def __init__(
        self,
        config: Path,
        live: Path,
        trail: Trail,
        clock: Callable[[], Instant],
        generation: Callable[[], int],
        *,
        audit: Callable[[], Audit],
        silent_s: float = SILENT_S,
        first_s: float = FIRST_S,
        program: Sequence[str] = (),
    ) -> None:
        """config: the daemon's. live: the audit file. generation: of the configuration in force; another number makes
        the keeper read it again. audit: its section in force, for what may be deleted. silent_s, first_s: seconds, see
        above. program: its words, in place of the usual."""
        self._live = live
        self._trail = trail
        self._clock = clock
        self._generation = generation
        self._judging = Judging(live, audit, clock())
        usual = (sys.executable, "-P", "-m", "nacd", "keeper", "--config", str(config.absolute()))
        self._program = tuple(program) or usual
        self._silent_s = silent_s
        self._first_s = first_s
        self._log = logger("keeper")
        self._task: asyncio.Task[None] | None = None
        self._process: Process | None = None
        self._closing = asyncio.Event()
        self._up = False
        self._told_down = False
        self._restarts = 0
        self._last_error = ""
        self._status = Status()
        self._records, self._records_at = RECORDS_AT_ONCE, clock().monotonic
        self._recorded: dict[str, Retire] = {}
        self._warned: dict[str, float] = {}

    @property
    def now(self) -> Minded:
        """How it stands."""
        return Minded(
            wanted=self._task is not None,
            up=self._up,
            restarts=self._restarts,
            last_error=self._status.problem if self._up else self._last_error,
            status=self._status,
        )

    def begin(self) -> None:
        """Start one, if the audit log is a file: a pipe or a terminal has no full files."""
        try:
            is_file = stat.S_ISREG(self._live.stat().st_mode)
        except OSError:
            is_file = False
        if is_file and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._mind(), name="keeper")

    async def close(self) -> None:
        """End it; within five seconds it is gone."""
        self._closing.set()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        if self._task is None:
            return
        _, late = await asyncio.wait({self._task}, timeout=END_S)
        if late:
            self._kill()
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=1.0)
        self._up = False

    # -- one after the other -----------------------------------------------------------------------

    async def _mind(self) -> None:
        wait_s = self._first_s
        while not self._closing.is_set():
            began = self._clock().monotonic
            try:
                why = await self._one_life()
            finally:
                self._up = False
                self._kill()
            if self._closing.is_set():
                return
            if self._clock().monotonic - began >= MOST_S:
                wait_s = self._first_s
            self._failed(why)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), wait_s)
            wait_s = min(2 * wait_s, MOST_S)
            self._restarts += 1

    async def _one_life(self) -> str:
        """Start one and listen until it is over. Why it is, in words."""
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                *self._program,
                stdin=PIPE,
                stdout=PIPE,
                env=_environment(),
                cwd="/",
                close_fds=True,
                start_new_session=True,
                limit=words.MOST_OCTETS,
            )
        except OSError as error:
            return f"it cannot be started: {(error.strerror or str(error)).lower()}"
        if self._closing.is_set() and process.stdin is not None:
            process.stdin.close()  # nacd was told to end while this one was being started
        telling = asyncio.get_running_loop().create_task(self._tell_of_reloads(process))
        why = ""
        try:
            why = await self._listen(process) or await _still_there(process)
        finally:
            telling.cancel()
            self._kill()
            await _let_go(process)  # first: its end is not told before its pipes have ended
            code = await process.wait()
        return why or _ending(code)

    async def _listen(self, process: Process) -> str:
        """Until it ends, hangs or says what is no word. Why, in words; empty when it ended by itself."""
        assert process.stdout is not None  # noqa: S101 - asked for above
        heard, since = 0, self._clock().monotonic
        while True:
            try:
                line = await asyncio.wait_for(process.stdout.readline(), self._silent_s)
            except TimeoutError:
                return f"it said nothing for {self._silent_s:.0f} s"
            except ValueError:
                return "it said a line that is too long"
            if not line.endswith(b"\n"):
                return ""
            try:
                await self._take(words.heard(line), process)
            except BadWord as bad:
                return f"it said what it may not say: {bad}"
            heard += 1
            if heard >= _LINES_A_S:
                await asyncio.sleep(max(0.0, since + 1.0 - self._clock().monotonic))
                heard, since = 0, self._clock().monotonic

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _tell_of_reloads(self, process: Process) -> None:
        known = self._generation()
        while True:
            await asyncio.sleep(1.0)
            if (number := self._generation()) != known:
                known = number
                self._answer(process, words.reload())

    # -- what it says ------------------------------------------------------------------------------

    async def _room(self) -> None:
        """Wait until it may cause one more record."""
        now = self._clock().monotonic
        self._records = min(RECORDS_AT_ONCE, self._records + RECORDS_A_S * (now - self._records_at)) - 1.0
        self._records_at = now
        if self._records < 0.0:
            self._warn(f"the keeper wants to record more than {RECORDS_A_S * 60:.0f} events a minute: it has to wait")
            await asyncio.sleep(-self._records / RECORDS_A_S)

    async def _take(self, heard: Heard, process: Process) -> None:
        if isinstance(heard, Said | Retire):
            await self._room()
        if isinstance(heard, Status):
            self._status = heard
            self._judging.look(self._clock())
            self._is_up()
        elif isinstance(heard, Said):
            event = heard.event(self._clock())
            self._trail.take((event,), self._clock())
            if words.SAYINGS[heard.name].grave:
                self._warn(str(event.fields["why"]))
        elif isinstance(heard, Warned):
            self._warn(heard.text)
        else:
            self._answer(process, await self._retired(heard))

    async def _retired(self, wanted: Retire) -> bytes:
        """Recorded, once: a keeper that died before it deleted the file asks again. By our own judgement: the record
        excuses whoever deletes that file, for ever."""
        if self._recorded.get(wanted.file) == wanted:
            return words.retired(wanted.file)
        judged = await asyncio.to_thread(self._judging.judge, wanted, self._clock())
        if judged.refused:
            return words.refused(wanted.file, judged.refused)
        written = self._trail.retire(
            file=wanted.file,
            first_seq=wanted.first_seq,
            last_seq=wanted.last_seq,
            last_link=wanted.last_link,
            why=judged.why,
        )
        try:
            if not await asyncio.wait_for(written, _DISK_S):
                return words.refused(wanted.file, "the audit file does not take the record of it")
        except TimeoutError:
            return words.refused(wanted.file, "the disk does not answer")
        self._recorded = {wanted.file: wanted}
        return words.retired(wanted.file)

    def _answer(self, process: Process, line: bytes) -> None:
        if process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(line)

    # -- what is said of it ------------------------------------------------------------------------

    def _is_up(self) -> None:
        self._up = True
        if self._told_down:
            self._told_down = False
            now = self._clock()
            self._trail.take((events.resumed(restarts=self._restarts, now=now),), now)
            self._log.info("the keeper is at work again", restarts=self._restarts)

    def _failed(self, why: str) -> None:
        self._last_error = why
        self._log.warning(f"the keeper of full audit files is started anew: {why}", restarts=self._restarts)
        if not self._told_down:
            self._told_down = True
            now = self._clock()
            self._trail.take((events.failed(reason=why, restarts=self._restarts, now=now),), now)

    def _warn(self, text: str) -> None:
        """The same is not said again for ten minutes; of many different ones only the last few are known."""
        now = self._clock().monotonic
        if now < self._warned.get(text, -_WARNED_S) + _WARNED_S:
            return
        self._warned.pop(text, None)
        self._warned[text] = now
        while len(self._warned) > _WARNED_MOST:
            del self._warned[next(iter(self._warned))]
        self._log.warning(text)


async def _still_there(process: Process) -> str:
    """Whether one whose pipe has ended is there all the same, in words."""
    try:
        await asyncio.wait_for(process.wait(), 2.0)
    except TimeoutError:
        return "it has closed its output"
    return ""


async def _let_go(process: Process) -> None:
    """Of the pipes of one that has ended: what it said last is not heard any more."""
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(1.0):
            while process.stdout is not None and await process.stdout.read(words.MOST_OCTETS):
                pass


def _environment() -> Mapping[str, str]:
    """Ours, without what is said to us alone; and it finds the same nacd and what that needs, wherever they lie."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_ITS_OWN}
    places = [str(Path(nacd.__file__).resolve().parent.parent), *filter(None, [kept.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(places)}


def _ending(code: int) -> str:
    return f"it was ended by signal {-code}" if code < 0 else f"it ended with code {code}"
