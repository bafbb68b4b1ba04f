"""The vocabulary of sessions: what is said between rooms about whatever goes on after an Accept.

Knows: the words and what makes each value valid, as ``values`` does for requests. Refuses to know: octets, disks,
clocks, and what a vendor's NAS understands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from nacd.quick import quick
from nacd.values import NO_LINK, AccessKind, Certificate, Compliance, Effect, Identity, Link, Nas, NoCertificate


class Phase(StrEnum):
    """Where a session stands.

    ``authorized``: accepted, nothing heard of it yet. ``live``: its NAS has accounted for it. ``ended``: its end was
    seen (Stop, Accounting-On/Off, a NAS that says it has no such session). ``aged``: nothing was heard for so long that
    it is not counted any more, which is no end: it may still be there.
    """

    AUTHORIZED = "authorized"
    LIVE = "live"
    ENDED = "ended"
    AGED = "aged"


class Verb(StrEnum):
    """What is asked of a NAS about a session."""

    REAUTHENTICATE = "reauthenticate"
    PUSH = "push"
    """A CoA-Request that carries the new authorization itself."""
    DISCONNECT = "disconnect"
    BOUNCE = "bounce"
    """The port goes down for a moment: everybody on it loses the link."""


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a session is, in the words of its NAS; ``""`` for what it does not say.

    nas: name of the client in the configuration. source: address its requests come from.
    """

    nas: str
    source: str
    nas_identifier: str = ""
    nas_address: str = ""
    port: str = ""
    port_id: str = ""
    port_type: str = ""
    called_station_id: str = ""
    calling_station_id: str = ""
    framed_address: str = ""


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a session is called: by the NAS, and by our own token in Class (32 hex digits, ``""`` if there is none)."""

    acct_session_id: str = ""
    acct_multi_session_id: str = ""
    audit_session_id: str = ""
    token: str = ""
    user_name: str = ""
    chargeable_user_identity: str = ""
    user_name_octets: str = ""
    """As in ``AccessRequest``."""


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Everything a decision was made of but the compliance: with a new one the same decision can be made again.

    key: of the device's verdict (``Question.key``), ``""`` if nobody was asked. mac, user, ssid, link, inventory: as in
    ``Facts``.
    """

    access: AccessKind
    nas: Nas
    identity: Identity
    certificate: Certificate = field(default_factory=NoCertificate)
    tenant: str = ""
    key: str = ""
    mac: str = ""
    user: str = ""
    ssid: str = ""
    link: Link = NO_LINK
    inventory: tuple[str, ...] = ()


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The decision a session lives under. profile ``""``: it would be refused. at: seconds since the epoch."""

    effect: Effect
    rule: str
    profile: str
    policy_digest: str
    compliance: Compliance
    at: float
    session_timeout_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NotOurs:
    """The session was accounted for and never authorized by us: by another server, or its row was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Nothing is wanted of the NAS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The session ought to be under another decision, and has not been seen under it.

    wanted: that decision. since: seconds since the epoch when it was made. verb: asked last, ``""`` before the first.
    step: rung of the NAS's ladder, from 0. tries: of this rung. asked_at: seconds since the epoch, 0.0 = not yet.
    held: why nothing is asked (guard, window, voice ...), ``""`` if nothing holds it. detail: what the NAS said last.
    """

    wanted: Standing
    since: float
    verb: Verb | str = ""
    step: int = 0
    tries: int = 0
    asked_at: float = 0.0
    held: str = ""
    detail: str = ""


Wish: TypeAlias = Settled | Pending


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One Accept and what became of it. Times are seconds since the epoch, 0.0 = not yet.

    id: number in the database, 0 before it is there. seen_at: when anything was last heard of it. ends_at: when its
    Session-Timeout or its certificate ends it, 0.0 = never. cause: why it ended, in words. again_at: when it logged in
    last and was decided upon as before.
    """

    id: int
    place: Place
    names: Names
    phase: Phase
    authorized_at: float
    standing: Standing | NotOurs
    grounds: Grounds | NotOurs
    started_at: float = 0.0
    seen_at: float = 0.0
    ended_at: float = 0.0
    ends_at: float = 0.0
    cause: str = ""
    wish: Wish = field(default_factory=Settled)
    voice: bool = False
    """It was answered with the voice class: a phone call may be on it."""
    again_at: float = 0.0

    @property
    def login_at(self) -> float:
        """When it logged in last, as far as it was ours: seconds since the epoch, else 0.0."""
        return max(self.standing.at, self.again_at) if isinstance(self.standing, Standing) else 0.0


# -- what became of a request to a NAS --------------------------------------------------------


class Meaning(StrEnum):
    """What an answer to a CoA-Request or Disconnect-Request asks of us (RFC 5176 section 3.5)."""

    ACKNOWLEDGED = "acknowledged"
    GONE = "gone"
    """The NAS has no such session."""
    NEXT_VERB = "next_verb"
    """It cannot do this, whatever the words."""
    NARROW = "narrow"
    """Several sessions fit: name one more exactly."""
    LATER = "later"
    """It has no resources now, or is at it."""
    CONFIGURATION = "configuration"
    """It does not understand an attribute: our vendor data or a profile is wrong for it."""
    ALARM = "alarm"
    """It is not allowed, or somebody in between refuses: a person has to look."""
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one request ended. error_cause: its number, 0 if none came. detail: in words, with the Error-Cause's name."""

    meaning: Meaning
    error_cause: int = 0
    detail: str = ""
    tries: int = 1
    took_s: float = 0.0


# -- changes --------------------------------------------------------------------------------


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Authorized:
    """An Accept left."""

    place: Place
    names: Names
    standing: Standing
    grounds: Grounds
    at: float
    ends_at: float = 0.0
    voice: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CameAgain:
    """An Accept left that says nothing new of this session but the time (``session.familiar``)."""

    id: int
    login: Authorized


class AccountingKind(StrEnum):
    """What an accounting record says of one session."""

    START = "start"
    INTERIM = "interim"
    STOP = "stop"


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Accounted:
    """One verified accounting record about one session.

    at: when it came. happened_at: when it happened by the NAS's word (Event-Timestamp or Acct-Delay-Time), at most
    ``at``. said_at: Event-Timestamp as it stands there, 0.0 if there is none that can be true. record: a digest that a
    retransmission and a replay of the same record share, and nothing else. session_time_s: as the NAS counts it.
    """

    kind: AccountingKind
    place: Place
    names: Names
    at: float
    happened_at: float
    record: str
    session_time_s: int = 0
    cause: str = ""
    said_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NasRestarted:
    """Accounting-On or -Off: every earlier session of this NAS is over. Times as in ``Accounted``."""

    nas: str
    source: str
    nas_identifier: str
    at: float
    happened_at: float
    record: str
    cause: str
    nas_address: str = ""
    said_at: float = 0.0
    doubtful: bool = False
    """The very same was told long ago, and it bears no time: the next boot looks like this, and so does a replay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """What is wanted of the NAS has changed (a new decision, a step taken, an answer, a hold, converged)."""

    id: int
    wish: Wish
    at: float
    standing: Standing | NotOurs = field(default_factory=NotOurs)
    """The decision it lives under from now on, when that was pushed and acknowledged; else ``NotOurs``: as before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """It is over by other word than accounting (the NAS says it has no such session, an admin), or aged out."""

    id: int
    phase: Phase
    at: float
    cause: str


Change: TypeAlias = Authorized | Accounted | NasRestarted | Wished | Gone
Entry: TypeAlias = Change | CameAgain
"""What goes to the disk; everybody else hears of the login."""
