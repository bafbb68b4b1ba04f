"""A simulated switch with endpoints: what each request does to their sessions, seen by a server made of pyrad."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from pyrad.packet import AcctPacket, Packet

from nacd.sim.das.answers import ACK, always
from nacd.sim.das.switch import Endpoint, Session, Switch
from nacd.sim.nas import Nas
from tests.sim.das.asking import COA, SECRET, Asker, request
from tests.sim.test_nas import Server

MAC, OTHER = "02-00-5E-10-00-01", "02-00-5E-10-00-02"


def endpoint(mac: str = MAC, user: str = "alice") -> Endpoint:
    return Endpoint(mac=mac, user=user, login=lambda nas: nas.mab(mac))


@dataclass
class Lan:
    """A switch, the server that it asks, and somebody who asks the switch."""

    switch: Switch
    server: Server
    asker: Asker
    accepting: bool = True

    def plug_in(self, mac: str = MAC, user: str = "alice") -> Session:
        session = self.switch.plug_in(endpoint(mac, user)).result(5)
        assert session is not None
        return session

    def logins(self) -> list[Packet]:
        return [one for one in self.server.requests if one.code == 1]

    def accounted(self) -> list[tuple[str, str]]:
        """(status, session id) of each record."""
        records = [one for one in self.server.requests if isinstance(one, AcctPacket)]
        return [(one["Acct-Status-Type"][0], one["Acct-Session-Id"][0]) for one in records]

    def until(self, what: Callable[[], bool], within_s: float = 5.0) -> None:
        deadline = time.monotonic() + within_s
        while not what():
            assert time.monotonic() < deadline, self.accounted()
            time.sleep(0.01)


@pytest.fixture
def lan() -> Iterator[Lan]:
    with contextlib.ExitStack() as stack:

        def answer(packet: Packet) -> bytes:
            reply = packet.CreateReply()
            if packet.code == 1:
                reply.code = 2 if made.accepting else 3
                reply.add_message_authenticator()
                if made.accepting:
                    reply["Class"] = b"kept"
            return bytes(reply.ReplyPacket())

        server = Server(answer)
        stack.callback(server.stop)
        nas = Nas("127.0.0.1", SECRET, port=server.port, accounting_port=server.port, name="sim-switch")
        switch = stack.enter_context(Switch(nas))
        asker = Asker((switch.das.host, switch.das.port))
        stack.callback(asker.sock.close)
        made = Lan(switch=switch, server=server, asker=asker)
        yield made
        assert switch.troubles == []


def test_a_login_is_accounted_for_under_the_same_names_with_class_given_back(lan: Lan) -> None:
    session = lan.plug_in()
    (login,) = lan.logins()
    assert login["Acct-Session-Id"] == [session.session_id]
    lan.until(lambda: lan.accounted() == [("Start", session.session_id)])
    assert lan.server.requests[-1]["Class"] == [b"kept"]
    assert login["Cisco-AVPair"] == lan.server.requests[-1]["Cisco-AVPair"]
    lan.switch.interim(MAC).result(5)
    lan.switch.unplug(MAC).result(5)
    assert [status for status, _ in lan.accounted()] == ["Start", "Interim-Update", "Stop"]
    assert lan.switch.sessions == []


def test_who_is_refused_has_no_session(lan: Lan) -> None:
    lan.accepting = False
    assert lan.switch.plug_in(endpoint()).result(5) is None
    assert lan.accounted() == []
    assert [(mac, reply.code) for mac, reply in lan.switch.logins] == [(MAC, 3)]


def test_a_disconnect_ends_the_session_and_the_endpoint_comes_back_as_another(lan: Lan) -> None:
    first = lan.plug_in()
    assert lan.asker.ask(request(("Calling-Station-Id", "0200.5e10.0001"))) == (41, [])
    lan.until(lambda: len(lan.accounted()) == 3)
    second = lan.switch.session(MAC)
    assert second is not None
    assert lan.accounted() == [("Start", first.session_id), ("Stop", first.session_id), ("Start", second.session_id)]
    assert first.session_id != second.session_id


def test_a_reauthentication_keeps_the_session(lan: Lan) -> None:
    session = lan.plug_in()
    pairs = (
        ("Cisco-AVPair", f"audit-session-id={session.audit_session_id}"),
        ("Cisco-AVPair", "subscriber:command=reauthenticate"),
    )
    assert lan.asker.ask(request(*pairs, code=COA)) == (44, [])
    lan.until(lambda: [status for status, _ in lan.accounted()] == ["Start", "Interim-Update"])
    assert {one["Acct-Session-Id"][0] for one in lan.logins()} == {session.session_id}
    assert len(lan.logins()) == 2


def test_a_reauthentication_that_is_refused_ends_the_session(lan: Lan) -> None:
    session = lan.plug_in()
    lan.accepting = False
    pairs = (("Acct-Session-Id", session.session_id), ("Cisco-AVPair", "subscriber:command=reauthenticate"))
    assert lan.asker.ask(request(*pairs, code=COA)) == (44, [])
    lan.until(lambda: [status for status, _ in lan.accounted()] == ["Start", "Stop"])
    assert lan.switch.sessions == []


def test_a_push_changes_the_session_where_it_is(lan: Lan) -> None:
    session = lan.plug_in()
    pairs = (("Acct-Session-Id", session.session_id), ("Filter-Id", "quarantine"))
    assert lan.asker.ask(request(*pairs, code=COA)) == (44, [])
    lan.until(lambda: [status for status, _ in lan.accounted()] == ["Start", "Interim-Update"])
    assert session.pushed == (("Filter-Id", "quarantine"),)
    assert len(lan.logins()) == 1


def test_what_names_no_session_another_nas_or_several_sessions_is_refused(lan: Lan) -> None:
    lan.plug_in()
    lan.plug_in(OTHER)
    for identifier, (pairs, cause) in enumerate(
        [
            ([("Acct-Session-Id", "nobody's")], 503),
            ([("Acct-Session-Id", "nobody's"), ("Calling-Station-Id", MAC)], 503),
            ([("User-Name", "alice")], 508),
            ([("User-Name", "alice"), ("NAS-Port", 3)], 503),
            ([("NAS-Port-Id", "GigabitEthernet1/0/1"), ("NAS-Port", 2)], 503),
            ([("NAS-Identifier", "another"), ("User-Name", "alice")], 403),
            ([("NAS-Identifier", "sim-switch")], 402),
            ([("Calling-Station-Id", "no mac")], 503),
        ]
    ):
        assert lan.asker.ask(request(*pairs, identifier=identifier)) == (42, [cause])
    # Nothing but names: there is nothing to change.
    assert lan.asker.ask(request(("Calling-Station-Id", MAC), code=COA, identifier=99)) == (45, [402])
    assert len(lan.switch.sessions) == 2


def test_each_endpoint_has_a_port_of_its_own_that_names_it(lan: Lan) -> None:
    first, second = lan.plug_in(), lan.plug_in(OTHER)
    assert [one["NAS-Port"][0] for one in lan.logins()] == [1, 2]
    assert [one["NAS-Port-Id"][0] for one in lan.logins()] == ["GigabitEthernet1/0/1", "GigabitEthernet1/0/2"]
    assert lan.asker.ask(request(("User-Name", "alice"), ("NAS-Port", 2))) == (41, [])
    lan.until(lambda: ("Stop", second.session_id) in lan.accounted())
    assert lan.switch.session(MAC) is first


def test_a_switch_can_claim_to_have_done_what_it_did_not(lan: Lan) -> None:
    session = lan.plug_in()
    lan.switch.script = always(ACK)
    assert lan.asker.ask(request(("Calling-Station-Id", MAC))) == (41, [])
    assert lan.switch.sessions == [session]


def test_a_switch_that_is_started_anew_says_so_and_knows_no_session_any_more(lan: Lan) -> None:
    before = lan.plug_in()
    lan.switch.restart().result(5)
    assert lan.switch.sessions == []
    statuses = [one["Acct-Status-Type"][0] for one in lan.server.requests if isinstance(one, AcctPacket)]
    assert statuses == ["Start", "Accounting-On"]
    assert lan.asker.ask(request(("Calling-Station-Id", MAC))) == (42, [503])
    assert lan.plug_in().session_id != before.session_id
