"""The conditions of a rule as they are written in ``policy.yaml``, each value checked by itself.

Knows: how an admin spells a condition and a time zone, and what to say to one who asks for what nobody tells. Refuses
to know: what the rest of the configuration knows (which names exist, who is asked: ``policy_file.py``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo
from typing import Annotated, ClassVar, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from nacd.config.fields import Duration, MacPattern, SomeTexts, Text, at_least_one, between
from nacd.config.sections.base import DAY, SECOND, Section
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
_ONE_KEY = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})
AgeLimit: TypeAlias = Annotated[Duration, AfterValidator(between(SECOND, 3650 * DAY))]


def _age_mapping(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("write `{at_most: 4h}` or `{over: 4h}`")  # noqa: TRY004 - what pydantic collects
    return value


class Age(Section):
    """How long ago: one of the two."""

    model_config = _ONE_KEY
    hints: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("max", "below", "under", "less_than", "within"), "write `at_most`"
    ) | dict.fromkeys(("min", "above", "more_than", "older_than", "at_least"), "write `over`")
    at_most: AgeLimit | None = Field(default=None, description="this long ago or less, as in `4h`")
    over: AgeLimit | None = Field(default=None, description="longer ago than this, as in `4h`")

    @model_validator(mode="after")
    def _one(self) -> Age:
        if (self.at_most is None) == (self.over is None):
            raise PydanticCustomError("nacd", "write one of `at_most` and `over`, as in `{at_most: 4h}`")
        return self


def _version(value: str) -> str:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9}){0,7}", value):
        raise ValueError(f"{shown(value)} is no version: write numbers and dots, as in `10.0.19045`")
    return value


def _version_mapping(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError('write `{at_least: "10.0.19045"}` or `{below: "10.0.19045"}`')  # noqa: TRY004
    return value


VersionField: TypeAlias = Annotated[Text, AfterValidator(_version)]


class VersionBound(Section):
    """A version and what is not lower, or what is."""

    model_config = _ONE_KEY
    hints: ClassVar[Mapping[str, str]] = {"min": "write `at_least`", "at_most": "write `below` and the next version"}
    at_least: VersionField | None = Field(default=None, description='this version or a later one, as in `"10.0.19045"`')
    below: VersionField | None = Field(default=None, description='earlier than this version, as in `"10.0.19045"`')

    @model_validator(mode="after")
    def _one(self) -> VersionBound:
        if (self.at_least is None) == (self.below is None):
            message = 'write one of `at_least` and `below`, as in `{at_least: "10.0.19045"}`'
            raise PydanticCustomError("nacd", message)
        return self


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


def hours(times: Iterable[Times], zone: object) -> during.During:
    """The condition. zone: as it is written; for none or a wrong one, which is told where it stands, UTC stands in."""
    name = zone if isinstance(zone, str) and _zone(zone) is not None else "UTC"
    return during.During(
        hours=tuple(
            during.Hours(days=frozenset(map(during.DAYS.index, each.days)), begins=each.begins, ends=each.ends)
            for each in times
        ),
        zone=_zone(name) or UTC,
        zone_name=name,
    )


class When(Section):
    """Conditions; all must hold. A list means any of its values."""

    hints: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(_UNTOLD_KEYS.split(), _UNTOLD),
        **{other: f"write `{word}`" for word, others in _OTHER_WORDS for other in others.split()},
        "nas_group": "write `group`",
        "client": "write `nas`",
        **dict.fromkeys(("time", "hours", "days", "between", "schedule", "time_of_day", "window"), "write `during`"),
        "not": "conditions are not negated: put a rule for the exception above this one",
        "any": "a list means any of its values: write `access: [dot1x, vpn]`",
        "all": "all conditions of a rule must hold anyway",
        "vendor": "write `nas` or `group`",
        "username": "write `user`",
        "mac_address": "write `mac` or `mac_in`",
    }
    access: Accesses | None = Field(default=None, description="how the endpoint came: `dot1x`, `mab`, `vpn`")
    nas: SomeTexts | None = Field(default=None, description="names of NASes, as in `clients`")
    group: SomeTexts | None = Field(default=None, description="groups of NASes, as in `clients`")
    identity: Sources | None = Field(
        default=None, description="what named the endpoint: `certificate`, `vpn`, `mac`, or `none`"
    )
    assurance: Literal["mac", "vpn", "certificate"] | None = Field(
        default=None, description="how far the identity must be trusted at least: `mac` < `vpn` < `certificate`"
    )
    compliance: States | None = Field(default=None, description="what Intune says of the device")
    compliance_age: Annotated[Age, BeforeValidator(_age_mapping)] | None = Field(
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
    os_version: Annotated[VersionBound, BeforeValidator(_version_mapping)] | None = Field(
        default=None,
        description='its version, number by number: `{at_least: "10.0.19045"}` or `{below: "10.0.19045"}`; needs `os`'
        " beside it; Microsoft Graph tells it",
    )
    ownership: Owners | None = Field(
        default=None, description="whose device it is: `company`, `personal`, `unknown`; Microsoft Graph tells it"
    )
    last_sync: Annotated[Age, BeforeValidator(_age_mapping)] | None = Field(
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
        default=None, description="file with MACs: plain lines, or CSV with a column `mac`"
    )
    issuer: SomeTexts | None = Field(default=None, description="issuer of the certificate, by pattern with `*` and `?`")
    subject: SomeTexts | None = Field(
        default=None, description="subject of the certificate, by pattern with `*` and `?`"
    )
    user: SomeTexts | None = Field(default=None, description="user name, by pattern with `*` and `?`")
    ssid: SomeTexts | None = Field(default=None, description="names of wireless networks; case counts")
    during: SomeTimes | None = Field(
        default=None,
        description='hours of some days, in `time_zone`: `{days: [mon, tue], from: "07:00", to: "19:00"}`; a list means'
        " any of them",
    )
