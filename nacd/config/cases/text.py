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

from nacd.config.fields import Duration, Flag, Guid, SomeTexts, Text, between, mac
from nacd.config.policy_text import AttributeValues, attribute_name
from nacd.config.rules.bounds import VersionField
from nacd.config.rules.words import (
    AccessWord,
    ListedWords,
    OwnerWord,
    PortTypeWord,
    SourceWord,
    StateWord,
    SystemWord,
    Usage,
    VerdictSourceWord,
)
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


NO_GROUP: Final = "none"
"""Stands for all groups that the policy asks about: the user is in none of them."""


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
    nas: Annotated[Text, One] = Field(
        description="name of the NAS that asks, as in `clients`", examples=["campus-switches"]
    )
    identity: Annotated[SourceWord, One] = Field(
        description="what names the endpoint: `certificate`, `vpn`, `mac`, or `none`"
    )
    assurance: Annotated[Literal["mac", "vpn", "certificate"], One] | None = Field(
        default=None, description="how far the identity can be trusted; absent: as its source deserves"
    )
    device: Guid | None = Field(
        default=None,
        description="Intune device id; absent: that of some device",
        examples=["6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"],
    )
    mac: CaseMac | None = Field(
        default=None, description="the endpoint's MAC, where the request names one", examples=["AA-BB-CC-DD-EE-FF"]
    )
    inventory: ListedWords | None = Field(
        default=None,
        description="the MAC stands in the inventory, with these tags; `any`: without one; absent: it does not",
        examples=["printers", "any"],
    )
    user: Annotated[Text, One] | None = Field(
        default=None, description="the proved user, as the policy sees him", examples=["alice@contoso.com"]
    )
    ssid: Annotated[Text, One] | None = Field(
        default=None, description="name of the wireless network; case counts", examples=["CORP"]
    )
    port_type: Annotated[PortTypeWord, One] | None = Field(
        default=None, description="kind of port (NAS-Port-Type)", examples=["Ethernet", "Wireless-802.11"]
    )
    bssid: CaseMac | None = Field(
        default=None, description="the access point's radio, by its MAC", examples=["AA-BB-CC-DD-EE-FF"]
    )
    tunnel_group: Annotated[Text, One] | None = Field(
        default=None, description="tunnel group of a VPN; case counts", examples=["EMPLOYEES"]
    )
    client_platform: Annotated[Text, One] | None = Field(
        default=None, description="what the VPN client says it runs on, as in `win`", examples=["win"]
    )
    client_platform_version: VersionField | None = Field(
        default=None, description="the version of that", examples=["10.0.19045"]
    )
    client_version: VersionField | None = Field(
        default=None, description="the version of the VPN client itself", examples=["4.10.07061"]
    )
    subject: Annotated[Text, One] | None = Field(
        default=None, description="subject of the certificate (RFC 4514)", examples=["CN=LAB-0117"]
    )
    issuer: Annotated[Text, One] | None = Field(
        default=None, description="issuer of the certificate (RFC 4514)", examples=["CN=Contoso Devices CA,O=Contoso"]
    )
    template: Annotated[Text, One] | None = Field(
        default=None, description="template of the certificate", examples=["1.3.6.1.4.1.311.21.8.1.2.3"]
    )
    eku: Annotated[Usage, One] | None = Field(
        default=None, description="extended key usage of the certificate", examples=["clientAuth"]
    )
    san_dns: Annotated[Text, One] | None = Field(
        default=None, description="DNS name in the certificate", examples=["lab-0117.corp.contoso.com"]
    )
    san_uri: Annotated[Text, One] | None = Field(
        default=None,
        description="URI in the certificate",
        examples=["IntuneDeviceId://6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"],
    )
    san_upn: Annotated[Text, One] | None = Field(
        default=None, description="user principal name in the certificate", examples=["alice@contoso.com"]
    )
    expires_in: Ago | None = Field(
        default=None, description="how long the certificate is still valid; absent: a year", examples=["30d"]
    )
    tenant: Annotated[Text, One] | None = Field(
        default=None, description="tenant that is asked about it; absent: the only one there is", examples=["contoso"]
    )
    compliance: Annotated[StateWord, One] | None = Field(
        default=None, description="what Intune says of the device; needed where the decision hinges on it"
    )
    compliance_age: Ago | None = Field(
        default=None, description="how long ago Intune said so; absent: just now", examples=["2h"]
    )
    compliance_source: Annotated[VerdictSourceWord, One] | None = Field(
        default=None, description="how the verdict came here; absent: `live`"
    )
    os: Annotated[SystemWord, BeforeValidator(_system)] | None = Field(
        default=None, description="operating system of the device in Intune"
    )
    os_version: VersionField | None = Field(
        default=None, description='its version, as in `"10.0.19045"`', examples=["10.0.19045"]
    )
    ownership: Annotated[OwnerWord, One] | None = Field(
        default=None, description="whose device it is: `company`, `personal`, `unknown`"
    )
    last_sync: Ago | None = Field(
        default=None, description="how long ago the device reported to Intune, as in `3h`", examples=["3h"]
    )
    device_name: Annotated[Text, One] | None = Field(
        default=None, description="name of the device in Intune", examples=["PC-0117"]
    )
    device_user: Annotated[Text, One] | None = Field(
        default=None, description="primary user of the device in Intune", examples=["alice@contoso.com"]
    )
    user_group: SomeTexts | None = Field(
        default=None,
        description="groups of Entra ID that the device's user is in, of those that the policy asks about: names out of"
        " its `user_groups`, or object ids; `none`: he is in none of them; absent: nobody knows",
        examples=["contractors", "none"],
    )
    time: CaseTime | None = Field(
        default=None,
        description='when it happens, by the `time_zone` of the policy: `"mon 09:00"` or `"2026-11-23 09:00"`;'
        " needed where the policy has `during`",
        examples=["mon 09:00", "2026-11-23 09:00"],
    )


class Expect(Section):
    """What is to come of it; at least one of these."""

    hints: ClassVar[Mapping[str, str]] = {
        "then": "write `profile`, or `effect: deny`",
        "decision": "write `effect`",
        "attribute": "write `attributes`",
        "monitor": "write `monitored: true`",
    }
    rule: Annotated[Text, One] | None = Field(
        default=None,
        description="name of the rule that decides, or `default-deny`",
        examples=["compliant device", "default-deny"],
    )
    effect: Annotated[Literal["allow", "deny"], One] | None = Field(default=None, description="`allow` or `deny`")
    profile: Annotated[Text, One] | None = Field(
        default=None, description="profile that is given", examples=["corporate"]
    )
    attributes: dict[Annotated[str, AfterValidator(_attribute)], AttributeValues] | None = Field(
        default=None,
        description="attributes of the answer in the words of the NAS's vendor (`NAME` or `NAME:TAG`), with their"
        " values; others may be there too",
        examples=[{"Tunnel-Private-Group-Id:1": 120, "Session-Timeout": 28800}],
    )
    monitored: Flag | None = Field(
        default=None,
        description="whether a monitor answers in place of what is decided; all else that is expected is about the"
        " decision. A case without a date is decided before any monitor ends",
    )


class CaseText(Section):
    """One case."""

    hints: ClassVar[Mapping[str, str]] = {"when": "write `given`", "if": "write `given`", "then": "write `expect`"} | {
        key: f"it stands under `given`: write `given: {{{key}: ...}}`" for key in Given.model_fields
    }
    name: Text = Field(description="unique name, for people", examples=["a healthy laptop at its desk"])
    given: Given = Field(
        description="one login: what is true of it",
        examples=[{"access": "dot1x", "nas": "campus-switches", "identity": "certificate", "compliance": "compliant"}],
    )
    expect: Expect = Field(
        description="what is to come of it", examples=[{"rule": "compliant device", "profile": "corporate"}]
    )


class CasesText(Section):
    """Everything in ``policy-cases.yaml``."""

    hints: ClassVar[Mapping[str, str]] = {"tests": "write `cases`"}
    cases: tuple[CaseText, ...] = Field(
        description="cases, each tried by itself",
        examples=[
            [
                {
                    "name": "a healthy laptop",
                    "given": {
                        "access": "dot1x",
                        "nas": "campus-switches",
                        "identity": "certificate",
                        "compliance": "compliant",
                    },
                    "expect": {"profile": "corporate"},
                }
            ]
        ],
    )
