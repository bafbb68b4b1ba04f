"""The conditions of a rule as they are written in ``policy.yaml``, each value checked by itself.

Knows: how an admin spells a condition and a time zone, and what to say to one who asks for what nobody tells. Refuses
to know: what the rest of the configuration knows (which names exist, who is asked: ``policy_file.py``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo
from typing import Annotated, ClassVar, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

from nacd.config.fields import MacPattern, SomeTexts, Text, at_least_one
from nacd.config.rules.bounds import AgeBound, Bound, LeftBound
from nacd.config.sections.base import Section
from nacd.config.sections.week import Hour, Window
from nacd.config.yaml import shown
from nacd.policy import answered, during


def _zone(name: str) -> tzinfo | None:
    if name.upper() == "UTC":
        return UTC  # it needs no database
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _time_zone(name: str) -> str:
    if _zone(name) is not None:
        return name
    known = available_timezones()
    if not known:
        raise ValueError(f"{shown(name)} cannot be looked up: this machine has no time zones, install `tzdata`")
    near = difflib.get_close_matches(name, sorted(known), n=1)
    way_out = f"did you mean `{near[0]}`?" if near else "write a name such as `Europe/Berlin`"
    raise ValueError(f"{shown(name)} is no time zone: {way_out}")


TimeZone: TypeAlias = Annotated[Text, AfterValidator(_time_zone)]

_UNTOLD = (
    "nobody tells it: NAC 2.0 tells compliance only, Microsoft Graph also `os`, `os_version`, `ownership`, `last_sync`,"
    " `device_name` and `device_user`"
)
_UNTOLD_KEYS = (
    "model manufacturer vendor_name serial serial_number imei device_type category jailbroken rooted encrypted"
    " disk_encrypted encryption pin_lock pin firewall antivirus enrolled enrollment management_agent registered managed"
    " entra_id azure_ad_id email"
)
_OTHER_WORDS = (
    ("os", "operating_system os_type platform"),
    ("os_version", "operating_system_version version"),
    ("ownership", "owner owner_type"),
    ("last_sync", "last_checkin last_check_in last_contact"),
    ("device_user` or `user", "upn user_principal_name primary_user"),
    ("compliance_age", "age max_age verdict_age"),
    ("compliance_source", "verdict_source"),
    ("tenant", "tenants"),
)


AccessWord: TypeAlias = Literal["dot1x", "mab", "vpn"]
SourceWord: TypeAlias = Literal["certificate", "vpn", "mac", "none"]
StateWord: TypeAlias = Literal[
    "compliant", "noncompliant", "in_grace", "not_managed", "unknown", "unavailable", "not_asked"
]
Accesses: TypeAlias = Annotated[
    tuple[AccessWord, ...], BeforeValidator(at_least_one, json_schema_input_type=AccessWord | list[AccessWord])
]
Sources: TypeAlias = Annotated[
    tuple[SourceWord, ...], BeforeValidator(at_least_one, json_schema_input_type=SourceWord | list[SourceWord])
]
States: TypeAlias = Annotated[
    tuple[StateWord, ...], BeforeValidator(at_least_one, json_schema_input_type=StateWord | list[StateWord])
]
MacPatterns: TypeAlias = Annotated[
    tuple[MacPattern, ...], BeforeValidator(at_least_one, json_schema_input_type=MacPattern | list[MacPattern])
]
VerdictSourceWord: TypeAlias = Literal["live", "cache", "stale", "bulk"]
VerdictSources: TypeAlias = Annotated[
    tuple[VerdictSourceWord, ...],
    BeforeValidator(at_least_one, json_schema_input_type=VerdictSourceWord | list[VerdictSourceWord]),
]
OwnerWord: TypeAlias = Literal["company", "personal", "unknown"]
Owners: TypeAlias = Annotated[
    tuple[OwnerWord, ...], BeforeValidator(at_least_one, json_schema_input_type=OwnerWord | list[OwnerWord])
]
SystemWord: TypeAlias = Literal["Windows", "macOS", "iOS", "iPadOS", "Android", "Linux", "ChromeOS", "visionOS", "tvOS"]


def _systems(value: object) -> object:
    many = at_least_one(value)
    words = many if isinstance(many, tuple) else ()
    return tuple(answered.system(word) if isinstance(word, str) else word for word in words)


Systems: TypeAlias = Annotated[
    tuple[SystemWord, ...], BeforeValidator(_systems, json_schema_input_type=SystemWord | list[SystemWord])
]


def _begins(value: int) -> int:
    if value >= during.DAY:
        raise ValueError('`24:00` is an end: write `"00:00"`, and the day that begins then')
    return value


class Times(Window):
    """Some hours of some days, by the clock on the wall in `time_zone`."""

    begins: Annotated[Hour, AfterValidator(_begins)] = Field(
        alias="from", description='when they begin, as in `"07:00"`'
    )


SomeTimes: TypeAlias = Annotated[
    tuple[Times, ...], BeforeValidator(at_least_one, json_schema_input_type=Times | list[Times])
]


def clock(zone: object) -> tuple[tzinfo, str]:
    """A time zone and its name. zone: as it is written; for none or a wrong one, which is told where it stands, UTC."""
    name = zone if isinstance(zone, str) and _zone(zone) is not None else "UTC"
    return _zone(name) or UTC, name


def hours(times: Iterable[Times], zone: object) -> during.During:
    """The condition. zone: as for ``clock``."""
    found, name = clock(zone)
    return during.During(
        hours=tuple(
            during.Hours(days=frozenset(map(during.DAYS.index, each.days)), begins=each.begins, ends=each.ends)
            for each in times
        ),
        zone=found,
        zone_name=name,
    )


PortTypeWord: TypeAlias = Literal[
    "Ethernet",
    "Wireless-802.11",
    "Wireless-Other",
    "Virtual",
    "Async",
    "Sync",
    "ISDN",
    "xDSL",
    "Cable",
    "Token-Ring",
    "FDDI",
    "PPPoA",
    "PPPoEoA",
    "PPPoEoE",
    "PPPoEoVLAN",
    "PPPoEoQinQ",
    "xPON",
]
PortTypes: TypeAlias = Annotated[
    tuple[PortTypeWord, ...], BeforeValidator(at_least_one, json_schema_input_type=PortTypeWord | list[PortTypeWord])
]


def _realm(value: str) -> str:
    if "@" in value or "\\" in value or "*" in value:
        raise ValueError(f"{shown(value)} is no realm: write what stands behind `@`, as in `contoso.com`")
    return value.casefold()


Realm: TypeAlias = Annotated[Text, AfterValidator(_realm)]
Realms: TypeAlias = Annotated[
    tuple[Realm, ...], BeforeValidator(at_least_one, json_schema_input_type=Realm | list[Realm])
]
_USAGES: Final = {
    "clientAuth": "1.3.6.1.5.5.7.3.2",
    "serverAuth": "1.3.6.1.5.5.7.3.1",
    "codeSigning": "1.3.6.1.5.5.7.3.3",
    "emailProtection": "1.3.6.1.5.5.7.3.4",
    "timeStamping": "1.3.6.1.5.5.7.3.8",
    "smartcardLogon": "1.3.6.1.4.1.311.20.2.2",
    "anyExtendedKeyUsage": "2.5.29.37.0",
}


def _usage(value: str) -> str:
    """The OID; RFC 5280 section 4.2.1.12 has the names."""
    for name, oid in _USAGES.items():
        if value.casefold() == name.casefold():
            return oid
    if not re.fullmatch(r"[0-2](\.(0|[1-9][0-9]*)){1,30}", value):
        names = ", ".join(f"`{name}`" for name in _USAGES)
        raise ValueError(f"{shown(value)} is no key usage: write an OID with dots, or one of {names}")
    return value


Usage: TypeAlias = Annotated[Text, AfterValidator(_usage)]
Usages: TypeAlias = Annotated[
    tuple[Usage, ...], BeforeValidator(at_least_one, json_schema_input_type=Usage | list[Usage])
]


class Asked(Section):
    """What a rule can ask. A list means any of its values."""

    hints: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(_UNTOLD_KEYS.split(), _UNTOLD),
        **{other: f"write `{word}`" for word, others in _OTHER_WORDS for other in others.split()},
        "nas_group": "write `group`",
        "client": "write `nas`",
        **dict.fromkeys(("time", "hours", "days", "between", "schedule", "time_of_day", "window"), "write `during`"),
        **dict.fromkeys(("none", "none_of", "unless", "except", "and_not"), "write `not`"),
        "any": "a list means any of its values: write `access: [dot1x, vpn]`",
        "all": "all conditions of a rule must hold anyway",
        **dict.fromkeys(("site", "building", "place", "tag", "tags"), "write `location`, as in `clients`"),
        **dict.fromkeys(("nas_port_type", "media"), "write `port_type`, as in `Wireless-802.11`"),
        **dict.fromkeys(("connection_profile", "vpn_group"), "write `tunnel_group`"),
        **dict.fromkeys(("client_os", "device_platform"), "write `client_platform`"),
        "ap": "write `bssid`",
        **dict.fromkeys(("device", "device_id", "guid"), "write `device_in` and a file with device ids"),
        **dict.fromkeys(("san", "subject_alternative_name", "alt_name"), "write `san_dns`, `san_uri` or `san_upn`"),
        **dict.fromkeys(("expires", "valid_for", "not_after", "days_to_expiry"), "write `expires_in`"),
        **dict.fromkeys(("extended_key_usage", "key_usage", "usage"), "write `eku`"),
        "domain": "write `realm`",
        "username": "write `user`",
        "mac_address": "write `mac` or `mac_in`",
    }
    access: Accesses | None = Field(default=None, description="how the endpoint came: `dot1x`, `mab`, `vpn`")
    nas: SomeTexts | None = Field(default=None, description="names of NASes, as in `clients`")
    group: SomeTexts | None = Field(default=None, description="groups of NASes, as in `clients`")
    vendor: SomeTexts | None = Field(default=None, description="vendors of NASes, as in `clients`")
    location: SomeTexts | None = Field(
        default=None, description="where the NAS stands, as in `clients`: this place or one within it"
    )
    port_type: PortTypes | None = Field(
        default=None, description="kind of port (NAS-Port-Type), as in `Ethernet`, `Wireless-802.11`, `Virtual`"
    )
    identity: Sources | None = Field(
        default=None, description="what named the endpoint: `certificate`, `vpn`, `mac`, or `none`"
    )
    assurance: Literal["mac", "vpn", "certificate"] | None = Field(
        default=None, description="how far the identity must be trusted at least: `mac` < `vpn` < `certificate`"
    )
    compliance: States | None = Field(default=None, description="what Intune says of the device")
    compliance_age: AgeBound | None = Field(
        default=None, description="how long ago Intune said so: `{at_most: 4h}` or `{over: 4h}`; needs a verdict"
    )
    compliance_source: VerdictSources | None = Field(
        default=None,
        description="how that came here: `live` (asked just now), `cache` (kept, fresh), `stale` (kept, past its"
        " lifetime), `bulk` (out of the list of all noncompliant devices)",
    )
    tenant: SomeTexts | None = Field(
        default=None, description="names of tenants, as in `tenants`; with an `intune` section alone it is `intune`"
    )
    os: Systems | None = Field(
        default=None, description="operating system of the device in Intune; Microsoft Graph tells it"
    )
    os_version: Bound | None = Field(
        default=None,
        description='its version, number by number: `{at_least: "10.0.19045"}` or `{below: "10.0.19045"}`; needs `os`'
        " beside it; Microsoft Graph tells it",
    )
    ownership: Owners | None = Field(
        default=None, description="whose device it is: `company`, `personal`, `unknown`; Microsoft Graph tells it"
    )
    last_sync: AgeBound | None = Field(
        default=None,
        description="how long ago the device reported to Intune: `{at_most: 7d}` or `{over: 7d}`; Microsoft Graph"
        " tells it",
    )
    device_name: SomeTexts | None = Field(
        default=None,
        description="name of the device in Intune, by pattern with `*` and `?`; Microsoft Graph tells it",
    )
    device_user: SomeTexts | None = Field(
        default=None,
        description="primary user of the device in Intune, by pattern with `*` and `?`; Microsoft Graph tells it",
    )
    mac: MacPatterns | None = Field(default=None, description="MAC, or its beginning and `*`")
    mac_in: SomeTexts | None = Field(
        default=None,
        description="file with MACs: plain lines, or CSV with a column `mac`; `expires` is the last day of a row",
    )
    device_in: SomeTexts | None = Field(
        default=None, description="file with device ids (GUIDs): plain lines, or CSV with a column `device`"
    )
    issuer: SomeTexts | None = Field(default=None, description="issuer of the certificate, by pattern with `*` and `?`")
    subject: SomeTexts | None = Field(
        default=None, description="subject of the certificate, by pattern with `*` and `?`"
    )
    template: SomeTexts | None = Field(
        default=None, description="template (AD CS) of the certificate: its OID, or the name of an old one"
    )
    eku: Usages | None = Field(
        default=None, description="extended key usage of the certificate: an OID, or a name as `clientAuth`"
    )
    san_dns: SomeTexts | None = Field(
        default=None, description="a DNS name in the certificate (subject alternative name), by pattern"
    )
    san_uri: SomeTexts | None = Field(
        default=None, description="a URI in the certificate (subject alternative name), by pattern"
    )
    san_upn: SomeTexts | None = Field(
        default=None, description="a user principal name in the certificate (subject alternative name), by pattern"
    )
    expires_in: LeftBound | None = Field(
        default=None, description="how long the certificate is still valid: `{at_least: 7d}` or `{below: 7d}`"
    )
    user: SomeTexts | None = Field(default=None, description="user name, by pattern with `*` and `?`")
    realm: Realms | None = Field(
        default=None, description="realm of the user's name: what stands behind `@`, or before a backslash"
    )
    ssid: SomeTexts | None = Field(default=None, description="names of wireless networks; case counts")
    bssid: MacPatterns | None = Field(
        default=None, description="radio of the access point, by its MAC, or its beginning and `*`"
    )
    tunnel_group: SomeTexts | None = Field(
        default=None, description="tunnel groups (connection profiles) of a VPN; case counts"
    )
    client_platform: SomeTexts | None = Field(
        default=None,
        description="what the VPN client says it runs on (`device-platform`), by pattern, as in `win` or `mac*`",
    )
    client_platform_version: Bound | None = Field(
        default=None, description='the version of that: `{at_least: "10.0.19045"}` or `{below: "10.0.19045"}`'
    )
    client_version: Bound | None = Field(
        default=None, description='the version of the VPN client itself (`ac-user-agent`): `{at_least: "4.10"}`'
    )
    during: SomeTimes | None = Field(
        default=None,
        description='hours of some days, in `time_zone`: `{days: [mon, tue], from: "07:00", to: "19:00"}`; a list means'
        " any of them",
    )


class MustNot(Asked):
    """Conditions of which none may hold: each by itself keeps the rule from matching."""

    hints: ClassVar[Mapping[str, str]] = {
        **Asked.hints,
        "not": "what must not be not so must be so: write the condition above, beside `not`",
    }


class When(Asked):
    """Conditions; all must hold. A list means any of its values."""

    without: MustNot | None = Field(
        default=None,
        alias="not",
        description="conditions of which none may hold, as in `{ssid: Guest}`; what is absent is not there, so it does"
        " not hold either",
    )
