"""RFC 4372, Chargeable User Identity."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nacd.sim.pki import COMPLIANT_GUID
from nacd.values import ComplianceState
from tests.conformance.octets import ACCEPT, PRINTER, REJECT, accounting, mab, request
from tests.conformance.wire import Talk, Wire
from tests.server.house import LAPTOP_MAC, House, Pki, Register, Site

CUI = 89
NUL = (CUI, b"\0")


@pytest.mark.clause("RFC 4372 section 2.1", "a request with CUI (NUL or a value) gets a CUI in the Access-Accept")
@pytest.mark.parametrize("asked", [b"\0", b"", b"an earlier value", bytes(253)])
def test_an_accept_carries_one_when_it_was_asked_for(wire: Wire, asked: bytes) -> None:
    got = wire.ask(mab(PRINTER, (CUI, asked)))
    assert got.code == ACCEPT
    assert [len(value) for value in got.all(CUI)] == [32]


@pytest.mark.clause("RFC 4372 section 2.1", "a request without CUI gets none")
def test_an_accept_carries_none_when_nobody_asked(wire: Wire) -> None:
    got = wire.ask(mab(PRINTER))
    assert got.code == ACCEPT
    assert not got.all(CUI)


@pytest.mark.clause("RFC 4372 section 3", "no CUI in an Access-Reject")
def test_a_reject_carries_none(wire: Wire) -> None:
    got = wire.ask(request((1, b"alice"), NUL))
    assert got.code == REJECT
    assert not got.all(CUI)


@pytest.mark.clause("RFC 4372 section 3", "no CUI in an Access-Challenge; the Accept after EAP has it")
def test_no_challenge_of_a_login_carries_one(house: House, pki: Pki, talk: Callable[..., Talk]) -> None:
    said = talk(house, pki.supplicant(), extra=((CUI, b"\0"),))
    assert [len(reply.all("Chargeable-User-Identity")) for reply in said.replies] == [0] * (len(said.replies) - 1) + [1]


@pytest.mark.clause("RFC 4372 section 2.2", "the value is opaque: nothing of the user, the device or the MAC")
def test_the_value_tells_nothing_of_the_device(house: House, pki: Pki, talk: Callable[..., Talk]) -> None:
    value = talk(house, pki.supplicant(), extra=(NUL,)).last.first("Chargeable-User-Identity")
    assert isinstance(value, bytes)
    assert set(value) <= set(b"0123456789abcdef")
    for word in (COMPLIANT_GUID.replace("-", ""), LAPTOP_MAC.replace("-", "").lower(), b"laptop".hex()):
        assert word.encode() not in value


@pytest.mark.clause("RFC 4372 section 1.1", "the same endpoint has the same value in each session")
def test_two_sessions_of_a_device_share_it_and_two_devices_do_not(
    house: House, pki: Pki, talk: Callable[..., Talk], wire: Wire
) -> None:
    one, two = (talk(house, pki.supplicant(), mac=mac, extra=(NUL,)).last for mac in (LAPTOP_MAC, PRINTER))
    value = one.first("Chargeable-User-Identity")
    assert value == two.first("Chargeable-User-Identity")
    assert value != wire.ask(mab(PRINTER, NUL)).first(CUI)


@pytest.mark.clause("RFC 4372 section 1.1", "the value outlives a restart of the server")
def test_a_restart_does_not_change_it(site: Site, plug: Callable[..., Wire]) -> None:
    values = set()
    for _ in range(2):
        house = House(site, Register())
        values.add(plug(house).ask(mab(PRINTER, NUL)).first(CUI))
        house.close()
    assert len(values) == 1


@pytest.mark.clause("RFC 4372 section 2.1", "each operator may be given values of its own (Operator-Name, RFC 5580)")
def test_two_operators_cannot_compare_what_they_hold(wire: Wire) -> None:
    names = [(), ((126, b"1example.com"),), ((126, b"1example.net"),)]
    values = {wire.ask(mab(PRINTER, NUL, *name)).first(CUI) for name in names}
    assert len(values) == 3


@pytest.mark.clause("RFC 4372 section 2.1", "the CUI of an Accounting-Request ties it to its session")
def test_what_was_given_and_what_came_back_stand_in_the_audit_log(house: House, wire: Wire, acct: Wire) -> None:
    value = wire.ask(mab(PRINTER, NUL, (44, b"cui-session"))).first(CUI)
    acct.ask(accounting(1, (44, b"cui-session"), (CUI, value)))
    records = [r for r in house.records() if r.get("session", {}).get("acct_session_id") == "cui-session"]
    assert [record["chargeable_user_identity"] for record in records] == [value.decode()] * 2
    assert [record["event"] for record in records] == ["access.accept", "accounting.start"]


@pytest.mark.clause("RFC 4372 section 2.1", "a device that is denied gets no CUI, whatever it asked for")
def test_a_denied_device_gets_none(build: Callable[..., House], plug: Callable[..., Wire]) -> None:
    house = build(Register(state=ComplianceState.NOT_MANAGED))
    got = plug(house).ask(mab("00-11-85-00-00-01", NUL))
    assert got.code == REJECT
    assert not got.all(CUI)
    assert house.records("access.reject")[0]["chargeable_user_identity"] == ""
