"""One kind of audit record, as a row of the tables.

Knows: what a row says of itself. Refuses to know: which rows there are (``catalogue``, ``session_catalogue``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEAD: Final = ("time", "code", "event", "why")
"""What every record begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One kind of record. fields: dotted paths, each explained in ``catalogue.FIELDS``."""

    code: str
    name: str
    meaning: str
    fields: tuple[str, ...]

    @property
    def severity(self) -> str:
        """``information``, ``warning`` or ``error``, from the code's last letter."""
        return {"I": "information", "W": "warning", "E": "error"}[self.code[-1]]


def event(code: str, name: str, meaning: str, *fields: str) -> Event:
    """A row; a field that is named twice is there once."""
    return Event(code=code, name=name, meaning=meaning, fields=tuple(dict.fromkeys(fields)))
