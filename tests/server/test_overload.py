"""More than can be done: what comes first, what is given up, and what is answered from memory."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, field
from typing import Any

from pyrad.packet import AcctPacket

from nacd.radius.admission import Role
from nacd.sim.nas import Nas
from nacd.sim.nas_reply import dictionary
from nacd.values import ComplianceState
from tests.server.house import LAPTOP_MAC, SECRET, House, Pki, Register, Site, mab_datagram, soon

ACCEPT, REJECT, CHALLENGE, ACCOUNTING_RESPONSE = 2, 3, 11, 5
PORT = (("NAS-Port-Id", "Gi1/0/13"), ("NAS-Port-Type", "Ethernet"))


@dataclass(slots=True)
class Wire:
    """The way back, with everything that was sent on it."""

    source: str = "127.0.0.1"
    port: int = 40_000
    sent: list[bytes] = field(default_factory=list)

    def send(self, octets: bytes) -> None:
        self.sent.append(octets)

    @property
    def codes(self) -> list[int]:
        return [octets[0] for octets in self.sent]


def mac(number: int) -> str:
    return f"00-11-85-00-00-{number:02X}"


def queue(house: House, *datagrams: bytes, role: Role = Role.AUTH) -> Wire:
    """Take datagrams in and answer none yet."""
    wire = Wire()
    house.do(lambda: [house.worker.receive(datagram, wire, role) for datagram in datagrams])
    return wire


def work(house: House) -> None:
    """Answer everything that waits; what has to wait for Intune goes on by itself."""
    waits: list[asyncio.Future[None]] = []

    def all_of_it() -> None:
        while house.worker.waiting:
            rest = house.worker.answer(house.worker.next())
            house.worker.flush()
            if rest is not None:
                waits.append(asyncio.ensure_future(rest))

    house.do(all_of_it)
    assert soon(lambda: all(each.done() for each in waits))


def silenced(house: House, reason: str) -> int:
    return house.do(lambda: house.drops.total(reason))


def test_a_conversation_that_goes_on_overtakes_those_that_begin(house: House, pki: Pki) -> None:
    nas = house.nas()
    challenge = nas.eap(pki.supplicant().start(), user="host/laptop", mac=LAPTOP_MAC)
    assert challenge.code == CHALLENGE
    begins = [mab_datagram(identifier=n) for n in range(3)]
    goes_on = mab_datagram(identifier=9, more=(("State", "0x" + challenge.state.hex()),))
    wire = queue(house, *begins, goes_on)
    work(house)
    assert [octets[1] for octets in wire.sent] == [9, 0, 1, 2]


def test_a_request_its_nas_has_given_up_is_not_worked_on(house: House) -> None:
    wire = queue(house, mab_datagram())
    house.clock.ahead_s += 5.5
    work(house)
    assert wire.sent == []
    assert silenced(house, "stale") == 1
    assert house.records("access.accept") == []


def test_a_repeat_keeps_a_waiting_request_wanted(house: House) -> None:
    datagram = mab_datagram()
    wire = queue(house, datagram)
    house.clock.ahead_s += 4
    queue(house, datagram)
    house.clock.ahead_s += 4
    work(house)
    assert wire.codes == [ACCEPT]
    assert silenced(house, "stale") == 0


def test_what_was_given_up_is_worked_on_when_it_comes_again(house: House) -> None:
    datagram = mab_datagram()
    queue(house, datagram)
    house.clock.ahead_s += 6
    work(house)
    again = queue(house, datagram)
    work(house)
    assert again.codes == [ACCEPT]


def test_the_nas_timeout_is_a_setting(site: Site, register: Register) -> None:
    site.change("groups: [wired],", "groups: [wired], timeout: 30s,")
    house = House(site, register)
    try:
        wire = queue(house, mab_datagram())
        house.clock.ahead_s += 20
        work(house)
        assert wire.codes == [ACCEPT]
    finally:
        house.close()


def test_more_than_may_wait_is_dropped_counted_and_said_once(site: Site, register: Register, said: io.StringIO) -> None:
    site.change("policy: policy.yaml", "overload: {max_requests: 12, max_per_nas: 4}\npolicy: policy.yaml")
    house = House(site, register)
    try:
        wire = queue(house, *(mab_datagram(identifier=n) for n in range(10)))
        assert silenced(house, "overload_max_per_nas") == 6
        assert said.getvalue().count("the limit `overload.max_per_nas` is reached") == 1
        work(house)
        assert wire.codes == [ACCEPT] * 4
        again = queue(house, mab_datagram(identifier=9))
        work(house)
        assert again.codes == [ACCEPT]
    finally:
        house.close()


def test_a_port_that_cycles_macs_is_refused_from_memory_and_asks_intune_no_more(site: Site, register: Register) -> None:
    site.change("policy: policy.yaml", "overload: {port_rate: 1, port_burst: 5}\npolicy: policy.yaml")
    house = House(site, register)
    try:
        wire = queue(house, *(mab_datagram(mac(n), identifier=n, more=PORT) for n in range(40)))
        work(house)
        let_try = len(register.calls)
        assert 5 <= let_try < 10
        assert wire.codes == [ACCEPT] * let_try
        house.clock.ahead_s += 1.1
        house.do(house.worker.flush)
        assert wire.codes == [ACCEPT] * let_try + [REJECT] * (40 - let_try)
        nas = house.nas()
        other = nas.mab(mac(50))
        assert other.code == ACCEPT
        refused = house.records("access.refused")
        assert {record["refusal"] for record in refused} == {"port_too_often"}
    finally:
        house.close()


def test_a_port_that_starts_over_within_its_conversation_begins_each_time(
    site: Site, register: Register, pki: Pki
) -> None:
    site.change("policy: policy.yaml", "overload: {port_rate: 1, port_burst: 3}\npolicy: policy.yaml")
    house = House(site, register)
    try:
        nas = house.nas(extra=PORT, timeout_s=3.0)
        reply = nas.eap(pki.supplicant().start(), user="host/laptop", mac=LAPTOP_MAC)
        flights = 0
        while reply.code == CHALLENGE:
            supplicant = pki.supplicant()
            supplicant.start()
            flight = nas.eap(supplicant.receive(reply.eap), user="host/laptop", mac=LAPTOP_MAC, state=reply.state)
            assert flight.code == CHALLENGE
            flights += 1
            name = bytes((2, flight.eap[1], 0, 9, 1)) + b"host"
            reply = nas.eap(name, user="host/laptop", mac=LAPTOP_MAC, state=flight.state)
        assert reply.code == REJECT
        assert flights < 10
        assert house.records("access.refused")[0]["refusal"] == "port_too_often"
    finally:
        house.close()


def failed_logins(nas: Nas, count: int) -> list[int]:
    return [nas.mab(LAPTOP_MAC).code for _ in range(count)]


def test_an_endpoint_refused_in_a_loop_is_answered_from_memory_and_late(site: Site, register: Register) -> None:
    register.state = ComplianceState.NONCOMPLIANT
    site.change("policy: policy.yaml", "overload: {failing: {refusals: 3, within: 1m, hold: 30s}}\npolicy: policy.yaml")
    house = House(site, register)
    try:
        nas = house.nas(timeout_s=3.0)
        assert failed_logins(nas, 3) == [REJECT] * 3
        asked = len(register.calls)
        assert failed_logins(nas, 1) == [REJECT]
        assert house.records("access.refused")[0]["refusal"] == "failing_endpoint"
        assert len(register.calls) == asked
        register.state = ComplianceState.COMPLIANT
        house.clock.ahead_s += 400
        assert nas.mab(LAPTOP_MAC).code == ACCEPT
    finally:
        house.close()


def test_a_failure_that_is_not_the_endpoints_is_not_held_against_it(site: Site, register: Register) -> None:
    register.state = ComplianceState.UNAVAILABLE
    site.change("policy: policy.yaml", "overload: {failing: {refusals: 3, within: 1m, hold: 30s}}\npolicy: policy.yaml")
    house = House(site, register)
    try:
        nas = house.nas()
        assert failed_logins(nas, 4) == [REJECT] * 4
        register.state = ComplianceState.COMPLIANT
        house.clock.ahead_s += 5
        assert nas.mab(LAPTOP_MAC).code == ACCEPT
    finally:
        house.close()


def accounting_datagram() -> bytes:
    packet: Any = AcctPacket(id=3, secret=SECRET, dict=dictionary())
    packet.AddAttribute("Acct-Status-Type", "Start")
    packet.AddAttribute("Acct-Session-Id", "0001")
    octets: bytes = packet.RequestPacket()
    return octets


def test_accounting_comes_before_what_begins(house: House) -> None:
    first = queue(house, mab_datagram())
    second = queue(house, accounting_datagram(), role=Role.ACCT)
    house.do(lambda: house.worker.answer(house.worker.next()))
    house.do(house.worker.flush)
    house.written()
    assert (first.codes, second.codes) == ([], [ACCOUNTING_RESPONSE])
    work(house)
    assert first.codes == [ACCEPT]
