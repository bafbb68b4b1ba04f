"""What became of a request, by its record; and how many a record stands for.

Knows: codes. Refuses to know: what is counted with them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from nacd.audit.asking.spelling import text_at


class Outcome(StrEnum):
    """What a NAS was answered, and why."""

    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    MONITORED = "monitored"
    REJECTED = "rejected"
    FAILED = "failed"
    """The endpoint could not prove who it is."""
    REFUSED = "refused"
    """It came to no rule."""


LET_IN: Final = (Outcome.ACCEPTED, Outcome.QUARANTINED, Outcome.MONITORED)
_BY_CODE: Final[Mapping[str, Outcome]] = {
    "A1001I": Outcome.ACCEPTED,
    "A1002I": Outcome.REJECTED,
    "A1003W": Outcome.FAILED,
    "A1004W": Outcome.REFUSED,
    "A1005E": Outcome.REFUSED,
    "A1007W": Outcome.MONITORED,
    "A1008W": Outcome.REJECTED,
}
_ORDER: Final = "override-quarantine"
_USUAL: Final = "quarantin"


def outcomes(record: Mapping[str, Any], quarantines: Collection[str]) -> Iterator[tuple[Outcome, int]]:
    """What it stands for, and how often. quarantines: profiles; empty: those that are called so."""
    code = text_at(record, "code")
    if code == "A1010W":
        code, count = text_at(record, "repeated.code"), how_many(record)
        if code in _BY_CODE:
            yield _BY_CODE[code], count
    elif code in ("A1011W", "A1012W"):
        for of, count in each_count(record, "by_code"):
            if of in _BY_CODE:
                yield _BY_CODE[of], count
    elif code in _BY_CODE:
        outcome = _BY_CODE[code]
        if outcome is Outcome.ACCEPTED and is_quarantine(record, quarantines):
            outcome = Outcome.QUARANTINED
        yield outcome, 1


def is_quarantine(record: Mapping[str, Any], quarantines: Collection[str]) -> bool:
    """Whether this Accept gave a profile that stands for quarantine."""
    profile = text_at(record, "decision.profile")
    named = profile in quarantines if quarantines else _USUAL in profile.lower()
    return named or text_at(record, "decision.rule") == _ORDER


def how_many(record: Mapping[str, Any]) -> int:
    """``count``, 0 if it is none."""
    count = record.get("count")
    return count if type(count) is int and count > 0 else 0


def each_count(record: Mapping[str, Any], which: str) -> Iterator[tuple[str, int]]:
    """The pairs of ``repeated.by_code`` or ``repeated.by_nas``."""
    repeated = record.get("repeated")
    found = repeated.get(which) if isinstance(repeated, dict) else None
    if isinstance(found, dict):
        yield from ((name, count) for name, count in found.items() if type(count) is int and count > 0)


def why_not(record: Mapping[str, Any]) -> str:
    """The reason of a refusal in one word or one condition."""
    word = text_at(record, "eap.failure") or text_at(record, "refusal")
    if word:
        return word
    decision = record.get("decision")
    reasons = decision.get("reasons") if isinstance(decision, dict) else None
    last = reasons[-1] if isinstance(reasons, list) and reasons else ""
    return last if isinstance(last, str) and last else text_at(record, "repeated.why") or "not told"
