"""Which session an accounting record, or an Accept, is about.

Knows: the names that tie, and how far each can be trusted. Refuses to know: where the candidates came from, and what
becomes of the session (``table``).

Theory. A wrong tie does more harm than none. Untied, a session is only counted twice: one row that was accepted and
never heard of, which ages, and one of another server's. Tied wrongly, one device answers for another: the wrong one is
disconnected, and the end of one counts as proof that the other is gone. So every name is worth what its maker cannot
get wrong:

0. A number is used once at a time, so a record from a time when a session of its NAS was known by that number is
   about that session, whatever token it had then: it came late, or again.
1. Our token in Class is drawn at random for one Accept and comes from nowhere else, so it ties across NASes, which is
   how roaming, a proxy and the other half of a pair of controllers look.
2. An audit-session-id is made by one NAS for one session, of numbers that can be guessed, and stands in every syslog:
   it ties on that NAS alone, as an address and by its names for itself, and not on any other switch of the same client.
3. An Acct-Session-Id is unique between two reboots of one NAS (RFC 2866 section 5.5), so it ties on the same NAS
   alone, to a session that is not over, or to the newest that is: a late or repeated record of that one, or a new
   session under an old number, which ``table`` tells apart by time.
4. Without a name there are only MAC and port, and a moment: the Accept has to be young, and nothing may speak against
   it.

A name that contradicts rules a candidate out, whatever else fits. Where several are left the newest is taken: the
older ones are earlier logins of the same endpoint at the same place, whose end was lost; a record that says how long
its session has lasted rules out those that are younger than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from nacd.session.names import agree, has_same_token, is_nameless, is_same_nas, may_be_one_endpoint
from nacd.session.table import CLOCKS_APART_S, NO_SESSION, Found
from nacd.sessions import Accounted, AccountingKind, Authorized, Grounds, Phase, Place, Session
from nacd.values import AccessKind

YOUNG_S: Final = 600.0
"""A nameless record is about an Accept that is at most this old, seconds."""


def tie(accounted: Accounted, candidates: Sequence[Session]) -> Found:
    """The session that the record is about, of any candidates in any order; the best name decides, see above."""
    for ties in (_by_number_and_time, _by_token, _by_audit_session_id, _by_acct_session_id, _by_place):
        found = [each for each in candidates if ties(accounted, each)]
        if found:
            return _best(accounted, found)
    return NO_SESSION


def again(authorized: Authorized, candidates: Sequence[Session]) -> Found:
    """The session that this Accept is a re-authentication of, of any candidates in any order.

    By the NAS's own names for it; where the Access-Request had none, by MAC and port: one port has one session of one
    MAC, so an older one there is this one, or it is over and nothing was heard of its end; our token will tell. Without
    one, only what has no name at all is taken for the same: whatever is accounted for later is as good for either.
    Never so for a VPN, where many share an address. Only sessions that are not over.
    """
    present = [
        each
        for each in candidates
        if each.phase is not Phase.ENDED
        and is_same_nas(each.place, authorized.place)
        and may_be_one_endpoint(each.place, authorized.place)
    ]
    names = authorized.names
    for one in ("audit_session_id", "acct_session_id"):
        name = getattr(names, one)
        found = [each for each in present if name and getattr(each.names, one) == name and _agree(authorized, each)]
        if found:
            return max(found, key=partial(_age, authorized.at))
    if authorized.grounds.access is AccessKind.VPN:
        return NO_SESSION
    found = [
        each
        for each in present
        if isinstance(each.grounds, Grounds)
        and each.grounds.access is not AccessKind.VPN
        and (bool(names.token) or is_nameless(each))
        and _is_same_port(each.place, authorized.place)
        and _agree(authorized, each)
    ]
    return max(found, key=partial(_age, authorized.at)) if found else NO_SESSION


# -- the names, best first ----------------------------------------------------------------------


def _by_number_and_time(record: Accounted, session: Session) -> bool:
    happened, until = min(record.happened_at, record.at), max(session.seen_at, session.ended_at)
    return (
        bool(session.started_at)
        and session.started_at <= happened <= until <= record.at + CLOCKS_APART_S
        and _by_acct_session_id(record, session)
    )


def _by_token(record: Accounted, session: Session) -> bool:
    return has_same_token(session, record)


def _by_audit_session_id(record: Accounted, session: Session) -> bool:
    name = record.names.audit_session_id
    return bool(name) and session.names.audit_session_id == name and is_same_nas(session.place, record.place)


def _by_acct_session_id(record: Accounted, session: Session) -> bool:
    name = record.names.acct_session_id
    return (
        bool(name)
        and session.names.acct_session_id == name
        and is_same_nas(session.place, record.place)
        and may_be_one_endpoint(session.place, record.place)
        and agree(session.names.audit_session_id, record.names.audit_session_id)
        and agree(session.names.acct_multi_session_id, record.names.acct_multi_session_id)
        # Another token is no contradiction: it may be that of an earlier Accept of this session.
    )


def _by_place(record: Accounted, session: Session) -> bool:
    calling = record.place.calling_station_id
    if not calling or session.place.calling_station_id != calling or session.phase is not Phase.AUTHORIZED:
        return False
    happened = min(record.happened_at, record.at)
    began = happened if record.kind is AccountingKind.START else happened - record.session_time_s
    return (
        is_same_nas(session.place, record.place)
        and agree(session.place.port, record.place.port)
        and agree(session.place.port_id, record.place.port_id)
        and _agree(record, session)
        # The first record of a session, not some later one: of that one the name would be known.
        and session.authorized_at - CLOCKS_APART_S <= began <= session.authorized_at + YOUNG_S
        and record.at <= session.authorized_at + YOUNG_S
    )


def _agree(change: Accounted | Authorized, session: Session) -> bool:
    """Whether no name says that it is another session. The token of an Accept does not: each has its own."""
    one, other = change.names, session.names
    return (
        agree(one.audit_session_id, other.audit_session_id)
        and agree(one.acct_session_id, other.acct_session_id)
        and agree(one.acct_multi_session_id, other.acct_multi_session_id)
        and (isinstance(change, Authorized) or agree(one.token, other.token))
    )


def _is_same_port(one: Place, other: Place) -> bool:
    """Whether both name one port, and one endpoint on it."""
    named = (one.port_id and one.port_id == other.port_id) or (one.port and one.port == other.port)
    return (
        bool(named and one.calling_station_id)
        and one.calling_station_id == other.calling_station_id
        and agree(one.port_id, other.port_id)
        and agree(one.port, other.port)
    )


# -- the best of several ------------------------------------------------------------------------


def _best(record: Accounted, found: Sequence[Session]) -> Session:
    """Of one Accept there may be several accounting sessions: the newest of this number on this NAS, else one that is
    not over, else the newest."""
    number = record.names.acct_session_id
    numbered = [each for each in found if each.names.acct_session_id == number and each.place.nas == record.place.nas]
    present = [each for each in found if each.phase is not Phase.ENDED]
    return max(numbered or present or found, key=partial(_age, record.at))


def _age(at: float, session: Session) -> tuple[float, int]:
    """Greater for a younger one. What began in the future did so before our clock was set back."""
    began = max(session.authorized_at, session.started_at)
    return (began if began <= at + CLOCKS_APART_S else 0.0, session.id)
