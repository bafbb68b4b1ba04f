"""A NAS is told the name of an access list and fetches it, over real UDP; nobody gets in by such a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nacd.sim.nas import Nas
from tests.server.house import House, Site

MACHINE = "32-11-85-00-00-01"
MARKS = [("Cisco-AVPair", "aaa:service=ip_admission"), ("Cisco-AVPair", "aaa:event=acl-download")]
LINES = [f"permit tcp any host 10.0.{number // 200}.{number % 200} eq 443" for number in range(150)]
# Everybody is let in, so that a name that got as far as the rules would be.
POLICY = "profiles:\n  guests:\n    dacl:\n      name: GUESTS\n      lines:\n" + "".join(
    f"        - {line}\n" for line in LINES
)
POLICY += """\
  open: {vlan: 1}
rules:
  - {name: machines, when: {access: mab, nas: switch}, then: guests}
  - {name: guests by tunnel, when: {access: vpn, user: guest}, then: guests}
  - {name: vpn, when: {access: vpn}, then: open}
  - {name: laptops, when: {access: dot1x}, then: open}
"""
ACCEPT, REJECT, CHALLENGE = 2, 3, 11


@pytest.fixture
def house(site: Site, build: Callable[..., House]) -> House:
    site.write("policy.yaml", POLICY)
    site.change("groups: [wired],", "groups: [wired], message_authenticator: accept,")
    return build()


@pytest.fixture
def switch(house: House) -> Nas:
    return house.nas()


def told(switch: Nas) -> str:
    """The name that an Accept tells."""
    reply = switch.mab(MACHINE)
    assert reply.code == ACCEPT
    [pair] = reply.all("Cisco-AVPair")
    word, _, name = str(pair).partition("=")
    assert word == "ACS:CiscoSecure-Defined-ACL"
    return name


def asked_for(switch: Nas, name: str, *, state: bytes = b"", marks: Any = MARKS) -> Any:
    return switch.exchange([("User-Name", name), *marks, *([(24, state)] if state else [])])


def test_a_long_list_is_fetched_page_by_page_and_arrives_whole(house: House, switch: Nas) -> None:
    name, state, pairs, codes = told(switch), b"", [], []
    assert name.startswith("#ACSACL#-IP-GUESTS-")
    while True:
        reply = asked_for(switch, name, state=state)
        codes.append(reply.code)
        pairs += reply.all("Cisco-AVPair")
        assert len(reply.octets) <= 4096
        assert {each for each, _ in reply.attributes} <= {"Cisco-AVPair", "Message-Authenticator", "State"}
        if reply.code != CHALLENGE:
            break
        state = reply.state
    assert codes == [CHALLENGE, CHALLENGE, ACCEPT]
    assert pairs == [f"ip:inacl#{number}={line}" for number, line in enumerate(LINES, start=1)]
    [record] = [each for each in house.site.records() if each["code"] == "A1006I"]
    assert record["access_list"] == {"name": name, "lines": 150, "packets": 3}


def test_without_the_marks_of_such_a_request_the_name_gets_nothing(house: House, switch: Nas) -> None:
    name = told(switch)
    for marks in ([], MARKS[:1], MARKS[1:], [("Cisco-AVPair", "aaa:event=acl-downloads"), MARKS[0]]):
        assert asked_for(switch, name, marks=marks).code == REJECT
    assert asked_for(house.nas(message_authenticator="absent"), name).code == REJECT
    assert house.site.records()[-1]["refusal"] == "list_not_asked_for"


def test_a_state_that_is_none_of_ours_gets_nothing(switch: Nas) -> None:
    name = told(switch)
    for state in (b"nacd-list:7", b"\x00" * 16):
        assert asked_for(switch, name, state=state).code == REJECT


@pytest.mark.parametrize("name", ["#ACSACL#-IP-GUESTS-00000000", "#ACSACL#", "#acsacl#-ip-guests", " #ACSACL#-IP-X-1"])
def test_a_list_that_is_not_there_is_refused_and_is_no_user(name: str, house: House, switch: Nas) -> None:
    assert asked_for(switch, name).code == REJECT
    assert switch.mab(MACHINE, extra=()).code == ACCEPT
    assert house.nas(source="127.0.0.2").vpn(name).code == REJECT
    assert house.nas(source="127.0.0.2").vpn("alex").code == ACCEPT


def test_an_endpoint_that_calls_itself_by_a_list_gets_no_eap(house: House, switch: Nas) -> None:
    name = told(switch)
    start = bytes([2, 1, 0, 5 + len(name), 1]) + name.encode()
    reply = switch.eap(start, user=name, mac=MACHINE, extra=MARKS)
    assert reply.code == REJECT
    assert reply.eap[:1] in (b"", b"\x04")


def test_a_nas_of_another_vendor_that_can_be_told_of_it_is_given_the_same_list(house: House, switch: Nas) -> None:
    assert asked_for(house.nas(source="127.0.0.2"), told(switch)).code == CHALLENGE


def test_a_nas_that_no_rule_gives_it_is_told_nothing_of_a_list(site: Site, build: Callable[..., House]) -> None:
    site.write("policy.yaml", "".join(line for line in POLICY.splitlines(True) if "guests by tunnel" not in line))
    house = build()
    assert asked_for(house.nas(source="127.0.0.2"), told(house.nas())).code == REJECT
    assert house.site.records()[-1]["refusal"] == "list_of_others"
