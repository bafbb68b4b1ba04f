"""Logins drawn at random, decided as the spine decides them, and their records as they lie in the file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
from hypothesis import strategies as st

from nacd.audit import events
from nacd.audit.line import line
from nacd.authorize import ask_about, facts_of
from nacd.compliance.question import NotAskable
from nacd.policy.evaluate import evaluate
from nacd.policy.model import Policy
from nacd.values import (
    NO_FACTS,
    NOT_ASKED,
    AccessKind,
    AccessRequest,
    Assurance,
    Attempt,
    AttemptOutcome,
    Attribute,
    Authentication,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Decision,
    Device,
    DeviceFacts,
    DeviceId,
    DeviceIdKind,
    Effect,
    Endpoint,
    Facts,
    Identity,
    IdentitySource,
    Instant,
    MacAddress,
    Named,
    Nas,
    NoCertificate,
    Rendered,
    Unidentified,
)

GUID = "6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"
MACS = ("AA-BB-CC-00-00-01", "AA-BB-CC-00-00-02", "00-11-22-33-44-55", "02-00-00-00-00-09")
NAMES = ("", "alice", "bob@contoso.com", "host/pc1", "CN=Ünïcode,O=Contoso", "***x", "a" * 3_000)
GROUPS = ("6b4b9f4e-7a0d-4a63-9a39-000000000001", "6b4b9f4e-7a0d-4a63-9a39-000000000002")
NOW = 1_790_000_000.0
CLIENT = (
    "mdm-tlv=device-platform=win",
    "mdm-tlv=device-platform-version=10.0.19045",
    "mdm-tlv=ac-user-agent=AnyConnect Windows 4.10.05085",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A login and what is true at that moment. answer: what Intune would say if it were asked."""

    request: AccessRequest
    named: Named
    answer: Compliance
    at: float
    inventory: tuple[str, ...] = ()

    @property
    def facts(self) -> Facts:
        """What the policy looks at before anybody is asked."""
        return facts_of(self.request, self.named, NOT_ASKED, Instant(wall=self.at, monotonic=1.0), self.inventory)


def decided(policy: Policy, login: Login) -> tuple[Facts, Decision]:
    """As the spine does it: without an answer if that will do, else with what is known of whom nobody can be asked
    about, else with the answer."""
    early = evaluate(policy, login.facts, asked=False)
    if isinstance(early, Decision):
        return login.facts, early
    asked = ask_about(login.named, frozenset())
    known = asked.compliance if isinstance(asked, NotAskable) else login.answer
    facts = replace(login.facts, compliance=known)
    return facts, evaluate(policy, facts)


def record(login: Login, facts: Facts, decision: Decision, shown: tuple[Attribute, ...] = ()) -> dict[str, Any]:
    """The record of this decision, written as a line and read again."""
    allowed = decision.effect is Effect.ALLOW
    event = events.decision(
        request=login.request,
        named=login.named,
        compliance=facts.compliance,
        decision=decision,
        rendered=Rendered(profile=decision.profile, vendor="generic", attributes=(), octets=b"") if allowed else None,
        shown=events.blocks.attributes(shown),
        latency_ms=1.0,
        now=Instant(wall=login.at, monotonic=2.0),
        link=facts.link,
        inventory=facts.inventory,
    )
    return orjson.loads(line(event))  # type: ignore[no-any-return]


# -- strategies ---------------------------------------------------------------------------------

times = st.floats(NOW - 1_000.0, NOW + 1_000.0) | st.sampled_from([NOW, NOW + 0.0005, NOW - 100.0, NOW - 10.0])
"""Around the limits of ages that rules have, to the last digit."""
names = st.sampled_from(NAMES) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def memberships(draw: st.DrawFn) -> dict[str, Any]:
    """Each group is one that the user is in, one that he is not in, or one of which nobody knows."""
    known = [draw(st.sampled_from([True, False, None])) for _ in GROUPS]
    return {
        "in_groups": tuple(id for id, inside in zip(GROUPS, known, strict=True) if inside),
        "outside_groups": tuple(id for id, inside in zip(GROUPS, known, strict=True) if inside is False),
        "groups_doubt": draw(st.sampled_from(["", "graph is failing"])),
    }


@st.composite
def answers(draw: st.DrawFn) -> Compliance:
    state = draw(st.sampled_from([state for state in ComplianceState if state is not ComplianceState.NOT_ASKED]))
    known = DeviceFacts(
        name=draw(names),
        operating_system=draw(st.sampled_from(["", "windows", "iOS", "Symbian"])),
        os_version=draw(st.sampled_from(["", "10.0.19045", "17.5 (21A)", "nine"])),
        owner=draw(st.sampled_from(["", "company", "personal"])),
        user=draw(names),
        last_sync=draw(st.just(0.0) | times),
        **draw(memberships()),
    )
    return Compliance(
        state=state,
        as_of=draw(st.sampled_from([0.0, 0.0004]) | times),
        source=draw(st.sampled_from(ComplianceSource)),
        detail=draw(st.sampled_from(["", "asked by id"])),
        provider=draw(st.sampled_from(["", "nac", "graph"])),
        grace_until=draw(st.just(0.0) | times),
        device=draw(st.sampled_from([NO_FACTS, known])),
    )


@st.composite
def identities(draw: st.DrawFn) -> Identity:
    source = draw(st.sampled_from(["certificate", "vpn", "mac", "none"]))
    if source == "none":
        return Unidentified(reason=draw(names))
    if source == "mac":
        ask = draw(st.booleans())
        return Endpoint(mac=MacAddress(draw(st.sampled_from(MACS))), ask=ask, ask_detail="" if ask else "a dock")
    kind = draw(st.sampled_from(DeviceIdKind))
    assurance = draw(st.sampled_from([Assurance[source.upper()], Assurance.VPN]))
    return Device(id=DeviceId(guid=GUID, kind=kind), source=IdentitySource(source), assurance=assurance)


@st.composite
def logins(draw: st.DrawFn) -> Login:
    subject, issuer, from_to = draw(names), draw(names), (draw(times), draw(times))
    shown = CertificateFacts(
        subject=subject,
        issuer=issuer,
        serial="0a",
        fingerprint=hashlib.sha256(repr((subject, issuer, from_to)).encode()).hexdigest(),
        not_before=from_to[0],
        not_after=from_to[1],
        san_upns=("alice@contoso.com",),
        templates=("1.2.3",),
        anchor="devices",
    )
    groups = frozenset(draw(st.lists(st.sampled_from(["g1", "g2"]))))
    nas = Nas(
        name=draw(st.sampled_from(["n1", "n2", "n3"])),
        vendor=draw(st.sampled_from(["generic", "cisco-asa"])),
        groups=groups,
        location=draw(st.sampled_from(["", "berlin", "berlin/building-7"])),
        authentication=draw(st.sampled_from(Authentication)),
    )
    ssid = draw(st.sampled_from(["", "Corp", "corp", "Guest"]))
    named = Named(
        access=draw(st.sampled_from(AccessKind)),
        identity=draw(identities()),
        attempts=(Attempt(source=IdentitySource.MAC, outcome=AttemptOutcome.ABSENT, detail="none"),),
        certificate=draw(st.sampled_from([shown, NoCertificate()])),
        mac=draw(st.sampled_from(["", *MACS])),
        user=draw(names),
        tenant=draw(st.sampled_from(["", "contoso", "fabrikam"])),
    )
    request = AccessRequest(
        nas=nas,
        source="10.20.0.1",
        source_port=50_000,
        user_name=draw(names),
        nas_port_type=draw(st.sampled_from(["", "Ethernet", "Wireless-802.11", "Virtual"])),
        tunnel_group=draw(st.sampled_from(["", "STAFF"])),
        cisco_av_pairs=tuple(draw(st.lists(st.sampled_from(CLIENT), unique=True))),
        called_station_id=f"AA-BB-CC-DD-EE-FF:{ssid}" if ssid else "",
    )
    inventory = draw(st.sampled_from([(), ("any",), ("any", "lab"), ("any", "cams", "printers")]))
    return Login(request=request, named=named, answer=draw(answers()), at=draw(times), inventory=inventory)


# -- one login in few words -----------------------------------------------------------------------


@pytest.fixture(scope="session")
def login() -> Callable[..., Login]:
    """A wired device with a certificate that Intune finds compliant, unless told otherwise."""

    def build(
        *, nas: str = "n1", groups: frozenset[str] = frozenset({"g1"}), answer: str = "compliant", **named: Any
    ) -> Login:
        identity = Device(id=DeviceId(guid=GUID), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)
        usual: dict[str, Any] = {
            "access": AccessKind.DOT1X,
            "identity": identity,
            "attempts": (),
            "mac": MACS[2],
            "user": "alice",
            "tenant": "contoso",
        }
        return Login(
            request=AccessRequest(
                nas=Nas(name=nas, vendor="generic", groups=groups), source="10.20.0.1", source_port=50_000
            ),
            named=Named(**(usual | named)),
            answer=Compliance(state=ComplianceState(answer), as_of=NOW - 60.0, source=ComplianceSource.CACHE),
            at=NOW,
        )

    return build


@pytest.fixture(scope="session")
def rendered() -> Rendered:
    return Rendered(profile="corp", vendor="generic", attributes=(Attribute(name="Filter-Id", value="a"),), octets=b"")
