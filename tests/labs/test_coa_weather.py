"""The closed loop in bad weather: switches that lie, refuse, keep silent or hear nacd restart, and its audit file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from nacd.sim.das import ACK, SILENCE, Answer, Heard, nak
from tests.labs.campus import Campus, vlan, wait_for_vlan
from tests.labs.flips import Device, device, wait_until

pytestmark = pytest.mark.slow

CORPORATE, QUARANTINE = "120", "999"


@pytest.fixture
def campus(launch: Any, certificates: Any) -> Iterator[Campus]:
    with ExitStack() as stack:
        yield Campus(launch, certificates, stack)


def of_nas(laptop_one: Device, nacd: Any, event: str, name: str) -> list[dict[str, Any]]:
    """Records of that event about sessions at one NAS, since the flip."""
    return [each for each in nacd.audit()[laptop_one.since :] if (each["event"], each["nas"]["name"]) == (event, name)]


def test_one_laptop_at_two_vendors_is_moved_by_what_each_understands(campus: Campus, microsoft: Any) -> None:
    """Re-authentication keeps the session and its link; a Disconnect ends it."""
    cisco, plain = campus.switch("cisco"), campus.switch("plain", vendor="generic")
    nacd = campus.start()
    with device(microsoft, nacd) as laptop_one:
        first, second = campus.plug_in(cisco, 1), campus.plug_in(plain, 2)
        assert [vlan(first), vlan(second)] == [CORPORATE] * 2
        laptop_one.flip(compliant=False)
        moved = wait_for_vlan(cisco, first.endpoint.mac, QUARANTINE)
        ended = wait_for_vlan(plain, second.endpoint.mac, QUARANTINE)
        assert moved.session_id == first.session_id
        assert ended.session_id != second.session_id
        for name, verb in (("cisco", "reauthenticate"), ("plain", "disconnect")):
            done = laptop_one.recorded("session.converged", nas__name=name, wanted__profile="quarantine")
            asked = laptop_one.recorded("session.asked", nas__name=name, asked__verb=verb)
            assert done["nacd_session"] == asked["nacd_session"]
            print(f"{name}: {verb}, {done['converged']['took_s']:.2f} s from the decision to converged")
        laptop_one.flip(compliant=True)
        wait_for_vlan(cisco, first.endpoint.mac, CORPORATE)
        wait_for_vlan(plain, second.endpoint.mac, CORPORATE)
    assert [heard.verb for heard in cisco.das.asked] == ["coa"] * 2
    assert [heard.verb for heard in plain.das.asked] == ["disconnect"] * 2
    assert {heard.faults for switch in (cisco, plain) for heard in switch.das.heard} == {()}


def test_a_switch_that_acknowledges_and_does_nothing_is_not_believed(campus: Campus, microsoft: Any) -> None:
    """Nothing counts but the laptop seen under the right decision; then the next rung; then a person is told."""

    def claims(_heard: Heard) -> Sequence[Answer]:
        return (ACK,)

    liar = campus.switch("liar", script=claims)
    seen_within = {"reauthenticate": "1s", "disconnect": "1s", "bounce": "1s"}
    nacd = campus.start(lambda config: config["sessions"].update(seen_within=seen_within))
    with device(microsoft, nacd) as laptop_one:
        session = campus.plug_in(liar)
        laptop_one.flip(compliant=False)
        laptop_one.recorded("session.alarm", nas__name="liar")
        verbs = [each["asked"]["verb"] for each in of_nas(laptop_one, nacd, "session.asked", "liar")]
        assert verbs == ["reauthenticate", "disconnect", "bounce"]
        assert of_nas(laptop_one, nacd, "session.converged", "liar") == []
        assert liar.sessions == [session]
        # The laptop is pulled out and plugged in again, by hand.
        liar.script = None
        liar.unplug(session.endpoint.mac).result(20)
        assert vlan(campus.plug_in(liar)) == QUARANTINE
        laptop_one.recorded("session.converged", nas__name="liar")
        asked = len(liar.das.asked)
    assert len(liar.das.asked) == asked


REFUSALS = {
    "unsupported service": (nak(405), "disconnect"),
    "bare nak": (Answer(nak=True, message_authenticator="absent"), "disconnect"),
    "unsupported attribute": (nak(401), "disconnect"),
    "several sessions": (nak(508), "reauthenticate"),
    "prohibited": (nak(501), "disconnect"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_leads_to_what_this_switch_can_do(campus: Campus, microsoft: Any, refusal: str) -> None:
    """The first request is refused, and what comes next is obeyed."""
    answer, then = REFUSALS[refusal]
    refused: list[Heard] = []

    def once(heard: Heard) -> Sequence[Answer] | None:
        if refused:
            return None
        refused.append(heard)
        return (answer,)

    switch = campus.switch("picky", script=once)
    nacd = campus.start()
    with device(microsoft, nacd) as laptop_one:
        session = campus.plug_in(switch)
        laptop_one.flip(compliant=False)
        wait_for_vlan(switch, session.endpoint.mac, QUARANTINE)
        laptop_one.recorded("session.converged", nas__name="picky")
        asked = [each["asked"]["verb"] for each in of_nas(laptop_one, nacd, "session.asked", "picky")]
        assert asked == ["reauthenticate", then]
        first = of_nas(laptop_one, nacd, "session.answered", "picky")[0]
        assert first["answer"]["error_cause"] == answer.cause


def test_a_switch_that_knows_no_such_session_ends_it_here_too(campus: Campus, microsoft: Any) -> None:
    switch = campus.switch("forgetful", script=lambda _heard: (nak(503),))
    nacd = campus.start()
    with device(microsoft, nacd) as laptop_one:
        campus.plug_in(switch)
        laptop_one.flip(compliant=False)
        laptop_one.recorded("session.ended", nas__name="forgetful")
        assert len(switch.das.asked) == 1


def test_a_silent_switch_and_one_that_only_lies_delay_no_other(campus: Campus, microsoft: Any) -> None:
    silent = campus.switch("silent", script=lambda _heard: SILENCE)
    forger = campus.switch("forger", script=lambda _heard: (Answer(authenticator="wrong", copies=20),))
    stranger = campus.switch("stranger", script=lambda _heard: (Answer(elsewhere=True),))
    good = [campus.switch(f"good-{n}") for n in range(3)]
    nacd = campus.start()
    with device(microsoft, nacd) as laptop_one:
        for number, switch in enumerate((silent, forger, stranger, *good), start=1):
            campus.plug_in(switch, number)
        laptop_one.flip(compliant=False)
        for number in range(3):
            laptop_one.recorded("session.converged", nas__name=f"good-{number}")
        for name in ("silent", "forger", "stranger"):
            laptop_one.recorded("session.asked", nas__name=name)
            assert of_nas(laptop_one, nacd, "session.answered", name) == []
            assert of_nas(laptop_one, nacd, "session.converged", name) == []
    for switch in good:
        assert len(switch.das.asked) == 1


def test_a_restart_of_nacd_midway_goes_on_where_it_was(campus: Campus, microsoft: Any) -> None:
    """One switch was silent when nacd went down; the other has converged, and is asked nothing again."""
    silent, good = campus.switch("silent", script=lambda _heard: SILENCE), campus.switch("good")
    nacd = campus.start()
    with device(microsoft, nacd) as laptop_one:
        stuck, moved = campus.plug_in(silent, 1), campus.plug_in(good, 2)
        laptop_one.flip(compliant=False)
        laptop_one.recorded("session.converged", nas__name="good")
        asked = laptop_one.recorded("session.asked", nas__name="silent")
        requests = len(silent.das.asked), len(good.das.asked)
        assert nacd.stop() == 0
        assert of_nas(laptop_one, nacd, "session.converged", "silent") == []
        folders = {"state": str(nacd.folder / "state"), "audit": {"file": str(nacd.audit_file)}}
        again = campus.start(lambda config: config.update(folders))
        try:
            # What was asked may still be answered: it is waited for, as if nothing had happened.
            silent.unplug(stuck.endpoint.mac).result(20)
            done = laptop_one.recorded("session.converged", nas__name="silent")
            assert done["nacd_session"] == asked["nacd_session"]
            assert vlan(campus.plug_in(silent, 1)) == QUARANTINE
            assert (len(silent.das.asked), len(good.das.asked)) == requests
            assert good.session(moved.endpoint.mac) is moved
        finally:
            assert again.stop() == 0


def test_a_mass_flip_is_held_until_a_person_lets_it_go(campus: Campus, microsoft: Any) -> None:
    """What Intune says of one device passes even then, one session a second; nobody waits for that here."""
    switches = [campus.switch(f"switch-{n}") for n in range(4)]
    narrow = {"max_flips": 2, "max_flip_percent": 100, "confirmed_per_s": 1}
    nacd = campus.start(lambda config: config["sessions"]["guard"].update(down=narrow))
    with device(microsoft, nacd) as laptop_one:
        plugged = [(switch, campus.plug_in(switch, number)) for number, switch in enumerate(switches * 6, start=1)]
        laptop_one.flip(compliant=False)
        held = laptop_one.recorded("guard.held", guard__direction="down")
        assert held["guard"]["limit"] == 2
        done = campus.tell("coa", "release", "down")
        assert done.returncode == 0, done.stdout + done.stderr
        released = laptop_one.recorded("guard.released", guard__direction="down")
        assert released["guard"]["held"] > 2
        for switch, session in plugged:
            wait_for_vlan(switch, session.endpoint.mac, QUARANTINE)
        wait_until(lambda: len({each["nacd_session"] for each in nacd.audit("A4005I")}) == len(plugged))
    asked = [heard for switch in switches for heard in switch.das.asked]
    assert len(asked) == len(plugged), "no session is asked about twice"
