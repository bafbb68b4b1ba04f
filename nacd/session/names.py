"""What the names and places of two words say of each other.

Knows: which names contradict, and which mean the same. Refuses to know: what follows from it (``tie``, ``table``).
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Final, TypeVar

from nacd.sessions import Accounted, Names, Place, Session

_SPELLING: Final = str.maketrans("", "", "-:.")
_MAC: Final = re.compile(r"[0-9A-F]{12}")
_Spoken = TypeVar("_Spoken", Place, Names)
_WORDS: Final = {kind: tuple(each.name for each in fields(kind)) for kind in (Place, Names)}


def agree(one: str, other: str) -> bool:
    """Whether nothing speaks against it: who says nothing contradicts nobody."""
    return not one or not other or one == other


def is_nameless(session: Session) -> bool:
    """Whether nobody has called it anything, so that nothing that is said later can be about it and not about another
    login at its port."""
    names = session.names
    return not (session.started_at or names.acct_session_id or names.audit_session_id or names.token)


def has_same_own_name(session: Session, record: Accounted) -> bool:
    """Whether the record names this very session: by our token, or by its NAS's audit-session-id."""
    one, other = session.names, record.names
    return has_same_token(session, record) or bool(
        other.audit_session_id
        and one.audit_session_id == other.audit_session_id
        and is_same_nas(session.place, record.place)
    )


def has_same_token(session: Session, record: Accounted) -> bool:
    """Whether it bears the token of this session's last Accept: 128 random bits, whoever sends it."""
    return bool(record.names.token) and session.names.token == record.names.token


def may_be_one_endpoint(place: Place, other: Place) -> bool:
    """False when two MACs are named. An address may change in one session (RFC 4555), and spellings differ."""
    one, two = place.calling_station_id, other.calling_station_id
    if one == two:
        return True
    one, two = one.translate(_SPELLING).upper(), two.translate(_SPELLING).upper()
    return one == two or not (_MAC.fullmatch(one) and _MAC.fullmatch(two))


def is_of_another_endpoint(session: Session, record: Accounted) -> bool:
    """Whether the record names another MAC, and nothing that would show that it is about this session all the same."""
    return not (has_same_own_name(session, record) or may_be_one_endpoint(session.place, record.place))


def merged(known: _Spoken, said: _Spoken, *, newer: bool) -> _Spoken:
    """The newer word counts; an older one only fills in what is unknown."""
    first, second = (said, known) if newer else (known, said)
    if said == known:
        return known
    words = {name: getattr(first, name) or getattr(second, name) for name in _WORDS[type(known)]}
    merged = type(known)(**words)
    return known if merged == known else merged


def is_one_count(session: Session, record: Accounted) -> bool:
    """Whether both are one accounting session: its number means something on one NAS alone. A pair of controllers has
    two addresses, and what one of them let in the other may account for: same client, same token, same number."""
    here, there = session.place, record.place
    number = record.names.acct_session_id
    return agree(session.names.acct_session_id, number) and (
        is_one_address(here, there)
        or bool(here.nas == there.nas and number and has_same_token(session, record))
        or bool(here.nas_identifier and here.nas_identifier == there.nas_identifier)
        or bool(here.nas_address and here.nas_address == there.nas_address)
    )


def is_same_nas(one: Place, other: Place) -> bool:
    """Client of the configuration, address, and the NAS's names for itself: the client may be a whole network, and
    behind one address there may be a proxy."""
    return (
        is_one_address(one, other)
        and agree(one.nas_identifier, other.nas_identifier)
        and agree(one.nas_address, other.nas_address)
    )


def is_one_address(here: Place, there: Place) -> bool:
    """Whether both speak from one address, as one client of the configuration."""
    return (here.nas, here.source) == (there.nas, there.source)
