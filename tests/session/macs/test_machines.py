"""Which device was seen last with a MAC."""

from __future__ import annotations

import pytest

from nacd.session.macs import machines as module
from nacd.session.macs.machines import Machines
from nacd.values import AccessKind, Assurance, Device, DeviceId, Identity, IdentitySource, Unidentified
from tests.session.making import MAC, OTHER_MAC, T


def guid(number: int) -> str:
    return f"11111111-2222-3333-4444-{number:012x}"


def device(number: int, source: IdentitySource = IdentitySource.CERTIFICATE) -> Device:
    return Device(id=DeviceId(guid=guid(number)), source=source, assurance=Assurance.CERTIFICATE)


def mac(number: int) -> str:
    digits = f"{number:012X}"
    return "-".join(digits[start : start + 2] for start in range(0, 12, 2))


def learn(machines: Machines, number: int, at_mac: str = MAC, at: float = T) -> None:
    machines.learn(AccessKind.DOT1X, device(number), at_mac, "main", at)


def whose(machines: Machines, at_mac: str = MAC) -> str:
    found = machines.of(at_mac)
    return found.device.id.guid if found is not None else ""


def test_a_mac_is_that_of_the_device_that_was_seen_with_it_last() -> None:
    machines = Machines()
    learn(machines, 1)
    learn(machines, 1, OTHER_MAC)
    assert machines.macs(guid(1)) == (MAC, OTHER_MAC)
    learn(machines, 2, at=T + 1)
    assert (whose(machines), whose(machines, OTHER_MAC)) == (guid(2), guid(1))
    assert (machines.macs(guid(1)), machines.macs(guid(2)), len(machines)) == ((OTHER_MAC,), (MAC,), 2)


def test_the_last_to_show_it_counts_though_the_clock_was_set_back_meanwhile() -> None:
    machines = Machines()
    learn(machines, 2, at=T + 86_400)
    learn(machines, 1, at=T)
    assert whose(machines) == guid(1)


@pytest.mark.parametrize(
    ("access", "identity", "at_mac"),
    [
        (AccessKind.MAB, device(1), MAC),
        (AccessKind.VPN, device(1), MAC),
        (AccessKind.DOT1X, device(1, IdentitySource.VPN), MAC),
        (AccessKind.DOT1X, Unidentified(reason="a test"), MAC),
        (AccessKind.DOT1X, device(1), ""),
        (AccessKind.DOT1X, device(1), OTHER_MAC),
    ],
)
def test_only_a_certificate_on_a_mac_that_does_not_wander_teaches_anything(
    access: AccessKind, identity: Identity, at_mac: str
) -> None:
    machines = Machines(shared={OTHER_MAC})
    machines.learn(access, identity, at_mac, "main", T)
    assert len(machines) == 0


def test_a_tenants_devices_are_its_own() -> None:
    machines = Machines()
    learn(machines, 1)
    assert (machines.macs(guid(1), "main"), machines.macs(guid(1), "other")) == ((MAC,), ())


def test_whoever_makes_up_macs_pushes_out_his_own_and_all_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 50)
    machines = Machines()
    learn(machines, 1)
    for number in range(1_000):
        learn(machines, 2, mac(number), T + number)
    assert (whose(machines), len(machines)) == (guid(1), 1 + module.MOST_OF_ONE)
    assert machines.macs(guid(2)) == tuple(mac(number) for number in range(1_000 - module.MOST_OF_ONE, 1_000))
    for number in range(3, 103):
        learn(machines, number, mac(5_000 + number), T + 2_000)
    assert (whose(machines), machines.macs(guid(1)), len(machines)) == ("", (), 50)
