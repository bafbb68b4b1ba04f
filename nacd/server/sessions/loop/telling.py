"""What the closed loop says of its work: the audit log for the record, the operational log for whoever is on duty.

Knows: which event is whose, and what is said once in a while only. Refuses to know: why anything was done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nacd.audit import session_events as events
from nacd.server.metrics.tally import Tally
from nacd.server.recorder import Recorder
from nacd.sessions import Outcome, Pending, Session, Standing, Verb
from nacd.values import Attribute, AuditEvent, Instant


class Telling:
    """One writer for all of the loop."""

    def __init__(self, recorder: Recorder, tally: Tally) -> None:
        self._recorder = recorder
        self._tally = tally
        self._without_words: set[str] = set()

    def wanted(self, session: Session, wanted: Standing, trigger: str, reasons: Iterable[str], now: Instant) -> None:
        """A session was decided upon anew, and differently."""
        self._take(events.change_wanted(session=session, wanted=wanted, trigger=trigger, reasons=reasons, now=now), now)

    def held(self, session: Session, why: str, until: float, now: Instant) -> None:
        """Nothing is asked for now. until: seconds since the epoch, 0.0 if no time ends it."""
        self._take(events.held(session=session, why=why, until=until, now=now), now)

    def not_askable(self, session: Session, why: str, now: Instant) -> None:
        """A NAS that cannot be asked at all: once for each, and a warning now and then."""
        nas = session.place.nas
        if nas not in self._without_words:
            self._without_words.add(nas)
            self.held(session, why, 0.0, now)
        self._recorder.warn_seldom(
            f"no dynauth {nas}", f"a session of NAS `{nas}` waits for its next login to be changed: {why}", now, nas=nas
        )

    def asked(
        self,
        session: Session,
        pending: Pending,
        request: str,
        host: str,
        port: int,
        shown: tuple[Attribute, ...],
        now: Instant,
    ) -> None:
        """This leaves now. pending: with the verb, its rung and its try."""
        self._tally.asked(pending.verb)
        event = events.asked(
            session=replace(session, wish=pending),
            verb=pending.verb,
            request=request,
            host=host,
            port=port,
            shown=shown,
            step=pending.step,
            tries=pending.tries,
            now=now,
        )
        self._take(event, now)

    def asked_by_hand(
        self,
        session: Session,
        verb: Verb,
        request: str,
        host: str,
        port: int,
        shown: tuple[Attribute, ...],
        now: Instant,
    ) -> None:
        """An admin has this asked."""
        self._tally.asked(verb)
        event = events.asked(
            session=session, verb=verb, request=request, host=host, port=port, shown=shown, step=0, tries=1, now=now
        )
        self._take(event, now)

    def answered(self, session: Session, verb: str, outcome: Outcome, now: Instant) -> None:
        """What came of it."""
        self._tally.answered(verb, outcome)
        self._take(events.answered(session=session, verb=verb, outcome=outcome, now=now), now)

    def converged(self, session: Session, wanted: Standing, how: str, since: float, now: Instant) -> None:
        """It is proved. since: seconds since the epoch when it was decided."""
        took_s = max(0.0, now.wall - since)
        self._tally.converged(took_s)
        self._take(events.converged(session=session, wanted=wanted, how=how, took_s=took_s, now=now), now)

    def withdrawn(self, session: Session, wanted: Standing, cause: str, since: float, now: Instant) -> None:
        """What was wanted is wanted no more. since: seconds since the epoch when it was decided."""
        after_s = max(0.0, now.wall - since)
        self._take(events.withdrawn(session=session, wanted=wanted, cause=cause, after_s=after_s, now=now), now)

    def ended(self, session: Session, cause: str, now: Instant) -> None:
        """It counts no more, by other word than accounting."""
        self._take(events.ended(session=session, cause=cause, now=now), now)

    def alarm(self, session: Session, text: str, now: Instant) -> None:
        """A person has to look: recorded each time, said once in ten minutes for each NAS."""
        self._take(events.alarm(session=session, text=text, now=now), now)
        nas = session.place.nas
        self._recorder.warn_seldom(f"coa {nas}", f"NAS `{nas}`: {text}", now, nas=nas, session=session.id)

    def guard_held(self, direction: str, held: int, limit: int, until: float, now: Instant) -> None:
        """Too many changes at once. until: seconds since the epoch."""
        self._take(events.guard_held(direction=direction, held=held, limit=limit, until=until, now=now), now)
        self._recorder.warn_seldom(
            f"guard {direction}",
            f"{held} sessions would change at once, more than the {limit} that the guard for `{direction}` allows:"
            " look at `nacd coa status`, then `nacd coa release` or `nacd coa discard`",
            now,
        )

    def guard_released(self, direction: str, count: int, by: str, now: Instant) -> None:
        """A hold is over. by: ``""`` if its time was up."""
        self._take(events.guard_released(direction=direction, count=count, by=by, now=now), now)

    def guard_discarded(self, direction: str, count: int, by: str, now: Instant) -> None:
        """An admin does not want what was held."""
        self._take(events.guard_discarded(direction=direction, count=count, by=by, now=now), now)

    def warn(self, key: str, text: str, now: Instant) -> None:
        """Say this at most once in ten minutes. key: one of few."""
        self._recorder.warn_seldom(key, text, now)

    def _take(self, event: AuditEvent, now: Instant) -> None:
        self._recorder.take((event,), now)
