"""What is filled into an answer for one request: into the URL of a redirect, and the VLAN of one device.

Knows: which facts there are, how long each can get, and how a stranger's text is kept from being more than text.
Refuses to know: attributes of vendors (``wording.py``), how a request or a session is read.

Every fact goes into a URL percent-encoded, but for the unreserved characters of RFC 3986 section 2.3: it cannot end
the part of the URL that it stands in, nor the attribute. A fact that is not there is empty, and so is one that is
longer than any real one: what an attribute can hold is counted when the configuration is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from nacd.values import Attribute, Blank, Compliance, ComplianceState, Device, Identity, Rendered

LONGEST: Final[Mapping[str, int]] = {"mac": 17, "device_id": 36, "session": 96, "reason": 12}
"""The facts that a redirect URL can name, and the most octets that each fills."""
VLAN: Final = "vlan"
"""The fact that is looked up in a list of VLANs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known of one request or session; ``""`` for what is not.

    mac: canonical. device_id: GUID that its certificate or VPN names. session: the NAS's own name for it.
    reason: compliance state that was decided upon.
    """

    mac: str = ""
    device_id: str = ""
    session: str = ""
    reason: str = ""


def told(identity: Identity, mac: str, compliance: Compliance, *session: str) -> Told:
    """session: names that the NAS has for it, the best first; the first that is one counts."""
    return Told(
        mac=mac,
        device_id=identity.id.guid if isinstance(identity, Device) else "",
        session=next(filter(None, session), ""),
        reason="" if compliance.state is ComplianceState.NOT_ASKED else compliance.state.value,
    )


def fill(rendered: Rendered, known: Told) -> tuple[Attribute, ...]:
    """The attributes that are this request's own; ``()`` for a profile without blanks."""
    if not rendered.blanks:
        return ()
    vlans = rendered.vlans
    # A device goes by what it has proved: the MAC it shows beside that is anybody's to choose.
    facts = {name: encoded(getattr(known, name), limit) for name, limit in LONGEST.items()}
    facts[VLAN] = vlans.rows.get(known.device_id or known.mac, vlans.otherwise)
    return tuple(_filled(blank, facts) for blank in rendered.blanks)


def encoded(fact: str, limit: int) -> str:
    """Percent-encoded (RFC 3986 section 2.1), ``""`` if that is longer than ``limit`` octets. Total."""
    text = quote(fact, safe="", errors="replace")
    return text if len(text) <= limit else ""


def widest(blank: Blank, vlan: str) -> Attribute:
    """The longest that it can get, with this VLAN: what there must be room for."""
    facts = {name: "x" * limit for name, limit in LONGEST.items()} | {VLAN: vlan}
    return _filled(blank, facts)


def shown(blank: Blank) -> str:
    """Its value with the names of facts in braces, for people."""
    return "".join(f"{{{piece}}}" if number % 2 else piece for number, piece in enumerate(blank.pieces))


def _filled(blank: Blank, facts: Mapping[str, str]) -> Attribute:
    value = "".join(facts[piece] if number % 2 else piece for number, piece in enumerate(blank.pieces))
    return Attribute(name=blank.name, value=int(value) if blank.number else value, tag=blank.tag)
