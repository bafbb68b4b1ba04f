"""What is known of a device, and of a MAC by the device that was seen with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from nacd.compliance.breaker import BreakerState
from nacd.compliance.question import Question
from nacd.server.clock import instant
from nacd.server.sessions.known import Known
from nacd.session.macs.machines import Machines
from nacd.sim.pki import COMPLIANT_GUID
from nacd.values import (
    AccessKind,
    Assurance,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    IdentitySource,
    MacAddress,
)
from tests.server.house import LAPTOP_MAC, House, Pki, Register, Site
from tests.server.sessions.test_building import KEY, Built, play
from tests.server.sessions.wired import compliance, guid

OTHER_MAC = "00-1B-44-11-3A-B8"
ASKED = Question(tenant="intune", key="mac:001B44113AB7", subject=MacAddress(LAPTOP_MAC))


def learn(machines: Machines, named: str) -> None:
    device = Device(id=DeviceId(guid=named), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)
    machines.learn(AccessKind.DOT1X, device, LAPTOP_MAC, "intune", 1.0)


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


def test_what_is_known_of_a_device_is_in_memory_or_recalled_from_the_disk(tmp_path: Path) -> None:
    async def story(built: Built) -> None:
        known = Known(lookups=built.asking.lookups)
        told = compliance("noncompliant", instant().wall)
        await built.asking.lookups.by_tenant["intune"].knowledge.keep(KEY, told)
        assert known.find("intune", KEY, instant()) is None
        await known.recall("intune", KEY)
        found = known.find("intune", KEY, instant())
        assert found is not None
        assert (found.state, found.as_of) == (ComplianceState.NONCOMPLIANT, told.as_of)
        await known.recall("another", KEY)
        assert known.find("another", KEY, instant()) is None

    play(tmp_path, story)


def test_there_is_trouble_while_the_breaker_of_a_tenant_is_not_closed(tmp_path: Path) -> None:
    async def story(built: Built) -> None:
        known = Known(lookups=built.asking.lookups)
        breaker = built.asking.lookups.by_tenant["intune"].errands.breaker
        assert not known.trouble("intune")
        for _ in range(1_000):
            now = instant()
            breaker.failed(now, breaker.admit(now))
        assert breaker.state is not BreakerState.CLOSED
        assert known.trouble("intune")
        assert not known.trouble("another")

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("own", "other", "newer_by_s", "counts"),
    [
        ("compliant", "noncompliant", 1.0, "noncompliant"),
        ("compliant", "noncompliant", -1.0, "compliant"),
        ("in_grace", "unknown", 1.0, "unknown"),
        ("noncompliant", "compliant", 1.0, "noncompliant"),
        ("unavailable", "noncompliant", 1.0, "unavailable"),
        ("not_asked", "noncompliant", 1.0, "not_asked"),
    ],
)
def test_a_mac_is_worth_no_more_than_its_device_by_a_newer_word(
    tmp_path: Path, own: str, other: str, newer_by_s: float, counts: str
) -> None:
    async def story(built: Built) -> None:
        known = Known(lookups=built.asking.lookups)
        knowledge = built.asking.lookups.by_tenant["intune"].knowledge
        now = instant()
        await knowledge.keep(KEY, compliance(other, now.wall + newer_by_s))
        learnt = Compliance(state=ComplianceState(own), as_of=now.wall, source=ComplianceSource.LIVE)
        learn(known.machines, guid(1))
        await known.recall("intune", ASKED.key)
        judged = known.judged(ASKED, learnt, now)
        assert judged.state == counts
        assert (judged == learnt) == (own == counts)
        assert known.judged(Question(tenant="intune", key=KEY, subject=DeviceId(guid=guid(1))), learnt, now) == learnt
        if own == "compliant":
            await knowledge.keep(ASKED.key, learnt)
            await known.recall("intune", ASKED.key)
            found = known.find("intune", ASKED.key, now)
            assert found is not None
            assert found.state == counts

    play(tmp_path, story)


def test_a_restart_knows_who_was_seen_where_also_of_sessions_that_are_over(house: House, pki: Pki) -> None:
    assert house.login(pki.supplicant()).code_name == "Access-Accept"
    assert house.nas().mab(OTHER_MAC).code_name == "Access-Accept"
    assert house.nas().accounting("Accounting-On").code_name == "Accounting-Response"
    house.written()
    known = Known(lookups=house.lookup, machines=Machines())

    def resume(declared: frozenset[str]) -> int:
        work = known.resume(house.book.read, declared)
        asyncio.run_coroutine_threadsafe(work, house._loop).result(10)
        return len(known.machines)

    assert resume(frozenset({"switch"})) == 0
    assert resume(frozenset()) == 1
    assert known.machines.macs(COMPLIANT_GUID) == (LAPTOP_MAC,)
    other = Device(
        id=DeviceId(guid="0" * 7 + COMPLIANT_GUID[7:]),
        source=IdentitySource.CERTIFICATE,
        assurance=Assurance.CERTIFICATE,
    )
    known.machines.learn(AccessKind.DOT1X, other, LAPTOP_MAC, "contoso", 1.0)
    assert resume(frozenset()) == 1
    assert known.machines.macs(COMPLIANT_GUID) == (), "what is read from before the start is older than what is seen"


def test_a_verdict_that_is_only_on_the_disk_is_looked_for_once(house: House) -> None:
    known = Known(lookups=house.lookup)
    now = house.clock()
    assert not known.is_on_disk(ASKED, now)
    learn(known.machines, COMPLIANT_GUID)
    assert known.is_on_disk(ASKED, now)
    work = known.recall(ASKED.tenant, ASKED.key)
    asyncio.run_coroutine_threadsafe(work, house._loop).result(10)
    assert not known.is_on_disk(ASKED, now)
