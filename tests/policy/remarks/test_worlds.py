"""The worlds, held against the rooms that make requests into facts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from nacd.compliance.question import Question, question
from nacd.identity.access_kind import Refused, access_kind
from nacd.identity.name import name
from nacd.identity.rules import CaRule, IdentityRules
from nacd.policy.conditions import AccessIs, GroupIs, LocationIn, NasIs, Not, UserMatches, VendorIs
from nacd.policy.model import Rule
from nacd.policy.remarks.worlds import Site, Worlds
from nacd.values import (
    AccessKind,
    AccessRequest,
    Authentication,
    CertificateFacts,
    ComplianceState,
    DeviceIdKind,
    Endpoint,
    IdentitySource,
    Nas,
    NoCertificate,
    PapPassword,
    Secret,
    Unidentified,
)
from tests.policy.remarks import small

SWITCH = Nas(name="sw", vendor="generic", eap_md5_mab=True, mab_password="any")
CONCENTRATOR = Nas(name="vpn", vendor="generic", authentication=Authentication.DONE_BY_NAS)
GUID = small.GUID
MAC = "00-50-B6-AA-BB-CC"
ORDERS = [order for length in (1, 2, 3) for order in itertools.permutations(IdentitySource, length)]


def requests(nas: Nas) -> Iterator[AccessRequest]:
    """Whatever a NAS may say that decides on access kind and identity."""
    for service, port, user, calling, eap, pairs in itertools.product(
        ("", "Framed", "Call-Check", "Authorize-Only"),
        ("Ethernet", "Virtual"),
        ("alice", MAC),
        ("", MAC, "198.51.100.7"),
        (False, True),
        ((), (f"mdm-tlv=device-uid={GUID}",), (f"mdm-tlv=device-mac={MAC}",), ("mdm-tlv=device-uid=nonsense",)),
    ):
        yield AccessRequest(
            nas=nas,
            source="192.0.2.1",
            source_port=1,
            service_type=service,
            nas_port_type=port,
            user_name=user,
            calling_station_id=calling,
            has_eap=eap,
            cisco_av_pairs=pairs,
            credential=PapPassword(password=Secret(b"x")),
        )


def certificates() -> Iterator[CertificateFacts]:
    for uris, anchor in itertools.product(
        ((), (f"IntuneDeviceId://{GUID}",), ("IntuneDeviceId://x",)), ("ca", "other")
    ):
        yield CertificateFacts(
            subject="CN=x",
            issuer="CN=y",
            serial="1",
            fingerprint="f",
            not_before=0.0,
            not_after=9e9,
            san_uris=uris,
            san_upns=("alice@contoso.com",),
            anchor=anchor,
        )


@pytest.mark.parametrize("nas", [SWITCH, CONCENTRATOR], ids=["switch", "concentrator"])
@pytest.mark.parametrize("eap", [True, False], ids=["eap", "no eap"])
def test_whatever_the_rooms_make_of_a_request_is_a_world_that_is_possible(nas: Nas, eap: bool) -> None:
    seen = set()
    cas = {"ca": CaRule(may_assert=frozenset({DeviceIdKind.INTUNE}))}
    for order in ORDERS:
        rules = IdentityRules(order=order, cas=cas, vpn_bare_guid=True)
        site = Site(nases=(nas,), eap=eap, sources=frozenset(order), states=frozenset(ComplianceState))
        worlds = Worlds((), site)
        for request in requests(nas):
            kind = access_kind(request)
            if isinstance(kind, Refused) or (request.has_eap and not eap):
                continue
            shown = list(certificates()) if request.has_eap else []
            for certificate in [NoCertificate()] if not request.has_eap else shown:
                # A peer that proves a certificate has done 802.1X, whatever its name looks like.
                proved = AccessKind.DOT1X if kind is AccessKind.MAB and certificate in shown else kind
                named = name(request, proved, certificate, rules)
                source = "none" if isinstance(named.identity, Unidentified) else named.identity.source.value
                asked = question(named.identity, tenant="t", knows_entra=False)
                states = (
                    [ComplianceState.COMPLIANT, ComplianceState.UNAVAILABLE]
                    if isinstance(asked, Question)
                    else [asked.compliance.state]
                )
                for state in states:
                    assert worlds.possible & worlds.of(kinds=[proved], sources=[source], states=[state])
                seen.add((proved, source))
                if proved is AccessKind.MAB:
                    assert isinstance(certificate, NoCertificate)
                    assert named.user == ""
    assert len(seen) >= 2


def test_of_a_mab_by_eap_md5_there_is_no_certificate_either() -> None:
    request = AccessRequest(
        nas=SWITCH, source="192.0.2.1", source_port=1, user_name=MAC, calling_station_id=MAC, has_eap=True
    )
    assert access_kind(request) is AccessKind.MAB
    named = name(request, AccessKind.MAB, NoCertificate(), IdentityRules())
    assert isinstance(named.identity, Endpoint)
    assert named.user == ""


SITE = Site(nases=small.NASES, eap=True, sources=frozenset(IdentitySource), states=frozenset(ComplianceState))


def rule(name: str, *conditions: object) -> Rule:
    return Rule(name=name, line=1, conditions=conditions, then="deny")  # type: ignore[arg-type]


def test_nases_that_no_rule_tells_apart_count_as_one() -> None:
    many = tuple(Nas(name=f"n{number}", vendor="generic", groups=frozenset({"g"})) for number in range(1_000))
    site = Site(nases=many, eap=True, sources=SITE.sources, states=SITE.states)
    rules = [rule("a", GroupIs(groups=frozenset({"g"})), AccessIs(kinds=(AccessKind.MAB,)))]
    assert Worlds(rules, site).possible.bit_length() <= 84
    rules.append(rule("b", NasIs(names=frozenset({"n7"}))))
    assert 84 < Worlds(rules, site).possible.bit_length() <= 2 * 84


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        (NasIs(names=frozenset({"n1", "n3"})), "n1 n3"),
        (GroupIs(groups=frozenset({"g2"})), "n2 n3"),
        (VendorIs(names=frozenset({"cisco-ios"})), "n2"),
        (LocationIn(places=frozenset({"berlin"})), "n1 n2"),
        (Not(inner=LocationIn(places=frozenset({"berlin"}))), "n3"),
    ],
)
def test_what_is_asked_of_a_nas_holds_for_those_nases(condition: object, names: str) -> None:
    apart = rule("apart", NasIs(names=frozenset({"n1", "n2", "n3"})))
    worlds = Worlds([rule("a", condition), apart], SITE)
    one_by_one = [
        Worlds([rule("a", condition), rule("b", NasIs(names=frozenset({each})))], SITE) for each in names.split()
    ]
    assert worlds.reaches[0].may
    assert all(each.reaches[1].left == 0 for each in one_by_one)


def test_a_rule_takes_from_those_below_that_ask_the_same_and_more() -> None:
    alice = UserMatches(patterns=("alice",))
    site = Site(nases=(CONCENTRATOR,), eap=True, sources=SITE.sources, states=SITE.states)
    mac = rule("m", alice, NasIs(names=frozenset({"vpn"})))
    worlds = Worlds([rule("a", alice), mac, rule("b")], site)
    assert [bool(reach.left) for reach in worlds.reaches] == [True, False, True]
    assert worlds.takers(1) == (0,)
