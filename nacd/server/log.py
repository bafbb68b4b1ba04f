"""The operational log: what the people who run nacd read. Not the audit log.

Knows: structlog, console for people and JSON for machines, on standard error. Refuses to know: requests.
"""

from __future__ import annotations

import logging
import sys

import structlog


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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries speak through the standard logger; their warnings belong on the same stream.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s", force=True)


def logger(area: str) -> structlog.typing.FilteringBoundLogger:
    """The log of one area (``listener``, ``lookup`` ...)."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(area=area)
    return log
