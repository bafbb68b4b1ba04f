"""``audit.privacy:`` in ``nacd.yaml``: which names do not stand in the records.

Knows: the groups, single fields, the key. Refuses to know: how a record is gone over (``nacd.audit.privacy``).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from nacd.audit.privacy.kinds import CHOOSABLE, INDISPENSABLE, Kind, Treatment
from nacd.audit.privacy.veil import Choice
from nacd.config.fields import SecretField, Text
from nacd.config.sections.base import Section
from nacd.config.wording import did_you_mean
from nacd.config.yaml import shown
from nacd.values import Secret

SHORTEST_KEY: Final = 32
"""Octets; as many as the digest has (RFC 2104 section 3)."""

Wanted: TypeAlias = Literal["keep", "hash", "remove"]


def _field(value: str) -> str:
    if value in INDISPENSABLE:
        raise ValueError(f"{shown(value)} cannot be hidden: the trail is verified, ordered or replayed by it")
    if value not in CHOOSABLE:
        near = did_you_mean(value, CHOOSABLE)
        way = near if near.startswith(", did") else ": docs/audit-events.md has them all"
        raise ValueError(f"{shown(value)} is no field of any record{way}")
    return value


def _key(value: Secret) -> Secret:
    if len(value.reveal()) < SHORTEST_KEY:
        raise ValueError(
            f"this key is too short, {SHORTEST_KEY} octets are wanted: `openssl rand -hex 32` makes a good one"
        )
    return value


class Privacy(Section):
    """Names that are not written into records: not into their fields, and not into their sentences either."""

    users: Wanted = Field(
        default="keep",
        description="user names, subjects and principal names of certificates, EAP identities, primary users:"
        " `keep`, `hash` (the same user is always the same pseudonym), or `remove`",
    )
    macs: Wanted = Field(default="keep", description="MACs of endpoints, however they are spelled; those of NASes stay")
    devices: Wanted = Field(
        default="keep",
        description="device ids, names of machines, serial numbers and fingerprints of their certificates",
    )
    addresses: Wanted = Field(default="keep", description="IP addresses of endpoints and of VPN clients")
    fields: Mapping[Annotated[Text, AfterValidator(_field)], Literal["hash", "remove"]] = Field(
        default={},
        description="single fields by their dotted paths, above the groups",
        examples=[{"endpoint.client_agent": "remove"}],
    )
    key: Annotated[SecretField, AfterValidator(_key)] | None = Field(
        default=None,
        description=f"reference to the key of the pseudonyms, at least {SHORTEST_KEY} octets; needed for `hash`. With"
        " another key everybody has another pseudonym",
        examples=["file:secrets/pseudonyms.key", "cred:pseudonyms"],
    )

    @property
    def choice(self) -> Choice:
        """As the veil takes it."""
        groups = (
            (Kind.USER, self.users),
            (Kind.MAC, self.macs),
            (Kind.DEVICE, self.devices),
            (Kind.ADDRESS, self.addresses),
        )
        return Choice(
            kinds=MappingProxyType({kind: Treatment(how) for kind, how in groups if how != "keep"}),
            fields=MappingProxyType({path: Treatment(how) for path, how in self.fields.items()}),
        )

    @model_validator(mode="after")
    def _with_key(self) -> Privacy:
        if self.choice.hashes and self.key is None:
            raise PydanticCustomError(
                "nacd", "`hash` needs `key`: a secret of its own, as `openssl rand -hex 32` makes one"
            )
        return self
