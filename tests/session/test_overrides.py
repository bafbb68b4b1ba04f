"""What an operator has ordered, and what is decided by it."""

from __future__ import annotations

from typing import Any

import pytest

from nacd.session.macs.machines import Machines
from nacd.session.overrides import NO_OVERRIDE, Orders, Override, OverrideEffect, SubjectKind, decision, in_force
from nacd.values import (
    AccessKind,
    Assurance,
    Device,
    DeviceId,
    Effect,
    Endpoint,
    IdentitySource,
    MacAddress,
    Unidentified,
)
from tests.session.making import MAC, OTHER_MAC, T

GUID = "11111111-2222-3333-4444-555555555555"
DEVICE = Device(id=DeviceId(guid=GUID), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)
NOBODY = Unidentified(reason="a test")


def override(effect: str = "block", **more: Any) -> Override:
    fields: dict[str, Any] = {
        "id": 1,
        "subject_kind": SubjectKind.DEVICE,
        "subject": GUID,
        "tenant": "",
        "effect": OverrideEffect(effect),
        "profile": "" if effect == "block" else effect,
        "reason": "stolen",
        "by": "ada",
        "at": T,
        "until": T + 3600 if effect == "allow" else 0.0,
    }
    return Override(**{**fields, **more})


def in_force_for_device(*overrides: Override, now: float = T + 1, tenant: str = "main") -> object:
    return in_force(overrides, DEVICE, MAC, tenant, now)


def test_a_device_is_meant_by_its_guid_and_an_endpoint_by_its_mac() -> None:
    by_guid = override()
    by_mac = override(subject_kind=SubjectKind.MAC, subject=MAC)
    assert in_force_for_device(by_guid) == by_guid
    assert in_force((by_guid,), NOBODY, MAC, "", T + 1) == NO_OVERRIDE
    assert in_force((by_mac,), NOBODY, MAC, "", T + 1) == by_mac
    assert in_force((by_mac,), NOBODY, OTHER_MAC, "", T + 1) == NO_OVERRIDE
    assert in_force((by_mac,), NOBODY, "", "", T + 1) == NO_OVERRIDE


def test_an_order_for_a_tenant_is_about_its_devices_alone() -> None:
    assert in_force_for_device(override(tenant="main")) != NO_OVERRIDE
    assert in_force_for_device(override(tenant="other")) == NO_OVERRIDE


def test_what_is_lifted_or_has_run_out_is_not_in_force() -> None:
    assert in_force_for_device(override(lifted_at=T + 1)) == NO_OVERRIDE
    assert in_force_for_device(override("allow"), now=T + 3599.9) != NO_OVERRIDE
    assert in_force_for_device(override("allow"), now=T + 3600) == NO_OVERRIDE


def test_the_newest_order_counts() -> None:
    blocked, allowed = override(), override("allow", id=2, at=T + 1)
    assert in_force_for_device(blocked, allowed, now=T + 2) == allowed
    assert in_force_for_device(blocked, allowed, now=T + 3600) == blocked, "the exception has ended, the block has not"


def test_a_block_counts_though_the_clock_was_set_back_since_the_order_before() -> None:
    allowed = override("allow", id=1, at=T + 86_400, until=T + 90_000)
    blocked = override(id=2, at=T)
    assert in_force_for_device(allowed, blocked) == blocked
    assert in_force_for_device(blocked, allowed) == blocked


def test_a_block_denies_and_says_who_and_why() -> None:
    made = decision(override(), "digest")
    assert (made.effect, made.profile, made.rule) == (Effect.DENY, "", "override-block")
    assert "`ada` ordered `block`" in made.reasons[0]
    assert "stolen" in made.reasons[0]
    assert "until it is lifted" in made.reasons[1]


@pytest.mark.parametrize("effect", ["quarantine", "allow"])
def test_a_quarantine_and_an_allow_give_their_profile(effect: str) -> None:
    made = decision(override(effect, until=T + 60), "digest")
    assert (made.effect, made.profile, made.policy_digest) == (Effect.ALLOW, effect, "digest")
    assert "until 2023-11-14T22:14:20+00:00" in made.reasons[1]
    assert "beyond" in decision(override(effect, until=1e300), "digest").reasons[1]


@pytest.mark.parametrize(
    ("effect", "wrong", "words"),
    [
        ("allow", {"until": 0.0}, "needs an end"),
        ("block", {"until": T}, "ends after it begins"),
        ("block", {"profile": "guest"}, "has no profile"),
        ("quarantine", {"profile": ""}, "needs a profile"),
        ("block", {"reason": ""}, "a reason"),
        ("block", {"by": ""}, "who ordered it"),
        ("block", {"subject": ""}, "what it is about"),
    ],
)
def test_an_order_that_is_not_whole_is_refused_in_words(effect: str, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        override(effect, **wrong)


# -- a device that comes by its MAC ---------------------------------------------------------------

ENDPOINT = Endpoint(mac=MacAddress(MAC))


def seen(*overrides: Override) -> Orders:
    """The device was seen with the MAC."""
    machines = Machines()
    machines.learn(AccessKind.DOT1X, DEVICE, MAC, "main", T)
    return Orders(overrides, machines)


def test_what_is_ordered_against_a_device_holds_for_the_mac_that_it_was_seen_with() -> None:
    for each in (override(), override("quarantine"), override(tenant="main")):
        orders = seen(each)
        assert orders.in_force(ENDPOINT, MAC, "other", T + 1) == each
        assert orders.covered(each) == (MAC,)
        assert orders.in_force(Endpoint(mac=MacAddress(OTHER_MAC)), OTHER_MAC, "main", T + 1) == NO_OVERRIDE
        reasons = decision(each, "digest", about=ENDPOINT).reasons
        assert reasons[2] == f"that device was seen with `{MAC}` last, by its certificate"
        assert len(decision(each, "digest", about=DEVICE).reasons) == 2


def test_what_is_ordered_for_a_device_lets_in_nobody_with_its_mac() -> None:
    allowed = override("allow")
    orders = seen(allowed)
    assert orders.in_force(ENDPOINT, MAC, "main", T + 1) == NO_OVERRIDE
    assert orders.in_force(DEVICE, MAC, "main", T + 1) == allowed
    assert orders.covered(allowed) == ()
    later = override("allow", id=2, at=T + 1)
    assert seen(override(), later).in_force(ENDPOINT, MAC, "main", T + 2) == NO_OVERRIDE, "that one counts for it"


def test_an_order_about_the_mac_itself_counts_when_it_is_the_newer() -> None:
    device = override(id=2)
    newer = override("quarantine", id=3, subject_kind=SubjectKind.MAC, subject=MAC, at=T + 1)
    older = override("quarantine", id=1, subject_kind=SubjectKind.MAC, subject=MAC, at=T - 1)
    assert seen(device, newer).in_force(ENDPOINT, MAC, "main", T + 2) == newer
    assert seen(device, older).in_force(ENDPOINT, MAC, "main", T + 2) == device


def test_a_device_that_proves_itself_is_not_judged_by_another_that_had_its_mac() -> None:
    other = Device(
        id=DeviceId(guid=GUID.replace("1", "9")), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE
    )
    assert seen(override()).in_force(other, MAC, "main", T + 1) == NO_OVERRIDE
    assert seen(override()).in_force(NOBODY, MAC, "main", T + 1) == NO_OVERRIDE
