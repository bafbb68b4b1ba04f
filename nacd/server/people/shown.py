"""Sessions, overrides and whatever else is told to people, as JSON can say it.

Knows: which facts of a session make a row, and that nothing is ``null``. Refuses to know: terminals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum, IntEnum
from typing import Any

from nacd.identity.mac import parse
from nacd.session.overrides import Override
from nacd.sessions import Grounds, Pending, Session, Standing
from nacd.store.live.filters import Filter
from nacd.store.live.rows import device
from nacd.values import MacAddress


def plain(value: object) -> Any:
    """The same in what JSON has; what says that nothing is there (``NotOurs``, ``Settled`` ...) is ``null``."""
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        named = fields(value)
        return {each.name: plain(getattr(value, each.name)) for each in named} if named else None
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(each) for each in value)
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value if isinstance(value, str | int | float) or value is None else str(value)


def row(session: Session) -> dict[str, Any]:
    """One session in a list. Times are seconds since the epoch, 0.0 = not yet."""
    place, standing = session.place, session.standing
    decided = standing if isinstance(standing, Standing) else None
    grounds = session.grounds if isinstance(session.grounds, Grounds) else None
    return {
        "id": session.id,
        "phase": session.phase.value,
        "nas": place.nas,
        "port": place.port_id or place.port,
        "calling_station_id": place.calling_station_id,
        "mac": mac(session),
        "address": place.framed_address,
        "user": user(session),
        "access": grounds.access.value if grounds else "",
        "tenant": grounds.tenant if grounds else "",
        "device": device(session),
        "ours": decided is not None,
        "profile": decided.profile if decided else "",
        "rule": decided.rule if decided else "",
        "compliance": decided.compliance.state.value if decided else "",
        "authorized_at": session.authorized_at,
        "started_at": session.started_at,
        "seen_at": session.seen_at,
        "ended_at": session.ended_at,
        "ends_at": session.ends_at,
        "cause": session.cause,
        "pending": pending(session.wish) if isinstance(session.wish, Pending) else None,
    }


def pending(wish: Pending) -> dict[str, Any]:
    """What is wanted of the NAS."""
    return {
        "effect": wish.wanted.effect.value,
        "profile": wish.wanted.profile,
        "rule": wish.wanted.rule,
        "compliance": wish.wanted.compliance.state.value,
        "since": wish.since,
        "verb": str(wish.verb),
        "step": wish.step,
        "tries": wish.tries,
        "asked_at": wish.asked_at,
        "held": wish.held,
        "detail": wish.detail,
    }


def override(order: Override, now: float) -> dict[str, Any]:
    """One override. now: seconds since the epoch."""
    return {**plain(order), "in_force": order.is_in_force(now)}


def user(session: Session) -> str:
    """Of the certificate, else what the endpoint called itself."""
    return (session.grounds.user if isinstance(session.grounds, Grounds) else "") or session.names.user_name


def mac(session: Session) -> str:
    """Its MAC in the one spelling, ``""`` if it is not known."""
    known = session.grounds.mac if isinstance(session.grounds, Grounds) else ""
    if known:
        return known
    found = parse(session.place.calling_station_id)
    return found.text if isinstance(found, MacAddress) else ""


def fits(session: Session, wanted: Filter) -> bool:
    """Whether the database would find it by this filter (``open`` and ``quiet_since`` are not looked at)."""
    grounds = session.grounds if isinstance(session.grounds, Grounds) else None
    profile = session.standing.profile if isinstance(session.standing, Standing) else ""
    asked = (
        (wanted.device, device(session)),
        (wanted.tenant, grounds.tenant if grounds else ""),
        (wanted.mac, mac(session)),
        (wanted.user, user(session)),
        (wanted.nas, session.place.nas),
        (wanted.phase, session.phase),
        (wanted.profile, profile),
    )
    return all(not word or word == there for word, there in asked) and (
        not wanted.pending or isinstance(session.wish, Pending)
    )
