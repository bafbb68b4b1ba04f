"""What a NAS is asked for one climb: on the disk first, then sent, then answered.

Knows: that order, and whose an answer is. Refuses to know: what is asked next, and which other climbs there are.

A climb that has left, or is about to end for a better reason than an answer, is in another place by then
(``Climbing.where``): nothing is sent for it any more, and what its NAS says is nobody's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from nacd.errors import BadValue
from nacd.server.dac.sender import Sender
from nacd.server.sessions.book import Book
from nacd.server.sessions.loop.climbing import DISCONNECT, Climbing, Where
from nacd.server.sessions.loop.telling import Telling
from nacd.server.sessions.targets import Asked
from nacd.sessions import Meaning, Outcome, Session, Wished
from nacd.store.live.outcome import Applied
from nacd.values import Instant


class Requests:
    """For one event loop."""

    def __init__(
        self,
        *,
        book: Book,
        sender: Sender,
        telling: Telling,
        answered: Callable[[Climbing, Outcome], None],
        forgotten: Callable[[int], None],
        clock: Callable[[], Instant],
    ) -> None:
        """answered: takes what came of it, see ``was_sent``. forgotten: the database has no such session any more."""
        self._book = book
        self._sender = sender
        self._telling = telling
        self._answered = answered
        self._forgotten = forgotten
        self._clock = clock

    def ask(self, each: Climbing, asked: Asked, now: Instant) -> None:
        """What will be asked goes to the disk first: a restart must not ask it as if for the first time."""
        each.where = Where.COMMITTING
        written = self._book.write((Wished(id=each.session.id, wish=each.pending, at=now.wall),))
        written.add_done_callback(partial(self._committed, each, asked))

    def _committed(self, each: Climbing, asked: Asked, written: asyncio.Future[tuple[Applied, ...]]) -> None:
        if each.where is not Where.COMMITTING:
            return
        now, applied = self._clock(), written.result()[0]
        if not applied.stored:
            why = f"no NAS is asked while the disk takes nothing: {applied.why}"
            self._telling.warn("climbs disk", why, now)
            self._answered(each, Outcome(meaning=Meaning.UNANSWERED, detail=why, tries=0))
        elif not isinstance(applied.session, Session):
            self._forgotten(each.session.id)  # for its age
        else:
            self._send(each, asked)

    def _send(self, each: Climbing, asked: Asked) -> None:
        request, target = "disconnect" if asked.code == DISCONNECT else "coa", asked.target

        def leaves() -> None:
            self._telling.asked(
                each.session, each.pending, request, target.host, target.port, asked.shown, self._clock()
            )

        key = str(each.session.id)
        try:
            flight = self._sender.ask(target, asked.code, asked.attributes, asked.secret, key, leaves, asked.overlap)
        except (BadValue, ValueError) as wrong:
            self._came(each, Outcome(meaning=Meaning.CONFIGURATION, detail=str(wrong), tries=0))
            return
        each.where, each.flight = Where.ASKED, flight
        flight.add_done_callback(partial(self._landed, each))

    def _landed(self, each: Climbing, flight: asyncio.Future[Outcome]) -> None:
        if each.flight is flight and each.where is Where.ASKED:
            each.flight = None
            self._came(each, flight.result())

    def _came(self, each: Climbing, outcome: Outcome) -> None:
        self._telling.answered(each.shown, each.pending.verb, outcome, self._clock())
        self._answered(each, outcome)


def was_sent(outcome: Outcome) -> bool:
    """Whether it counts as a try: the NAS was asked, or never can be asked in these words."""
    return outcome.tries > 0 or outcome.meaning is not Meaning.UNANSWERED
