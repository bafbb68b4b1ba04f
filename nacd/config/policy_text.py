"""``policy.yaml`` as it is written: profiles and rules, each value checked by itself.

Knows: how an admin spells an intention and a rule, and which raw attributes are not the admin's to send.
Refuses to know: conditions (``policy_conditions.py``), what else the file says (that profiles exist, that names
are unique: ``policy_file.py``) and what any vendor can express.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, PlainValidator, Tag, WithJsonSchema

from nacd.config.fields import Duration, Guid, Number, Text, at_least_one, between, text
from nacd.config.policy_conditions import When
from nacd.config.rules.monitor import MonitorText, RuleMonitorText
from nacd.config.rules.words import TimeZone
from nacd.config.sections.base import Section
from nacd.config.yaml import shown
from nacd.policy.model import DENY
from nacd.values import VlanList
from nacd.vendor.filter_flaws import complaint
from nacd.vendor.profile import INTENTIONS, PORTS_OWN, SGTS, VLAN_IDS, NoRedirect, Redirect

# -- raw attributes -------------------------------------------------------------------------

_REFUSED: Final = (
    (
        r"service-type|callback-.*|login-.*|management-.*|framed-management",
        "it can open a login on the NAS itself, and nacd opens the network only",
    ),
    (
        r".*privilege.*|.*priv-lvl.*|.*priv-level.*|.*admin.*|fortinet-access-profile|juniper-(local-user-name|allow-.*"
        r"|deny-.*|user-permissions|configure-.*)|hp-(command|management)-.*|.*-auth-role|(arista|f5-ltm|cp-gaia)-.*"
        r"|extreme-(cli|shell)-.*|mikrotik-group|huawei-exec-.*|apc-.*|cisco-(command|cmd)-?.*",
        "it grants administrative access, and nacd opens the network only",
    ),
    (r"session-timeout", "write the intention `session_timeout`, as in `session_timeout: 8h`"),
    (r"termination-action", "write the intention `termination`: `reauthenticate` or `end`"),
    (r"tunnel-password", "it must be encrypted anew for each answer, which nacd does not do"),
    (
        r"eap-.*|message-authenticator|state|proxy-state|ms-mppe-.*|ms-chap.*|.*user-password|chap-.*|arap-.*"
        r"|vendor-specific|error-cause|acct-(?!interim-interval).*|nas-(ip|ipv6)-address|nas-identifier|nas-port.*",
        "it belongs to the protocol, nacd sets what is needed by itself",
    ),
)
_REFUSALS: Final = tuple((re.compile(pattern), why) for pattern, why in _REFUSED)
_SHELL = re.compile(r"\bshell:|priv-lvl|\bshell\s*:", re.IGNORECASE)
_LIST_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_ATTRIBUTE_KEY = re.compile(r"([A-Za-z0-9][A-Za-z0-9._/-]*)(?::([1-9]|[12][0-9]|3[01]))?")


def attribute_name(key: str) -> tuple[str, int]:
    """``NAME`` or ``NAME:TAG``, as name and tag (0 for none). Raises ValueError for what is not to be sent."""
    match = _ATTRIBUTE_KEY.fullmatch(key)
    if match is None:
        raise ValueError(f"{shown(key)} is no attribute name: write `NAME`, or `NAME:TAG` with a tag from 1 to 31")
    for pattern, why in _REFUSALS:
        if pattern.fullmatch(match.group(1).lower()):
            raise ValueError(f"the attribute {shown(match.group(1))} cannot be set here: {why}")
    return match.group(1), int(match.group(2) or 0)


def _attribute_key(key: str) -> str:
    attribute_name(key)
    return key


def _attribute_value(value: object) -> str | int:
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < 2**64:
            raise ValueError(f"`{value}` is no number that an attribute can hold")
        return value
    written = text(value)
    if _SHELL.search(written):
        raise ValueError(f"{shown(written)} grants administrative access, and nacd opens the network only")
    return written


AttributeValue: TypeAlias = Annotated[
    str | int, PlainValidator(_attribute_value), WithJsonSchema({"type": ["string", "integer"]})
]
AttributeValues: TypeAlias = Annotated[
    tuple[AttributeValue, ...],
    BeforeValidator(at_least_one, json_schema_input_type=AttributeValue | list[AttributeValue]),
]

# -- profiles -------------------------------------------------------------------------------


def vlan(value: object) -> str:
    """A VLAN by number or by name, as text. Raises ValueError for a number that is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    written = text(value)
    if written.isdecimal() and (str(int(written)) != written or int(written) not in VLAN_IDS):
        raise ValueError(f"{shown(written)} is no VLAN: its number is from {VLAN_IDS.start} to {VLAN_IDS.stop - 1}")
    return written


def _voice_vlan(value: object) -> str:
    if value is False:
        raise ValueError("leave `voice_vlan` out where there is none")
    if value == PORTS_OWN:
        raise ValueError("write `true` for the voice VLAN of the port")
    return PORTS_OWN if value is True else vlan(value)


def _dacl_line(value: str) -> str:
    if wrong := complaint(value):
        raise ValueError(f"{shown(value)}: {wrong}")
    return value


def _sgt(value: int) -> int:
    if value not in SGTS:
        raise ValueError(f"`{value}` is no security group tag: it is a number from {SGTS.start} to {SGTS.stop - 1}")
    return value


def _redirect_url(value: str) -> str:
    return Redirect(url=value).url


def _whole_seconds(value: timedelta) -> timedelta:
    if value.microseconds:
        raise ValueError("a NAS counts whole seconds")
    return value


Vlan: TypeAlias = Annotated[
    str,
    PlainValidator(vlan),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 4094}, {"type": "string"}]}),
]
DaclLine: TypeAlias = Annotated[Text, AfterValidator(_dacl_line)]
DaclLines: TypeAlias = Annotated[tuple[DaclLine, ...], Field(min_length=1)]
SessionTimeout: TypeAlias = Annotated[
    Duration,
    AfterValidator(between(timedelta(seconds=1), timedelta(days=365))),
    AfterValidator(_whole_seconds),
]


VoiceVlan: TypeAlias = Annotated[
    str,
    PlainValidator(_voice_vlan),
    WithJsonSchema(
        {"anyOf": [{"const": True}, {"type": "integer", "minimum": 1, "maximum": 4094}, {"type": "string"}]}
    ),
]


class VlanListText(Section):
    """A VLAN for each device, out of a file."""

    hints: ClassVar[Mapping[str, str]] = {"file": "write `list`", "else": "write `default`"}
    list: Text = Field(
        description="CSV file beside the policy with the columns `device` (GUID or MAC) and `vlan`",
        examples=["vlans.csv"],
    )
    default: Vlan = Field(description="VLAN of every device that the list does not hold", examples=[120])


VlanChoice: TypeAlias = Annotated[
    Annotated[Vlan, Tag("<vlan>")] | Annotated[VlanListText, Tag("<list>")],
    Discriminator(lambda value: "<list>" if isinstance(value, dict | VlanListText) else "<vlan>"),
]


def _list_name(value: str) -> str:
    if not _LIST_NAME.fullmatch(value):
        raise ValueError(f"{shown(value)} is no name for a list: up to 32 letters, digits, `_`, `.` and `-`")
    return value


class DaclText(Section):
    """Lines of an access list under a name, so that a NAS can fetch them by themselves."""

    name: Annotated[Text, AfterValidator(_list_name)] = Field(
        description="a NAS that downloads lists keeps it by this", examples=["GUESTS"]
    )
    lines: DaclLines = Field(
        description="lines of the list, in the language of the NAS",
        examples=[["permit udp any any eq 53", "deny ip any any"]],
    )


DaclChoice: TypeAlias = Annotated[
    Annotated[DaclLines, Tag("<lines>")] | Annotated[DaclText, Tag("<named>")],
    Discriminator(lambda value: "<named>" if isinstance(value, dict | DaclText) else "<lines>"),
]


class RedirectText(Section):
    """Send the endpoint's browser elsewhere."""

    url: Annotated[Text, AfterValidator(_redirect_url)] = Field(
        description="where to, `http://` or `https://`; `{mac}`, `{device_id}`, `{session}`, `{reason}` are filled in",
        examples=["https://portal.example/fix?m={mac}"],
    )
    acl: Text | None = Field(
        default=None, description="name of the list on the NAS that says what is redirected", examples=["REDIRECT"]
    )


class Intentions(Section):
    """What an accepted endpoint gets, in no vendor's words."""

    hints: ClassVar[Mapping[str, str]] = {
        "filter_id": "write `acl`",
        "timeout": "write `session_timeout`",
        "url_redirect": "write `redirect: {url: ..., acl: ...}`",
    }
    vlan: VlanChoice | None = Field(
        default=None,
        description="VLAN, by number (1 to 4094) or by name; or `{list: vlans.csv, default: 120}`",
        examples=[120, "CORP", {"list": "vlans.csv", "default": 120}],
    )
    voice_vlan: VoiceVlan | None = Field(
        default=None,
        description="a phone's VLAN, by number or by name; `true`: the one that is set on the port",
        examples=[150, True],
    )
    acl: Text | None = Field(
        default=None, description="name of an access list that the NAS has", examples=["QUARANTINE"]
    )
    dacl: DaclChoice | None = Field(
        default=None,
        description="lines of an access list, in the language of the NAS; or `{name: GUESTS, lines: [...]}`, which a"
        " NAS that can do so downloads by its name",
        examples=[["permit udp any any eq 53", "deny ip any any"], {"name": "GUESTS", "lines": ["deny ip any any"]}],
    )
    redirect: RedirectText | None = Field(
        default=None,
        description="send the endpoint's browser elsewhere",
        examples=[{"url": "https://portal.manage.microsoft.com/networkaccesscontrol/index", "acl": "REDIRECT"}],
    )
    sgt: Annotated[Number, AfterValidator(_sgt)] | None = Field(
        default=None, description="security group tag", json_schema_extra={"x-unit": "tag, 2 to 65519"}, examples=[15]
    )
    role: Text | None = Field(default=None, description="name of a role that the NAS has", examples=["employee"])
    group_policy: Text | None = Field(
        default=None, description="name of a group policy that the NAS has", examples=["CORP"]
    )
    session_timeout: SessionTimeout | None = Field(
        default=None,
        description="how long a session lasts, as in `8h`, in whole seconds; then the endpoint is decided anew (see"
        " `termination`)",
        examples=["8h", "10m"],
    )


class OptionalIntentions(Intentions):
    """Intentions that are left out for a vendor that cannot express them; the audit record says so."""

    hints: ClassVar[Mapping[str, str]] = {
        "attributes": "raw attributes are sent as they stand, they cannot be optional",
        "on_quarantine": "it is sent to no NAS: it belongs in the profile itself",
        "termination": "it belongs beside `session_timeout` in the profile itself",
    }


def _each_once(words: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(words)) != len(words):
        raise ValueError("the same word stands here twice")
    return words


OnQuarantine: TypeAlias = Annotated[
    tuple[Literal["sync", "notify"], ...],
    BeforeValidator(at_least_one, json_schema_input_type=Literal["sync", "notify"] | list[Literal["sync", "notify"]]),
    AfterValidator(_each_once),
]


class ProfileText(Intentions):
    """An authorization profile. Plain intentions are promises: every NAS that can reach it must keep them."""

    termination: Literal["reauthenticate", "end"] | None = Field(
        default=None,
        description="when the time is up: `reauthenticate` (default) or `end` the session",
        examples=["reauthenticate", "end"],
    )
    attributes: dict[Annotated[str, AfterValidator(_attribute_key)], AttributeValues] = Field(
        default={},
        description="raw attributes by dictionary name (`NAME` or `NAME:TAG`), sent to every vendor",
        examples=[{"Acct-Interim-Interval": 600}, {"Tunnel-Preference:1": [1]}],
    )
    optional: OptionalIntentions | None = Field(
        default=None,
        description="intentions left out where the vendor cannot express them",
        examples=[{"acl": "QUARANTINE"}],
    )
    on_quarantine: OnQuarantine = Field(
        default=(),
        description="what `nacd actions` asks of Intune when a device gets this profile: `sync` it, `notify` its user",
        examples=[["sync", "notify"], "sync"],
    )


def intentions(written: Intentions | None) -> dict[str, Any]:
    """Those that are set, in the words of ``INTENTIONS``."""
    if written is None:
        return {}
    return {name: value for name in INTENTIONS if (value := getattr(written, name)) is not None}


def profile_fields(intentions: Mapping[str, Any], rows: Callable[[str], Mapping[str, str]]) -> dict[str, Any]:
    """Intentions as fields of a ``Profile``. rows: what a list of VLANs by device holds."""
    fields = dict(intentions)
    if timeout := fields.pop("session_timeout", None):
        fields["session_timeout_s"] = int(timeout.total_seconds())
    redirect = fields.pop("redirect", None)
    fields["redirect"] = Redirect(url=redirect.url, acl=redirect.acl or "") if redirect else NoRedirect()
    if isinstance(named := fields.get("dacl"), DaclText):
        fields |= {"dacl": named.lines, "dacl_name": named.name}
    by_list = fields.get("vlan")
    if isinstance(by_list, VlanListText):
        fields["vlan"] = by_list.default
        fields["vlans"] = VlanList(rows=rows(by_list.list), otherwise=by_list.default)
    return fields


# -- rules ----------------------------------------------------------------------------------


class RuleText(Section):
    """The first rule whose conditions all hold decides; when none does, access is denied."""

    hints: ClassVar[Mapping[str, str]] = {
        "if": "write `when`",
        "conditions": "write `when`",
        "profile": "write `then`",
        "allow": "write `then` and the name of a profile",
        "deny": f"write `then: {DENY}`",
    } | {key: f"conditions stand under `when`: write `when: {{{key}: ...}}`" for key in When.model_fields}
    name: Text = Field(description="unique name, for audit records", examples=["compliant device"])
    when: When = Field(
        description="conditions; all must hold",
        examples=[{"access": "dot1x", "identity": "certificate", "compliance": "compliant"}],
    )
    then: Text = Field(description=f"name of a profile, or `{DENY}`", examples=["corporate", "deny"])
    monitor: RuleMonitorText | None = Field(
        default=None,
        description="until a date, something else is answered than this rule decides; absent: what it decides",
        examples=[{"until": "2026-12-31", "profile": "open"}],
    )


class PolicyText(Section):
    """Everything in ``policy.yaml``."""

    time_zone: TimeZone | None = Field(
        default=None,
        description="whose clock `during` means, as in `Europe/Berlin`; needed where a rule has it",
        examples=["Europe/Berlin", "UTC"],
    )
    user_groups: dict[Text, Guid] = Field(
        default={},
        description="names for groups of Entra ID, each with its object id, for `user_group` in rules; an id stays when"
        " a group is renamed",
        examples=[{"contractors": "6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"}],
    )
    monitor: MonitorText | None = Field(
        default=None,
        description="until a date, every decision is answered with one profile, everywhere or at some groups of NASes;"
        " absent: what is decided is answered",
        examples=[{"until": "2026-12-31", "profile": "open", "keep": ["phones"], "enforce": ["lobby"]}],
    )
    profiles: dict[Text, ProfileText] = Field(
        default={},
        description="authorization profiles by name",
        examples=[{"corporate": {"vlan": 120, "session_timeout": "8h"}}],
    )
    rules: tuple[RuleText, ...] = Field(
        description="rules; the first that matches decides, else access is denied",
        examples=[
            [
                {
                    "name": "compliant device",
                    "when": {"access": "dot1x", "identity": "certificate", "compliance": "compliant"},
                    "then": "corporate",
                }
            ]
        ],
    )
