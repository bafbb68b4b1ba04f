"""Who was asked about, what was said, and what is other than before: for the audit log.

Knows: which answers are worth a record, and how many records a minute asking may cause. Refuses to know: what is kept
of an answer (``knowledge``), and what follows from it.

Theory. A login's record says what was known; these say how it came to be known. Polls ask about every live device day
and night, so of theirs only news is written. Whoever invents MACs causes questions as fast as the budget allows, so
there are so many records a minute and no more; the next one says how many are missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nacd.audit.verdicts import events
from nacd.compliance.breaker import BreakerState
from nacd.compliance.question import Question
from nacd.values import AuditEvent, Compliance, ComplianceState, Instant

_WINDOW_S: Final = 60.0
_ANSWERS: Final = 1_200
_FAILURES: Final = 20
_UNKNOWN: Final = frozenset({ComplianceState.NOT_ASKED, ComplianceState.UNAVAILABLE})

Record = Callable[[AuditEvent, Instant], None]


@dataclass(slots=True)
class _Ration:
    """So many records of one kind and tenant in one window. began: monotonic seconds."""

    most: int
    began: float = float("-inf")
    written: int = 0
    unwritten: int = 0

    def take(self, now: Instant) -> bool:
        if now.monotonic - self.began >= _WINDOW_S:
            self.began, self.written = now.monotonic, 0
        if self.written >= self.most:
            self.unwritten += 1
            return False
        self.written += 1
        return True

    def told(self) -> int:
        """How many have no record; from now on they are told of."""
        unwritten, self.unwritten = self.unwritten, 0
        return unwritten


class Witness:
    """Of one tenant. For the event loop."""

    def __init__(self, record: Record, *, answers: int = _ANSWERS, failures: int = _FAILURES) -> None:
        """record: writes it down. answers, failures: records a minute."""
        self._write = record
        self._answers = _Ration(answers)
        self._failures = _Ration(failures)

    def asked(self, question: Question, said: Compliance, *, polled: bool, took_s: float, now: Instant) -> None:
        """A question has ended. said: what Intune said, or ``unavailable``."""
        failed = said.state is ComplianceState.UNAVAILABLE
        ration, told = (self._failures, events.failed) if failed else (self._answers, events.answered)
        if (failed or not polled) and ration.take(now):
            event = told(
                tenant=question.tenant,
                subject=question.subject,
                said=said,
                took_s=took_s,
                unwritten=ration.told(),
                now=now,
            )
            self._write(event, now)

    def counts_now(self, question: Question, before: Compliance, said: Compliance, *, by: str, now: Instant) -> None:
        """A verdict begins to count. before: what was known until now, if anything was. by: as in ``changed``."""
        if before.state is not said.state and before.state not in _UNKNOWN and said.state not in _UNKNOWN:
            event = events.changed(
                tenant=question.tenant, subject=question.subject, before=before, said=said, by=by, now=now
            )
            self._write(event, now)

    def taken_away(self, question: Question, said: Compliance, now: Instant) -> None:
        """The bulk list contradicts a good verdict. said: what counts from now on."""
        event = events.taken_away(tenant=question.tenant, subject=question.subject, said=said, now=now)
        self._write(event, now)

    def breaker(self, tenant: str, before: BreakerState, after: BreakerState, trouble: str, now: Instant) -> None:
        """The breaker has heard how a question went. A probe that fails is no news."""
        if before is BreakerState.CLOSED and after is BreakerState.OPEN:
            self._write(events.suspended(tenant=tenant, trouble=trouble, now=now), now)
        elif before is not BreakerState.CLOSED and after is BreakerState.CLOSED:
            self._write(events.resumed(tenant=tenant, now=now), now)
