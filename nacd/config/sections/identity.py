"""The section of ``nacd.yaml`` about what names an endpoint.

Knows: keys, types, bounds and defaults, each with a description for the editor. Refuses to know: what
the rooms call their options (``server/`` translates).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from nacd.config import mac_list
from nacd.config.fields import (
    Flag,
    Texts,
    mac,
    surroundings,
    text,
)
from nacd.config.sections.base import Section


def _guid_pattern(value: object) -> str:
    """A regular expression with the group ``guid``; short, so that reading a name stays cheap."""
    if not isinstance(value, str) or not value:
        raise ValueError("a regular expression with a group `(?P<guid>...)` is wanted here")
    if len(value) > 200:
        raise ValueError("this pattern is longer than 200 characters")
    try:
        compiled = re.compile(value)
    except (re.error, OverflowError, RecursionError) as wrong:
        raise ValueError(f"this pattern is no regular expression: {wrong}") from None
    if "guid" not in compiled.groupindex:
        raise ValueError("this pattern has no group `(?P<guid>...)` that says where the device id stands")
    if re.search(r"[*+}]\)?\s*\)[*+{]", value):
        raise ValueError("this pattern repeats a repetition, which can take for ever: write it flat")
    return value


GuidPattern = Annotated[str, AfterValidator(_guid_pattern)]


class VpnIdentity(Section):
    """How a VPN concentrator may name a device beside AnyConnect's own attributes."""

    bare_guid: Flag = Field(
        default=False, description="take a bare GUID in `mdm-tlv=device-uid` for an Intune device id"
    )
    user_name_pattern: GuidPattern | None = Field(
        default=None,
        description="regular expression over User-Name with a group `(?P<guid>...)`",
        examples=["^(?P<guid>[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{27})$"],
    )
    class_pattern: GuidPattern | None = Field(
        default=None,
        description="regular expression over Class with a group `(?P<guid>...)`",
        examples=["device=(?P<guid>[0-9A-Fa-f-]{36})"],
    )


def _shared_macs(value: object, info: ValidationInfo) -> frozenset[str]:
    """MACs as they stand, and those of the list files named."""
    found: set[str] = set()
    for item in value if isinstance(value, tuple) else (value,):
        word = text(item)
        if not re.search(r"[./]", word) or re.fullmatch(r"[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2}", word):
            found.add(mac(word))
            continue
        listed = mac_list.read(surroundings(info).folder / word)
        found |= listed.macs
        surroundings(info).problems.extend(listed.problems)
    return frozenset(found)


SharedMacs: TypeAlias = Annotated[
    frozenset[str],
    PlainValidator(_shared_macs),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class Identity(Section):
    """Which sources name an endpoint, in which order."""

    order: Annotated[tuple[Literal["certificate", "vpn", "mac"], ...], Field(min_length=1)] = Field(
        default=("certificate", "vpn", "mac"),
        description="sources, best first; one left out is never used",
        examples=[["certificate", "vpn", "mac"], ["certificate"]],
    )
    cn_as_guid: Flag = Field(default=False, description="take a common name that is a GUID for an Intune device id")
    entra_forms: Texts = Field(
        default=(),
        description="beginnings of SAN URIs whose GUID is an Entra device id, as in `AADDeviceId://`",
        examples=[["AADDeviceId://"]],
    )
    vpn: VpnIdentity = Field(default=VpnIdentity(), description="more ways for a VPN concentrator to name a device")
    random_macs: Literal["ignore", "ask"] = Field(
        default="ignore", description="whether Intune is asked about locally administered (random) MACs"
    )
    shared_macs: SharedMacs = Field(
        default=frozenset(),
        description="MACs of docks and adapters, a list or the name of a list file: never asked about",
        examples=[["00-50-B6-11-22-33"], "docks.csv"],
    )

    @model_validator(mode="after")
    def _once(self) -> Identity:
        if len(set(self.order)) != len(self.order):
            raise PydanticCustomError("nacd", "`order` names a source twice")
        return self
