"""When nothing was heard of a session for so long that it does not count as present any more.

Knows: how long each kind of session may be silent, and how often its NAS usually speaks. Refuses to know: clocks, and
what is done about it. Ageing is no end: the session may still be there, and what it was told to become is still wanted.

Theory. To age a session that is there does harm: nobody asks Intune about its device any more. To keep one that is gone
costs a question to Intune and one to a NAS. So every rule waits longer than it must: three intervals for a NAS that
sends Interims, a grace for one whose timer is late, and of the intervals that were seen the longer ones count.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from nacd.sessions import Phase, Session

SHORTEST_INTERVAL_S: Final = 60.0
"""Nothing shorter may be asked of a NAS (RFC 2869 section 5.16); what is shorter was sent for another reason."""
_LONGEST_INTERVAL_S: Final = 86_400.0
_GAPS_KEPT: Final = 32
_GAPS_NEEDED: Final = 4
_NASES_KEPT: Final = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a session may be silent, seconds.

    interval_s: between two Interims of this NAS, 0.0 if it sends none, or nobody knows. missed: how many of them may be
    missing. grace_s: after the end of a Session-Timeout. silent_s: for a session that no Interim and no timeout bounds.
    """

    interval_s: float = 0.0
    missed: int = 3
    grace_s: float = 600.0
    silent_s: float = 86_400.0

    def __post_init__(self) -> None:
        if self.interval_s < 0 or self.missed < 1 or self.grace_s < 0 or self.silent_s <= 0:
            raise ValueError("a session may be silent for a positive time")


def aged(session: Session, patience: Patience, now: float) -> str:
    """Why the session counts as aged, in words; ``""`` if it does not, or has ended or aged already.

    now: seconds since the epoch.
    """
    if session.phase in (Phase.ENDED, Phase.AGED):
        return ""
    ends_at = session.ends_at + patience.grace_s if session.ends_at else 0.0
    # One that is heard of after its time has a NAS that does not keep to Session-Timeout.
    if ends_at and now > ends_at and session.seen_at <= ends_at:
        return "its Session-Timeout has passed"
    silent_for = now - session.seen_at
    if patience.interval_s:
        allowed = patience.missed * max(patience.interval_s, SHORTEST_INTERVAL_S)
        return f"no Interim came for {patience.missed} intervals" if silent_for > allowed else ""
    if now <= ends_at:
        return ""
    return "nothing was heard of it for too long" if silent_for > patience.silent_s else ""


def quiet_since(patience: Patience, now: float) -> float:
    """Only sessions that were last heard of before this can have aged: what to look for in the database."""
    shortest = patience.grace_s
    if patience.interval_s:
        shortest = min(shortest, patience.missed * max(patience.interval_s, SHORTEST_INTERVAL_S))
    return now - min(shortest, patience.silent_s)


class Intervals:
    """How often each NAS sends Interims, learnt from the gaps between them. For one thread."""

    def __init__(self) -> None:
        self._gaps: dict[str, deque[float]] = {}

    def heard(self, nas: str, gap_s: float) -> None:
        """An Interim of a live session came this long after what was heard of it before."""
        if not SHORTEST_INTERVAL_S <= gap_s <= _LONGEST_INTERVAL_S:
            return
        gaps = self._gaps.get(nas)
        if gaps is None:
            while len(self._gaps) >= _NASES_KEPT:
                del self._gaps[next(iter(self._gaps))]
            gaps = self._gaps[nas] = deque(maxlen=_GAPS_KEPT)
        gaps.append(gap_s)

    def interval_s(self, nas: str) -> float:
        """Nine of ten gaps are at most this long; 0.0 while too few were seen."""
        gaps = self._gaps.get(nas, ())
        if len(gaps) < _GAPS_NEEDED:
            return 0.0
        return sorted(gaps)[(len(gaps) * 9 - 1) // 10]
