"""Which request is being worked on, by a short id that stands in its record and in every line of the log about it.

Knows: a number for each request since the start, and that whatever goes on after a wait still belongs to it. Refuses to
know: what a request is.

The id is made when somebody wants to read it: until then it is a number, which costs next to nothing. What stands in
front of it is random for each start, so no id comes twice.
"""

from __future__ import annotations

import base64
import itertools
import os
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, Final

from nacd.values import AuditEvent

FIELD: Final = "request_id"
_START: Final = base64.b32encode(os.urandom(4)).decode("ascii").rstrip("=").lower()
_NUMBERS: Final = itertools.count(1)
_NUMBER: Final[ContextVar[int]] = ContextVar("request", default=0)
"""0: none is worked on."""


def begin() -> None:
    """Another request, until ``end``; for whatever is begun in between it stays the same."""
    _NUMBER.set(next(_NUMBERS))


def end() -> None:
    """None any more."""
    _NUMBER.set(0)


def current() -> int:
    """The number of the request that is worked on; 0 for none."""
    return _NUMBER.get()


def word(number: int) -> str:
    """As people see it: ``k3f7q2a-1f4``."""
    return f"{_START}-{number:x}"


def marked(event: AuditEvent, number: int = 0) -> AuditEvent:
    """The same record, with the id of the request it comes of. number: where that is not the one worked on now."""
    found = number or _NUMBER.get()
    if found:
        event.fields[FIELD] = f"{_START}-{found:x}"
    return event


def say(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For a line of the log (a processor of structlog)."""
    if number := _NUMBER.get():
        line[FIELD] = word(number)
    return line
