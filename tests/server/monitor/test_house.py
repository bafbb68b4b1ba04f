"""Monitor mode on loopback: a switch gets its Accept, the log has both answers, and the end is an end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from nacd.policy.monitor.scopes import Scope
from nacd.values import ComplianceState
from tests.server.house import House, Pki, Register, Site

ACCEPT, REJECT = 2, 3

MADE_UP = "02-00-00-00-00-01"


@pytest.fixture
def watched(site: Site, build: Callable[..., House]) -> House:
    """Under a monitor of everywhere that ends in an hour."""
    end = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    site.change(
        "profiles:\n",
        f'monitor: {{until: "{end}", profile: open}}\nprofiles:\n  open: {{vlan: 50}}\n',
        file="policy.yaml",
    )
    return build()


def test_who_would_be_refused_is_let_in_counted_and_recorded(watched: House) -> None:
    reply = watched.nas().mab(MADE_UP)
    assert (reply.code, reply.first("Tunnel-Private-Group-Id")) == (ACCEPT, "50")
    (record,) = watched.records("access.monitored")
    assert (record["decision"]["effect"], record["reply"]["code"]) == ("deny", "Access-Accept")
    assert record["monitor"]["would"]["code"] == "Access-Reject"
    assert watched.worker.monitored == {(Scope.EVERYWHERE, ""): 1}
    assert [each.profile for each in watched.worker.monitors.all] == ["open"]
    assert watched.refused == []


def test_a_device_at_fault_finishes_its_handshake_and_gets_the_monitors_profile(
    watched: House, register: Register, pki: Pki
) -> None:
    register.state = ComplianceState.NONCOMPLIANT
    result = watched.login(pki.supplicant())
    assert (result.code, result.first("Tunnel-Private-Group-Id")) == (ACCEPT, "50")
    (record,) = watched.records("access.monitored")
    assert record["decision"]["profile"] == "quarantine"


def test_an_endpoint_that_is_let_in_by_a_monitor_is_never_held_back_as_one_that_fails(watched: House) -> None:
    nas = watched.nas()
    assert [nas.mab(MADE_UP).code for _ in range(12)] == [ACCEPT] * 12


def test_after_the_end_the_very_next_request_is_enforced(watched: House) -> None:
    nas = watched.nas()
    assert nas.mab(MADE_UP).code == ACCEPT
    watched.clock.ahead_s += 3_600
    assert nas.mab(MADE_UP).code == REJECT
    assert len(watched.records("access.monitored")) == len(watched.records("access.reject")) == 1
    assert sum(watched.worker.monitored.values()) == 1


def test_what_cannot_be_recorded_is_not_let_in(full_disk: Callable[[], None], watched: House) -> None:
    assert watched.nas().mab(MADE_UP).code == REJECT
