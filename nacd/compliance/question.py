"""From an identity to the question it raises.

Knows: which identities can be asked about, and under which key an answer is kept. Refuses to know:
who is asked, and how.

Theory. An answer is kept under a key that names the register as well as the id: an Intune id and an Entra id look
alike, and what is true of the one says nothing of the other. Each tenant keeps its answers apart, so the key names
none. What the sources of a tenant do not know is not asked: what they reply would read like an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from nacd.values import (
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    DeviceIdKind,
    Endpoint,
    Identity,
    MacAddress,
    Unidentified,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to ask of which tenant. Two questions with one tenant and key have one answer, so only one is sent."""

    tenant: str
    key: str
    subject: DeviceId | MacAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAskable:
    """Nobody needs to be asked; this is what is known, and why."""

    compliance: Compliance


Answerable: TypeAlias = Question | NotAskable


def question(identity: Identity, *, tenant: str, knows_entra: bool) -> Answerable:
    """What to ask about this identity. tenant: the name of who is asked. knows_entra: it has a source that knows
    devices by Entra id (Graph).

    Otherwise an Entra id is not asked: Compliance Retrieval answers such an id with an empty list, which
    would look exactly like a device that is not enrolled.
    """
    match identity:
        case Device(id=device_id) if device_id.kind is DeviceIdKind.ENTRA:
            if knows_entra:
                return Question(tenant=tenant, key=f"entra:{device_id.guid}", subject=device_id)
            return _without_asking(
                ComplianceState.UNKNOWN,
                f"`{device_id.guid}` is an entra device id, compliance retrieval knows intune device ids only",
            )
        case Device(id=device_id):
            return Question(tenant=tenant, key=f"guid:{device_id.guid}", subject=device_id)
        case Endpoint(ask=False, ask_detail=why):
            return _without_asking(ComplianceState.NOT_ASKED, why or "this address is not to be asked about")
        case Endpoint(mac=mac):
            return Question(tenant=tenant, key=f"mac:{mac.hex12}", subject=mac)
        case Unidentified(reason=reason):
            return _without_asking(ComplianceState.NOT_ASKED, reason)
        case _:
            assert_never(identity)


def of_key(tenant: str, key: str) -> Answerable:
    """The question whose answers are kept under this key (``guid:``, ``entra:`` or ``mac:`` and its id)."""
    register, _, rest = key.partition(":")
    try:
        match register:
            case "guid":
                return Question(tenant=tenant, key=key, subject=DeviceId(guid=rest))
            case "entra":
                return Question(tenant=tenant, key=key, subject=DeviceId(guid=rest, kind=DeviceIdKind.ENTRA))
            case "mac":
                pairs = [rest[start : start + 2] for start in range(0, len(rest), 2)]
                return Question(tenant=tenant, key=key, subject=MacAddress("-".join(pairs)))
    except ValueError:
        pass  # it says below what it is
    return _without_asking(ComplianceState.NOT_ASKED, f"`{key[:60]}` is no key of a verdict")


def _without_asking(state: ComplianceState, detail: str) -> NotAskable:
    return NotAskable(compliance=Compliance(state=state, as_of=0.0, source=ComplianceSource.NONE, detail=detail))
