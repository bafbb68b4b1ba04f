"""The closed loop of a whole nacd: a device fails, its session is changed, and nacd knows that it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nacd.sim.das import SILENCE, Endpoint, Switch, always
from nacd.sim.nas import Nas
from nacd.sim.nas_reply import Reply
from tests.peers.conftest import Daemon, Launcher, seed
from tests.peers.wire import SECRET

pytestmark = pytest.mark.peer

MAC = "00-50-56-00-00-01"
OTHER = "00-50-56-00-00-02"
GUID = "50a40001-0000-4000-8000-000000000001"
OTHER_GUID = "50a40001-0000-4000-8000-000000000002"
WITHIN_S = 20.0


def quick(config: dict[str, Any], policy: dict[str, Any]) -> None:
    """Devices are asked about every second, and verdicts are old after one."""
    config["clients"] = [config["clients"][0] | {"vendor": "cisco-ios", "name": "switch"}]
    config["compliance"] |= {
        "lifetimes": {"compliant": "1s", "noncompliant": "1s", "not_managed": "1s"},
        "poll": {"interval": "1s"},
    }
    config["sessions"] = {"seen_within": {"reauthenticate": "2s", "disconnect": "2s", "bounce": "2s"}}
    policy["rules"] = [
        {"name": "good", "when": {"access": "mab", "compliance": "compliant"}, "then": "corporate"},
        {"name": "bad", "when": {"access": "mab", "compliance": ["noncompliant", "unavailable"]}, "then": "quarantine"},
    ]


@pytest.fixture
def site(launch: Launcher, microsoft: Any) -> Iterator[Callable[..., tuple[Daemon, Switch]]]:
    """``site(script=...)``: a nacd, a switch with an endpoint of a compliant device, and what the switch does."""
    microsoft.put_device(guid=GUID, compliant=True, name="laptop-loop", macs=[MAC])
    microsoft.put_device(guid=OTHER_GUID, compliant=True, name="laptop-other", macs=[OTHER])
    open_: list[Switch] = []

    def built(**more: Any) -> tuple[Daemon, Switch]:
        nas = Nas(server="127.0.0.1", secret=SECRET.encode(), port=1, accounting_port=1, timeout_s=3.0)
        switch = Switch(nas, **more)
        switch.__enter__()
        open_.append(switch)

        def change(config: dict[str, Any], policy: dict[str, Any]) -> None:
            quick(config, policy)
            config["clients"][0]["dynauth"] = {"port": switch.das.port}

        daemon = launch(change=change)
        nas.port, nas.accounting_port = daemon.auth[0][1], daemon.accounting[0][1]
        return daemon, switch

    yield built
    for switch in open_:
        switch.__exit__(None, None, None)
        assert switch.troubles == []
    seed(microsoft)


def endpoint(mac: str = MAC) -> Endpoint:
    def login(nas: Nas) -> Reply:
        return nas.mab(mac)

    return Endpoint(mac=mac, login=login, user=mac.replace("-", "").lower())


def vlan(switch: Switch, mac: str = MAC) -> str:
    session = switch.session(mac)
    return str(session.reply.first("Tunnel-Private-Group-Id")) if session is not None else ""


def audit_session_id(switch: Switch, mac: str) -> str:
    session = switch.session(mac)
    assert session is not None
    return f"audit-session-id={session.audit_session_id}"


def until(holds: Callable[[], bool], what: str, daemon: Daemon) -> None:
    end = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < end, f"{what}; nacd said:\n{daemon.log_text[-3000:]}"
        time.sleep(0.02)


def codes(daemon: Daemon, *wanted: str) -> list[str]:
    return [record["code"] for record in daemon.audit(*wanted)]


def test_a_device_that_fails_is_moved_and_comes_back_when_it_is_well_again(
    site: Callable[..., tuple[Daemon, Switch]], microsoft: Any
) -> None:
    daemon, switch = site()
    switch.plug_in(endpoint()).result(5)
    assert vlan(switch) == "120"
    for compliant, wanted in ((False, "999"), (True, "120")):
        microsoft.put_device(guid=GUID, compliant=compliant, name="laptop-loop", macs=[MAC])
        until(lambda wanted=wanted: vlan(switch) == wanted, f"VLAN {wanted} does not come", daemon)  # type: ignore[misc]
    until(lambda: len(daemon.audit("A4005I")) == 2, "two changes are not proved", daemon)
    for code in ("A4001I", "A4003I", "A4004I", "A4005I"):
        assert codes(daemon, code) == [code] * 2
    assert [each.verb for each in switch.das.heard] == ["coa", "coa"]
    assert all(not each.faults for each in switch.das.heard)


def test_a_nas_that_does_not_answer_for_one_session_is_asked_again_and_delays_no_other(
    site: Callable[..., tuple[Daemon, Switch]], microsoft: Any
) -> None:
    daemon, switch = site()
    switch.plug_in(endpoint()).result(5)
    deaf_to = audit_session_id(switch, MAC)
    switch.script = lambda heard: SILENCE if deaf_to in map(str, heard.all("Cisco-AVPair")) else None
    microsoft.put_device(guid=GUID, compliant=False, name="laptop-loop", macs=[MAC])
    until(lambda: any(each.transmission > 1 for each in switch.das.heard), "it is not asked again", daemon)
    assert len({each.octets for each in switch.das.heard}) == 1, "a repetition is the same octets"
    switch.plug_in(endpoint(OTHER)).result(5)
    microsoft.put_device(guid=OTHER_GUID, compliant=False, name="laptop-other", macs=[OTHER])
    until(lambda: vlan(switch, OTHER) == "999", "one that is never answered delays another", daemon)
    assert vlan(switch) == "120"


def test_a_restart_in_the_middle_goes_on_where_it_was(
    site: Callable[..., tuple[Daemon, Switch]], microsoft: Any, launch: Launcher
) -> None:
    daemon, switch = site(script=always(*SILENCE))
    switch.plug_in(endpoint()).result(5)
    microsoft.put_device(guid=GUID, compliant=False, name="laptop-loop", macs=[MAC])
    until(lambda: bool(switch.das.heard), "it is not asked", daemon)
    daemon.process.kill()
    daemon.process.wait(10)
    switch.script = None
    again = launch.again(daemon)
    switch.nas.port, switch.nas.accounting_port = again.auth[0][1], again.accounting[0][1]
    until(lambda: vlan(switch) == "999", "what was wanted before the restart is not asked after it", again)
    until(lambda: bool(again.audit("A4005I")), "it is not proved", again)
