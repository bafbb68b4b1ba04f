"""The conditions of a rule as they are written in ``policy.yaml``, each value checked by itself.

Knows: how an admin spells a condition, and what to say to one who asks for what nobody tells. Refuses to know: what
the rest of the configuration knows (which names exist, who is asked: ``policy_file.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from nacd.config.fields import SomeTexts
from nacd.config.rules.bounds import AgeBound, Bound, LeftBound
from nacd.config.rules.words import (
    Accesses,
    ListedWords,
    MacPatterns,
    Owners,
    PortTypes,
    Realms,
    SomeTimes,
    Sources,
    States,
    Systems,
    Usages,
    VerdictSources,
)
from nacd.config.sections.base import Section

_UNTOLD = (
    "nobody tells it: NAC 2.0 tells compliance only, Microsoft Graph also `os`, `os_version`, `ownership`, `last_sync`,"
    " `device_name`, `device_user` and `user_group`"
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
    ("user_group", "user_groups ad_group entra_group security_group member_of memberof groups_of_user"),
)


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
        **dict.fromkeys(("mab_tag", "mab", "endpoint_group"), "write `inventory`, and a tag of `nacd mab add --tag`"),
    }
    access: Accesses | None = Field(
        default=None, description="how the endpoint came: `dot1x`, `mab`, `vpn`", examples=["dot1x", ["dot1x", "vpn"]]
    )
    nas: SomeTexts | None = Field(
        default=None, description="names of NASes, as in `clients`", examples=["campus-switches"]
    )
    group: SomeTexts | None = Field(
        default=None, description="groups of NASes, as in `clients`", examples=["wired", ["wired", "wireless"]]
    )
    vendor: SomeTexts | None = Field(
        default=None, description="vendors of NASes, as in `clients`", examples=["cisco-ios"]
    )
    location: SomeTexts | None = Field(
        default=None,
        description="where the NAS stands, as in `clients`: this place or one within it",
        examples=["berlin", "berlin/building-7"],
    )
    port_type: PortTypes | None = Field(
        default=None,
        description="kind of port (NAS-Port-Type), as in `Ethernet`, `Wireless-802.11`, `Virtual`",
        examples=["Ethernet", "Wireless-802.11"],
    )
    identity: Sources | None = Field(
        default=None,
        description="what named the endpoint: `certificate`, `vpn`, `mac`, or `none`",
        examples=["certificate", ["certificate", "vpn"]],
    )
    assurance: Literal["mac", "vpn", "certificate"] | None = Field(
        default=None,
        description="how far the identity must be trusted at least: `mac` < `vpn` < `certificate`",
        examples=["certificate"],
    )
    compliance: States | None = Field(
        default=None,
        description="what Intune says of the device; whoever asks this may have to wait for Intune. `unavailable`:"
        " Intune could not be asked",
        examples=["compliant", ["noncompliant", "unknown", "not_managed"]],
    )
    compliance_age: AgeBound | None = Field(
        default=None,
        description="how long ago Intune said so: `{at_most: 4h}` or `{over: 4h}`; needs a verdict",
        examples=[{"at_most": "4h"}, {"over": "4h"}],
    )
    compliance_source: VerdictSources | None = Field(
        default=None,
        description="how that came here: `live` (asked just now), `cache` (kept, fresh), `stale` (kept, past its"
        " lifetime), `bulk` (out of the list of all noncompliant devices)",
        examples=["live", ["live", "cache"]],
    )
    tenant: SomeTexts | None = Field(
        default=None,
        description="names of tenants, as in `tenants`; with an `intune` section alone it is `intune`",
        examples=["contoso"],
    )
    os: Systems | None = Field(
        default=None,
        description="operating system of the device in Intune; Microsoft Graph tells it",
        examples=["Windows", ["iOS", "iPadOS"]],
    )
    os_version: Bound | None = Field(
        default=None,
        description='its version, number by number: `{at_least: "10.0.19045"}` or `{below: "10.0.19045"}`; needs `os`'
        " beside it; Microsoft Graph tells it",
        examples=[{"at_least": "10.0.19045"}],
    )
    ownership: Owners | None = Field(
        default=None,
        description="whose device it is: `company`, `personal`, `unknown`; Microsoft Graph tells it",
        examples=["company"],
    )
    last_sync: AgeBound | None = Field(
        default=None,
        description="how long ago the device reported to Intune: `{at_most: 7d}` or `{over: 7d}`; Microsoft Graph"
        " tells it",
        examples=[{"at_most": "7d"}],
    )
    device_name: SomeTexts | None = Field(
        default=None,
        description="name of the device in Intune, by pattern with `*` and `?`; Microsoft Graph tells it",
        examples=["PC-*"],
    )
    device_user: SomeTexts | None = Field(
        default=None,
        description="primary user of the device in Intune, by pattern with `*` and `?`; Microsoft Graph tells it",
        examples=["*@contoso.com"],
    )
    user_group: SomeTexts | None = Field(
        default=None,
        description="groups of Entra ID that the device's primary user is in, through other groups too: names out of"
        " `user_groups`, or object ids; Microsoft Graph tells it",
        examples=["contractors", "6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"],
    )
    mac: MacPatterns | None = Field(
        default=None, description="MAC, or its beginning and `*`", examples=["AA-BB-CC-DD-EE-FF", "AA-BB-CC-*"]
    )
    mac_in: SomeTexts | None = Field(
        default=None,
        description="file with MACs: plain lines, or CSV with a column `mac`; `expires` is the last day of a row",
        examples=["printers.csv", ["printers.csv", "phones.csv"]],
    )
    inventory: ListedWords | None = Field(
        default=None,
        description="the MAC stands in the inventory (`nacd mab`) at that moment, with one of these tags; `any`: with"
        " whichever",
        examples=["printers", ["printers", "scanners"], "any"],
    )
    device_in: SomeTexts | None = Field(
        default=None,
        description="file with device ids (GUIDs): plain lines, or CSV with a column `device`",
        examples=["kiosks.csv"],
    )
    issuer: SomeTexts | None = Field(
        default=None,
        description="issuer of the certificate, by pattern with `*` and `?`",
        examples=["CN=Contoso Devices CA*"],
    )
    subject: SomeTexts | None = Field(
        default=None, description="subject of the certificate, by pattern with `*` and `?`", examples=["CN=LAB-*"]
    )
    template: SomeTexts | None = Field(
        default=None,
        description="template (AD CS) of the certificate: its OID, or the name of an old one",
        examples=["1.3.6.1.4.1.311.21.8.1.2.3"],
    )
    eku: Usages | None = Field(
        default=None,
        description="extended key usage of the certificate: an OID, or a name as `clientAuth`",
        examples=["clientAuth", "1.3.6.1.4.1.311.20.2.2"],
    )
    san_dns: SomeTexts | None = Field(
        default=None,
        description="a DNS name in the certificate (subject alternative name), by pattern",
        examples=["*.corp.contoso.com"],
    )
    san_uri: SomeTexts | None = Field(
        default=None,
        description="a URI in the certificate (subject alternative name), by pattern",
        examples=["IntuneDeviceId://*"],
    )
    san_upn: SomeTexts | None = Field(
        default=None,
        description="a user principal name in the certificate (subject alternative name), by pattern",
        examples=["*@contoso.com"],
    )
    expires_in: LeftBound | None = Field(
        default=None,
        description="how long the certificate is still valid: `{at_least: 7d}` or `{below: 7d}`",
        examples=[{"below": "7d"}],
    )
    user: SomeTexts | None = Field(
        default=None, description="user name, by pattern with `*` and `?`", examples=["*@contoso.com"]
    )
    realm: Realms | None = Field(
        default=None,
        description="realm of the user's name: what stands behind `@`, or before a backslash",
        examples=["contoso.com"],
    )
    ssid: SomeTexts | None = Field(
        default=None, description="names of wireless networks; case counts", examples=["CORP"]
    )
    bssid: MacPatterns | None = Field(
        default=None,
        description="radio of the access point, by its MAC, or its beginning and `*`",
        examples=["AA-BB-CC-DD-EE-FF", "AA-BB-CC-*"],
    )
    tunnel_group: SomeTexts | None = Field(
        default=None, description="tunnel groups (connection profiles) of a VPN; case counts", examples=["EMPLOYEES"]
    )
    client_platform: SomeTexts | None = Field(
        default=None,
        description="what the VPN client says it runs on (`device-platform`), by pattern, as in `win` or `mac*`",
        examples=["win", "mac*"],
    )
    client_platform_version: Bound | None = Field(
        default=None,
        description='the version of that: `{at_least: "10.0.19045"}` or `{below: "10.0.19045"}`',
        examples=[{"at_least": "10.0.19045"}],
    )
    client_version: Bound | None = Field(
        default=None,
        description='the version of the VPN client itself (`ac-user-agent`): `{at_least: "4.10"}`',
        examples=[{"at_least": "4.10"}],
    )
    during: SomeTimes | None = Field(
        default=None,
        description='hours of some days, in `time_zone`: `{days: [mon, tue], from: "07:00", to: "19:00"}`; a list means'
        " any of them",
        examples=[{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "07:00", "to": "19:00"}],
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
        examples=[{"ssid": "Guest"}, {"group": "lab"}],
    )
