"""What stands on the stage of the simulated Microsoft: devices, app registrations, knobs, and what was seen.

Knows: the fields, their units and which values make sense. Refuses to know: who keeps them (``state``),
HTTP, XML, faults.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args, get_type_hints

TENANT = "contoso.onmicrosoft.com"
CLIENT_ID = "00000000-0000-4000-8000-0000000000aa"
CLIENT_SECRET = "simulator-secret"  # noqa: S105 - the password of a toy, printed in its documentation

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX12 = re.compile(r"[0-9A-F]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimDevice:
    """One enrolled device. macs: 12 hex digits, upper case. graph_state: what Graph says, ``""`` = from compliant.

    registered False: the device is listed with ``register_status`` false. wired_macs: those among
    ``macs`` that Graph shows as Ethernet, and only when one device is asked for; the first of the
    others is its Wi-Fi MAC. owner: ``company``, ``personal`` or ``unknown``. user: a UPN, ``""`` for no user.
    user_id: of that user, ``""`` = made of the UPN. user_groups: object ids of the groups that he is in, however deep.
    last_sync_s: seconds since the epoch on the simulator's clock, by default the moment of enrolment.
    """

    guid: str
    macs: tuple[str, ...] = ()
    compliant: bool = True
    registered: bool = True
    name: str = "SIMULATED"
    entra_id: str = "00000000-0000-0000-0000-000000000000"
    graph_state: str = ""
    grace_until: str = "9999-12-31T23:59:59Z"
    wired_macs: tuple[str, ...] = ()
    last_sync_s: float = 0.0
    operating_system: str = "Windows"
    os_version: str = "10.0.22631.4317"
    owner: Literal["company", "personal", "unknown"] = "company"
    user: str = "alice@example.test"
    user_id: str = ""
    user_groups: tuple[str, ...] = ()

    @property
    def owner_id(self) -> str:
        """The id of its user, ``""`` without one."""
        return self.user_id or (str(uuid.uuid5(uuid.NAMESPACE_DNS, self.user.lower())) if self.user else "")

    @property
    def compliance_state(self) -> str:
        """Graph's word for this device."""
        return self.graph_state or ("compliant" if self.compliant else "noncompliant")

    @property
    def wifi_mac(self) -> str:
        """The first MAC that is not wired, ``""`` without one."""
        return next((mac for mac in self.macs if mac not in self.wired_macs), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An app registration. roles are what an administrator consented to.

    secret and more_secrets are all good at once, and so are certificates (PEM), as in a rotation.
    refused: AADSTS code by credential, a secret or a certificate's SHA-256 thumbprint (lower-case hex):
    7000215 wrong, 7000222 expired, 700027 unknown certificate, 7000214 revoked, 700024 outside its validity.
    """

    client_id: str = CLIENT_ID
    secret: str = field(default=CLIENT_SECRET, repr=False)
    more_secrets: tuple[str, ...] = field(default=(), repr=False)
    certificates: tuple[bytes, ...] = ()
    refused: Mapping[str, int] = field(default_factory=dict, repr=False)
    intune_roles: tuple[str, ...] = ("get_device_compliance",)
    graph_roles: tuple[str, ...] = ("Application.Read.All", "DeviceManagementManagedDevices.Read.All")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What a real service may vary without being broken. Units are in the names.

    clock_offset_s: the simulator's clock against the machine's: Date headers, quota, token lifetimes.
    discovery: which rows Graph lists, and how. provider_spelling: the name of the row's name.
    page_size: rows of one answer, everywhere; graph_page_size: in Graph's listing, 0 = the same.
    bulk_window_s, bulk_free_s: a window opens with the first bulk question; those in its first
    ``bulk_free_s`` are answered, later ones get 503 until it closes (0 = one question a window).
    mac_element, mac_list: whether an answer to a MAC question has ``macaddress`` and ``macaddresses``.
    opaque_paging: ``paging_info`` is no number. loop_paging: it never changes. endless_paging: it always does.
    graph_filters_work False: Graph ignores every ``$filter`` in silence, as it always does with those it does
    not support; graph_entra_filter_works False: only ``azureADDeviceId eq`` is ignored.
    graph_next_link: where Graph's listing goes on: loop = the same page for ever.
    refresh_in_s 0: the token answer has no ``refresh_in``. intune_resource: an audience more that is Intune's.
    sync_makes_compliant: ``syncDevice`` finds the device mended, ``sync_takes_s`` later.
    removal_after_s: how long after ``retire`` and ``wipe`` the device is gone, below 0 = never.
    """

    clock_offset_s: float = 0.0
    discovery: Literal[
        "both", "nac_only", "foreign_host", "plain_http", "next_link", "next_link_foreign", "next_link_loop", "empty"
    ] = "both"
    provider_spelling: Literal["providerName", "serviceName"] = "providerName"
    page_size: int = 100
    graph_page_size: int = 0
    opaque_paging: bool = False
    loop_paging: bool = False
    endless_paging: bool = False
    bulk_window_s: float = 4 * 3600.0
    bulk_free_s: float = 3600.0
    mac_element: bool = True
    mac_list: bool = False
    graph_filters_work: bool = True
    graph_entra_filter_works: bool = True
    graph_next_link: Literal["good", "loop", "foreign_host", "plain_http"] = "good"
    token_lifetime_s: int = 3599
    refresh_in_s: int = 0
    intune_resource: str = ""
    sync_makes_compliant: bool = False
    sync_takes_s: float = 0.0
    removal_after_s: float = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request that came in.

    number: counts from 1, never twice. at, answered_at: when it came and when the answer was ready, in seconds
    since the epoch on the machine's clock; the answer says what was true at a moment between. kind: ``openid
    token discovery mdminfo guid mac bulk graph_device graph_list member_groups action`` or ``other``. value: what was
    asked about. status 0: the connection was cut. fault: what was played. said: for a question about devices
    that was answered well, what each turned out to be (``guid=compliant``), or ``not_managed``.
    verb, body: of a device action, its name and its JSON body.
    """

    number: int = 0
    at: float
    answered_at: float = 0.0
    service: str
    kind: str
    value: str
    status: int
    fault: str = ""
    user_agent: str = ""
    request_id: str = ""
    said: str = ""
    verb: str = ""
    body: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was true of a device from ``at`` on, in seconds since the epoch on the machine's clock.

    enrolled False: it was removed; the other fields are then those it had.
    """

    at: float
    enrolled: bool
    compliant: bool
    registered: bool
    graph_state: str


def canonical_guid(text: str) -> str:
    """Lower case with hyphens. Raises ValueError when it is no GUID."""
    guid = text.strip().strip("{}").lower()
    if not _GUID.fullmatch(guid):
        raise ValueError(f"`{text}` is no GUID")
    return guid


def canonical_mac(text: str) -> str:
    """Twelve hex digits, upper case. Raises ValueError when it is no MAC address."""
    mac = re.sub(r"[-:.\s]", "", text).upper()
    if not _HEX12.fullmatch(mac):
        raise ValueError(f"`{text}` is no MAC address")
    return mac


def as_json(value: SimDevice | Seen | Tuning | Past) -> dict[str, object]:
    """The value as the management door shows it."""
    return asdict(value)


def checked(values: Mapping[str, object], kind: type[SimDevice] | type[Tuning] | type[App]) -> dict[str, Any]:
    """The values as fields of ``kind``; lists become tuples. Raises ValueError for an unknown name or a word
    that is none of the choices, TypeError for a value of another type."""
    hints = _HINTS[kind]
    good: dict[str, Any] = {}
    for name, value in values.items():
        if name not in hints:
            raise ValueError(f"unknown key `{name}`; known are {', '.join(sorted(hints))}")
        choices = get_args(hints[name])
        if hints[name] in _KINDS:
            types, words = _KINDS[hints[name]]
            if not isinstance(value, types) or isinstance(value, bool) != (hints[name] is bool):
                raise TypeError(f"`{name}` wants {words}")
        elif choices and isinstance(choices[0], str) and value not in choices:
            raise ValueError(f"`{name}` is one of {', '.join(choices)}, not `{value}`")
        elif choices and choices[-1] is Ellipsis and not isinstance(value, (list, tuple)):
            raise TypeError(f"`{name}` wants a list")
        good[name] = tuple(value) if isinstance(value, list) else value
    return good


_HINTS: Mapping[type, dict[str, Any]] = {kind: get_type_hints(kind) for kind in (SimDevice, Tuning, App)}
_KINDS: Mapping[object, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    str: ((str,), "text"),
}
