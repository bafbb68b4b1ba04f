"""One session asked in its vendor's words: which verbs it can be asked, and the attributes of each request.

Knows: how what is known of a session becomes the attributes that name it, and which sessions a verb is not for.
Refuses to know: octets and authenticators (``radius/``), which verb is next and when (``session/``), sockets.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from nacd.sessions import Grounds, Names, Session, Verb
from nacd.values import AccessKind, Attribute
from nacd.vendor.dynauth_model import (
    Dynauth,
    Identification,
    Selector,
    Spelling,
    VerbRow,
)
from nacd.vendor.model import STANDARD_OCTETS, VENDOR_OCTETS
from nacd.vendor.profile import OWN_ATTRIBUTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A verb that this session can be asked. row: what the vendor's data says of it."""

    row: VerbRow

    @property
    def number(self) -> int:
        """Place in the vendor's ladder, from 0; the same for every session of this vendor."""
        return self.row.number

    @property
    def verb(self) -> Verb:
        """What is asked."""
        return self.row.verb

    @property
    def port(self) -> int:
        """UDP port of the NAS, unless its configuration says otherwise."""
        return self.row.port

    @property
    def push(self) -> bool:
        """The whole new authorization goes into the request."""
        return self.row.verb is Verb.PUSH


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A verb that this session cannot be asked. reason: a clause for people."""

    number: int
    verb: Verb
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The verbs of a vendor's ladder for one session, both in its order."""

    rungs: tuple[Rung, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request in names. code: ``coa`` or ``disconnect``. Event-Timestamp and Message-Authenticator are not in it."""

    code: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Absent:
    """The session cannot be named by this. reason: a clause."""

    reason: str


_Named: TypeAlias = Attribute | _Absent

_ATTRIBUTES: Final[Mapping[Identification, str]] = {
    Identification.AUDIT_SESSION_ID: "Cisco-AVPair",
    Identification.ACCT_SESSION_ID: "Acct-Session-Id",
    Identification.ACCT_MULTI_SESSION_ID: "Acct-Multi-Session-Id",
    Identification.CALLING_STATION_ID: "Calling-Station-Id",
    Identification.USER_NAME: "User-Name",
    Identification.FRAMED_ADDRESS: "Framed-IP-Address",
    Identification.NAS_PORT: "NAS-Port",
    Identification.NAS_PORT_ID: "NAS-Port-Id",
    Identification.NAS_IDENTIFIER: "NAS-Identifier",
    Identification.NAS_ADDRESS: "NAS-IP-Address",
}
_NAS_IPV6: Final = "NAS-IPv6-Address"
_AUDIT: Final = "audit-session-id="
_PORT_MAX: Final = 0xFFFF_FFFF

_SEPARATORS: Final = re.compile(r"[-:. ]")
_HEX12: Final = re.compile(r"[0-9A-Fa-f]{12}")
_ESCAPED: Final = re.compile(r"\\x[0-9a-f]{2}")
"""How octets that are no UTF-8 look once they are text: what the NAS sent cannot be said again from it alone."""
_ANYBODYS: Final = frozenset({"User-Name", "NAS-Identifier", "NAS-IP-Address", "NAS-IPv6-Address"})
"""What names a session no better than another one there: who logs in says what he is called."""
_SAME_NAME: Final = "another session at this NAS has the same User-Name, and nothing else tells this one from it"

_WIRELESS: Final = "Wireless"
_NEVER: Final = frozenset(
    name.lower() for name in (OWN_ATTRIBUTES | {"Tunnel-Password"}) - {"Session-Timeout", "Termination-Action"}
)
"""What no push carries: secrets, keys, and what belongs to a conversation."""


def plan(dynauth: Dynauth, session: Session, *, namesake: bool = False) -> Plan:
    """Which verbs this session can be asked now, and why not the others.

    namesake: somebody else's session on its NAS has the same User-Name, so that this alone names nobody.
    """
    rungs: list[Rung] = []
    left_out: list[LeftOut] = []
    for row in dynauth.ladder:
        if reason := _not_for(row, session, namesake):
            left_out.append(LeftOut(number=row.number, verb=row.verb, reason=reason))
        else:
            rungs.append(Rung(row=row))
    return Plan(rungs=tuple(rungs), left_out=tuple(left_out))


def render(
    rung: Rung,
    session: Session,
    attributes: tuple[Attribute, ...] = (),
    narrow: bool = False,
    *,
    namesake: bool = False,
) -> Request | LeftOut:
    """The request that asks this. namesake: as for ``plan``.

    attributes: the whole new authorization, for a push alone. narrow: name the session by all that the vendor's data
    allows, after Error-Cause 508. LeftOut if the session has changed since ``plan``, if it has nothing to be named by
    more narrowly, or if the authorization cannot be pushed.
    """
    row = rung.row
    reason = _not_for(row, session, namesake)
    named, _ = _identification(row, session, namesake)
    if narrow and not reason:
        more = _narrower(row, session, named)
        reason = "" if more else "there is nothing that names it more narrowly"
        named += more
    pushed: tuple[Attribute, ...] = ()
    if rung.push and not reason:
        hidden = [each.name for each in attributes if each.name.lower() in _NEVER]
        pushed = tuple(each for each in attributes if each.name.lower() not in _lower(row.unchanged))
        if hidden:
            reason = f"`{hidden[0]}` cannot be pushed"
        elif not pushed:
            reason = "its new authorization has nothing that can be pushed"
    if reason:
        return LeftOut(number=row.number, verb=row.verb, reason=reason)
    return Request(code=row.packet.value, attributes=(*named, *row.attributes, *pushed))


def cannot_change(rung: Rung, before: Iterable[Attribute], after: Iterable[Attribute]) -> str:
    """Why this verb does not lead from one authorization to the other: a clause, ``""`` if it may.

    before, after: the attributes of the two authorization profiles.
    """
    kept = _lower(rung.row.unchanged)
    old, new = (
        {(each.name.lower(), str(each.value), each.tag) for each in attributes if each.name.lower() in kept}
        for attributes in (before, after)
    )
    changed = {name for name, _, _ in old ^ new}
    named = sorted(name for name in rung.row.unchanged if name.lower() in changed)
    return f"{rung.verb} cannot change {', '.join(named)} at this NAS" if named else ""


def marks_voice(dynauth: Dynauth, attributes: Iterable[Attribute]) -> bool:
    """Whether an Accept with these attributes may have let a phone onto the port."""
    marks = {mark.name.lower(): mark.values for mark in dynauth.voice}
    for each in attributes:
        values = marks.get(each.name.lower())
        if values is not None and (not values or str(each.value) in values):
            return True
    return False


def _not_for(row: VerbRow, session: Session, namesake: bool) -> str:
    """Why this verb is not for this session, ``""`` if it is."""
    if not isinstance(session.grounds, Grounds) and not row.access.issuperset(AccessKind):
        return "nacd does not know how it came about"
    if isinstance(session.grounds, Grounds) and session.grounds.access not in row.access:
        return f"{row.verb} is not for {session.grounds.access} at this NAS"
    if row.verb is Verb.BOUNCE and (reason := _no_bounce(session)):
        return reason
    _, reason = _identification(row, session, namesake)
    return reason


def _no_bounce(session: Session) -> str:
    """Why the port of this session is not taken down, whatever the NAS."""
    place = session.place
    if session.voice:
        return "a phone may be on its port"
    if not place.port and not place.port_id:
        return "nacd does not know its port"
    if place.port_type.startswith(_WIRELESS):
        return "it is wireless: there is no port to take down"
    return ""


def _identification(row: VerbRow, session: Session, namesake: bool) -> tuple[tuple[Attribute, ...], str]:
    """What names the session, and what is missing: a clause, ``""`` if nothing is."""
    found: list[Attribute] = []
    for selector in row.identify:
        chosen = _first(selector, session)
        if isinstance(chosen, Attribute):
            found += [chosen] if chosen not in found else []
        elif selector.required:
            return (), chosen.reason
    if namesake and _is_anybodys(found):
        found += _narrower(row, session, tuple(found))
        if _is_anybodys(found):
            return (), _SAME_NAME
    return tuple(found), ""


def _is_anybodys(named: Iterable[Attribute]) -> bool:
    return all(each.name in _ANYBODYS for each in named)


def _narrower(row: VerbRow, session: Session, named: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
    """What names it besides ``named``."""
    chosen = (_first(selector, session) for selector in row.narrow)
    return tuple(each for each in chosen if isinstance(each, Attribute) and each not in named)


def _first(selector: Selector, session: Session) -> _Named:
    """The first of the selector's names that the session has."""
    reasons = []
    for name in selector.names:
        named = _attribute(name, selector, session)
        if isinstance(named, Attribute):
            return named
        reasons.append(named.reason)
    return _Absent(reason=", and ".join(reasons))


def _attribute(name: Identification, selector: Selector, session: Session) -> _Named:
    """One attribute out of what is known of the session."""
    place, names = session.place, session.names
    match name:
        case Identification.AUDIT_SESSION_ID:
            return _text(name, names.audit_session_id, prefix=_AUDIT)
        case Identification.ACCT_SESSION_ID:
            return _text(name, names.acct_session_id)
        case Identification.ACCT_MULTI_SESSION_ID:
            return _text(name, names.acct_multi_session_id)
        case Identification.USER_NAME:
            return _user_name(names, selector.spelling)
        case Identification.CALLING_STATION_ID:
            return _station(place.calling_station_id, selector)
        case Identification.NAS_PORT_ID:
            return _text(name, place.port_id)
        case Identification.NAS_IDENTIFIER:
            return _text(name, place.nas_identifier)
        case Identification.NAS_PORT:
            return _port(place.port)
        case Identification.NAS_ADDRESS:
            return _address(name, place.nas_address)
        case Identification.FRAMED_ADDRESS:
            return _address(name, place.framed_address)


def _user_name(names: Names, spelling: Spelling) -> _Named:
    """Octet for octet as it came: whoever logs in chooses it, and must neither hide in it nor be taken for another."""
    said, kept = _spelt(names.user_name, spelling) or names.user_name, names.user_name_octets
    if not kept or not _ESCAPED.search(said):
        return _text(Identification.USER_NAME, said)
    octets = bytes.fromhex(kept)
    if octets.decode("utf-8", "backslashreplace") != said or len(octets) > STANDARD_OCTETS:
        return _text(Identification.USER_NAME, said)  # those of an older name
    return Attribute(name=_ATTRIBUTES[Identification.USER_NAME], value=octets)


def _station(text: str, selector: Selector) -> _Named:
    spelt = text if selector.spelling is Spelling.AS_RECEIVED else _spelt(text, selector.spelling)
    if text and not spelt:
        return _Absent(reason=f"its Calling-Station-Id `{text}` is no MAC address")
    return _text(Identification.CALLING_STATION_ID, spelt)


def _text(name: Identification, text: str, prefix: str = "") -> _Named:
    attribute = _ATTRIBUTES[name]
    shown = "audit-session-id" if prefix else attribute
    room = VENDOR_OCTETS if prefix else STANDARD_OCTETS
    if not text:
        return _Absent(reason=f"its {shown} is not known")
    if _ESCAPED.search(text):
        return _Absent(reason=f"its {shown} `{text}` held octets that are no text")
    try:
        octets = len((prefix + text).encode())
    except UnicodeEncodeError:
        return _Absent(reason=f"its {shown} is no text")
    if octets > room:
        return _Absent(reason=f"its {shown} has {octets} octets, at most {room} are possible")
    return Attribute(name=attribute, value=prefix + text)


def _port(text: str) -> _Named:
    if not text:
        return _Absent(reason="its NAS-Port is not known")
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= _PORT_MAX):
        return _Absent(reason=f"its NAS-Port `{text}` is no number that fits")
    return Attribute(name=_ATTRIBUTES[Identification.NAS_PORT], value=int(text))


def _address(name: Identification, text: str) -> _Named:
    attribute = _ATTRIBUTES[name]
    if not text:
        return _Absent(reason=f"its {attribute} is not known")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return _Absent(reason=f"its {attribute} `{text}` is no address")
    if isinstance(address, ipaddress.IPv4Address):
        return Attribute(name=attribute, value=str(address))
    if name is Identification.NAS_ADDRESS and not address.scope_id:
        return Attribute(name=_NAS_IPV6, value=str(address))
    return _Absent(reason=f"its address `{text}` does not fit into {attribute}")


def _spelt(text: str, spelling: Spelling) -> str:
    """A MAC address in this spelling, ``""`` for what is none."""
    digits = _SEPARATORS.sub("", text)
    if spelling is Spelling.AS_RECEIVED or not _HEX12.fullmatch(digits):
        return ""
    case, _, form = spelling.partition("-")
    digits = digits.upper() if case == "upper" else digits.lower()
    separator = {"hyphen": "-", "colon": ":", "plain": ""}[form]
    return separator.join(_pairs(digits))


def _pairs(digits: str) -> Iterator[str]:
    yield from (digits[start : start + 2] for start in range(0, len(digits), 2))


def _lower(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)
