"""``policy-cases.yaml`` as it is written: what is given and what is expected, each value checked by itself.

Knows: how an admin words a case; its keys are those of ``when``. Refuses to know: which rules, profiles and NASes there
are (``file.py``) and what the policy says of a case (``replay/``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from nacd.config.fields import Duration, Guid, Text, between, mac
from nacd.config.policy_conditions import (
    AccessWord,
    OwnerWord,
    PortTypeWord,
    SourceWord,
    StateWord,
    SystemWord,
    Usage,
    VerdictSourceWord,
)
from nacd.config.policy_text import AttributeValues, attribute_name
from nacd.config.rules.bounds import VersionField
from nacd.config.sections.base import DAY, Section
from nacd.config.sections.week import DAYS, hour
from nacd.config.yaml import shown
from nacd.policy import answered

_MONDAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
"""A week in which no time zone changes its clocks."""
_WEEK_TIME: Final = re.compile(rf"({'|'.join(DAYS)}) (\S+)")
_DATE_TIME: Final = re.compile(r"(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2})", re.ASCII)


def moment(text: str, zone: tzinfo) -> float:
    """``mon 09:00`` (of some week) or ``2026-11-23 09:00`` by the clocks of a zone, as seconds since the epoch.

    Raises ValueError in words.
    """
    if match := _WEEK_TIME.fullmatch(text):
        day, minutes = DAYS.index(match.group(1)), hour(match.group(2))
        if minutes == 24 * 60:
            raise ValueError("`24:00` is an end: write the next day and `00:00`")
        local = _MONDAY + timedelta(days=day, minutes=minutes)
    elif match := _DATE_TIME.fullmatch(text):
        try:
            local = datetime.fromisoformat(f"{match.group(1)}T{match.group(2)}")
        except ValueError:
            raise ValueError(f"{shown(text)} is in no calendar") from None
    else:
        raise ValueError(f'{shown(text)} is no time: write as in `"mon 09:00"` or `"2026-11-23 09:00"`')
    return local.replace(tzinfo=zone).timestamp()


def _time(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError('a time is wanted here, in quotes, as in `"mon 09:00"`')  # noqa: TRY004
    moment(value, UTC)
    return value


def _system(value: object) -> object:
    return answered.system(value) if isinstance(value, str) else value


def _one(value: object) -> object:
    if isinstance(value, tuple):
        raise ValueError("one value is wanted here: a case is one login, write another case for the next")  # noqa: TRY004
    return value


def _attribute(key: str) -> str:
    if key not in ("Session-Timeout", "Termination-Action"):
        attribute_name(key)
    return key


CaseTime: TypeAlias = Annotated[
    str, PlainValidator(_time), WithJsonSchema({"type": "string", "examples": ["mon 09:00", "2026-11-23 09:00"]})
]
CaseMac: TypeAlias = Annotated[
    str, PlainValidator(mac), WithJsonSchema({"type": "string", "examples": ["AA-BB-CC-DD-EE-FF"]})
]
Ago: TypeAlias = Annotated[Duration, AfterValidator(between(timedelta(0), 3650 * DAY))]
One = BeforeValidator(_one)


class Given(Section):
    """One login: what is true of it. The words are those of ``when`` in the policy, one value each."""

    hints: ClassVar[Mapping[str, str]] = {
        "group": "the groups are those of the `nas`, as in `clients`",
        "vendor": "the vendor is that of the `nas`, as in `clients`",
        "location": "the location is that of the `nas`, as in `clients`",
        "realm": "the realm is that of the `user`",
        "not": "a case says what is there: leave out what is not",
        "device_in": "write the `device`: the lists are those of the policy",
        "mac_in": "write the `mac`: the lists are those of the policy",
        "certificate": "write `identity: certificate`, and `subject` and `issuer` where a rule asks for them",
        "during": 'write `time`, as in `"mon 09:00"`',
        "state": "write `compliance`",
        "username": "write `user`",
        "device_id": "write `device`",
        "guid": "write `device`",
    }
    access: Annotated[AccessWord, One] = Field(description="how the endpoint comes: `dot1x`, `mab`, `vpn`")
    nas: Annotated[Text, One] = Field(description="name of the NAS that asks, as in `clients`")
    identity: Annotated[SourceWord, One] = Field(
        description="what names the endpoint: `certificate`, `vpn`, `mac`, or `none`"
    )
    assurance: Annotated[Literal["mac", "vpn", "certificate"], One] | None = Field(
        default=None, description="how far the identity can be trusted; absent: as its source deserves"
    )
    device: Guid | None = Field(default=None, description="Intune device id; absent: that of some device")
    mac: CaseMac | None = Field(default=None, description="the endpoint's MAC, where the request names one")
    user: Annotated[Text, One] | None = Field(default=None, description="the proved user, as the policy sees him")
    ssid: Annotated[Text, One] | None = Field(default=None, description="name of the wireless network; case counts")
    port_type: Annotated[PortTypeWord, One] | None = Field(default=None, description="kind of port (NAS-Port-Type)")
    bssid: CaseMac | None = Field(default=None, description="the access point's radio, by its MAC")
    tunnel_group: Annotated[Text, One] | None = Field(default=None, description="tunnel group of a VPN; case counts")
    client_platform: Annotated[Text, One] | None = Field(
        default=None, description="what the VPN client says it runs on, as in `win`"
    )
    client_platform_version: VersionField | None = Field(default=None, description="the version of that")
    client_version: VersionField | None = Field(default=None, description="the version of the VPN client itself")
    subject: Annotated[Text, One] | None = Field(default=None, description="subject of the certificate (RFC 4514)")
    issuer: Annotated[Text, One] | None = Field(default=None, description="issuer of the certificate (RFC 4514)")
    template: Annotated[Text, One] | None = Field(default=None, description="template of the certificate")
    eku: Annotated[Usage, One] | None = Field(default=None, description="extended key usage of the certificate")
    san_dns: Annotated[Text, One] | None = Field(default=None, description="DNS name in the certificate")
    san_uri: Annotated[Text, One] | None = Field(default=None, description="URI in the certificate")
    san_upn: Annotated[Text, One] | None = Field(default=None, description="user principal name in the certificate")
    expires_in: Ago | None = Field(default=None, description="how long the certificate is still valid; absent: a year")
    tenant: Annotated[Text, One] | None = Field(
        default=None, description="tenant that is asked about it; absent: the only one there is"
    )
    compliance: Annotated[StateWord, One] | None = Field(
        default=None, description="what Intune says of the device; needed where the decision hinges on it"
    )
    compliance_age: Ago | None = Field(default=None, description="how long ago Intune said so; absent: just now")
    compliance_source: Annotated[VerdictSourceWord, One] | None = Field(
        default=None, description="how the verdict came here; absent: `live`"
    )
    os: Annotated[SystemWord, BeforeValidator(_system)] | None = Field(
        default=None, description="operating system of the device in Intune"
    )
    os_version: VersionField | None = Field(default=None, description='its version, as in `"10.0.19045"`')
    ownership: Annotated[OwnerWord, One] | None = Field(
        default=None, description="whose device it is: `company`, `personal`, `unknown`"
    )
    last_sync: Ago | None = Field(default=None, description="how long ago the device reported to Intune, as in `3h`")
    device_name: Annotated[Text, One] | None = Field(default=None, description="name of the device in Intune")
    device_user: Annotated[Text, One] | None = Field(default=None, description="primary user of the device in Intune")
    time: CaseTime | None = Field(
        default=None,
        description='when it happens, by the `time_zone` of the policy: `"mon 09:00"` or `"2026-11-23 09:00"`;'
        " needed where the policy has `during`",
    )


class Expect(Section):
    """What is to come of it; at least one of these."""

    hints: ClassVar[Mapping[str, str]] = {
        "then": "write `profile`, or `effect: deny`",
        "decision": "write `effect`",
        "attribute": "write `attributes`",
    }
    rule: Annotated[Text, One] | None = Field(
        default=None, description="name of the rule that decides, or `default-deny`"
    )
    effect: Annotated[Literal["allow", "deny"], One] | None = Field(default=None, description="`allow` or `deny`")
    profile: Annotated[Text, One] | None = Field(default=None, description="profile that is given")
    attributes: dict[Annotated[str, AfterValidator(_attribute)], AttributeValues] | None = Field(
        default=None,
        description="attributes of the answer in the words of the NAS's vendor (`NAME` or `NAME:TAG`), with their"
        " values; others may be there too",
    )


class CaseText(Section):
    """One case."""

    hints: ClassVar[Mapping[str, str]] = {"when": "write `given`", "if": "write `given`", "then": "write `expect`"} | {
        key: f"it stands under `given`: write `given: {{{key}: ...}}`" for key in Given.model_fields
    }
    name: Text = Field(description="unique name, for people")
    given: Given = Field(description="one login: what is true of it")
    expect: Expect = Field(description="what is to come of it")


class CasesText(Section):
    """Everything in ``policy-cases.yaml``."""

    hints: ClassVar[Mapping[str, str]] = {"tests": "write `cases`"}
    cases: tuple[CaseText, ...] = Field(description="cases, each tried by itself")
