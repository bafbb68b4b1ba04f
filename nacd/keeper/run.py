"""The keeper, from its start to its end.

Knows: who hosts whom: one thread that hears the daemon and says every ten seconds that all is well, one that works
through the folder, those of whoever forwards records. Refuses to know: what any of them does.

The daemon takes a keeper that is silent for a minute for one that hangs. So nothing is said while a thread that should
be heard of is silent for longer than its step may take.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from nacd.errors import ConfigError
from nacd.keeper import hosting, settings
from nacd.keeper.hosting import Forwarding
from nacd.keeper.indexing import build
from nacd.keeper.pipe import Closed, Pipe, Retire, Status
from nacd.keeper.settings import Wanted
from nacd.keeper.work import Parts, Work
from nacd.store.full_files.folder import Busy, Folder

WELL, BAD_CONFIGURATION, CANNOT = 0, 1, 3
NICENESS: Final = 10
HEARTBEAT_S: Final = 10.0
LOOK_S: Final = 2.0
"""How often the folder is looked at: a listing of a few hundred names."""
_SILENT_S: Final = 60.0
_END_S: Final = 2.0
_DRAFT_S: Final = 600.0


class _Ended(Exception):
    """The keeper is to end; raised in the middle of whatever is done."""


class Keeper:
    """One that a daemon minds."""

    def __init__(self, config: Path, pipe: Pipe) -> None:
        """Raises ConfigError."""
        self._config = config
        self._pipe = pipe
        self._wanted = settings.read(config)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._looked = threading.Event()
        self._silent_until = time.monotonic() + _SILENT_S
        self._status = Status()
        self._bug: BaseException | None = None
        self._forwarding = _forwarding(self._wanted, self._say)
        self._worker = threading.Thread(target=self._work, name="full files", daemon=True)

    def run(self) -> int:
        """Until the daemon is gone or a signal comes. Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: self._stop.set())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's is for the daemon
        if self._forwarding is not None:
            self._forwarding.begin()
        self._worker.start()
        began, said_at = time.monotonic(), -HEARTBEAT_S
        with suppress(Closed):
            while not self._stop.is_set() and self._worker.is_alive():
                now = time.monotonic()
                looked = self._looked.is_set() or now >= began + HEARTBEAT_S  # or it would say that there are no files
                if looked and now >= said_at + HEARTBEAT_S and now < self._silent_until:
                    self._pipe.status(self._told())
                    said_at = now
                if self._pipe.hear(0.5):
                    self._renew()
        return self._end()

    def _end(self) -> int:
        self._stop.set()
        self._wake.set()
        self._pipe.close()
        if self._forwarding is not None:
            self._forwarding.close(_END_S)
        self._worker.join(1.0)  # what it is at may be interrupted anywhere
        return CANNOT if self._bug is not None else WELL

    def _told(self) -> Status:
        queues = self._forwarding.queues() if self._forwarding is not None else ()
        return replace(self._status, queues=queues)

    def _renew(self) -> None:
        try:
            wanted = settings.read(self._config)
        except ConfigError as refused:
            self._pipe.warn(f"the keeper goes on with the settings before: {refused}")
            return
        self._wanted = wanted
        if self._forwarding is not None:
            self._forwarding.renew(wanted)
        else:
            self._forwarding = _forwarding(wanted, self._say)
            if self._forwarding is not None:
                self._forwarding.begin()
        self._wake.set()

    def _say(self, name: str, fields: Mapping[str, str | int | float]) -> None:
        with suppress(Closed):
            self._pipe.say(name, fields)

    # -- the thread that works through the folder ------------------------------------------------------

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                self._in_folder()
                self._looked.set()
                self._pause(LOOK_S)
        except (Closed, _Ended):
            return
        except BaseException as bug:
            self._bug = bug
            raise

    def _in_folder(self) -> None:
        """As long as there is one. What is wrong with it is in the status."""
        try:
            folder = Folder(self._wanted.audit.file)
        except Busy:
            self._status = Status(problem="another keeper is at work in this folder")
            return
        except OSError as error:
            self._status = Status(problem=f"`{self._wanted.audit.file.parent}`: {(error.strerror or 'error').lower()}")
            return
        try:
            parts = Parts(tell=self._pipe, going=self._going, unsent=self._unsent, build=build)
            work = Work(folder, self._wanted, parts)
            folder.forget_drafts(time.time() - _DRAFT_S)
            while folder.is_there and folder.live == self._wanted.audit.file:
                work.wanted = self._wanted
                more = work.round()
                self._status = work.status
                self._looked.set()
                self._going(_SILENT_S)
                if not more:
                    self._pause(LOOK_S)
        except OSError as error:
            self._status = replace(self._status, problem=(error.strerror or str(error)).lower())
            self._pipe.warn(f"full audit files: `{folder.live.parent}`: {(error.strerror or 'error').lower()}")
            self._pause(_SILENT_S / 2)
        finally:
            folder.close()

    def _going(self, silent_s: float) -> None:
        """Still at it, and to be heard of again within this time. Raises _Ended."""
        self._silent_until = time.monotonic() + silent_s
        if self._stop.is_set():
            raise _Ended

    def _pause(self, for_s: float) -> None:
        self._going(for_s + _SILENT_S)
        self._wake.wait(for_s)
        self._wake.clear()
        self._going(_SILENT_S)

    def _unsent(self, first_seq: int, last_seq: int) -> Mapping[str, int]:
        return self._forwarding.unsent(first_seq, last_seq) if self._forwarding is not None else {}


def _forwarding(wanted: Wanted, say: hosting.Say) -> Forwarding | None:
    forward = hosting.builder()
    return forward(wanted, say) if forward is not None else None


# -- the two ways to run --------------------------------------------------------------------------


def minded(config: Path) -> int:
    """As the daemon starts it. Returns the exit code."""
    with suppress(OSError):  # a sandbox may forbid it
        os.nice(NICENESS)
    speaks = os.dup(1)
    os.dup2(2, 1)  # whatever is printed by accident must not look like a word to the daemon
    os.set_inheritable(speaks, False)
    pipe = Pipe(0, speaks)
    try:
        keeper = Keeper(config, pipe)
    except ConfigError as refused:
        with suppress(Closed):
            pipe.warn(f"the keeper is not started: {refused.count} in `{config}`: {refused}")
        return BAD_CONFIGURATION
    return keeper.run()


class _Aloud:
    """Tells a person at a terminal, or cron. failed: whether anything was wrong."""

    def __init__(self) -> None:
        self.failed = False

    def say(self, name: str, fields: Mapping[str, Any]) -> None:
        self.failed |= name != "audit.sealed"
        print(f"{name}: {', '.join(f'{key} {value}' for key, value in fields.items())}", file=sys.stderr)

    def warn(self, text: str) -> None:
        print(text, file=sys.stderr)

    def retire(self, wanted: Retire, patience_s: float) -> str:
        del wanted, patience_s
        return "only a running nacd can record that it is deleted"


def once(config: Path, going: Callable[[float], None] = lambda _silent_s: None) -> int:
    """Do what is due now and end. Returns the exit code."""
    try:
        wanted = settings.read(config)
        folder = Folder(wanted.audit.file)
    except ConfigError as refused:
        print(refused, file=sys.stderr)
        return BAD_CONFIGURATION
    except Busy:
        print("another keeper is at work there: that of the running nacd, most likely", file=sys.stderr)
        return CANNOT
    except OSError as error:
        print(f"`{wanted.audit.file.parent}`: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        return CANNOT
    tell = _Aloud()
    parts = Parts(tell=tell, going=going, unsent=lambda _first, _last: {}, build=build)
    work = Work(folder, wanted, parts)
    try:
        folder.forget_drafts(time.time() - _DRAFT_S)
        while work.round():
            pass
    except OSError as error:
        print(f"`{wanted.audit.file.parent}`: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        return CANNOT
    finally:
        folder.close()
    status = work.status
    print(f"{status.sealed} compressed, {status.waiting} still waiting, {status.files} files")
    return CANNOT if tell.failed else WELL
