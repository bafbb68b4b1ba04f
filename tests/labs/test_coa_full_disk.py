"""A full disk under the sessions: accounting goes unanswered, a person is told, and all of it goes on with room."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.das import Switch
from nacd.sim.nas import Nas
from tests.disks import fill
from tests.labs.campus import Campus, vlan, wait_for_vlan
from tests.labs.flips import device, wait_until
from tests.labs.numbers import numbers, shown

pytestmark = [pytest.mark.netns, pytest.mark.slow]

CORPORATE, QUARANTINE = "120", "999"
ANSWER = 5
UNANSWERED = "nacd_accounting_unanswered_total{session}"


@pytest.fixture
def campus(launch: Any, certificates: Any) -> Iterator[Campus]:
    with ExitStack() as stack:
        yield Campus(launch, certificates, stack)


@pytest.fixture
def state_disk(small_disk: Path) -> Path:
    """The same, large enough for an empty database of each kind."""
    words = ["mount", "-o", "remount,size=1m", str(small_disk)]
    subprocess.run(words, capture_output=True, check=True)
    return small_disk


def beside(switch: Switch) -> Nas:
    """The same switch with sockets of its own: the switch's thread uses the others whenever it likes."""
    its = switch.nas
    return Nas(
        its.server,
        its.secret,
        accounting_port=its.accounting_port,
        name=its.name,
        source=its.source,
        address=its.address,
        timeout_s=0.8,
        tries=1,
    )


def begun(nas: Nas, number: int) -> bool:
    """The Start of a session that is new to nacd; whether it was answered."""
    mac = f"02-00-5E-20-{number >> 8 & 255:02X}-{number & 255:02X}"
    return nas.accounting("Start", session_id=f"S{number}", user="host/another", mac=mac).code == ANSWER


def test_accounting_that_finds_no_room_goes_unanswered_and_is_counted_until_there_is_room(
    campus: Campus, microsoft: Any, state_disk: Path
) -> None:
    switch = campus.switch("switch")
    switch.nas.tries, switch.nas.timeout_s = 2, 1.0
    numbered = count()

    def on_small_disk(config: dict[str, Any]) -> None:
        shown(config)
        config["state"] = str(state_disk / "state")

    nacd = campus.start(on_small_disk)
    with device(microsoft, nacd) as laptop_one, beside(switch) as nas:
        session = campus.plug_in(switch)
        assert begun(nas, next(numbered))
        assert numbers(nacd)[UNANSWERED] == 0

        filler = fill(state_disk)
        answered = unanswered = 0
        # What is replaced finds room for a while in a log that was carried over; new sessions do not.
        while unanswered < 3:
            assert answered < 500, "the disk is not full"
            told = begun(nas, next(numbered))
            answered, unanswered = answered + told, 0 if told else unanswered + 1
        full = numbers(nacd)
        assert full["nacd_sessions_store_ok"] == 0
        assert full[UNANSWERED] >= 3
        said = [line["event"] for line in nacd.log() if line["level"] == "warning"]
        assert any("sessions.sqlite" in line and "accounting goes unanswered" in line for line in said), said
        # The audit file has room, and of the laptop something is known: it may come in.
        assert vlan(campus.plug_in(switch, 2)) == CORPORATE
        laptop_one.flip(compliant=False)
        assert nacd.process.poll() is None

        filler.unlink()
        number = next(numbered)
        wait_until(lambda: begun(nas, number))
        counted = numbers(nacd)[UNANSWERED]
        wait_for_vlan(switch, session.endpoint.mac, QUARANTINE)
        laptop_one.recorded("session.converged", endpoint__mac=session.endpoint.mac, wanted__profile="quarantine")
        assert all(begun(nas, next(numbered)) for _ in range(10))
        mended = numbers(nacd)
        assert mended["nacd_sessions_store_ok"] == 1
        assert mended[UNANSWERED] == counted
    unstored = [each["count"] for each in nacd.audit("A3001W") if each["packets"]["reason"] == "accounting_not_stored"]
    assert sum(unstored) == mended[UNANSWERED], "the audit file counts as many"
