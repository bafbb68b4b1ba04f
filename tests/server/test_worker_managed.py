"""MAB of a MAC that nacd knows by a certificate: refused where a rule would let it in, and nothing else is touched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nacd.session.macs.inventory import Entry
from nacd.session.macs.managed import MANAGED
from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from nacd.sim.pki import COMPLIANT_GUID
from nacd.values import ComplianceState
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, House, Pki, Register, Site

ACCEPT, REJECT = "Access-Accept", "Access-Reject"
BY_TAG = "  - {name: tagged, when: {access: mab, inventory: [printers, pxe]}, then: printers}\n"


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki.make()


@pytest.fixture
def site(tmp_path: Path, pki: Pki) -> Site:
    (tmp_path / "state").mkdir()
    return Site(tmp_path, pki).change("rules:\n", f"rules:\n{BY_TAG}", file="policy.yaml")


@pytest.fixture
def house(site: Site) -> Iterator[House]:
    house = House(site, Register())
    yield house
    house.close()


def entry(house: House, mac: str = LAPTOP_MAC, **more: Any) -> None:
    said = {"mac": mac, "owner": "it", "reason": "4711", "by": "ada", "at": time.time(), "tags": ("pxe",), **more}
    house.do(lambda: house.orders.inventory.put(Entry(**said)))


def test_it_is_refused_with_a_code_an_alarm_and_a_count(house: House, pki: Pki) -> None:
    assert house.nas().mab(LAPTOP_MAC).code_name == ACCEPT  # nobody knows it yet
    assert house.login(pki.supplicant()).code_name == ACCEPT
    assert house.nas().mab(LAPTOP_MAC).code_name == REJECT
    (record,) = house.records("access.managed")
    assert (record["code"], record["decision"]["rule"], record["decision"]["profile"]) == ("A1008W", MANAGED, "")
    assert f"is known by the certificate of device `{COMPLIANT_GUID}`" in record["why"]
    assert record["reply"] == {"code": REJECT, "attributes": [], "omitted": [], "actions": []}
    assert house.orders.refused_above[MANAGED] == 1
    assert house.nas().mab(PRINTER_MAC).code_name == ACCEPT


def test_mab_before_the_supplicant_starts_is_refused_again_and_again_and_dot1x_then_works(
    house: House, pki: Pki
) -> None:
    assert house.login(pki.supplicant()).code_name == ACCEPT
    # More often than what makes an endpoint be refused from memory.
    assert [house.nas().mab(LAPTOP_MAC).code_name for _ in range(15)] == [REJECT] * 15
    assert house.login(pki.supplicant()).code_name == ACCEPT
    assert house.worker.held_back == {}


def test_a_refusal_of_the_policy_keeps_its_own_reason(house: House, pki: Pki) -> None:
    assert house.login(pki.supplicant()).code_name == ACCEPT
    house.register.state = ComplianceState.NONCOMPLIANT
    house.clock.ahead_s = 100_000.0
    assert house.nas().mab(LAPTOP_MAC).code_name == REJECT
    assert house.records("access.reject")[-1]["decision"]["rule"] == "default-deny"
    assert house.records("access.managed") == []


def test_a_persons_allow_stands_above_it(house: House, pki: Pki) -> None:
    assert house.login(pki.supplicant()).code_name == ACCEPT
    now = time.time()
    order = Override(
        id=1, subject_kind=SubjectKind.MAC, subject=LAPTOP_MAC, tenant="", effect=OverrideEffect.ALLOW,
        profile="printers", reason="pxe", by="ada", at=now, until=now + 600.0,
    )  # fmt: skip
    house.do(lambda: house.orders.put(order))
    assert house.nas().mab(LAPTOP_MAC).code_name == ACCEPT


def test_an_entry_alone_lifts_nothing_and_one_for_managed_devices_does_until_its_end(house: House, pki: Pki) -> None:
    assert house.login(pki.supplicant()).code_name == ACCEPT
    entry(house)
    assert house.nas().mab(LAPTOP_MAC).code_name == REJECT
    entry(house, even_if_managed=True, until=time.time() + 600.0)
    assert house.nas().mab(LAPTOP_MAC).code_name == ACCEPT
    accept = house.records("access.accept")[-1]
    assert (accept["decision"]["rule"], accept["endpoint"]["inventory"]) == ("tagged", ["any", "pxe"])
    assert "`ada` entered it even if it is managed: 4711" in accept["why"]
    house.clock.ahead_s = 601.0
    assert house.nas().mab(LAPTOP_MAC).code_name == REJECT


def test_it_is_known_for_as_long_as_the_configuration_says(house: House, pki: Pki) -> None:
    assert house.login(pki.supplicant()).code_name == ACCEPT
    entry(house, mac=LAPTOP_MAC)
    house.clock.ahead_s = 31 * 86_400.0
    assert house.nas().mab(LAPTOP_MAC).code_name == ACCEPT


def test_a_dock_that_is_shared_is_nobodys(site: Site, pki: Pki) -> None:
    shared = f"policy: policy.yaml\nidentity: {{shared_macs: [{LAPTOP_MAC}]}}"
    house = House(site.change("policy: policy.yaml", shared), Register())
    try:
        house.orders.machines.shared = frozenset({LAPTOP_MAC})  # as the daemon has it
        assert house.login(pki.supplicant()).code_name == ACCEPT
        entry(house)
        assert house.nas().mab(LAPTOP_MAC).code_name == ACCEPT
    finally:
        house.close()


def test_the_inventory_counts_at_the_very_next_request_and_no_longer_than_its_entries(house: House) -> None:
    other = "00-11-85-AA-BB-DD"
    house.register.state = ComplianceState.NOT_MANAGED
    assert house.nas().mab(other).code_name == REJECT
    entry(house, other, tags=("printers",), until=time.time() + 600.0)
    assert house.nas().mab(other).code_name == ACCEPT
    assert house.register.calls == [other]  # the rule before it was asked only as long as this one did not hold
    house.clock.ahead_s = 601.0
    assert house.nas().mab(other).code_name == REJECT
    entry(house, other, tags=("scanners",))
    assert house.nas().mab(other).code_name == REJECT
