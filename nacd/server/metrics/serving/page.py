"""What is asked of a page and what it shows: the words between the door (``endpoint``) and whoever answers.

Knows: these words. Refuses to know: sockets, and any metric.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

PLAIN: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """query: behind the ``?``. accept: the header field, in small letters."""

    query: str = ""
    accept: str = ""

    @property
    def wants_json(self) -> bool:
        """Rather than a few words."""
        return JSON in self.accept or "verbose" in self.query.split("&")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is on a page."""

    body: bytes
    content_type: str = PLAIN
    status: HTTPStatus = HTTPStatus.OK


Page: TypeAlias = Callable[[Asked], Awaitable[Shown]]
