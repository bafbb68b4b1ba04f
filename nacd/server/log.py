"""The operational log: what the people who run nacd read. Not the audit log.

Knows: structlog, console for people and JSON for machines, on standard error, and that standard error may be a full
disk, a broken pipe, or one that nobody empties: what cannot be said then is counted and said later. Refuses to know:
what is said.
"""

from __future__ import annotations

import logging
import select
import sys
import time
from typing import Final, TextIO, cast

import structlog

from nacd.server.logs import requests
from nacd.server.logs.levels import AREAS, Levels
from nacd.server.logs.rationing import Rationing

_AT_ONCE: Final = 1_000
"""Characters: at most four octets each. A pipe that takes anything takes 4,096 octets (pipe(7))."""


class Patient:
    """A stream whose trouble harms nobody: lines that it does not take are counted, and the count is written when it
    takes lines again. Whoever reads it may have stopped reading (a terminal that is held, a collector that hangs): a
    write that waits for him would stop the event loop and every answer, so it is asked first whether it would."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._unsaid = 0
        self._torn = False

    def write(self, text: str) -> int:
        """Write, or count."""
        if self._unsaid:
            torn = "\n" if self._torn else ""
            text = f"{torn}{self._unsaid} pieces of this log could not be written before this line\n{text}"
        begun = False
        try:
            for start in range(0, len(text), _AT_ONCE):
                if not _takes(self._stream):
                    raise BlockingIOError
                self._stream.write(text[start : start + _AT_ONCE])
                self._stream.flush()
                begun = True
        except (OSError, ValueError):  # ValueError: the stream has been closed
            self._unsaid += 1
            self._torn = self._torn or begun
            return 0
        self._unsaid, self._torn = 0, False
        return len(text)

    def flush(self) -> None:
        """Nothing to do: each line is flushed as it is written."""


def _takes(stream: TextIO) -> bool:
    """Whether a write would not wait: one without a descriptor never does. Raises ValueError if it is closed."""
    try:
        descriptor = stream.fileno()
    except (OSError, AttributeError):
        return True
    asked = select.poll()
    asked.register(descriptor, select.POLLOUT)
    return bool(asked.poll(0))


_LEVELS: Final = Levels()
_RATIONING: Final = Rationing()
_COUNT: Final = "unsaid"
"""Marks the line that tells a count: it is not counted itself."""


def start(*, as_json: bool, level: str = "info") -> None:
    """Set the log up once per process. level: ``debug | info | warning | error``, by area too: ``info,lookup=debug``.

    Raises WrongLevels, in words.
    """
    _LEVELS.begin(level)
    for area in AREAS:
        _LEVELS.know(area)
    stream = cast(TextIO, Patient(sys.stderr))
    shared: list[structlog.typing.Processor] = [
        _gate,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        requests.say,
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        # Plain tracebacks: one with local variables would tell secrets.
        processors=[*shared, structlog.processors.format_exc_info, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    # Libraries speak through the standard logger; their warnings belong on the same stream.
    logging.basicConfig(stream=stream, level=logging.WARNING, format="%(name)s: %(message)s", force=True)


def logger(area: str) -> structlog.typing.FilteringBoundLogger:
    """The log of one area (``listener``, ``lookup`` ...)."""
    _LEVELS.know(area)
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(area=area)
    return log


def levels() -> Levels:
    """How much each area says, for whoever changes it."""
    return _LEVELS


def tick() -> None:
    """Once a second or so: say what was only counted, and which levels are what they were."""
    now_s = time.monotonic()
    for each in _RATIONING.due(now_s):
        logger(each.area or "log").log(
            logging.getLevelNamesMapping().get(each.level.upper(), logging.WARNING),
            f"{each.count} more times within a minute: {each.words}",
            **{_COUNT: each.count},
        )
    for ended in _LEVELS.over(now_s):
        logger("log").info("a level is what it was before", of=ended.area or "all areas", to=ended.level)


def _gate(_: object, method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """First of all: what nobody wants to read, and what has been read often enough, costs no more than this."""
    area, now_s = str(line.get("area", "")), time.monotonic()
    if not _LEVELS.lets_through(area, method, now_s):
        raise structlog.DropEvent
    if _COUNT not in line and not _RATIONING.admit(area, method, str(line.get("event", "")), now_s):
        raise structlog.DropEvent
    return line
