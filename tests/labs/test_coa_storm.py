"""The closed loop in a storm: many sessions to change at once, dead switches among them, and nacd killed midway."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from nacd.sim.das import SILENCE, Answer, Heard, Switch
from tests.labs.campus import Campus, wait_for_vlan
from tests.labs.flips import Device, device, wait_until
from tests.labs.numbers import numbers, resident_octets, shown
from tests.peers.conftest import seed

pytestmark = pytest.mark.slow

CORPORATE, QUARANTINE = "120", "999"
MIB = 1024 * 1024


@pytest.fixture
def campus(launch: Any, certificates: Any) -> Iterator[Campus]:
    with ExitStack() as stack:
        yield Campus(launch, certificates, stack)


def named(switch: Switch) -> list[str]:
    """The audit-session-id in each request that it was sent, repetitions left out."""
    return [name for heard in switch.das.asked for name in _names(heard)]


def _names(heard: Heard) -> list[str]:
    pairs = [str(value).partition("=") for value in heard.all("Cisco-AVPair")]
    return [name for key, _, name in pairs if key == "audit-session-id"]


def converged(nacd: Any) -> Counter[str]:
    """How often each session has, by its audit-session-id."""
    return Counter(each["session"]["audit_session_id"] for each in nacd.audit("A4005I"))


def accepted(nacd: Any, profile: str, *, before: int) -> set[str]:
    """The audit-session-ids of Accepts with that profile among so many first records."""
    records = [each for each in nacd.audit()[:before] if each["code"] == "A1001I"]
    return {each["session"]["audit_session_id"] for each in records if each["decision"]["profile"] == profile}


def pending(campus: Campus) -> list[dict[str, Any]]:
    """Sessions that ought to be under another decision, as nacd shows them to people."""
    done = campus.tell("sessions", "list", "--pending", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    shown: list[dict[str, Any]] = json.loads(done.stdout)["sessions"]
    return shown


def of(nacd: Any, nas: str, code: str) -> list[dict[str, Any]]:
    """Its records with that code."""
    return [each for each in nacd.audit(code) if each["nas"]["name"] == nas]


def under_way(nacd: Any) -> dict[str, float]:
    """What nacd still keeps of changes that it wants: climbs by state, requests that wait, requests that were sent."""
    wanted = ("nacd_session_changes_under_way", "nacd_coa_waiting", "nacd_coa_under_way", "nacd_sessions_queued")
    return {name: value for name, value in numbers(nacd).items() if name.startswith(wanted) and value}


def test_dead_lying_and_forging_switches_delay_no_other_and_cost_no_memory(campus: Campus, microsoft: Any) -> None:
    """Twenty others converge at every flip while three never give an answer that counts."""
    dead = [
        campus.switch("silent", script=lambda _heard: SILENCE),
        campus.switch("forger", script=lambda _heard: (Answer(authenticator="wrong", copies=200),)),
        campus.switch("stranger", script=lambda _heard: (Answer(elsewhere=True, copies=200),)),
    ]
    good = [campus.switch(f"good-{number}") for number in range(20)]
    nacd = campus.start(shown)
    with device(microsoft, nacd) as laptop_one:
        plugged = campus.plug_in_all([*good, *dead])
        held: list[int] = []
        for number, compliant in enumerate((False, True, False), start=1):
            laptop_one.flip(compliant=compliant)
            for switch, session in zip(good, plugged, strict=False):
                wait_for_vlan(switch, session.endpoint.mac, CORPORATE if compliant else QUARANTINE)
            if not compliant:
                for switch in dead:
                    laptop_one.recorded("session.asked", nas__name=switch.nas.name)
            left = 0 if compliant else len(dead)
            wait_until(lambda left=left: sum(under_way(nacd).values()) == 2 * left)  # type: ignore[misc]
            done = converged(nacd)
            assert {done[session.audit_session_id] for session in plugged[: len(good)]} == {number}
            held.append(resident_octets(nacd))
        # Nothing has come about at the dead; of what was wanted there it is said that it is wanted no more.
        names = [switch.nas.name for switch in dead]
        of_dead = {code: [each for name in names for each in of(nacd, name, code)] for code in ("A4005I", "A4008I")}
        assert of_dead["A4005I"] == []
        assert len(of_dead["A4008I"]) == len(dead)
        print(f"\nresident memory after each flip: {[octets // MIB for octets in held]} MiB")
        assert held[-1] - held[0] < 16 * MIB
    # Each was asked about its one session, again at each flip, and what it forged was no reason to ask more.
    assert [len(named(switch)) for switch in dead] == [2] * 3
    assert [len(named(switch)) for switch in good] == [3] * 20


def test_a_switch_that_is_started_anew_midway_says_itself_that_its_old_sessions_are_over(
    campus: Campus, microsoft: Any
) -> None:
    switch, other = campus.switch("rebooting", script=lambda _heard: SILENCE), campus.switch("other")
    nacd = campus.start(shown)
    with device(microsoft, nacd) as laptop_one:
        before = campus.plug_in_all([switch] * 12, number=100)
        steady = campus.plug_in(other)
        laptop_one.flip(compliant=False)
        wait_for_vlan(other, steady.endpoint.mac, QUARANTINE)
        # As many as may be under way at once; the others wait for their turn.
        switch.das.wait_for(8)
        switch.restart().result(20)
        switch.script = None
        switch.das.forget()
        old = {session.audit_session_id for session in before}
        # An Accounting-On can be replayed, so it talks no quarantine away: the switch is asked, and knows none.
        wait_until(lambda: converged(nacd).keys() >= old)
        wait_until(lambda: not under_way(nacd))
        whys = {each["why"].partition("it was wanted: ")[2] for each in of(nacd, "rebooting", "A4005I")}
        assert whys == {"its session is over: its NAS has no such session: session context not found"}
        heard = len(switch.das.heard)

        after = campus.plug_in_all([switch] * 12, number=100)
        laptop_one.flip(compliant=True)
        for session in after:
            wait_for_vlan(switch, session.endpoint.mac, CORPORATE)
        wait_for_vlan(other, steady.endpoint.mac, CORPORATE)
    later = [name for each in switch.das.heard[heard:] for name in _names(each)]
    assert sorted(later) == sorted(session.audit_session_id for session in after)
    assert set(named(switch)[:8]) <= old


def test_a_nacd_that_is_killed_in_a_storm_goes_on_with_it_and_asks_nobody_twice_who_has_converged(
    campus: Campus, microsoft: Any
) -> None:
    """Two hundred sessions on twenty switches, a request at a time at each; killed after forty."""
    switches = [campus.switch(f"switch-{number}") for number in range(20)]

    def gently(config: dict[str, Any]) -> None:
        for client in config["clients"]:
            client["dynauth"] |= {"rate": 6, "concurrent": 1}
        config["sessions"]["seen_within"] = {"reauthenticate": "4s"}

    nacd = campus.start(gently)
    seed(microsoft)
    try:
        plugged = campus.plug_in_all(switches * 10)
        Device(microsoft, nacd).flip(compliant=False)
        wait_until(lambda: converged(nacd).total() >= 40)
        nacd.process.kill()
        nacd.process.wait(10)
        killed_at = len(nacd.audit())
        done = converged(nacd)
        heard = {switch: len(switch.das.asked) for switch in switches}
        assert len(done) < len(plugged), "it was over before it was killed"

        nacd = campus.again()
        for switch, session in zip(switches * 10, plugged, strict=True):
            wait_for_vlan(switch, session.endpoint.mac, QUARANTINE, within_s=60.0)
        wait_until(lambda: not pending(campus))
        again = [name for switch in switches for name in named(switch)[heard[switch] :]]
        assert done.keys().isdisjoint(again)
        assert set(converged(nacd).values()) == {1}
        # Who logged in just before the end is on the disk; of some it is nowhere written that it was what was wanted.
        proved, let_in = converged(nacd).keys(), accepted(nacd, "quarantine", before=killed_at)
        assert {session.audit_session_id for session in plugged} - proved <= let_in
        print(f"\n{len(done)} of {len(plugged)} had converged when nacd was killed; {len(again)} requests after that")
        assert nacd.stop() == 0
    finally:
        nacd.stop()
        seed(microsoft)
