"""What to ask of a NAS next, until a session was seen under the decision that is wanted for it.

Knows: the rungs of a ladder of verbs, when one is worth another try and when the next is due, and when it worked.
Refuses to know: how a verb is said (``vendor/``), sockets, clocks, the reasons to hold something back (``guard``,
``windows``), and what was decided.

Theory. A NAS that says ACK has taken an order, no more. Only two things prove that the access has changed: the
endpoint logged in again and got what is wanted (``Seen``), or its NAS accounted for the end (``Ended``). The exception
is a push: there the ACK is the change. So a climb has four states, and everything that comes is a row of this table:

    state         READY        ASKED                               ACKNOWLEDGED       RESTING
    time passed   ask          lost: as unanswered                 past: next rung    past: ask
    outcome       -            by its meaning, see ``_MEANINGS``   -                  -
    seen, wanted  converged    converged                           converged          converged
    seen, other   as before    as before                           as before          as before
    ended         converged    converged                           converged          converged

Above the last rung is a person (the alarm), and after a while the first rung again, for as long as it is wanted. What
is kept on disk is the ``Pending``. After a restart nobody hears the answer any more, so a verb that was asked is given
the time of an acknowledged one to show that it worked, and is then asked again. An answer that is nobody's any more (it
came too late) changes nothing: the session will be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from nacd.session.table import is_same_decision
from nacd.sessions import Meaning, NotOurs, Outcome, Pending, Settled, Standing, Verb, Wish

SEEN_WITHIN_S: Final[Mapping[str, float]] = MappingProxyType(
    {Verb.REAUTHENTICATE: 30.0, Verb.DISCONNECT: 60.0, Verb.BOUNCE: 90.0}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How patient to be, seconds, and what this port may suffer.

    seen_within_s: between ACK and re-authentication, by verb. lost_s: an outcome that has not come by then will not.
    pauses_s: before the same verb is tried again; when they are used up the next rung is due. again_s: from the top of
    the ladder to its first rung. bounce: the port carries this one session, is known, and no phone call is on it.
    accounted: its NAS has accounted for the session, so that it has once known it by the names that nacd uses.
    """

    seen_within_s: Mapping[str, float] = field(default_factory=lambda: SEEN_WITHIN_S)
    lost_s: float = 120.0
    pauses_s: tuple[float, ...] = (10.0, 30.0, 90.0)
    again_s: float = 600.0
    bounce: bool = False
    accounted: bool = True

    def __post_init__(self) -> None:
        times = (*self.seen_within_s.values(), *self.pauses_s, self.lost_s, self.again_s)
        if not all(time > 0 for time in times):
            raise ValueError("the times of a ladder are positive")


class State(StrEnum):
    """Where a climb stands, see the table above."""

    READY = "ready"
    ASKED = "asked"
    ACKNOWLEDGED = "acknowledged"
    RESTING = "resting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """A wish on its way. until: seconds since the epoch when time alone makes a difference. narrow: the verb was asked
    with every name of the session. alarmed: a person was told that the NAS is set up wrongly."""

    pending: Pending
    state: State = State.READY
    until: float = 0.0
    narrow: bool = False
    alarmed: bool = False


# -- what comes ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The endpoint logged in again, and this is what it got. A Reject is a standing, too."""

    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A verified Stop, or a restart of the NAS."""

    why: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """It is time to look."""


Event: TypeAlias = Outcome | Seen | Ended | TimePassed


# -- what to do ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Ask this of the NAS. narrow: with every name of the session there is (several fitted the usual ones)."""

    verb: Verb
    narrow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing, until then at the latest. Seconds since the epoch."""

    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Converged:
    """It worked. how: in words. standing: the decision it lives under when it was pushed, else ``NotOurs``."""

    how: str
    standing: Standing | NotOurs = field(default_factory=NotOurs)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSuchSession:
    """The NAS does not know the session, whatever it was asked about it: it is over, by the NAS's word."""

    detail: str


Doing: TypeAlias = Ask | Wait | Converged | NoSuchSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """climb: what to go on with, and to keep (its ``pending``). alarm: what a person has to know, mostly ``""``."""

    climb: Climb
    do: Doing
    alarm: str = ""


# -- wishes -------------------------------------------------------------------------------------


def want(wish: Wish, standing: Standing | NotOurs, wanted: Standing, now: float) -> Wish:
    """What is wanted of the NAS now that this was decided. standing: what the session lives under.

    What it has already is not asked for, even if something else was asked meanwhile: whoever logs in again is decided
    upon anew. Only a push may have changed the access without anybody seeing it, and is pushed back. now: seconds since
    the epoch.
    """
    if is_same_decision(standing, wanted):
        pushed = isinstance(wish, Pending) and wish.verb == Verb.PUSH and not is_same_decision(wish.wanted, wanted)
        return Pending(wanted=wanted, since=now) if pushed else Settled()
    if isinstance(wish, Pending) and is_same_decision(wish.wanted, wanted):
        return replace(wish, wanted=wanted)
    return Pending(wanted=wanted, since=now)


# -- climbing -----------------------------------------------------------------------------------


def resume(pending: Pending, terms: Terms) -> Climb:
    """A climb as it is known from disk."""
    if not pending.asked_at:
        return Climb(pending=pending)
    # A push is seen by nobody, and asking for it twice does no harm.
    rest_s = terms.seen_within_s.get(pending.verb, 0.0) if pending.tries else terms.again_s
    return Climb(pending=pending, state=State.RESTING, until=pending.asked_at + rest_s)


def step(climb: Climb, event: Event, rungs: tuple[Verb, ...], terms: Terms, now: float) -> Move:
    """What to do next. Total, raises nothing. now: seconds since the epoch.

    rungs: the verbs of this NAS in the order to try them. While something holds it (``pending.held``) nothing is asked;
    an answer, a sight or an end still counts.
    """
    if isinstance(event, Seen):
        if is_same_decision(event.standing, climb.pending.wanted):
            return Move(climb=climb, do=Converged(how="it logged in again and got what is wanted"))
        return _wait(climb)
    if isinstance(event, Ended):
        return Move(climb=climb, do=Converged(how=f"its session is over: {event.why}"))
    if isinstance(event, TimePassed):
        return _time_passed(climb, rungs, terms, now)
    if climb.state is not State.ASKED:
        return _wait(climb)
    said = replace(climb, pending=replace(climb.pending, detail=event.detail or str(event.meaning)))
    return _MEANINGS[event.meaning](said, rungs, terms, now)


def usable(rungs: tuple[Verb, ...], terms: Terms) -> tuple[Verb, ...]:
    """The rungs that may be asked of this port."""
    return tuple(verb for verb in rungs if verb is not Verb.BOUNCE or terms.bounce)


def _time_passed(climb: Climb, rungs: tuple[Verb, ...], terms: Terms, now: float) -> Move:
    # A clock that was set back must not make anybody wait for it to catch up.
    due = now >= climb.until or now < climb.pending.asked_at
    if climb.state is State.READY or (due and climb.state is State.RESTING):
        return _ask(climb, rungs, terms, now)
    if not due:
        return _wait(climb)
    if climb.state is State.ASKED:
        return _again(_saying(climb, "no outcome came"), rungs, terms, now)
    return _next_rung(_saying(climb, f"{climb.pending.detail}, and it was not seen again"), rungs, terms, now)


def _ask(climb: Climb, rungs: tuple[Verb, ...], terms: Terms, now: float) -> Move:
    """Ask the verb of this rung, or of the first above it that may be asked."""
    pending = climb.pending
    if pending.held:
        return Move(climb=replace(climb, state=State.READY, until=0.0), do=Wait(until=now + terms.again_s))
    allowed = usable(rungs, terms)
    above = [number for number in range(pending.step, len(rungs)) if rungs[number] in allowed]
    if not above:
        return _top(climb, rungs, terms, now)
    number, verb = above[0], rungs[above[0]]
    same = number == pending.step and verb == pending.verb
    asked = replace(
        climb,
        pending=replace(pending, verb=verb, step=number, tries=pending.tries + 1 if same else 1, asked_at=now),
        state=State.ASKED,
        until=now + terms.lost_s,
        narrow=climb.narrow and same,
    )
    return Move(climb=asked, do=Ask(verb=verb, narrow=asked.narrow))


def _top(climb: Climb, rungs: tuple[Verb, ...], terms: Terms, now: float) -> Move:
    pending = climb.pending
    if not usable(rungs, terms):
        alarm = "there is nothing that may be asked of this NAS"
    else:
        alarm = f"everything was asked of this NAS, and it was not seen as wanted; last: {pending.detail or 'nothing'}"
    rest = replace(pending, step=0, tries=0)
    resting = replace(climb, pending=rest, state=State.RESTING, until=now + terms.again_s, narrow=False)
    return Move(climb=resting, do=Wait(until=resting.until), alarm=alarm)


def _next_rung(climb: Climb, rungs: tuple[Verb, ...], terms: Terms, now: float) -> Move:
    higher = replace(climb.pending, step=climb.pending.step + 1, tries=0)
    return _ask(replace(climb, pending=higher, narrow=False), rungs, terms, now)


def _again(climb: Climb, rungs: tuple[Verb, ...], terms: Terms, now: float) -> Move:
    """The same verb after a pause; the next rung when all pauses are used up."""
    tries = max(climb.pending.tries, 1)
    if tries > len(terms.pauses_s):
        return _next_rung(climb, rungs, terms, now)
    resting = replace(climb, state=State.RESTING, until=now + terms.pauses_s[tries - 1])
    return Move(climb=resting, do=Wait(until=resting.until))


def _wait(climb: Climb) -> Move:
    return Move(climb=climb, do=Wait(until=climb.until))


def _saying(climb: Climb, detail: str) -> Climb:
    return replace(climb, pending=replace(climb.pending, detail=detail))


# -- what the NAS answered ------------------------------------------------------------------------


def _acknowledged(climb: Climb, rungs: tuple[Verb, ...], terms: Terms, now: float) -> Move:
    verb = climb.pending.verb
    if verb == Verb.PUSH:
        return Move(climb=climb, do=Converged(how="its NAS took what was pushed", standing=climb.pending.wanted))
    until = now + terms.seen_within_s.get(verb, terms.lost_s)
    return _wait(replace(climb, state=State.ACKNOWLEDGED, until=until))


def _no_such_session(climb: Climb, rungs: tuple[Verb, ...], terms: Terms, now: float) -> Move:
    """Of a session that the NAS never accounted for, it may only be the names that it does not know, so it is asked in
    its other words before it is believed. No port goes down for one that may not be there."""
    others = {verb for verb in rungs[climb.pending.step + 1 :] if verb is not Verb.BOUNCE}
    if terms.accounted or not others:
        return Move(climb=climb, do=NoSuchSession(detail=climb.pending.detail))
    return _next_rung(climb, rungs, terms, now)


def _narrowed(climb: Climb, rungs: tuple[Verb, ...], terms: Terms, now: float) -> Move:
    if climb.narrow:
        return _next_rung(climb, rungs, terms, now)
    return _ask(replace(climb, narrow=True), rungs, terms, now)


def _set_up_wrongly(climb: Climb, rungs: tuple[Verb, ...], terms: Terms, now: float) -> Move:
    """The same words will be refused next time, too, so one alarm is enough."""
    move = _next_rung(replace(climb, alarmed=True), rungs, terms, now)
    if climb.alarmed:
        return move
    return replace(
        move, alarm=_both(f"its NAS does not take `{climb.pending.verb}`: {climb.pending.detail}", move.alarm)
    )


def _refused(climb: Climb, rungs: tuple[Verb, ...], terms: Terms, now: float) -> Move:
    move = _next_rung(climb, rungs, terms, now)
    return replace(move, alarm=_both(f"its NAS refuses `{climb.pending.verb}`: {climb.pending.detail}", move.alarm))


def _both(one: str, other: str) -> str:
    return f"{one}; {other}" if other else one


_Answer: TypeAlias = Callable[[Climb, tuple[Verb, ...], Terms, float], Move]
_MEANINGS: Final[Mapping[Meaning, _Answer]] = {
    Meaning.ACKNOWLEDGED: _acknowledged,
    Meaning.GONE: _no_such_session,
    Meaning.NEXT_VERB: _next_rung,
    Meaning.NARROW: _narrowed,
    Meaning.LATER: _again,
    Meaning.CONFIGURATION: _set_up_wrongly,
    Meaning.ALARM: _refused,
    Meaning.UNANSWERED: _again,
}
