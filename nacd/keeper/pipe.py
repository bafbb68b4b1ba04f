"""The keeper's two pipes: what it tells the daemon, and what it hears.

Knows: lines of JSON and how long one may be. Refuses to know: what they are about (the daemon's side of the same words
is ``nacd/server/keeper/words.py``).

Any thread may speak; a daemon that reads slowly holds the speaker up, and one that is gone ends the keeper.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from nacd.keeper.hosting import Queue

_MOST_OCTETS: Final = 65_536
_MOST_TEXT: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """As the daemon wants it (see there)."""

    waiting: int = 0
    oldest_waiting_s: float = 0.0
    files: int = 0
    octets: int = 0
    sealed: int = 0
    retired: int = 0
    problem: str = ""
    queues: tuple[Queue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire:
    """A full file that is to be deleted, and what the trail has to say of it."""

    file: str
    first_seq: int
    last_seq: int
    last_link: str
    why: str


class Closed(Exception):
    """The daemon is gone."""


class Pipe:
    """Standard input and output of a keeper that a daemon minds."""

    def __init__(self, hears: int, speaks: int) -> None:
        """hears, speaks: descriptors."""
        self._hears = hears
        self._speaks = speaks
        self._speaking = threading.Lock()
        self._rest = b""
        self._answers: dict[str, str] = {}
        self._answered = threading.Condition()
        self.closed = threading.Event()

    # -- speaking ----------------------------------------------------------------------------------

    def status(self, status: Status) -> None:
        """How things stand. Raises Closed."""
        self._tell({"status": {**asdict(status), "problem": _short(status.problem)}})

    def say(self, name: str, fields: Mapping[str, Any]) -> None:
        """Something for the trail. Raises Closed."""
        self._tell(
            {**{key: _short(value) if isinstance(value, str) else value for key, value in fields.items()}, "say": name}
        )

    def warn(self, text: str) -> None:
        """Something for the people who run nacd. Raises Closed."""
        self._tell({"warn": _short(text)})

    def retire(self, wanted: Retire, patience_s: float) -> str:
        """Whether the trail says that this file is deleted: ``""``, or why not, in words. Raises Closed."""
        with self._answered:
            self._answers.pop(wanted.file, None)
        self._tell({"retire": asdict(wanted)})
        until = time.monotonic() + patience_s
        with self._answered:
            while wanted.file not in self._answers and not self.closed.is_set():
                left = until - time.monotonic()
                if left <= 0:
                    return "the daemon does not answer"
                self._answered.wait(left)
            if self.closed.is_set():
                raise Closed
            return self._answers.pop(wanted.file)

    def _tell(self, told: Mapping[str, Any]) -> None:
        line = orjson.dumps(told) + b"\n"
        with self._speaking:
            try:
                while line:
                    line = line[os.write(self._speaks, line) :]
            except OSError:
                self.close()
                raise Closed from None

    # -- hearing -----------------------------------------------------------------------------------

    def hear(self, within_s: float) -> bool:
        """Take what comes within this time. True if the configuration is to be read again. Raises Closed."""
        if not select.select([self._hears], [], [], within_s)[0]:
            return False
        try:
            octets = os.read(self._hears, _MOST_OCTETS)
        except OSError:
            octets = b""
        if not octets:
            self.close()
            raise Closed
        *lines, self._rest = (self._rest + octets).split(b"\n")
        if len(self._rest) > _MOST_OCTETS:
            self._rest = b""
        heard = [self._take(line) for line in lines]
        return any(heard)

    def close(self) -> None:
        """Nobody hears any more; whoever waits for an answer is told."""
        self.closed.set()
        with self._answered:
            self._answered.notify_all()

    def _take(self, line: bytes) -> bool:
        try:
            told = orjson.loads(line)
        except orjson.JSONDecodeError:
            return False
        if not isinstance(told, dict):
            return False
        for word, answer in (("retired", ""), ("refused", str(told.get("why") or "the daemon refuses it"))):
            if isinstance(file := told.get(word), str):
                with self._answered:
                    self._answers = {file: answer}  # one is asked about at a time
                    self._answered.notify_all()
        return told.get("reload") is True


def _short(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]} ..."
