"""A machine that is known by its certificate does not come in by its MAC."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nacd.session.macs.inventory import Entry, Inventory
from nacd.session.macs.machines import Machines
from nacd.session.macs.managed import MANAGED, ManagedMacs
from nacd.values import (
    AccessKind,
    Assurance,
    Decision,
    Device,
    DeviceId,
    Effect,
    Endpoint,
    IdentitySource,
    MacAddress,
    Named,
)

LAPTOP = "00-1B-44-11-3A-B7"
GUID = "6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"
DAY = 86_400.0
SEEN = 1_000_000.0
DEVICE = Device(id=DeviceId(guid=GUID), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)
MAB = Named(access=AccessKind.MAB, identity=Endpoint(mac=MacAddress(LAPTOP)), attempts=(), mac=LAPTOP)
ALLOW = Decision(effect=Effect.ALLOW, rule="printers", profile="printers", reasons=("it fits",), policy_digest="d")


@pytest.fixture
def guard() -> ManagedMacs:
    machines = Machines()
    machines.learn(AccessKind.DOT1X, DEVICE, LAPTOP, "", SEEN)
    return ManagedMacs(machines=machines, inventory=Inventory(), refuse=True, for_s=30 * DAY)


def entry(**more: Any) -> Entry:
    return Entry(**{"mac": LAPTOP, "owner": "pxe", "reason": "4711", "by": "ada", "at": SEEN, **more})


def test_what_a_rule_gives_to_such_a_mac_is_taken_away_with_the_reason(guard: ManagedMacs) -> None:
    made = guard.judged(ALLOW, MAB, SEEN + 60.0)
    assert (made.effect, made.rule, made.profile, made.refused_above) == (Effect.DENY, MANAGED, "", MANAGED)
    assert made.reasons[0] == (
        f"`{LAPTOP}` is known by the certificate of device `{GUID}`, seen last 1970-01-12T13:46:40+00:00, so it does"
        " not come in by its MAC"
    )
    assert "rule `printers` would give profile `printers`" in made.reasons
    assert guard.counts[MANAGED] == 1


def test_a_refusal_keeps_its_own_reason_and_is_not_counted(guard: ManagedMacs) -> None:
    deny = replace(ALLOW, effect=Effect.DENY, profile="", rule="default-deny")
    assert guard.judged(deny, MAB, SEEN) is deny
    assert not guard.counts


@pytest.mark.parametrize(
    "named",
    [
        replace(MAB, mac="00-1B-44-11-3A-B8", identity=Endpoint(mac=MacAddress("00-1B-44-11-3A-B8"))),
        replace(MAB, access=AccessKind.DOT1X, identity=DEVICE),
        replace(MAB, access=AccessKind.VPN),
    ],
)
def test_another_mac_and_another_way_in_are_not_touched(guard: ManagedMacs, named: Named) -> None:
    assert guard.judged(ALLOW, named, SEEN) is ALLOW


def test_it_is_known_for_so_long_after_its_last_certificate(guard: ManagedMacs) -> None:
    assert guard.judged(ALLOW, MAB, SEEN + 30 * DAY - 1.0).effect is Effect.DENY
    assert guard.judged(ALLOW, MAB, SEEN + 30 * DAY) is ALLOW
    guard.machines.learn(AccessKind.DOT1X, DEVICE, LAPTOP, "", SEEN + 29 * DAY)
    assert guard.judged(ALLOW, MAB, SEEN + 30 * DAY).effect is Effect.DENY


def test_an_entry_in_the_inventory_alone_lifts_nothing(guard: ManagedMacs) -> None:
    guard.inventory.put(entry())
    made = guard.judged(ALLOW, MAB, SEEN)
    assert made.effect is Effect.DENY
    assert any("does not say --even-if-managed" in reason for reason in made.reasons)


def test_an_entry_that_says_so_does_until_it_ends(guard: ManagedMacs) -> None:
    guard.inventory.put(entry(even_if_managed=True, until=SEEN + 100.0))
    made = guard.judged(ALLOW, MAB, SEEN + 99.0)
    assert (made.effect, made.rule, made.refused_above) == (Effect.ALLOW, "printers", "")
    assert made.reasons[-1] == "`ada` entered it even if it is managed: 4711"
    assert guard.judged(ALLOW, MAB, SEEN + 100.0).effect is Effect.DENY


def test_the_setting_switches_it_off(guard: ManagedMacs) -> None:
    guard.refuse = False
    assert guard.judged(ALLOW, MAB, SEEN) is ALLOW
    assert guard.is_managed(LAPTOP, SEEN) == ""


def test_a_mac_that_wanders_between_machines_is_nobodys() -> None:
    machines = Machines({LAPTOP})
    machines.learn(AccessKind.DOT1X, DEVICE, LAPTOP, "", SEEN)
    guard = ManagedMacs(machines=machines, inventory=Inventory(), refuse=True, for_s=DAY)
    assert guard.judged(ALLOW, MAB, SEEN) is ALLOW
