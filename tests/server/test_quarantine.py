"""A profile with `on_quarantine`: what the daemon hands over, to whom, and that nobody waits for it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import pytest

from nacd.errors import ConfigError
from nacd.sim.pki import COMPLIANT_GUID
from nacd.values import ComplianceState
from tests.server.house import House, Pki, Register, Site

PROFILE = "quarantine: {vlan: 999, session_timeout: 10m"


def with_actions(site: Site) -> Site:
    site.change(PROFILE, PROFILE + ", on_quarantine: [sync, notify]", file="policy.yaml")
    return site.change("state: state\n", "state: state\nactions: {socket: actions.sock}\n")


@pytest.fixture
def heard(site: Site) -> Callable[[], list[dict[str, str]]]:
    """What came to the socket where the service would listen."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(site.folder / "actions.sock"))
    listening.settimeout(2.0)

    def all_of_it() -> list[dict[str, str]]:
        came = []
        try:
            while len(came) < 2:
                came.append(json.loads(listening.recv(4096)))
        except TimeoutError:
            return came
        return came

    return all_of_it


def test_a_device_that_gets_the_profile_is_handed_over_once_for_each_verb(
    site: Site, build: Callable[..., House], register: Register, pki: Pki, heard: Callable[[], list[dict[str, str]]]
) -> None:
    with_actions(site)
    house = build()
    register.state = ComplianceState.NONCOMPLIANT
    assert house.login(pki.supplicant()).first("Tunnel-Private-Group-Id") == "999"
    assert heard() == [
        {"verb": "sync", "device": COMPLIANT_GUID, "tenant": "intune"},
        {"verb": "notify", "device": COMPLIANT_GUID, "tenant": "intune"},
    ]
    (record,) = house.records("access.accept")
    assert record["reply"]["actions"] == ["sync", "notify"]


def test_a_device_that_is_well_is_nobodys_business(
    site: Site, build: Callable[..., House], pki: Pki, heard: Callable[[], list[dict[str, str]]]
) -> None:
    with_actions(site)
    house = build()
    assert house.login(pki.supplicant()).first("Tunnel-Private-Group-Id") == "120"
    assert heard() == []


def test_without_the_service_the_login_goes_on(
    site: Site, build: Callable[..., House], register: Register, pki: Pki
) -> None:
    with_actions(site)
    house = build()
    register.state = ComplianceState.NONCOMPLIANT
    assert house.login(pki.supplicant()).first("Tunnel-Private-Group-Id") == "999"


def test_a_profile_that_nobody_could_act_on_is_refused_at_load(site: Site) -> None:
    site.change(PROFILE, PROFILE + ", on_quarantine: [sync]", file="policy.yaml")
    with pytest.raises(ConfigError, match="has `on_quarantine`, and nacd"):
        site.assemble()
