"""The closed loop where switches lie, refuse, keep silent or forget, and what nacd's audit file says of that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from nacd.sim.das import ACK, BARE_NAK, Answer, Heard, nak
from tests.labs.campus import Campus, Script, vlan, wait_for_vlan
from tests.labs.flips import Device, device, wait_until

pytestmark = pytest.mark.slow

CORPORATE, QUARANTINE = "120", "999"


@pytest.fixture
def campus(launch: Any, certificates: Any) -> Iterator[Campus]:
    with ExitStack() as stack:
        yield Campus(launch, certificates, stack)


def of_nas(laptop_one: Device, nacd: Any, event: str, name: str) -> list[dict[str, Any]]:
    """Records of that event about sessions at one NAS, since the flip."""
    since = nacd.audit()[laptop_one.since :]
    return [each for each in since if each["event"] == event and each["nas"]["name"] == name]


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


WORDS = {
    "201": "ended",
    "202": "alarm",
    "401": "alarm",
    "402": "disconnect",
    "403": "alarm",
    "404": "alarm",
    "405": "disconnect",
    "406": "disconnect",
    "407": "alarm",
    "501": "alarm",
    "502": "alarm",
    "503": "ended",
    "504": "disconnect",
    "505": "alarm",
    "506": "later",
    "507": "later",
    "508": "narrow",
    "bare": "disconnect",
}
"""Each Error-Cause of RFC 5176 section 3.5 and what follows; ``alarm``: a person is told, and a Disconnect follows."""


def once(answer: Answer) -> Script:
    """This to the first request; what comes after it is obeyed."""
    refused: list[Heard] = []

    def script(heard: Heard) -> Sequence[Answer] | None:
        if refused:
            return None
        refused.append(heard)
        return (answer,)

    return script


def test_every_refusal_leads_to_what_its_error_cause_means(campus: Campus, microsoft: Any) -> None:
    """Eighteen switches refuse the first request, each in its own words, twice; one flip."""
    answers = {name: BARE_NAK if name == "bare" else nak(int(name)) for name in WORDS}
    switches = {name: campus.switch(name, script=once(replace(answers[name], copies=2))) for name in WORDS}
    nacd = campus.start()
    with device(microsoft, nacd) as laptop_one:
        plugged = dict(zip(WORDS, campus.plug_in_all([*switches.values()]), strict=True))
        laptop_one.flip(compliant=False)
        for name, then in WORDS.items():
            laptop_one.recorded("session.answered", nas__name=name, answer__error_cause=answers[name].cause)
            if then == "ended":
                # Whatever a switch says, it has no such session: so there is none here.
                laptop_one.recorded("session.ended", nas__name=name)
            elif then != "later":
                moved = wait_for_vlan(switches[name], plugged[name].endpoint.mac, QUARANTINE)
                laptop_one.recorded("session.converged", nas__name=name)
                # Whoever is found by more names keeps his session, whoever is disconnected begins a new one.
                assert (moved.session_id == plugged[name].session_id) == (then == "narrow"), name
            if then == "alarm":
                laptop_one.recorded("session.alarm", nas__name=name)
        asked = {
            name: [each["asked"]["verb"] for each in of_nas(laptop_one, nacd, "session.asked", name)] for name in WORDS
        }
        told = {name for name in WORDS if of_nas(laptop_one, nacd, "session.alarm", name)}
        done = {name for name in WORDS if of_nas(laptop_one, nacd, "session.converged", name)}
    follows = {
        "ended": [],
        "later": [],
        "narrow": ["reauthenticate"],
        "alarm": ["disconnect"],
        "disconnect": ["disconnect"],
    }
    assert asked == {name: ["reauthenticate", *follows[then]] for name, then in WORDS.items()}
    assert told == {name for name, then in WORDS.items() if then == "alarm"}
    # Busy is no answer: both are still pending, and are asked again after a pause.
    assert {"506", "507"}.isdisjoint(done)
    narrowed = [len(heard.attributes) for heard in switches["508"].das.asked]
    assert narrowed[1] > narrowed[0]


def test_a_mass_flip_is_held_until_a_person_lets_it_go(campus: Campus, microsoft: Any) -> None:
    """What Intune says of one device passes even then, one session a second; nobody waits for that here."""
    switches = [campus.switch(f"switch-{n}") for n in range(4)]
    narrow = {"max_flips": 2, "max_flip_percent": 100, "confirmed_per_s": 1}
    nacd = campus.start(lambda config: config["sessions"]["guard"].update(down=narrow))
    with device(microsoft, nacd) as laptop_one:
        plugged = [(switch, campus.plug_in(switch, number)) for number, switch in enumerate(switches * 6, start=1)]
        laptop_one.flip(compliant=False)
        held = laptop_one.recorded("guard.held", guard__direction="down")
        # Or 1 of those that were counted some seconds ago.
        assert held["guard"]["limit"] <= 2
        done = campus.tell("coa", "release", "down")
        assert done.returncode == 0, done.stdout + done.stderr
        released = laptop_one.recorded("guard.released", guard__direction="down")
        assert released["guard"]["held"] > 2
        for switch, session in plugged:
            wait_for_vlan(switch, session.endpoint.mac, QUARANTINE)
        wait_until(lambda: len({each["nacd_session"] for each in nacd.audit("A4005I")}) == len(plugged))
    asked = [heard for switch in switches for heard in switch.das.asked]
    assert len(asked) == len(plugged), "no session is asked about twice"
