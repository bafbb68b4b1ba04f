"""What a change makes of a session.

Knows: every change there is, and what it means for a session that it is about. Refuses to know: how the session was
found (``tie`` and the database), what is wanted of a NAS and how to get it (``ladder``), clocks and disks.

Theory. Two clocks tell the story: ours (``at``) and the NAS's (``happened_at``). What a NAS says is believed about the
order of its own records and never about the future; against our own times it may be off by ``CLOCKS_APART_S``, so a
Start that seems to come some seconds before its Accept is a Start. What is older than that is old, by hours or by
months: late, or played back. A clock that is wrong for good is known by all that its NAS says (``clocks``), and has
been allowed for before a record comes here; one that was never set (1970, 1993, when the firmware was made) is none.
Times of a session only grow, unless our own clock was set back; a record that is not newer than what is known fills in
what is unknown, and changes nothing else. That makes replays and disorder harmless:

    phase       START, INTERIM        STOP          restart       aged out    accepted anew
    AUTHORIZED  LIVE                  ENDED         ENDED         AGED        AUTHORIZED
    LIVE        LIVE                  ENDED         ENDED         AGED        LIVE
    AGED        LIVE if newer         ENDED         ENDED         AGED        as before it aged
    ENDED       ENDED, or a new one   ENDED         ENDED         ENDED       a new one

An end is final: what comes later belongs to a new session, which needs proof that it began after that end: a Start that
happened later, or a session time that is too short for the old one (RFC 2866 section 5.5: an Acct-Session-Id may come
again after a reboot). An Interim is proof enough against an end that was not a Stop: a NAS that did not find a session
has lied, or was asked in wrong words, when it accounts for it later. A new session has the id 0.

A restart of a NAS is an end that nobody has seen: it can be played back, and who names a whole NAS names sessions that
ought to be under another decision. So what is wanted of a session outlives it: that session is AGED, and is asked about
until there is a login, a Stop, or the NAS says that it has none. All are AGED by a restart that may be a replay.

Where a NAS is, and what it calls itself, is not taken from what another address of its client accounts for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from nacd.session.names import (
    has_same_own_name,
    is_of_another_endpoint,
    is_one_address,
    is_one_count,
    is_same_nas,
    merged,
)
from nacd.sessions import (
    Accounted,
    AccountingKind,
    Authorized,
    CameAgain,
    Entry,
    Gone,
    NasRestarted,
    NotOurs,
    Pending,
    Phase,
    Place,
    Session,
    Settled,
    Standing,
    Wish,
    Wished,
)

_PRESENT: Final = frozenset({Phase.AUTHORIZED, Phase.LIVE})
CLOCKS_APART_S: Final = 300.0
"""How far the clock of a NAS may be from ours, seconds; as much as RFC 5176 section 6.3 is usually set to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSession:
    """There is no such session."""


NO_SESSION: Final = NoSession()


@dataclass(frozen=True, slots=True)
class Ignored:
    """The change means nothing for the session. why: in words."""

    why: str


Found: TypeAlias = Session | NoSession


def apply(session: Found, change: Entry) -> Session | Ignored:
    """The session as the change leaves it, or why it changes nothing. Total, raises nothing.

    With the id of the given one it takes its place; with the id 0 it is a new one, whether or not one was given.
    """
    known = session if isinstance(session, Session) else None
    if isinstance(change, Accounted):
        return _begun(change) if known is None else _accounted(known, change)
    if isinstance(change, Authorized):
        return _authorized(known, change)
    if isinstance(change, CameAgain):
        return _came_again(known, change)
    if known is None:
        return Ignored("there is no such session")
    if isinstance(change, NasRestarted):
        return _restarted(known, change)
    if change.id != known.id:
        return Ignored("it is about another session")
    return _wished(known, change) if isinstance(change, Wished) else _gone(known, change)


def is_same_decision(one: Standing | NotOurs, other: Standing | NotOurs) -> bool:
    """Whether both give the same access: an effect and a profile. Rules and verdicts behind it may differ."""
    if isinstance(one, NotOurs) or isinstance(other, NotOurs):
        return False
    return (one.effect, one.profile) == (other.effect, other.profile)


# -- accounting ---------------------------------------------------------------------------------


def _accounted(session: Session, record: Accounted) -> Session | Ignored:
    happened = min(record.happened_at, record.at)
    if session.phase is Phase.ENDED:
        return _after_the_end(session, record, happened)
    known, session = session, _as_of(session, record.at)
    if session.phase is not Phase.AUTHORIZED and not is_one_count(session, record):
        if not _is_taken_over(known, record):
            return _begun(record, session)  # one Accept, two accounting sessions: it roamed
        session = _not_begun(session, record.at)
    if is_of_another_endpoint(session, record):
        # The NAS has used the number again: this is a new session, and what ended the old one was lost, or an old one.
        return _begun(record) if happened > session.seen_at else Ignored("it is older than what is known")
    if happened < _known_until(session, record):
        return Ignored("it is older than what is known")
    if record.kind is AccountingKind.STOP:
        return _stopped(session, record, happened)
    newer = happened > session.seen_at
    if session.phase is Phase.AGED and not newer:
        return Ignored("it is older than what is known")
    learnt = replace(
        session,
        place=_place(session, record, newer=newer or session.phase is Phase.AUTHORIZED),
        names=merged(session.names, record.names, newer=newer or session.phase is Phase.AUTHORIZED),
        phase=Phase.LIVE,
        started_at=session.started_at or _started_at(session, record, happened),
        seen_at=max(session.seen_at, happened),
        cause="",
    )
    return learnt if learnt != known else Ignored("it says nothing new")


def _as_of(session: Session, at: float) -> Session:
    """What lies in the future was written before our clock was set back: all that is known of it is that it is over."""
    if max(session.authorized_at, session.started_at, session.seen_at) <= at + CLOCKS_APART_S:
        return session
    by = at - CLOCKS_APART_S
    return replace(
        session,
        authorized_at=min(session.authorized_at, by),
        started_at=min(session.started_at, by),
        seen_at=min(session.seen_at, by),
    )


def _place(session: Session, record: Accounted, *, newer: bool) -> Place:
    """Where it is now. Of another address of its client (the other half of a pair, or somebody who lies) only what the
    endpoint has is believed: who is asked to change it is who let it in."""
    known, said = session.place, record.place
    if known.nas == said.nas and known.source != said.source:
        said = replace(known, framed_address=said.framed_address)
    return merged(known, said, newer=newer)


def _known_until(session: Session, record: Accounted) -> float:
    """Records from before this belong to an earlier session of the same name, or were played back.

    What names this very session was made after its Accept, however wrong the clock of its NAS is.
    """
    if has_same_own_name(session, record):
        return 0.0
    by_us = session.seen_at - CLOCKS_APART_S
    # Both are the NAS's own times; a second for fractions that one of them has and the other has not.
    by_the_nas = session.started_at - 1.0 if record.kind is AccountingKind.STOP else 0.0
    return max(by_us, by_the_nas)


def _stopped(session: Session, record: Accounted, happened: float) -> Session:
    return replace(
        session,
        place=_place(session, record, newer=happened > session.seen_at),
        names=merged(session.names, record.names, newer=session.phase is Phase.AUTHORIZED),
        phase=Phase.ENDED,
        started_at=session.started_at or _started_at(session, record, happened),
        seen_at=max(session.seen_at, happened),
        ended_at=min(max(happened, session.started_at, session.authorized_at), record.at),
        cause=record.cause or "its NAS said Stop",
        wish=Settled(),
    )


def _after_the_end(session: Session, record: Accounted, happened: float) -> Session | Ignored:
    """Only what its NAS said itself is final: if that accounts on for what we took to be over, it lives."""
    if session.ended_at > record.at + CLOCKS_APART_S:  # our clock was set back since
        at = record.at - CLOCKS_APART_S
        session = replace(session, ended_at=at, seen_at=at - (session.ended_at - session.seen_at))
    if happened <= session.ended_at and is_one_address(session.place, record.place):
        return Ignored("the session is over")
    if not is_one_count(session, record) or is_of_another_endpoint(session, record):
        return _begun(record, session)
    if happened <= session.ended_at:
        return Ignored("the session is over")
    if record.kind is AccountingKind.START:
        return _begun(record, session)
    if record.session_time_s and happened - record.session_time_s > session.ended_at:
        return _begun(record, session)
    if record.kind is AccountingKind.INTERIM and session.seen_at < session.ended_at:
        return _begun(record, session, it_lives=True)
    return Ignored("the session is over")


def _begun(record: Accounted, before: Session | None = None, *, it_lives: bool = False) -> Session:
    """A session that is first heard of by accounting. One that bears the name of another lives under the decision of
    that Accept, and what was wanted of the NAS there is wanted here: moving on talks no device back in."""
    happened = min(record.happened_at, record.at)
    stopped = record.kind is AccountingKind.STOP
    new = Session(
        id=0,
        place=record.place,
        names=record.names,
        phase=Phase.ENDED if stopped else Phase.LIVE,
        authorized_at=0.0,
        standing=NotOurs(),
        grounds=NotOurs(),
        started_at=max(0.0, happened - record.session_time_s),
        seen_at=happened,
        ended_at=happened if stopped else 0.0,
        cause=(record.cause or "its NAS said Stop") if stopped else "",
    )
    if before is None or not (it_lives or has_same_own_name(before, record)):
        return new
    wish: Wish = Settled()
    if isinstance(before.wish, Pending) and not stopped:
        wish = Pending(wanted=before.wish.wanted, since=before.wish.since)
    return replace(
        new,
        standing=before.standing,
        grounds=before.grounds,
        authorized_at=min(before.authorized_at, record.at),
        ends_at=before.ends_at,
        voice=before.voice,
        wish=wish,
    )


def _is_taken_over(session: Session, record: Accounted) -> bool:
    """Whether the number belongs to the newest Accept, and the known one to an earlier, whose end was lost: nothing was
    accounted for since that Accept, on the same NAS. Both times are of one clock, also when it was set back since.

    Several Accepts may have told one token, and times are in whole seconds, so the number has to be the younger one."""
    now = record.at + CLOCKS_APART_S
    began = min(record.happened_at, record.at) - record.session_time_s
    known_began = _as_of(session, record.at).started_at
    is_start = record.kind is AccountingKind.START
    return (
        isinstance(session.standing, Standing)
        and (began >= known_began if is_start else bool(record.session_time_s) and began > known_began)
        and session.seen_at <= session.login_at
        and (session.login_at <= now or session.seen_at > now)
        and is_one_address(session.place, record.place)
        and has_same_own_name(session, record)
    )


def _not_begun(session: Session, now: float) -> Session:
    """As the last Accept left it, without what was accounted for before that."""
    at = session.login_at if session.login_at <= now + CLOCKS_APART_S else session.authorized_at
    names = replace(session.names, acct_session_id="", acct_multi_session_id="")
    return replace(session, names=names, phase=Phase.AUTHORIZED, authorized_at=at, started_at=0.0)


def _started_at(session: Session, record: Accounted, happened: float) -> float:
    """By the NAS's count where the Start is missing; not long before the Accept, whatever it counts."""
    return max(0.0, session.authorized_at - CLOCKS_APART_S, happened - record.session_time_s)


# -- the others ---------------------------------------------------------------------------------


def _came_again(session: Session | None, change: CameAgain) -> Session | Ignored:
    """Only times, where nothing has become of it since; else it is a login like any other."""
    login = change.login
    if (
        session is None
        or session.phase not in _PRESENT
        or isinstance(session.wish, Pending)
        or not is_same_decision(session.standing, login.standing)
        or session.names.token != login.names.token
    ):
        return _authorized(session, login)
    return replace(
        session,
        seen_at=max(session.seen_at, login.at),
        again_at=max(session.again_at, login.at),
        ends_at=login.ends_at,
    )


def _authorized(session: Session | None, change: Authorized) -> Session | Ignored:
    if session is None or session.phase is Phase.ENDED:
        return Session(
            id=0,
            place=change.place,
            names=change.names,
            phase=Phase.AUTHORIZED,
            authorized_at=change.at,
            standing=change.standing,
            grounds=change.grounds,
            seen_at=change.at,
            ends_at=change.ends_at,
            voice=change.voice,
        )
    known, session = session, _as_of(session, change.at)
    phase, cause, wish = session.phase, session.cause, session.wish
    if phase is Phase.AGED:
        phase, cause = (Phase.LIVE if session.started_at else Phase.AUTHORIZED), ""
    if isinstance(wish, Pending) and is_same_decision(wish.wanted, change.standing):
        wish = Settled()
    again = replace(
        session,
        place=merged(session.place, change.place, newer=True),
        names=merged(session.names, change.names, newer=True),
        phase=phase,
        authorized_at=session.authorized_at or change.at,
        standing=change.standing,
        grounds=change.grounds,
        seen_at=max(session.seen_at, change.at),
        ends_at=change.ends_at,
        voice=change.voice,
        cause=cause,
        wish=wish,
    )
    return again if again != known else Ignored("it says nothing new")


def _restarted(session: Session, change: NasRestarted) -> Session | Ignored:
    there = Place(
        nas=change.nas, source=change.source, nas_identifier=change.nas_identifier, nas_address=change.nas_address
    )
    if not is_same_nas(session.place, there):
        return Ignored("it is on another NAS")
    if session.phase is Phase.ENDED:
        return Ignored("the session is over")
    # An Event-Timestamp has no fractions (RFC 2869 section 5.3), and nobody logs in within the second of a boot.
    happened = min(change.happened_at + 1.0, change.at)
    session = _as_of(session, change.at)
    if max(session.authorized_at, session.started_at) >= happened or session.seen_at > happened:
        return Ignored("it began, or was heard of, after that")
    cause = f"{change.cause}, or that was played back" if change.doubtful else change.cause
    if not change.doubtful and isinstance(session.wish, Settled):
        return _ended(session, happened, cause)
    if session.phase is Phase.AGED:
        return Ignored("it says nothing new")
    # A boot is no sign of a session, and must not speak against a NAS that has none.
    return replace(session, phase=Phase.AGED, cause=cause)


def _wished(session: Session, change: Wished) -> Session | Ignored:
    if session.phase is Phase.ENDED:
        return Ignored("the session is over")
    # A push that is acknowledged after a newer login may be what the NAS has now: the next look decides about it again.
    standing, login_at = session.standing, session.login_at
    if isinstance(change.standing, Standing):
        standing, login_at = change.standing, change.standing.at
    wish = change.wish
    if isinstance(wish, Pending):
        if isinstance(session.wish, Pending) and wish.since < session.wish.since:
            return Ignored("a newer decision is wanted")
        if login_at >= wish.since and is_same_decision(wish.wanted, standing):
            wish = Settled()  # it was seen under it while this was on its way
    wanted = replace(session, wish=wish, standing=standing)
    return wanted if wanted != session else Ignored("it says nothing new")


def _gone(session: Session, change: Gone) -> Session | Ignored:
    if session.phase is Phase.ENDED:
        return Ignored("the session is over")
    session = _as_of(session, change.at)
    if session.seen_at > change.at:
        return Ignored("it was heard of after that")
    if change.phase is Phase.ENDED:
        return _ended(session, change.at, change.cause)
    if change.phase is not Phase.AGED or session.phase is Phase.AGED:
        return Ignored("it says nothing new")
    return replace(session, phase=Phase.AGED, cause=change.cause)


def _ended(session: Session, at: float, cause: str) -> Session:
    ended_at = max(at, session.authorized_at, session.started_at)
    return replace(session, phase=Phase.ENDED, ended_at=ended_at, cause=cause, wish=Settled())
