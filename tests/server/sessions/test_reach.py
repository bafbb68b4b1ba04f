"""Which sessions an order, a verdict or a person's question is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nacd.server.sessions.reach import aged_page, key_of, not_left, of_device, of_mac, of_verdict
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import Gone, Names, Pending, Phase, Session, Wished
from nacd.store.live.filters import Filter
from nacd.store.sessions import SessionStore
from nacd.values import AccessKind, Assurance, Device, DeviceId, DeviceIdKind, IdentitySource
from tests.session.making import MAC, OTHER_MAC, T, authorized, place, standing

GUID = "00000000-0000-4000-8000-00000000000a"
KEY = f"guid:{GUID}"
KINDS = tuple(DeviceIdKind)
DEVICE = Device(id=DeviceId(guid=GUID), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)


class House:
    def __init__(self, store: SessionStore) -> None:
        self.store = store
        self.number = 0

    def login(self, mac: str = MAC, key: str = KEY, tenant: str = "contoso", **more: Any) -> int:
        """more: ``access``; the rest is of its place."""
        self.number += 1
        made = authorized(
            T + self.number,
            access=more.pop("access", AccessKind.DOT1X),
            place=place(calling_station_id=mac, **more),
            names=Names(
                token=f"{self.number:032x}", audit_session_id=str(self.number), acct_session_id=str(self.number)
            ),
        )
        grounds = replace(made.grounds, identity=DEVICE, tenant=tenant, key=key, mac=mac)
        found = self.store.submit(replace(made, grounds=grounds)).result(10).session
        assert isinstance(found, Session)
        return found.id

    def aged(self, **how: Any) -> int:
        id = self.login(**how)
        self.gone(id, Phase.AGED)
        return id

    def gone(self, id: int, phase: Phase) -> None:
        self.store.submit(Gone(id=id, phase=phase, at=T + 1_000, cause="a test")).result(10)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    store = SessionStore(tmp_path / "sessions.sqlite", apply=apply, tie=tie, report=print)
    yield House(store)
    store.close()


def ids(sessions: list[Session]) -> list[int]:
    return sorted(each.id for each in sessions)


def test_a_verdict_is_about_open_and_aged_sessions_of_its_tenant_and_never_about_ended_ones(house: House) -> None:
    up, old, over = house.login(port="1"), house.aged(port="2"), house.login(port="3")
    house.gone(over, Phase.ENDED)
    house.aged(port="4", tenant="fabrikam")
    house.aged(port="5", key="")
    assert ids(of_verdict(house.store, "contoso", KEY)) == [up, old]


def test_an_order_about_a_device_finds_it_also_where_nobody_is_asked(house: House) -> None:
    asked, not_asked = house.login(port="1"), house.login(port="2", key="")
    elsewhere = house.aged(port="3", tenant="fabrikam", key="")
    assert ids(of_device(house.store, GUID, KINDS, "")) == [asked, not_asked, elsewhere]
    assert ids(of_device(house.store, GUID, KINDS, "contoso")) == [asked, not_asked]
    assert of_device(house.store, GUID, (DeviceIdKind.ENTRA,), "") == []


def test_an_order_about_a_mac_finds_what_has_aged_too(house: House) -> None:
    up, old = house.login(port="1"), house.aged(port="2")
    house.login(mac=OTHER_MAC, port="3")
    assert ids(of_mac(house.store, MAC, "")) == [up, old]


def test_what_an_endpoint_has_left_at_the_same_place_is_nobody(house: House) -> None:
    house.aged(port="1")
    second, elsewhere = house.aged(port="1"), house.aged(port="2")
    another_switch = house.aged(port="1", source="192.0.2.9")
    assert ids(of_mac(house.store, MAC, "")) == [second, elsewhere, another_switch]
    newest = house.login(port="1")
    assert ids(of_mac(house.store, MAC, "")) == [elsewhere, another_switch, newest]


def test_a_client_may_have_many_tunnels_and_what_is_wanted_stays_in_sight(house: House) -> None:
    tunnels = [house.aged(port="1", access=AccessKind.VPN) for _ in range(2)]
    assert ids(of_mac(house.store, MAC, "")) == tunnels
    old, new = house.aged(port="2"), house.login(port="2")
    wish = Pending(wanted=standing("quarantine"), since=T)
    house.store.submit(Wished(id=old, wish=wish, at=T)).result(10)
    assert ids(of_mac(house.store, MAC, "")) == [*tunnels, old, new]


def test_nobody_without_a_station_has_left_anything(house: House) -> None:
    both = [house.aged(port="1", mac="") for _ in range(2)]
    assert ids(not_left(house.store.find(Filter(phase=Phase.AGED), 10))) == both


def test_pages_of_those_that_have_aged_know_what_was_left_also_for_a_session_that_is_up(house: House) -> None:
    left = house.aged(port="1")
    house.login(port="1")
    old = [house.aged(port=str(number), mac=OTHER_MAC) for number in range(2, 5)]
    assert aged_page(house.store, 2, 0)[1] == old[0]
    assert ids(aged_page(house.store, 2, 0)[0]) == [old[0]]
    assert ids(aged_page(house.store, 2, old[0])[0]) == old[1:]
    assert aged_page(house.store, 2, old[-1]) == ([], 0)
    assert left not in ids(aged_page(house.store, 10, 0)[0])


def test_a_key_names_the_register_of_a_device() -> None:
    assert key_of(DeviceIdKind.INTUNE, GUID) == KEY
    assert key_of(DeviceIdKind.ENTRA, GUID) == f"entra:{GUID}"
