"""An audit record of a decision, back as the facts that it was made of.

Knows: which field of ``access.accept`` and ``access.reject`` holds which fact, and what a record cannot tell. Refuses
to know: files, lines, and what any policy says of it (``judge``).

Theory. Nothing is guessed. A field that is missing (the record is older than the field), a text that was shortened or
hidden before it was written, a word that this nacd does not know: each makes the record one that is not replayed, with
the field as the reason. Times come back as the millisecond they were written with, and conditions count ages in whole
milliseconds, so the same age follows. What no condition can ask about (how the NAS authenticates) is not read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from nacd.values import (
    NO_FACTS,
    AccessKind,
    Assurance,
    Certificate,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceFacts,
    DeviceId,
    DeviceIdKind,
    Effect,
    Endpoint,
    Facts,
    Identity,
    IdentitySource,
    Link,
    MacAddress,
    Nas,
    NoCertificate,
    Unidentified,
)

Fields: TypeAlias = Mapping[str, Any]
"""One record, as its line says."""

MONITORED: Final = "A1007W"
"""Decided as ever, and answered otherwise."""
DECISIONS: Final = frozenset({"A1001I", "A1002I", MONITORED})
"""The records of the policy's decisions, by their code."""
ORDERS: Final = frozenset({"override-quarantine", "override-block", "override-allow"})
"""What stands for a rule where a person's order decided."""
_ORDER: Final = re.compile(r"override \d+ of ")
"""How its number is told in the reasons: a rule of the policy may have such a name too."""


class Cause(StrEnum):
    """Why a record is not replayed, in words for people."""

    OTHER = "not about a decision (accounting, sessions, the service)"
    ORDERED = "decided by a person's order, above any policy"
    MANAGED = "refused by MAC for its certificate, above any policy"
    BEFORE = "refused before any rule was tried (EAP failed, no access kind, wrong password)"
    COUNTED = "refusals that were only counted, so that their facts are not written"
    TOO_LONG = "accepted, but the answer did not fit: its record holds no compliance"
    INCOMPLETE = "written by a nacd that did not record this yet"
    ALTERED = "shortened, hidden, or a pseudonym (`audit.privacy`), since it was written so"
    STRANGE = "holds a word that this nacd does not know"
    NOT_JSON = "no record of nacd: not one JSON object on a line"
    TORN = "the last line is not finished"
    UNASKED = "the policy wants to know compliance, and nobody had asked then"


_ASIDE: Final = {
    "A1003W": Cause.BEFORE,
    "A1004W": Cause.BEFORE,
    "A1005E": Cause.TOO_LONG,
    "A1008W": Cause.MANAGED,
    "A1010W": Cause.COUNTED,
    "A1011W": Cause.COUNTED,
    "A1012W": Cause.COUNTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A record that is not replayed. detail: the field it fails for, ``""`` for none. count: logins it stands for."""

    cause: Cause
    detail: str = ""
    count: int = 1


class Outcome(NamedTuple):
    """What was decided, or would be: all that two decisions are compared by. profile: ``""`` on deny."""

    effect: Effect
    rule: str
    profile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A decision as it was made. time: RFC 3339 text. reasons: as they were written."""

    facts: Facts
    outcome: Outcome
    reasons: tuple[str, ...]
    policy_digest: str
    time: str


class _Unreadable(Exception):
    def __init__(self, cause: Cause, path: str) -> None:
        super().__init__(path)
        self.aside = Aside(cause=cause, detail=path)


def read(fields: Fields) -> Recorded | Aside:
    """The decision in this record and its facts; or why it cannot be had. Total."""
    code = fields.get("code")
    if not isinstance(code, str) or code not in DECISIONS:
        return aside(fields)
    try:
        if code == MONITORED and (above := _ASIDE.get(_text(fields, "monitor", "would", "event"))):
            return Aside(cause=above)
        return _recorded(fields)
    except _Unreadable as wrong:
        return wrong.aside


def at_another_time(facts: Facts, fields: Fields) -> Facts:
    """The facts in this record, which differ from those in their times alone (and in what nobody asks for).

    Raises KeyError, TypeError or ValueError for a time that is none.
    """
    told = fields["compliance"]
    known = replace(facts.compliance, as_of=_or_none(told["as_of"]), grace_until=_or_none(told["grace_until"]))
    if "device" in told:
        known = replace(known, device=replace(known.device, last_sync=_or_none(told["device"]["last_sync"])))
    return replace(facts, compliance=known, at=moment(fields["time"]))


def aside(fields: Fields) -> Aside:
    """What a record is that tells no decision of a policy."""
    code, count = fields.get("code"), fields.get("count")
    if not isinstance(code, str) or not re.fullmatch(r"A[0-9]{4}[IWE]", code):
        return Aside(cause=Cause.NOT_JSON)
    return Aside(cause=_ASIDE.get(code, Cause.OTHER), count=count if isinstance(count, int) and count > 0 else 1)


def who(facts: Facts) -> str:
    """One word for whose decision it is: the device id, else the MAC, else the user; ``""`` for nobody known."""
    if isinstance(facts.identity, Device):
        return facts.identity.id.guid
    return facts.mac or facts.user


# -- parts ----------------------------------------------------------------------------------


def _recorded(fields: Fields) -> Recorded:
    rule = _text(fields, "decision", "rule")
    reasons = tuple(str(each) for each in _list(fields, "decision", "reasons"))  # for people, be they cut short
    if rule in ORDERS and any(_ORDER.match(reason) for reason in reasons):
        raise _Unreadable(Cause.ORDERED, "")
    effect = _word(Effect, fields, "decision", "effect")
    time = _text(fields, "time")
    return Recorded(
        facts=Facts(
            access=_word(AccessKind, fields, "access"),
            nas=Nas(
                name=_text(fields, "nas", "name"),
                vendor=_text(fields, "nas", "vendor"),
                groups=frozenset(_texts(fields, "nas", "groups")),
                location=_text(fields, "nas", "location"),
            ),
            identity=_identity(fields),
            certificate=_certificate(fields),
            compliance=_compliance(fields),
            mac=_text(fields, "endpoint", "mac"),
            user=_text(fields, "endpoint", "user"),
            ssid=_text(fields, "endpoint", "ssid"),
            tenant=_text(fields, "identity", "tenant"),
            at=_moment(fields, "time"),
            link=_link(fields),
            inventory=_inventory(fields),
        ),
        outcome=Outcome(effect, rule, _text(fields, "decision", "profile")),
        reasons=reasons,
        policy_digest=_text(fields, "decision", "policy_digest"),
        time=time,
    )


def _inventory(fields: Fields) -> tuple[str, ...]:
    """A nacd that did not record this had no inventory, so nothing stood in it."""
    known = _at(fields, "endpoint")
    return _texts(fields, "endpoint", "inventory") if isinstance(known, dict) and "inventory" in known else ()


def _link(fields: Fields) -> Link:
    return Link(
        port_type=_text(fields, "nas", "port_type"),
        bssid=_text(fields, "endpoint", "bssid"),
        tunnel_group=_text(fields, "endpoint", "tunnel_group"),
        client_platform=_text(fields, "endpoint", "client_platform"),
        client_platform_version=_text(fields, "endpoint", "client_platform_version"),
        client_agent=_text(fields, "endpoint", "client_agent"),
    )


def _identity(fields: Fields) -> Identity:
    kind = _text(fields, "identity", "kind")
    detail = _text(fields, "identity", "detail")
    if kind == "unidentified":
        return Unidentified(reason=detail)
    source = _word(IdentitySource, fields, "identity", "source")
    assurance = _assurance(fields)
    try:
        if kind == "device":
            register = _word(DeviceIdKind, fields, "identity", "register")
            guid = _text(fields, "identity", "id")
            return Device(id=DeviceId(guid=guid, kind=register), source=source, assurance=assurance)
        if kind == "endpoint":
            mac = MacAddress(_text(fields, "identity", "mac"))
            return Endpoint(mac=mac, source=source, assurance=assurance, ask=not detail, ask_detail=detail)
    except ValueError:
        raise _Unreadable(Cause.STRANGE, "identity") from None
    raise _Unreadable(Cause.STRANGE, "identity.kind")


def _assurance(fields: Fields) -> Assurance:
    try:
        return Assurance[_text(fields, "identity", "assurance").upper()]
    except KeyError:
        raise _Unreadable(Cause.STRANGE, "identity.assurance") from None


def _certificate(fields: Fields) -> Certificate:
    if "certificate" not in fields:
        return NoCertificate()

    def text(name: str) -> str:
        return _text(fields, "certificate", name)

    def texts(name: str) -> tuple[str, ...]:
        return _texts(fields, "certificate", name)

    return CertificateFacts(
        subject=text("subject"),
        issuer=text("issuer"),
        serial=text("serial"),
        fingerprint=text("fingerprint"),
        not_before=_moment(fields, "certificate", "not_before"),
        not_after=_moment(fields, "certificate", "not_after"),
        common_name=text("common_name"),
        san_uris=texts("san_uris"),
        san_dns=texts("san_dns"),
        san_upns=texts("san_upns"),
        templates=texts("templates"),
        tenant_ids=texts("tenant_ids"),
        ekus=texts("ekus"),
        anchor=text("anchor"),
    )


def _compliance(fields: Fields) -> Compliance:
    known = _at(fields, "compliance")
    return Compliance(
        state=_word(ComplianceState, fields, "compliance", "state"),
        as_of=_moment(fields, "compliance", "as_of"),
        source=_word(ComplianceSource, fields, "compliance", "source"),
        detail=_text(fields, "compliance", "detail"),
        provider=_text(fields, "compliance", "provider"),
        grace_until=_moment(fields, "compliance", "grace_until"),
        device=_device(fields) if isinstance(known, dict) and "device" in known else NO_FACTS,
    )


def _device(fields: Fields) -> DeviceFacts:
    def text(name: str) -> str:
        return _text(fields, "compliance", "device", name)

    return DeviceFacts(
        name=text("name"),
        operating_system=text("operating_system"),
        os_version=text("os_version"),
        owner=text("owner"),
        user=text("user"),
        last_sync=_moment(fields, "compliance", "device", "last_sync"),
        **_groups(fields),
    )


def _groups(fields: Fields) -> dict[str, Any]:
    """Of the device's user; nothing where nobody was asked (and in records from before there were any)."""
    if "in_groups" not in _at(fields, "compliance", "device"):
        return {}
    return {
        "in_groups": _texts(fields, "compliance", "device", "in_groups"),
        "outside_groups": _texts(fields, "compliance", "device", "outside_groups"),
        "groups_doubt": _text(fields, "compliance", "device", "groups_doubt"),
    }


# -- fields ---------------------------------------------------------------------------------

_HIDDEN: Final = re.compile(r"\*\*\*|h:[0-9a-f]{32}")
_SHORTENED: Final = re.compile(r".{4096}… \(\d+ more characters\)", re.DOTALL)
_NOT_TEXT: Final = re.compile(r"\\ud[89a-f][0-9a-f]{2}")
"""How half a surrogate pair is written down: nobody can tell it from the same six characters."""


def _at(fields: Fields, *path: str) -> Any:
    value: Any = fields
    for step in path:
        if not isinstance(value, dict) or step not in value:
            raise _Unreadable(Cause.INCOMPLETE, ".".join(path))
        value = value[step]
    return value


def _text(fields: Fields, *path: str) -> str:
    return _as_text(_at(fields, *path), path)


def _texts(fields: Fields, *path: str) -> tuple[str, ...]:
    return tuple(_as_text(each, path) for each in _list(fields, *path))


def _list(fields: Fields, *path: str) -> list[Any]:
    found = _at(fields, *path)
    if not isinstance(found, list):
        raise _Unreadable(Cause.STRANGE, ".".join(path))
    return found


def _as_text(found: object, path: tuple[str, ...]) -> str:
    if not isinstance(found, str):
        raise _Unreadable(Cause.STRANGE, ".".join(path))
    if _HIDDEN.fullmatch(found) or (len(found) > 4096 and _SHORTENED.fullmatch(found)) or is_altered(found):
        raise _Unreadable(Cause.ALTERED, ".".join(path))
    return found


def is_altered(text: str) -> bool:
    """Whether this may have been something that is no Unicode text."""
    return "\\ud" in text and _NOT_TEXT.search(text) is not None


Word = TypeVar("Word", bound=StrEnum)


def _word(words: type[Word], fields: Fields, *path: str) -> Word:
    try:
        return words(_text(fields, *path))
    except ValueError:
        raise _Unreadable(Cause.STRANGE, ".".join(path)) from None


def _moment(fields: Fields, *path: str) -> float:
    written = _text(fields, *path)
    if not written:
        return 0.0
    try:
        return moment(written)
    except ValueError:
        raise _Unreadable(Cause.STRANGE, ".".join(path)) from None


def _or_none(written: str) -> float:
    return moment(written) if written else 0.0


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=65_536)
def _second(text: str) -> int:
    return int((datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH).total_seconds())


def moment(text: str) -> float:
    """Seconds since the epoch out of a record's time. It is the same millisecond again when it is written.

    Raises ValueError for what is no such time.
    """
    fraction = text[20:23]
    if len(text) != 24 or text[19] != "." or text[23] != "Z" or not (fraction.isascii() and fraction.isdigit()):
        raise ValueError("not a time as nacd writes them")
    milliseconds = _second(text[:19]) * 1000 + int(fraction)
    wall = milliseconds / 1000
    # What is nearest in binary may lie a hair below, and would be written as the millisecond before.
    return wall if math.floor(wall * 1000) >= milliseconds else math.nextafter(wall, math.inf)
