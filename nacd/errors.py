"""The exception tree. Expected outcomes are values; these are unreadable octets, bad files, outages of ours.

    NacdError
    +-- BadPacket        octets that are no RADIUS packet (dropped in silence, counted)
    +-- BadEap           octets that are no EAP packet
    +-- ReplyTooLong     an answer does not fit 4,096 octets (RFC 2865 section 3)
    +-- UnknownAttribute a name the dictionaries do not have
    +-- BadValue         a value its attribute cannot hold
    +-- CannotExpress    a profile's promise that a vendor has no words for
    +-- ConfigError      the configuration is refused; carries every problem found
    +-- SourceError      Microsoft's side could not be asked; carries the detail for ``unavailable``
    +-- AuditRefused     the audit log could not take a record

Error text is lower case, has no full stop, and puts the user's words in backticks.
"""

from __future__ import annotations

from dataclasses import dataclass


class NacdError(Exception):
    """Root of everything nacd raises on purpose."""


class BadPacket(NacdError):
    """Octets that are no RADIUS packet. ``reason`` is a short stable word for counters."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadEap(NacdError):
    """Octets that are no EAP packet. ``reason`` is a short sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ReplyTooLong(NacdError):
    """An answer that does not fit into one RADIUS packet."""


class UnknownAttribute(NacdError):
    """An attribute name that no dictionary has."""


class BadValue(NacdError):
    """A value that its attribute's type cannot hold."""


class CannotExpress(NacdError):
    """This vendor has no words for this intention."""


class SourceError(NacdError):
    """Microsoft could not be asked, or did not answer readably. ``detail`` goes into the verdict."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class AuditRefused(NacdError):
    """The audit log did not take the record; the answer it speaks of must not be an Accept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with the configuration. line and column count from 1; 0 = no position.

    code: of ``findings``, where it is lawful and yet may not be meant; empty for what is refused.
    """

    file: str
    line: int
    column: int
    message: str
    code: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.message}{f' [{self.code}]' if self.code else ''}"


class ConfigError(NacdError):
    """Every problem found in one go."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    @property
    def count(self) -> str:
        """How many there are, in words: ``1 problem``, ``3 problems``."""
        return f"{len(self.problems)} problem{'' if len(self.problems) == 1 else 's'}"
