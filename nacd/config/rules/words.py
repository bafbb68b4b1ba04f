"""The words that stand in conditions: kinds, states, systems, time zones, realms, key usages, each by itself.

Knows: how an admin spells one. Refuses to know: which condition asks for it (``policy_conditions.py``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import UTC, tzinfo
from typing import Annotated, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

from nacd.config.fields import MacPattern, Text, at_least_one
from nacd.config.sections.week import Hour, Window
from nacd.config.yaml import shown
from nacd.policy import answered, during
from nacd.policy.requested import IN_INVENTORY
from nacd.session.macs.inventory import tag


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


def _listed(value: str) -> str:
    return IN_INVENTORY if value.strip().casefold() == IN_INVENTORY else tag(value)


ListedWord: TypeAlias = Annotated[Text, AfterValidator(_listed)]
ListedWords: TypeAlias = Annotated[
    tuple[ListedWord, ...], BeforeValidator(at_least_one, json_schema_input_type=ListedWord | list[ListedWord])
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
        alias="from", description='when they begin, as in `"07:00"`', examples=["07:00"]
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
