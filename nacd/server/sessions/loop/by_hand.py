"""A person has a NAS asked something about a session, whatever is wanted of it besides.

Knows: that a port is not taken down under others or under a phone call, for a person either. Refuses to know: who may
order it, and what the loop is at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from nacd.errors import BadValue
from nacd.server.dac.sender import Sender
from nacd.server.sessions.book import Book
from nacd.server.sessions.loop.climbing import DISCONNECT, is_alone
from nacd.server.sessions.loop.telling import Telling
from nacd.server.sessions.targets import Asked, Targets
from nacd.sessions import Gone, Meaning, Outcome, Phase, Session, Settled, Standing, Verb
from nacd.store.sessions import SessionStore
from nacd.values import Instant


class ByHand:
    """For one event loop."""

    def __init__(
        self, *, book: Book, sender: Sender, targets: Targets, telling: Telling, clock: Callable[[], Instant]
    ) -> None:
        self._book = book
        self._sender = sender
        self._targets = targets
        self._telling = telling
        self._clock = clock
        self._under_way: set[asyncio.Task[Outcome]] = set()

    async def ask(self, session: Session, verb: Verb) -> Outcome:
        """What came of it. ``tries`` 0: it was never asked, and ``detail`` says why.

        Whoever waits may go: what is said to have been asked is followed to its end, and that is recorded too.
        """
        task = asyncio.get_running_loop().create_task(self._to_its_end(session, verb), name="by hand")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _to_its_end(self, read: Session, verb: Verb) -> Outcome:
        # It was read before all others that the same order asks, which may be long ago.
        found = await self._book.read(partial(SessionStore.session, id=read.id))
        session = found if isinstance(found, Session) else read
        if session.phase is Phase.ENDED:
            return _not_asked(f"it has ended: {session.cause}")
        outcome = await self._ask(session, verb, narrow=False)
        if outcome.meaning is Meaning.NARROW:
            narrower = await self._ask(session, verb, narrow=True)
            # What cannot be said better was asked all the same.
            outcome = narrower if narrower.tries else replace(outcome, detail=f"{outcome.detail}; {narrower.detail}")
        return outcome

    async def _ask(self, session: Session, verb: Verb, *, narrow: bool) -> Outcome:
        profile = session.standing.profile if isinstance(session.standing, Standing) else ""
        rung = next((each for each in self._targets.rungs(session, profile, profile) if each.verb is verb), None)
        if rung is None:
            left_out = {each.verb: each.reason for each in self._targets.left_out(session, profile, profile)}
            why = self._targets.why_not(session) or left_out.get(verb, f"its NAS has no words for {verb}")
            return _not_asked(why)
        if verb is Verb.BOUNCE and not await self._book.read(partial(is_alone, session)):
            return _not_asked("others are on its port")
        asked = self._targets.request(rung, session, profile, narrow)
        if not isinstance(asked, Asked):
            return _not_asked(asked.reason)
        now, target = self._clock(), asked.target
        request = "disconnect" if asked.code == DISCONNECT else "coa"

        def leaves() -> None:
            self._telling.asked_by_hand(session, verb, request, target.host, target.port, asked.shown, self._clock())

        key = f"{session.id}, by hand"
        try:
            outcome = await self._sender.ask(
                target, asked.code, asked.attributes, asked.secret, key, leaves, asked.overlap
            )
        except (BadValue, ValueError) as wrong:
            outcome = _not_asked(str(wrong))
        self._telling.answered(session, verb, outcome, self._clock())
        # As for the loop: one of which nothing was ever accounted for may be there under names that its NAS has not.
        is_believed = session.started_at > 0.0 or isinstance(session.wish, Settled)
        if outcome.meaning is Meaning.GONE and is_believed:
            await self._gone(session, f"its NAS has no such session: {outcome.detail}", now.wall)
        return outcome

    async def _gone(self, session: Session, cause: str, at: float) -> None:
        """What was heard of it since it was asked is newer than this word."""
        change = Gone(id=session.id, phase=Phase.ENDED, at=at, cause=cause)
        applied = (await self._book.write((change,)))[0]
        if applied.changed and isinstance(applied.session, Session):
            self._telling.ended(applied.session, cause, self._clock())


def _not_asked(why: str) -> Outcome:
    return Outcome(meaning=Meaning.NEXT_VERB, detail=why, tries=0)
