"""When something happened, by the word of a NAS, and how far its clock is from ours.

Knows: which times can be true, and what a genuine record can say and a late one cannot. Refuses to know: what follows
from a time (``table``).

Theory. A record says when it happened by its NAS's clock, and comes after that; so how far it lies back is how slow
that clock is, and how late the record. Nobody can make that smaller: the smallest is nearest to the truth. One record
that is in time shows at once that the clock is right, or less wrong than was thought, and what lies further back is
late, or played back. That a clock is slow is believed only when for an hour everything that its NAS says, ten records
at least, lies back by the same time: who plays back what he heard yesterday is contradicted by the first record that
the NAS sends itself, and what a proxy has kept comes all at once. Until it is believed nothing is lost that names its
session by our token or by the NAS's audit-session-id (``table``), only what a number alone names. What is believed
outlives a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from nacd.session.table import CLOCKS_APART_S
from nacd.values import AccountingRequest

Clock: TypeAlias = tuple[str, str, str, str]
"""Client of the configuration, address, NAS-Identifier, NAS-IP-Address."""

BELIEVED_S: Final = 400 * 86_400.0
"""A time that is further away than this, seconds, was said by a clock that was never set."""
_LONGEST_DELAY_S: Final = 86_400.0
_KEPT: Final = 8_192
_RECORDS: Final = 10
_LASTING_S: Final = 3_600.0


def happened_at(request: AccountingRequest, at: float) -> float:
    """When a record happened, seconds since the epoch, at most ``at`` (when it came).

    Event-Timestamp (RFC 2869 section 5.3) where it can be true, however old; else Acct-Delay-Time before ``at`` (RFC
    2866 section 5.2), at most a day.
    """
    event = said_at(request, at)
    if event and event <= at + CLOCKS_APART_S:
        return min(event, at)
    return at - min(max(float(request.delay_s), 0.0), _LONGEST_DELAY_S)


def said_at(request: AccountingRequest, at: float) -> float:
    """Event-Timestamp, seconds since the epoch, as a clock says it that was set once; 0.0 if there is none."""
    event = float(request.event_timestamp)
    return event if abs(at - event) <= BELIEVED_S else 0.0


@dataclass(slots=True)
class _Known:
    """behind_s: believed, negative for a clock that is fast. The others: of what may be believed next."""

    behind_s: float = 0.0
    apart_s: float = 0.0
    since: float = 0.0
    records: int = 0


class Clocks:
    """For one thread."""

    def __init__(self) -> None:
        self.learnt: dict[Clock, float] = {}
        """What was believed of a clock since somebody has emptied this: seconds behind ours, 0.0 when it is right."""
        self._known: dict[Clock, _Known] = {}

    def behind_s(self, clock: Clock) -> float:
        """How far it is behind ours, seconds; negative when it is fast, 0.0 when it is right or nothing is known."""
        known = self._known.get(clock)
        return known.behind_s if known is not None else 0.0

    def believe(self, clock: Clock, behind_s: float) -> None:
        """What was learnt before a restart."""
        self._of(clock).behind_s = behind_s

    def heard(self, clock: Clock, said_at: float, at: float) -> float:
        """When by our clock something happened of which a NAS has said this, at most ``at``, when it came. Both are
        seconds since the epoch."""
        known, back_s = self._of(clock), at - said_at
        if abs(back_s) <= CLOCKS_APART_S:
            if known.behind_s:
                self.learnt[clock] = 0.0
            known.behind_s, known.records = 0.0, 0
            return min(said_at, at)
        if back_s < known.behind_s - CLOCKS_APART_S:
            self._believe(clock, known, back_s)
        elif not known.behind_s or back_s > known.behind_s + CLOCKS_APART_S:
            self._may_be(clock, known, back_s, at)
        else:
            known.records = 0
        return min(said_at + known.behind_s, at)

    def _may_be(self, clock: Clock, known: _Known, back_s: float, at: float) -> None:
        """It is late, or the clock is slower than was thought."""
        if not known.records or abs(back_s - known.apart_s) > CLOCKS_APART_S or at < known.since:
            known.apart_s, known.since, known.records = back_s, at, 0
        known.records += 1
        known.apart_s = min(known.apart_s, back_s)
        if known.records >= _RECORDS and at - known.since >= _LASTING_S:
            self._believe(clock, known, known.apart_s)

    def _believe(self, clock: Clock, known: _Known, behind_s: float) -> None:
        known.behind_s, known.records = behind_s, 0
        self.learnt[clock] = behind_s

    def _of(self, clock: Clock) -> _Known:
        known = self._known.get(clock)
        if known is None:
            while len(self._known) >= _KEPT:
                del self._known[next(iter(self._known))]
            known = self._known[clock] = _Known()
        return known
