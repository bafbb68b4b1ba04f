"""What each shipped vendor's NAS is asked about a session, against pages typed by hand and for any session at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nacd.radius.dictionary import Dictionary, load
from nacd.radius.dynauth.transaction import check
from nacd.radius.packet import Code
from nacd.sessions import Grounds, Names, NotOurs, Phase, Place, Session, Verb
from nacd.values import AccessKind, Attribute, Nas, Unidentified
from nacd.vendor.dynauth import LeftOut, Request, Rung, cannot_change, marks_voice, plan, render
from nacd.vendor.dynauth_model import Dynauth, parse_dynauth

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parent.parent / "nacd" / "vendor" / "profiles"
PAGES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((HERE / "golden" / "dynauth").glob("*.yaml"))}
ASKED = [
    pytest.param(name, case, id=f"{name}-{case['verb']}-{case['session']}")
    for name, page in PAGES.items()
    for case in page["asked"]
]
LEFT_OUT = [
    pytest.param(name, case, id=f"{name}-{case['verb']}-{case['session']}")
    for name, page in PAGES.items()
    for case in page["left_out"]
]
NEVER_ASKED = {"palo-alto"}  # its firewalls take no RFC 5176
VENDORS = {
    path.stem: parse_dynauth(path.stem, yaml.safe_load(path.read_text()))
    for path in sorted(SHIPPED.glob("*.yaml"))
    if path.stem not in NEVER_ASKED
}
# Numbers given after tshark 4.0's dictionaries were made; FreeRADIUS has them (test_dictionaries).
YOUNGER_THAN_TSHARK = {"Fortinet-Host-Port-AVPair", "Huawei-Ext-Specific", "Juniper-AV-Pair"}
IDENTIFICATION = re.compile(
    r"Acct-(Multi-)?Session-Id|Calling-Station-Id|Framed-IP-Address|NAS-(IP|IPv6)-Address|NAS-Identifier|NAS-Port(-Id)?"
    r"|User-Name"
)
PLACE = Place(
    nas="sw1",
    source="192.0.2.10",
    nas_identifier="788a20aabbcc",
    nas_address="192.0.2.10",
    port="50101",
    port_id="GigabitEthernet1/0/1",
    port_type="Ethernet",
    called_station_id="78-8A-20-AA-BB-CC",
    calling_station_id="aa:bb:cc:00:11:22",
    framed_address="198.51.100.7",
)
NAMES = Names(
    acct_session_id="00000042",
    acct_multi_session_id="5F3A-42",
    audit_session_id="0A0000FD0000002715B8C2",
    user_name="host/pc1.example",
)


def grounds(access: AccessKind) -> Grounds:
    return Grounds(access=access, nas=Nas(name="sw1", vendor="any"), identity=Unidentified(reason="a test"))


WIRED = Session(
    id=1,
    place=PLACE,
    names=NAMES,
    phase=Phase.LIVE,
    authorized_at=1.0,
    standing=NotOurs(),
    grounds=grounds(AccessKind.DOT1X),
)
PRINTER = replace(WIRED, names=replace(NAMES, user_name="AA-BB-CC-00-11-22"), grounds=grounds(AccessKind.MAB))
BARE = Place(nas="sw1", source="192.0.2.10", calling_station_id="aa:bb:cc:00:11:22")
SESSIONS = {
    "wired": WIRED,
    "printer": PRINTER,
    "phone": replace(PRINTER, voice=True),
    "wireless": replace(WIRED, place=replace(PLACE, port_type="Wireless-802.11")),
    "tunnel": replace(
        WIRED,
        place=replace(PLACE, calling_station_id="203.0.113.9", port="17", port_id="", port_type="Virtual"),
        names=replace(NAMES, user_name="alex@example.org"),
        grounds=grounds(AccessKind.VPN),
    ),
    "bare": replace(WIRED, place=BARE, names=Names()),
    "unnamed": replace(WIRED, place=Place(nas="sw1", source="192.0.2.10"), names=Names()),
    "stranger": replace(WIRED, grounds=NotOurs()),
}


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load()


def rung(dynauth: Dynauth, session: Session, verb: str) -> Rung:
    found = [each for each in plan(dynauth, session).rungs if each.verb == verb]
    assert len(found) == 1, plan(dynauth, session)
    return found[0]


def attribute(row: Any) -> Attribute:
    return Attribute(name=row["name"], value=row["value"])


# -- the pages --------------------------------------------------------------------------------


def test_each_vendor_has_a_page_and_each_page_a_vendor() -> None:
    assert set(PAGES) == set(VENDORS)
    assert not any("dynauth" in yaml.safe_load((SHIPPED / f"{name}.yaml").read_text()) for name in NEVER_ASKED)
    assert all(page["vendor"] == name for name, page in PAGES.items())


@pytest.mark.parametrize("name", PAGES)
def test_the_page_speaks_of_every_verb_of_the_ladder(name: str) -> None:
    dynauth, page = VENDORS[name], PAGES[name]
    asked = {rung(dynauth, SESSIONS[case["session"]], case["verb"]).number for case in page["asked"]}
    assert asked == {row.number for row in dynauth.ladder}


@pytest.mark.parametrize(("name", "case"), ASKED)
def test_a_session_is_asked_as_the_page_says(name: str, case: Any) -> None:
    session = SESSIONS[case["session"]]
    found = rung(VENDORS[name], session, case["verb"])
    pushed = tuple(attribute(row) for row in case.get("pushed", ()))
    assert found.port == case["port"]
    assert render(found, session, pushed) == Request(
        code=case["code"], attributes=tuple(attribute(row) for row in case["attributes"])
    )


@pytest.mark.parametrize(("name", "case"), [case for case in ASKED if "narrow" in case.values[1]])
def test_after_508_the_session_is_named_by_more_and_the_rest_stays(name: str, case: Any) -> None:
    session = SESSIONS[case["session"]]
    found = rung(VENDORS[name], session, case["verb"])
    broad, narrow = render(found, session), render(found, session, narrow=True)
    assert isinstance(broad, Request)
    assert isinstance(narrow, Request)
    own = found.row.attributes
    named = broad.attributes[: len(broad.attributes) - len(own)]
    assert narrow.attributes == (*named, *(attribute(row) for row in case["narrow"]), *own)


@pytest.mark.parametrize(("name", "case"), LEFT_OUT)
def test_a_verb_that_is_not_for_a_session_is_left_out_in_words(name: str, case: Any) -> None:
    left_out = plan(VENDORS[name], SESSIONS[case["session"]]).left_out
    reasons = [each.reason for each in left_out if each.verb == case["verb"]]
    assert reasons
    for words in case["says"]:
        assert any(words in reason for reason in reasons), reasons


@pytest.mark.parametrize("name", PAGES)
def test_the_page_says_the_same_of_class_and_of_the_timestamp(name: str) -> None:
    assert VENDORS[name].class_use == PAGES[name]["class"]
    assert VENDORS[name].event_timestamp == PAGES[name].get("event_timestamp", "ok")


@pytest.mark.parametrize(("name", "case"), ASKED)
def test_nacds_dictionaries_encode_the_page_to_the_octets_made_by_hand(
    name: str, case: Any, dictionary: Dictionary, encode_by_hand: Callable[[str, bytes], bytes]
) -> None:
    for row in (*case["attributes"], *case.get("narrow", ())):
        octets = bytes.fromhex(row["octets"]) if "octets" in row else str(row["value"]).encode()
        assert dictionary.encode(attribute(row)) == encode_by_hand(row["code"], octets)


@pytest.mark.peer
@pytest.mark.parametrize("name", PAGES)
def test_tshark_reads_the_requests_as_they_were_meant(
    name: str, dictionary: Dictionary, decode_by_tshark: Callable[..., Any]
) -> None:
    rows = [attribute(row) for case in PAGES[name]["asked"] for row in case["attributes"]]
    shown, text = decode_by_tshark(b"".join(dictionary.encode(each) for each in rows))
    assert "Malformed" not in text
    for (theirs, _, value), ours in zip(shown, rows, strict=True):
        unnamed = theirs == "Unknown-Attribute" and bytes.fromhex(value) == str(ours.value).encode()
        younger = ours.name in YOUNGER_THAN_TSHARK
        assert (theirs, value) == (ours.name, str(ours.value)) or (younger and unnamed), text


@pytest.mark.parametrize("name", PAGES)
def test_an_accept_with_the_voice_class_is_known_as_one(name: str, dictionary: Dictionary) -> None:
    marks = [attribute(row) for row in PAGES[name].get("voice", ())]
    for mark in marks:
        assert dictionary.encode(mark)
        assert marks_voice(VENDORS[name], [Attribute(name="Filter-Id", value="x"), mark])
    assert not marks_voice(VENDORS[name], [Attribute(name="Filter-Id", value="x")])
    assert not marks_voice(VENDORS[name], [Attribute(name="Cisco-AVPair", value="device-traffic-class=switch")])
    if any(row.verb is Verb.BOUNCE for row in VENDORS[name].ladder):
        assert marks, "a vendor whose ports can be bounced needs to know its phones"


def test_every_attribute_of_the_data_is_in_the_dictionary(dictionary: Dictionary) -> None:
    for dynauth in VENDORS.values():
        own = [each.name for row in dynauth.ladder for each in row.attributes]
        kept = [name for row in dynauth.ladder for name in row.unchanged]
        voice = [mark.name for mark in dynauth.voice]
        assert [dictionary.definition(name).name for name in (*own, *kept, *voice)] == [*own, *kept, *voice]


# -- rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cisco-asa", "cisco-ftd", "strongswan", "generic"])
def test_a_token_of_ours_never_goes_into_the_class_of_a_vpn_gateway(name: str) -> None:
    assert VENDORS[name].class_use != "free"


def test_a_push_leaves_out_what_it_cannot_change_and_says_when_that_is_wanted() -> None:
    push = rung(VENDORS["cisco-asa"], SESSIONS["tunnel"], "push")
    corporate = [Attribute(name="ASA-Group-Policy", value="CORP"), Attribute(name="Filter-Id", value="STAFF")]
    quarantine = [Attribute(name="ASA-Group-Policy", value="CORP"), Attribute(name="Filter-Id", value="FIX")]
    other = [Attribute(name="asa-group-policy", value="FIX"), Attribute(name="Filter-Id", value="FIX")]
    assert cannot_change(push, corporate, quarantine) == ""
    assert "ASA-Group-Policy" in cannot_change(push, corporate, other)
    assert "ASA-Group-Policy" in cannot_change(push, corporate, [Attribute(name="Filter-Id", value="FIX")])


def test_a_wireless_controller_is_not_asked_to_reauthenticate_into_another_vlan() -> None:
    found = rung(VENDORS["cisco-wlc"], SESSIONS["wireless"], "reauthenticate")
    vlans = [[Attribute(name="Tunnel-Private-Group-Id", value=value, tag=1)] for value in ("10", "20")]
    assert cannot_change(found, vlans[0], vlans[0]) == ""
    assert "Tunnel-Private-Group-Id" in cannot_change(found, vlans[0], vlans[1])


@pytest.mark.parametrize("name", ["User-Password", "user-password", "MS-MPPE-Send-Key", "Tunnel-Password", "State"])
def test_no_push_carries_a_secret(name: str) -> None:
    session = SESSIONS["tunnel"]
    push = rung(VENDORS["cisco-asa"], session, "push")
    attributes = (Attribute(name="Filter-Id", value="FIX"), Attribute(name=name, value="hunter2"))
    said = render(push, session, attributes)
    assert isinstance(said, LeftOut)
    assert name in said.reason
    assert "hunter2" not in said.reason


def test_a_push_of_nothing_is_not_made() -> None:
    session = SESSIONS["tunnel"]
    push = rung(VENDORS["cisco-asa"], session, "push")
    for attributes in ((), (Attribute(name="ASA-VLAN", value=7),)):
        said = render(push, session, attributes)
        assert isinstance(said, LeftOut)
        assert "nothing that can be pushed" in said.reason


def test_attributes_handed_in_go_into_a_push_alone() -> None:
    found = rung(VENDORS["cisco-ios"], WIRED, "disconnect")
    assert render(found, WIRED, (Attribute(name="Filter-Id", value="x"),)) == render(found, WIRED)


def test_a_session_that_has_lost_its_name_since_the_plan_is_not_asked() -> None:
    found = rung(VENDORS["huawei"], WIRED, "disconnect")
    said = render(found, SESSIONS["unnamed"])
    assert isinstance(said, LeftOut)
    assert said.reason == "its Acct-Session-Id is not known"
    assert (said.number, said.verb) == (found.number, Verb.DISCONNECT)


def test_a_session_with_nothing_more_to_be_named_by_is_not_asked_more_narrowly() -> None:
    said = render(rung(VENDORS["strongswan"], WIRED, "disconnect"), WIRED, narrow=True)
    assert isinstance(said, LeftOut)
    assert "more narrowly" in said.reason


def test_the_rungs_keep_their_numbers_whatever_the_session() -> None:
    ladder = VENDORS["cisco-ios"].ladder
    assert [each.number for each in plan(VENDORS["cisco-ios"], WIRED).rungs] == [row.number for row in ladder]
    assert [each.number for each in plan(VENDORS["cisco-ios"], SESSIONS["tunnel"]).rungs] == [1]


@pytest.mark.parametrize("forgotten", ["port", "port_id"])
def test_a_port_known_by_its_number_or_by_its_name_is_a_port_to_bounce(forgotten: str) -> None:
    session = replace(WIRED, place=replace(PLACE, **{forgotten: ""}))
    assert rung(VENDORS["cisco-ios"], session, "bounce").verb is Verb.BOUNCE


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"port": "4294967296"}, "NAS-Port `4294967296` is no number that fits"),
        ({"port": "²"}, "is no number that fits"),
        ({"port": "Gi1/0/1"}, "NAS-Port `Gi1/0/1` is no number"),
    ],
)
def test_a_port_that_is_no_number_is_not_sent_as_one(change: dict[str, str], words: str) -> None:
    place = replace(PLACE, port_id="", **change)
    session = replace(WIRED, place=place, names=replace(NAMES, acct_session_id=""))
    [left_out] = [each for each in plan(VENDORS["aruba-cx"], session).left_out if each.verb is Verb.DISCONNECT]
    assert words in left_out.reason


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("2001:DB8::1", Attribute(name="NAS-IPv6-Address", value="2001:db8::1")),
        ("192.0.2.1", Attribute(name="NAS-IP-Address", value="192.0.2.1")),
        ("fe80::1%eth0", Attribute(name="NAS-Identifier", value="788a20aabbcc")),
        ("nonsense", Attribute(name="NAS-Identifier", value="788a20aabbcc")),
    ],
)
def test_the_address_of_a_nas_goes_into_the_attribute_of_its_family(address: str, expected: Attribute) -> None:
    session = replace(WIRED, place=replace(PLACE, nas_address=address))
    request = render(rung(VENDORS["aruba-cx"], session, "disconnect"), session)
    assert isinstance(request, Request)
    assert request.attributes[0] == expected


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x" * 254, "254 octets, at most 253"),
        ("é" * 127, "254 octets"),
        ("\ud800", "is no text"),
        ("caf\\xe9", "held octets that are no text"),
    ],
)
def test_a_name_that_cannot_be_said_again_is_told(name: str, words: str) -> None:
    session = replace(WIRED, names=replace(NAMES, user_name=name))
    [left_out] = plan(VENDORS["strongswan"], session).left_out
    assert words in left_out.reason


def test_an_audit_session_id_has_the_room_of_a_vendor_attribute() -> None:
    fits, long = "a" * (247 - len("audit-session-id=")), "a" * (248 - len("audit-session-id="))
    session = replace(SESSIONS["tunnel"], names=replace(NAMES, audit_session_id=fits))
    assert len(plan(VENDORS["cisco-asa"], session).rungs) == 2
    session = replace(session, names=replace(NAMES, audit_session_id=long))
    assert {each.reason for each in plan(VENDORS["cisco-asa"], session).left_out} == {
        "its audit-session-id has 248 octets, at most 247 are possible"
    }


# -- any session ------------------------------------------------------------------------------

TEXTS = st.text(max_size=260) | st.sampled_from(["", "aa:bb:cc:00:11:22", "AABB.CC00.1122", "1", "192.0.2.1", "::1"])
PLACES = st.builds(
    Place,
    nas=st.just("sw1"),
    source=st.just("192.0.2.10"),
    nas_identifier=TEXTS,
    nas_address=TEXTS,
    port=TEXTS,
    port_id=TEXTS,
    port_type=st.sampled_from(["", "Ethernet", "Wireless-802.11", "Virtual", "99"]),
    calling_station_id=TEXTS,
    framed_address=TEXTS,
)
NAMINGS = st.builds(Names, acct_session_id=TEXTS, acct_multi_session_id=TEXTS, audit_session_id=TEXTS, user_name=TEXTS)
ANY_SESSION = st.builds(
    lambda place, names, access, voice: replace(
        WIRED,
        place=place,
        names=names,
        voice=voice,
        grounds=NotOurs() if access is None else grounds(access),
    ),
    PLACES,
    NAMINGS,
    st.none() | st.sampled_from(AccessKind),
    st.booleans(),
)


@given(session=ANY_SESSION, name=st.sampled_from(sorted(VENDORS)), narrow=st.booleans())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_session_gets_a_request_that_fits_or_a_sentence_why_not(
    session: Session, name: str, narrow: bool, dictionary: Dictionary
) -> None:
    dynauth = VENDORS[name]
    planned = plan(dynauth, session)
    numbers = [each.number for each in planned.rungs] + [each.number for each in planned.left_out]
    assert sorted(numbers) == [row.number for row in dynauth.ladder]
    assert all(each.reason for each in planned.left_out)
    for found in planned.rungs:
        said = render(found, session, (Attribute(name="Filter-Id", value="x"),), narrow)
        if isinstance(said, LeftOut):
            assert narrow
            assert said.reason
            continue
        octets = b"".join(dictionary.encode(each) for each in said.attributes)
        code = {"coa": Code.COA_REQUEST, "disconnect": Code.DISCONNECT_REQUEST}[said.code]
        assert check(code, octets) is code
        named = [each for each in said.attributes if each not in found.row.attributes and each.name != "Filter-Id"]
        assert any(each.name not in {"NAS-IP-Address", "NAS-IPv6-Address", "NAS-Identifier"} for each in named)
        for each in named if said.code == "coa" else said.attributes:
            assert IDENTIFICATION.fullmatch(each.name) or str(each.value).startswith("audit-session-id=")
        assert len(said.attributes) == len(set(said.attributes))
        assert not (found.verb is Verb.BOUNCE and session.voice)
