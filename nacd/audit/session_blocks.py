"""The objects inside the record of a session: what it is called, where it is, the decisions about it.

Knows: how a session and a decision are laid out for a record, and how both are named in a sentence. Refuses to know:
which record holds them (``session_events``).
"""

from __future__ import annotations

from typing import Final, Protocol

from nacd.audit import blocks
from nacd.audit.blocks import Block, timestamp
from nacd.sessions import Grounds, NotOurs, Pending, Place, Session, Standing
from nacd.values import NOT_ASKED, Compliance, ComplianceState, Device, Effect, Endpoint, Instant, Unidentified

_STRANGER: Final = Unidentified(reason="nacd did not let it in, or has lost what it was let in for")
_NO_STANDING: Final = Standing(
    effect=Effect.DENY, rule="", profile="", policy_digest="", compliance=NOT_ASKED, at=0.0, session_timeout_s=0
)
_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400


class Ordered(Protocol):
    """An override as the room of sessions keeps it; times are seconds since the epoch, 0.0 for none."""

    @property
    def id(self) -> int: ...
    @property
    def subject_kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def effect(self) -> str: ...
    @property
    def profile(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def by(self) -> str: ...
    @property
    def at(self) -> float: ...
    @property
    def until(self) -> float: ...
    @property
    def lifted_by(self) -> str: ...


# -- objects ------------------------------------------------------------------------------------


def session(about: Session, now: Instant) -> Block:
    """All that every record about a session says of it: number, place, names, identity, the decision it lives under."""
    place, names = about.place, about.names
    ours = about.grounds if isinstance(about.grounds, Grounds) else None
    return {
        "nacd_session": about.id,
        "access": ours.access if ours else "",
        "nas": {
            "name": place.nas,
            "vendor": ours.nas.vendor if ours else "",
            "source": place.source,
            "identifier": place.nas_identifier,
            "address": place.nas_address,
            "port": place.port,
            "port_id": place.port_id,
            "port_type": place.port_type,
        },
        "endpoint": {
            "user_name": names.user_name,
            "user": ours.user if ours else "",
            "mac": ours.mac if ours else "",
            "calling_station_id": place.calling_station_id,
            "called_station_id": place.called_station_id,
            "ssid": ours.ssid if ours else "",
            "framed_address": place.framed_address,
        },
        "session": {
            "acct_session_id": names.acct_session_id,
            "acct_multi_session_id": names.acct_multi_session_id,
            "audit_session_id": names.audit_session_id,
            "class_token": names.token,
            "user_name_octets": names.user_name_octets,
            "phase": about.phase,
            "authorized_at": moment(about.authorized_at),
            "started_at": moment(about.started_at),
            "seen_at": moment(about.seen_at),
            "voice": about.voice,
        },
        "identity": blocks.identified(ours.identity, ours.tenant) if ours else blocks.identified(_STRANGER, ""),
        "chargeable_user_identity": names.chargeable_user_identity,
        "standing": standing(about.standing, now),
    }


def standing(made: Standing | NotOurs, now: Instant) -> Block:
    """A decision with the verdict that it rests on; every field is empty for ``NotOurs``."""
    ours = _NO_STANDING if isinstance(made, NotOurs) else made
    verdict = blocks.compliance(ours.compliance, now)
    verdict.pop("device", None)  # the record of the login has it, and this is the audit log's commonest object
    return {
        "effect": "" if ours is _NO_STANDING else ours.effect,
        "rule": ours.rule,
        "profile": ours.profile,
        "policy_digest": ours.policy_digest,
        "at": moment(ours.at),
        "session_timeout_s": ours.session_timeout_s,
        "compliance": verdict,
    }


def override(order: Ordered) -> Block:
    """An order about a device or a MAC, without who gave it."""
    return {
        "id": order.id,
        "subject_kind": order.subject_kind,
        "subject": order.subject,
        "tenant": order.tenant,
        "effect": order.effect,
        "profile": order.profile,
        "reason": order.reason,
        "at": moment(order.at),
        "until": moment(order.until),
    }


def moment(at: float) -> str:
    """Seconds since the epoch as text, ``""`` for 0.0."""
    return timestamp(at) if at else ""


# -- words --------------------------------------------------------------------------------------


def wanted(about: Session) -> Standing | NotOurs:
    """The decision that is wanted for it, as the session itself tells; ``NotOurs`` when nothing is."""
    return about.wish.wanted if isinstance(about.wish, Pending) else NotOurs()


def whom(about: Session) -> str:
    """Who and where, for the beginning of a sentence: device, port, NAS."""
    return f"{_who(about)} {_where(about.place)}"


def access(made: Standing | NotOurs) -> str:
    """What a decision gives: ``profile `corporate` ``, ``no access``."""
    if isinstance(made, NotOurs):
        return "an access that nacd did not give"
    return f"profile `{made.profile}`" if made.effect is Effect.ALLOW else "no access"


def verdict(known: Compliance, now: Instant) -> str:
    """State, source and age of a verdict, with what stands behind it."""
    if known.state is ComplianceState.NOT_ASKED:
        return "compliance was not asked"
    behind = f": {known.detail}" if known.detail else ""
    age = lasting(max(0.0, now.wall - known.as_of))
    return f"compliance `{known.state}` ({known.source}, {age} old{behind})"


def lasting(seconds: float) -> str:
    """A time as people say it: three digits below two minutes, then whole minutes, hours, days."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.3f} s" if seconds < 1 else f"{seconds:.1f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.0f} d"


def _who(about: Session) -> str:
    identity = about.grounds.identity if isinstance(about.grounds, Grounds) else _STRANGER
    if isinstance(identity, Device):
        return f"device {identity.id}"
    if isinstance(identity, Endpoint):
        return f"endpoint {identity.mac.text}"
    return f"endpoint {about.place.calling_station_id or about.names.user_name or 'without a name'}"


def _where(place: Place) -> str:
    nas = f"NAS `{place.nas}` ({place.source})"
    port = place.port_id or place.port
    if place.port_type.startswith("Wireless"):
        # The port's number is new with each connection; the radio is what people can find.
        return f"at `{place.called_station_id}` of {nas}" if place.called_station_id else f"at {nas}"
    if place.port_type == "Virtual" or not port:
        return f"at {nas}"
    return f"on port `{port}` of {nas}"
