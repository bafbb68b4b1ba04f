"""RFC 5176, Dynamic Authorization Extensions to RADIUS, against a NAS that reads and signs with pyrad."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from nacd import vendor
from nacd.sessions import Grounds, Meaning, Names, NotOurs, Phase, Place, Session
from nacd.values import AccessKind, Nas, Unidentified
from nacd.vendor.dynauth import Request, plan, render
from nacd.vendor.dynauth_model import Dynauth, parse_dynauth
from tests.conformance.octets import Attributes
from tests.server.dac.box import COA, DISCONNECT, QUICK, Client, acknowledges, boxes, is_silent, refuses, with_client

SELECTS = {
    "User-Name",
    "NAS-Port",
    "Framed-IP-Address",
    "Called-Station-Id",
    "Calling-Station-Id",
    "Acct-Session-Id",
    "Acct-Multi-Session-Id",
    "NAS-Port-Id",
    "Chargeable-User-Identity",
    "Framed-Interface-Id",
    "Framed-IPv6-Prefix",
    "NAS-IP-Address",
    "NAS-IPv6-Address",
    "NAS-Identifier",
}
"""RFC 5176 section 3, and Vendor-Specific, of which the audit-session-id is one."""
SESSION = Session(
    id=1,
    place=Place(
        nas="sw1",
        source="192.0.2.10",
        nas_address="192.0.2.10",
        nas_identifier="sw1",
        port="50101",
        port_id="GigabitEthernet1/0/1",
        port_type="Ethernet",
        calling_station_id="AA-BB-CC-00-11-22",
        framed_address="198.51.100.7",
    ),
    names=Names(acct_session_id="00000042", audit_session_id="0A0000FD0000002715B8C2", user_name="host/pc1"),
    phase=Phase.LIVE,
    authorized_at=1.0,
    standing=NotOurs(),
    grounds=Grounds(access=AccessKind.DOT1X, nas=Nas(name="sw1", vendor="any"), identity=Unidentified(reason="a test")),
)
SHIPPED = sorted((Path(vendor.__file__).parent / "profiles").glob("*.yaml"))


def dynauth_of(path: Path) -> Dynauth:
    return parse_dynauth(path.stem, yaml.safe_load(path.read_text(encoding="utf-8")))


def attributes(octets: bytes) -> Attributes:
    found: list[tuple[int, bytes]] = []
    at = 20
    while at < len(octets):
        found.append((octets[at], octets[at + 2 : at + octets[at + 1]]))
        at += octets[at + 1]
    return tuple(found)


@pytest.mark.clause("RFC 5176 section 2.3", "Disconnect and CoA are retransmitted unchanged, from the same port")
@pytest.mark.parametrize("code", [DISCONNECT, COA])
def test_what_is_not_answered_is_sent_again_octet_by_octet(code: int) -> None:
    async def story(client: Client) -> None:
        assert (await client.ask(box.target(), code)).meaning is Meaning.UNANSWERED

    with boxes(is_silent) as (box,):
        with_client(story, timing=QUICK)
    assert len(box.heard) >= 2
    assert len({(heard.octets, heard.port) for heard in box.heard}) == 1
    assert box.heard[0].octets[0] == code
    assert all(heard.valid for heard in box.heard)


@pytest.mark.clause("RFC 5176 section 2.3", "they go to UDP port 3799, unless a vendor's NASes listen elsewhere")
def test_a_nas_of_no_vendor_is_asked_at_port_3799() -> None:
    ladder = plan(dynauth_of(next(path for path in SHIPPED if path.stem == "generic")), SESSION).rungs
    assert {rung.port for rung in ladder} == {3799}


@pytest.mark.clause("RFC 5176 section 3", "a Disconnect selects sessions by identification attributes alone")
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_disconnect_holds_nothing_but_what_names_the_session(path: Path) -> None:
    if "dynauth" not in yaml.safe_load(path.read_text(encoding="utf-8")):
        return  # its NASes take no RFC 5176
    for rung in plan(dynauth_of(path), SESSION).rungs:
        asked = render(rung, SESSION)
        if isinstance(asked, Request) and asked.code == "disconnect":
            named = {each.name for each in asked.attributes if not str(each.value).startswith("audit-session-id=")}
            assert named <= SELECTS
            assert asked.attributes


@pytest.mark.clause("RFC 5176 section 3.5", "Error-Cause of a NAK is understood")
@pytest.mark.parametrize(
    ("cause", "meaning"), [(503, Meaning.GONE), (506, Meaning.LATER), (403, Meaning.CONFIGURATION)]
)
def test_a_nak_says_why(cause: int, meaning: Meaning) -> None:
    async def story(client: Client) -> None:
        outcome = await client.ask(box.target())
        assert (outcome.meaning, outcome.error_cause) == (meaning, cause)
        assert outcome.detail

    with boxes(refuses(cause)) as (box,):
        with_client(story)


@pytest.mark.clause("RFC 5176 section 6.3", "every request carries Event-Timestamp against replays")
@pytest.mark.parametrize("code", [DISCONNECT, COA])
def test_a_request_says_when_it_was_made(code: int) -> None:
    async def story(client: Client) -> None:
        assert (await client.ask(box.target(), code)).meaning is Meaning.ACKNOWLEDGED

    with boxes(acknowledges) as (box,):
        with_client(story)
    ((_, stamp),) = [each for each in attributes(box.heard[0].octets) if each[0] == 55]
    assert abs(int.from_bytes(stamp) - time.time()) < 60
