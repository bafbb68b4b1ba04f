"""The operational log: what the people who run nacd read. Not the audit log.

Knows: structlog, console for people and JSON for machines, on standard error, and that standard error may be a full
disk or a broken pipe: what cannot be said then is counted and said later. Refuses to know: requests.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO, cast

import structlog


class Patient:
    """A stream whose trouble harms nobody: lines that it does not take are counted, and the count is written when it
    takes lines again."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._unsaid = 0

    def write(self, text: str) -> int:
        """Write, or count."""
        try:
            if self._unsaid:
                self._stream.write(f"{self._unsaid} pieces of this log could not be written before this line\n")
            written = self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream has been closed
            self._unsaid += 1
            return 0
        self._unsaid = 0
        return written

    def flush(self) -> None:
        """Nothing to do: each line is flushed as it is written."""


def start(*, as_json: bool, level: str = "info") -> None:
    """Set the log up once per process. level: ``debug | info | warning | error``."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, last],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, Patient(sys.stderr))),
        cache_logger_on_first_use=False,
    )
    # Libraries speak through the standard logger; their warnings belong on the same stream.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s", force=True)


def logger(area: str) -> structlog.typing.FilteringBoundLogger:
    """The log of one area (``listener``, ``lookup`` ...)."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(area=area)
    return log
