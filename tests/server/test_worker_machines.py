"""Whoever is not let in by his certificate is not let in by the MAC that he had with it either."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from nacd.sessions import Session, Standing
from nacd.sim.pki import COMPLIANT_GUID
from nacd.store.live.filters import EVERYTHING
from nacd.values import (
    Compliance,
    ComplianceSource,
    ComplianceState,
)
from tests.server.house import LAPTOP_MAC, House, Pki, Register, Site

KEY = f"guid:{COMPLIANT_GUID}"
OTHER_MAC = "00-1B-44-11-3A-B8"


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki.make()


@pytest.fixture
def house(tmp_path: Path, pki: Pki) -> Iterator[House]:
    # What verdicts and orders make of such a MAC: that it is refused altogether is told in `test_worker_managed`.
    site = Site(tmp_path, pki).change("policy: policy.yaml", "policy: policy.yaml\nmab: {managed_devices: allow}")
    (tmp_path / "state").mkdir()
    house = House(site, Register())
    yield house
    house.close()


def order(effect: str = "block", **more: Any) -> Override:
    fields: dict[str, Any] = {"subject_kind": SubjectKind.DEVICE, "subject": COMPLIANT_GUID, "tenant": ""}
    fields |= {"profile": "" if effect == "block" else "quarantine", "reason": "stolen", "by": "ada"}
    return Override(**{**fields, "id": 1, "effect": OverrideEffect(effect), "at": time.time(), **more})


def newest(house: House) -> Session:
    house.written()
    return house.sessions.find(EVERYTHING, 100)[-1]


def told(house: House, state: str) -> None:
    """A poll: Intune says this of the device, later than anything before."""
    house.clock.ahead_s += 5.0
    verdict = Compliance(state=ComplianceState(state), as_of=house.clock().wall, source=ComplianceSource.LIVE)
    knowledge = house.lookup.by_tenant["intune"].knowledge

    async def take() -> None:
        await knowledge.take(KEY, verdict, knowledge.cache.ask(), house.clock())

    asyncio.run_coroutine_threadsafe(take(), house._loop).result(10)


def test_a_blocked_device_does_not_get_in_by_its_mac(house: House, pki: Pki) -> None:
    assert house.login(pki.supplicant()).code_name == "Access-Accept"
    house.do(lambda: house.orders.put(order()))
    assert house.nas().mab(LAPTOP_MAC).code_name == "Access-Reject"
    reasons = house.records("access.reject")[-1]["decision"]["reasons"]
    assert any(f"seen with `{LAPTOP_MAC}` last" in each for each in reasons), reasons
    assert house.nas().mab(OTHER_MAC).code_name == "Access-Accept"


def test_one_that_was_blocked_before_it_was_ever_let_in_does_not_get_in_by_its_mac(house: House, pki: Pki) -> None:
    house.do(lambda: house.orders.put(order()))
    assert house.login(pki.supplicant()).code_name == "Access-Reject"
    assert house.nas().mab(LAPTOP_MAC).code_name == "Access-Reject"


def test_a_quarantined_device_is_quarantined_by_its_mac_and_an_allowed_one_gets_no_more(house: House, pki: Pki) -> None:
    assert house.login(pki.supplicant()).code_name == "Access-Accept"
    house.do(lambda: house.orders.put(order("quarantine")))
    assert house.nas().mab(LAPTOP_MAC).code_name == "Access-Accept"
    standing = newest(house).standing
    assert isinstance(standing, Standing)
    assert (standing.profile, standing.rule) == ("quarantine", "override-quarantine")
    house.do(lambda: house.orders.forget(1))
    house.register.state = ComplianceState.NONCOMPLIANT
    house.clock.ahead_s = 100_000.0
    house.do(lambda: house.orders.put(order("allow", until=house.clock().wall + 60)))
    assert house.nas().mab(LAPTOP_MAC).code_name == "Access-Reject"


def test_a_newer_order_about_the_mac_itself_counts_more(house: House, pki: Pki) -> None:
    assert house.login(pki.supplicant()).code_name == "Access-Accept"
    house.do(lambda: house.orders.put(order()))
    by_mac = {"subject_kind": SubjectKind.MAC, "subject": LAPTOP_MAC, "id": 2, "at": time.time() + 1}
    house.do(lambda: house.orders.put(order("quarantine", **by_mac)))
    assert house.nas().mab(LAPTOP_MAC).code_name == "Access-Accept"


def test_a_stranger_that_shows_the_victims_mac_takes_nothing_from_it(house: House, pki: Pki) -> None:
    assert house.login(pki.supplicant()).code_name == "Access-Accept"
    house.do(lambda: house.orders.put(order(subject_kind=SubjectKind.MAC, subject=OTHER_MAC)))
    house.register.state = ComplianceState.NONCOMPLIANT
    house.clock.ahead_s = 5.0
    assert house.nas().mab(LAPTOP_MAC).code_name == "Access-Reject"  # as Intune says of the MAC
    assert house.login(pki.supplicant()).code_name == "Access-Accept"
    standing = newest(house).standing
    assert isinstance(standing, Standing)
    assert standing.rule == "compliant device"
    assert house.do(lambda: house.orders.machines.macs(COMPLIANT_GUID)) == (LAPTOP_MAC,)


def test_of_two_verdicts_about_one_machine_the_worse_counts_while_it_is_the_newer(house: House, pki: Pki) -> None:
    assert house.nas().mab(LAPTOP_MAC).code_name == "Access-Accept"
    assert house.login(pki.supplicant()).code_name == "Access-Accept"
    told(house, "noncompliant")
    assert house.nas().mab(LAPTOP_MAC).code_name == "Access-Reject"
    compliance = house.records("access.reject")[-1]["compliance"]
    assert compliance["state"] == "noncompliant"
    assert f"of device `{COMPLIANT_GUID}`" in compliance["detail"]
    told(house, "compliant")
    assert house.nas().mab(LAPTOP_MAC).code_name == "Access-Accept"
