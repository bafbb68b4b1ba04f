"""From octets to a verdict: what Graph's ``managedDevices`` answers mean. Pure.

Knows: the fields of a managed device, the table from Graph's word to a state, who a row speaks of. Refuses to
know: the network, tokens, clocks.

Graph ignores a filter that it does not support, in silence, and answers with every device of the tenant. So a
row decides only after ``judge`` has compared it with what was asked, wherever it came from. Source: Microsoft
Graph v1.0, resource ``managedDevice``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nacd.intune.nac.answers import about_device
from nacd.intune.nac.document import UnreadableError, read_json
from nacd.values import (
    NIL_GUID,
    NO_FACTS,
    Compliance,
    ComplianceSource,
    ComplianceState,
    DeviceFacts,
    DeviceId,
    DeviceIdKind,
    MacAddress,
)

PROVIDER = "graph"
NOT_LISTED = "graph lists wi-fi addresses only, and this one is not among them"
FIELDS = (
    "id,azureADDeviceId,wiFiMacAddress,complianceState,complianceGracePeriodExpirationDateTime,lastSyncDateTime,"
    "deviceName,operatingSystem,osVersion,managedDeviceOwnerType,userPrincipalName,userId"
)
"""What is asked for, of one device and of many: ``$select``."""

STATES: Mapping[str, ComplianceState] = {
    "compliant": ComplianceState.COMPLIANT,
    "inGracePeriod": ComplianceState.IN_GRACE,
    "noncompliant": ComplianceState.NONCOMPLIANT,
    "conflict": ComplianceState.NONCOMPLIANT,
    "error": ComplianceState.NONCOMPLIANT,
    "unknown": ComplianceState.UNKNOWN,
    "configManager": ComplianceState.UNKNOWN,
}

_TEXT_LIMIT = 200
_LINK_LENGTH = 2_048
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})")
_NOBODY = frozenset({"000000000000", "FFFFFFFFFFFF"})
_OWNERS = frozenset({"company", "personal"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedDevice:
    """One row. intune_id, entra_id: GUID, lower case; entra_id ``""`` if it has none.

    wifi_mac: 12 upper-case hex digits, ``""`` if none is told. word: Graph's own for the state. problem: why the
    state cannot be told, ``""`` if it can. grace_until: seconds since the epoch, 0.0 unless it is in grace. user_id:
    object id of its user, ``""`` if it has none.
    """

    intune_id: str
    entra_id: str = ""
    wifi_mac: str = ""
    state: ComplianceState = ComplianceState.UNAVAILABLE
    word: str = ""
    problem: str = ""
    grace_until: float = 0.0
    user_id: str = ""
    facts: DeviceFacts = NO_FACTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list. next_link: the address of the next part, ``""`` on the last. odd: rows that cannot be read."""

    rows: tuple[ManagedDevice, ...]
    odd: int = 0
    next_link: str = ""


# -- verdicts -------------------------------------------------------------------------------


def state_of(word: str) -> ComplianceState:
    """Graph's ``complianceState`` as a state; a word that Microsoft may add one day is ``unknown``."""
    return STATES.get(word, ComplianceState.UNKNOWN)


def speaks_of(row: ManagedDevice, subject: DeviceId | MacAddress) -> bool:
    """Whether this row is about the device that was asked about."""
    if isinstance(subject, MacAddress):
        return row.wifi_mac == subject.hex12
    return subject.guid == (row.entra_id if subject.kind is DeviceIdKind.ENTRA else row.intune_id)


def judge(subject: DeviceId | MacAddress, rows: Sequence[ManagedDevice], as_of: float) -> Compliance:
    """What these rows say about the device, those of other devices left out. as_of: seconds since the epoch.

    Several rows that disagree, be it about one device, are ``unknown``, and so is a grace that is over by ``as_of``; no
    row at all is ``unavailable`` here, because only whoever asked
    knows whether the rows were all there are.
    """
    matches = tuple(dict.fromkeys(row for row in rows if speaks_of(row, subject)))
    if not matches:
        return unavailable(about_device(f"graph was asked about `{subject}` and told of another device").detail, as_of)
    for row in matches:
        if row.problem:
            return unavailable(about_device(row.problem).detail, as_of)
    states = {row.state for row in matches}
    if len(states) > 1:
        return ambiguous(f"{_devices(matches)} for `{subject}` disagree ({', '.join(sorted(states))})", as_of)
    ends = min((row.grace_until for row in matches if row.grace_until), default=0.0)
    over = 0.0 < ends <= as_of
    return Compliance(
        state=ComplianceState.UNKNOWN if over else states.pop(),
        as_of=as_of,
        source=ComplianceSource.LIVE,
        detail="its grace is over, and graph has not said what came after" if over else _words(matches, subject),
        provider=PROVIDER,
        grace_until=0.0 if over else ends,
        device=_common([row.facts for row in matches]),
    )


def not_managed(detail: str, as_of: float) -> Compliance:
    """Graph knows no such device."""
    return _said(ComplianceState.NOT_MANAGED, detail, as_of)


def not_listed(as_of: float) -> Compliance:
    """No device has this Wi-Fi address: it may be the wired one of a managed device. as_of: of the list."""
    return _said(ComplianceState.UNKNOWN, NOT_LISTED, as_of)


def ambiguous(detail: str, as_of: float) -> Compliance:
    """There are several devices, and they do not say the same."""
    return _said(ComplianceState.UNKNOWN, f"ambiguous: {detail}", as_of)


def unavailable(detail: str, as_of: float) -> Compliance:
    """Nobody said anything. as_of: when it was tried."""
    return Compliance(
        state=ComplianceState.UNAVAILABLE, as_of=as_of, source=ComplianceSource.NONE, detail=detail, provider=""
    )


def _said(state: ComplianceState, detail: str, as_of: float) -> Compliance:
    return Compliance(state=state, as_of=as_of, source=ComplianceSource.LIVE, detail=detail, provider=PROVIDER)


def _words(matches: Sequence[ManagedDevice], subject: DeviceId | MacAddress) -> str:
    plain = {"compliant", "noncompliant"}
    said = sorted({row.word for row in matches if row.word not in plain})
    words = [f"graph says `{word}`" for word in said]
    words += [f"{_devices(matches)} for `{subject}` agree"] if len(matches) > 1 else []
    return "; ".join(words)


def _devices(matches: Sequence[ManagedDevice]) -> str:
    """How many there are, in words: graph may also tell of one device more than once, and not the same."""
    several = len({row.intune_id for row in matches})
    return f"{several} devices" if several > 1 else f"{len(matches)} rows of one device"


def _common(facts: Sequence[DeviceFacts]) -> DeviceFacts:
    """What all of them share: a rule must not be met by the facts of the one while the other is at the port."""
    first = facts[0]
    if len(facts) == 1:
        return first

    def same(name: str, otherwise: str = "") -> str:
        values = {getattr(one, name) for one in facts}
        return str(values.pop()) if len(values) == 1 else otherwise

    return DeviceFacts(
        name=same("name"),
        operating_system=same("operating_system"),
        os_version=same("os_version"),
        owner=same("owner", "unknown"),
        user=same("user"),
        last_sync=min(one.last_sync for one in facts),
    )


# -- reading --------------------------------------------------------------------------------


def read_device(body: bytes, content_type: str) -> ManagedDevice:
    """The answer about one device. Raises UnreadableError."""
    return _row(read_document(body, content_type))


def read_page(body: bytes, content_type: str) -> Page:
    """One part of a list. Raises UnreadableError; a row that does not name its device is counted as odd."""
    document = read_document(body, content_type)
    rows = document.get("value")
    if not isinstance(rows, list):
        raise UnreadableError("graph's answer is not a list of devices")
    readable = list[ManagedDevice]()
    for row in rows:
        with contextlib.suppress(UnreadableError):
            readable.append(_row(row))
    return Page(rows=tuple(readable), next_link=next_link(document), odd=len(rows) - len(readable))


def next_link(document: Mapping[str, Any]) -> str:
    """The address of a list's next part, ``""`` without one. Whatever its case: a list must not seem to end.

    Raises UnreadableError for what is no address, or a very long one.
    """
    links = [value for name, value in document.items() if name.lower() == "@odata.nextlink" and value is not None]
    if not links:
        return ""
    link = links[0].strip() if isinstance(links[0], str) else ""
    if not link or len(links) > 1:
        raise UnreadableError("graph's next page is no address")
    if len(link) > _LINK_LENGTH:
        raise UnreadableError(f"graph's next page has an address of more than {_LINK_LENGTH} characters")
    return link


def refusal(body: bytes, content_type: str) -> str:
    """The code of Graph's own error, ``{"error": {"code": ..., "message": ...}}``; ``""`` for a proxy's page."""
    try:
        error = _document(body, content_type).get("error")
    except UnreadableError:
        return ""
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return ""
    return _text(error.get("code"))


def read_document(body: bytes, content_type: str) -> dict[str, Any]:
    """The object of a good answer. Raises UnreadableError."""
    document = _document(body, content_type)
    if any(name.lower() == "error" for name in document):
        raise UnreadableError("graph's answer holds an error")
    return document


def _document(body: bytes, content_type: str) -> dict[str, Any]:
    if content_type != "application/json" and not content_type.endswith("+json"):
        shown = content_type[:60] or "of no type"
        raise UnreadableError(f"graph's answer is `{shown}`, not json: is a proxy or tls inspection in between?")
    document = read_json(body, _once, whose="graph's answer")
    if not isinstance(document, dict):
        raise UnreadableError("graph's answer is no json object")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; two equal names must not silently become one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableError("graph's answer has a name twice")
    return found


def _row(row: object) -> ManagedDevice:
    if not isinstance(row, dict):
        raise UnreadableError("graph's answer has something else where a device belongs")
    intune_id = _guid(row.get("id"))
    if not intune_id:
        raise UnreadableError("graph's answer has a device without a readable `id`")
    word, problem = row.get("complianceState"), ""
    if not isinstance(word, str) or not word.strip():
        word, problem = "", "`complianceState` is missing"
    state = ComplianceState.UNAVAILABLE if problem else state_of(word)
    in_grace = state is ComplianceState.IN_GRACE
    owner = _text(row.get("managedDeviceOwnerType")).lower()
    return ManagedDevice(
        intune_id=intune_id,
        entra_id=_guid(row.get("azureADDeviceId")),
        wifi_mac=_mac(row.get("wiFiMacAddress")),
        state=state,
        word=_text(word),
        problem=problem,
        grace_until=_moment(row.get("complianceGracePeriodExpirationDateTime")) if in_grace else 0.0,
        user_id=_guid(row.get("userId")),
        facts=DeviceFacts(
            name=_text(row.get("deviceName")),
            operating_system=_text(row.get("operatingSystem")),
            os_version=_text(row.get("osVersion")),
            owner=owner if owner in _OWNERS else "unknown",
            user=_text(row.get("userPrincipalName")),
            last_sync=_moment(row.get("lastSyncDateTime")),
        ),
    )


def _guid(value: object) -> str:
    guid = value.strip().lower() if isinstance(value, str) else ""
    return guid if _GUID.fullmatch(guid) and guid != NIL_GUID else ""


def _mac(value: object) -> str:
    mac = re.sub(r"[-:. ]", "", value).upper() if isinstance(value, str) else ""
    return mac if re.fullmatch(r"[0-9A-F]{12}", mac) and mac not in _NOBODY else ""


def _text(value: object) -> str:
    """Text that people and rules may see: printable, at most 200 characters."""
    if not isinstance(value, str):
        return ""
    if len(value) <= _TEXT_LIMIT and value.isprintable():
        return value.strip()
    return "".join(char for char in value[: 4 * _TEXT_LIMIT] if char.isprintable()).strip()[:_TEXT_LIMIT]


def _moment(value: object) -> float:
    """Seconds since the epoch, 0.0 for what is no moment. Year 1 is how Graph writes `never`; year 9999 stays."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return 0.0
    try:
        return max(0.0, datetime.fromisoformat(value).timestamp())
    except (ValueError, OverflowError):
        return 0.0
