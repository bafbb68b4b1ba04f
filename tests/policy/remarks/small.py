"""A domain so small that everything that can happen in it can be tried: sites, policies, and all facts at a site."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hypothesis import strategies as st

from nacd.policy.answered import ComplianceIs
from nacd.policy.conditions import (
    AccessIs,
    AssuranceAtLeast,
    Condition,
    GroupIs,
    IdentityFrom,
    LocationIn,
    NasIs,
    Not,
    UserMatches,
    VendorIs,
)
from nacd.policy.model import Policy, Rule
from nacd.policy.remarks.worlds import Site
from nacd.policy.requested import MacIn, MacMatches
from nacd.values import (
    AccessKind,
    Assurance,
    Authentication,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    Endpoint,
    Facts,
    Identity,
    IdentitySource,
    MacAddress,
    Nas,
    Unidentified,
)

NASES = (
    Nas(name="n1", vendor="generic", groups=frozenset({"g1"}), location="berlin"),
    Nas(name="n2", vendor="cisco-ios", groups=frozenset({"g1", "g2"}), location="berlin/b7"),
    Nas(
        name="n3",
        vendor="cisco-asa",
        groups=frozenset({"g2"}),
        location="rome",
        authentication=Authentication.DONE_BY_NAS,
    ),
)
MACS = ("AA-BB-CC-00-00-01", "00-11-22-33-44-55")
USERS = ("", "alice", "bob")
GUID = "6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"
IDENTITIES: dict[str, Identity] = {
    "certificate": Device(id=DeviceId(guid=GUID), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE),
    "vpn": Device(id=DeviceId(guid=GUID), source=IdentitySource.VPN, assurance=Assurance.VPN),
    "mac": Endpoint(mac=MacAddress(MACS[0])),
    "none": Unidentified(reason="nothing"),
}


def some(values: tuple[object, ...]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, unique=True).map(tuple)


FINITE: dict[str, st.SearchStrategy[Condition]] = {
    "access": st.builds(AccessIs, kinds=some(tuple(AccessKind))),
    "identity": st.builds(IdentityFrom, sources=some(("certificate", "vpn", "mac", "none"))),
    "assurance": st.builds(AssuranceAtLeast, level=st.sampled_from(Assurance)),
    "compliance": st.builds(ComplianceIs, states=some(tuple(ComplianceState))),
    "nas": st.builds(NasIs, names=some(("n1", "n2", "n3")).map(frozenset)),
    "group": st.builds(GroupIs, groups=some(("g1", "g2")).map(frozenset)),
    "vendor": st.builds(VendorIs, names=some(("generic", "cisco-ios", "cisco-asa")).map(frozenset)),
    "location": st.builds(LocationIn, places=some(("berlin", "berlin/b7", "rome")).map(frozenset)),
}
OPEN: dict[str, st.SearchStrategy[Condition]] = {
    "user": st.builds(UserMatches, patterns=some(("a*", "alice", "*"))),
    "mac": st.builds(MacMatches, patterns=some((*MACS, "AA-*", "*"))),
    "mac_in": st.builds(MacIn, files=st.just(("f",)), macs=some(MACS).map(frozenset)),
}


@st.composite
def policies(draw: st.DrawFn, kinds: dict[str, st.SearchStrategy[Condition]]) -> Policy:
    """sober: such as people write, where each rule asks for an access kind and states."""
    rules = []
    sober = draw(st.booleans())
    for number in range(draw(st.integers(1, 7))):
        keys = draw(st.lists(st.sampled_from(sorted(kinds)), max_size=3, unique=True))
        if sober:
            keys = list(dict.fromkeys(["access", "compliance", *keys[:1]]))
        without = draw(st.lists(st.sampled_from(sorted(kinds)), max_size=1))
        conditions = [*(draw(kinds[key]) for key in keys), *(Not(inner=draw(kinds[key])) for key in without)]
        then = draw(st.sampled_from(["corp", "guest", "deny"]))
        rules.append(Rule(name=f"r{number}", line=number + 1, conditions=tuple(conditions), then=then))
    return Policy(rules=tuple(rules), digest="d")


NOBODY_ASKED = frozenset({ComplianceState.NOT_ASKED})
BY_NAC = frozenset(ComplianceState) - {ComplianceState.IN_GRACE}
SITES = st.builds(
    Site,
    nases=some(NASES),
    eap=st.booleans(),
    sources=some(tuple(IdentitySource)).map(frozenset),
    states=st.sampled_from([NOBODY_ASKED, BY_NAC, frozenset(ComplianceState)]),
)


def sources(site: Site, nas: Nas, kind: AccessKind) -> Iterator[str]:
    """What can name an endpoint there, put down without the code under test."""
    concentrator = nas.authentication is Authentication.DONE_BY_NAS
    named = {source.value for source in site.sources}
    if kind is AccessKind.VPN:
        if concentrator:
            yield from named - (set() if site.eap else {"certificate"})
            yield "none"
        elif site.eap:
            yield from named - {"vpn"}
            yield "none"
    elif concentrator:
        return
    elif kind is AccessKind.MAB:
        yield from named & {"mac"}
        yield "none"
    elif site.eap:
        yield from named - {"vpn"}
        yield "none"


def all_facts(site: Site, *, users: bool) -> Iterator[Facts]:
    """Everything that can happen. users: with every user and MAC, for conditions that worlds do not tell."""
    for nas, kind in itertools.product(site.nases, AccessKind):
        for source in sources(site, nas, kind):
            states = sorted(site.states) if source != "none" else [ComplianceState.NOT_ASKED]
            some_users = USERS if users and kind is not AccessKind.MAB else ("",)
            for state, user, mac in itertools.product(states, some_users, ("", *MACS) if users else ("",)):
                told = Compliance(state=state, as_of=1.0, source=ComplianceSource.LIVE)
                yield Facts(access=kind, nas=nas, identity=IDENTITIES[source], compliance=told, user=user, mac=mac)
