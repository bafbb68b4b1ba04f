"""From a packet to the session it begins, goes on with or ends, on the disk before it is answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nacd.sessions import Phase, Session, Standing
from nacd.store.live.filters import EVERYTHING
from nacd.values import ComplianceState, Effect
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, House, Pki, Register, Site


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki.make()


@pytest.fixture
def house(tmp_path: Path, pki: Pki) -> Iterator[House]:
    site = Site(tmp_path, pki)
    (tmp_path / "state").mkdir()
    house = House(site, Register())
    yield house
    house.close()


def sessions(house: House) -> tuple[Session, ...]:
    house.written()
    return house.sessions.find(EVERYTHING, 100)


def test_a_session_is_known_from_its_accept_to_its_stop(house: House) -> None:
    nas = house.nas()
    accepted = nas.mab(PRINTER_MAC)
    assert accepted.code_name == "Access-Accept"
    token = accepted.first("Class")
    for status in ("Start", "Interim-Update", "Stop"):
        reply = nas.accounting(status, session_id="0001", mac=PRINTER_MAC, extra=[("Class", token)])
        assert reply.code_name == "Accounting-Response"
        (session,) = sessions(house)
        assert isinstance(session.standing, Standing)
        assert session.standing.profile == "printers"
        assert session.names.acct_session_id == "0001"
        assert session.phase is (Phase.ENDED if status == "Stop" else Phase.LIVE)
    told = [record["nacd_session"] for record in house.records() if record["code"].startswith("A200")]
    assert told == [session.id] * 3


def test_a_session_of_a_nas_that_does_no_accounting_is_known_all_the_same(house: House) -> None:
    house.clock.ahead_s = -5.0
    assert house.nas().mab(PRINTER_MAC).code_name == "Access-Accept"
    house.clock.ahead_s = 0.0
    assert house.nas().accounting("Accounting-On").code_name == "Accounting-Response"
    (session,) = sessions(house)
    assert session.phase is Phase.ENDED
    assert session.place.calling_station_id == PRINTER_MAC


def test_what_another_server_let_in_is_accounted_for_and_not_ours(house: House) -> None:
    assert house.nas().accounting("Start", session_id="77", mac=LAPTOP_MAC).code_name == "Accounting-Response"
    (session,) = sessions(house)
    assert not isinstance(session.standing, Standing)


def test_a_refused_endpoint_begins_no_session_and_whoever_has_to_know_is_told(house: House) -> None:
    house.register.state = ComplianceState.NOT_MANAGED
    assert house.nas().mab("00-11-85-00-00-99").code_name == "Access-Reject"
    assert sessions(house) == ()
    ((request, mac, standing),) = house.refused
    assert (request.nas.name, mac, standing.effect) == ("switch", "00-11-85-00-00-99", Effect.DENY)


def test_accounting_that_cannot_be_stored_goes_unanswered_and_is_counted(house: House) -> None:
    house.sessions.close()
    nas = house.nas(timeout_s=0.5)
    assert nas.accounting("Start", session_id="0001", mac=PRINTER_MAC).code_name == "no answer"
    assert any(row.reason == "accounting_not_stored" for row in house.drops.report())


def test_a_refusal_in_place_of_an_answer_that_is_too_long_begins_no_session(tmp_path: Path, pki: Pki) -> None:
    site = Site(tmp_path, pki)
    (tmp_path / "state").mkdir()
    long = ", ".join(f'"{number}{"x" * 240}"' for number in range(12))
    wanted = f"printers: {{vlan: 140, attributes: {{Reply-Message: [{long}]}}}}"
    site.change("printers:   {vlan: 140}", wanted, file="policy.yaml")
    house = House(site, Register())
    try:
        assert house.nas(proxy_states=(b"p" * 250,) * 6).mab(PRINTER_MAC).code_name == "Access-Reject"
        assert sessions(house) == ()
    finally:
        house.close()
