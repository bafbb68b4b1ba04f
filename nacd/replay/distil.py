"""A recorded login as a case: as few facts as tell the same story, and none that names a person without need.

Knows: which facts name a person or a machine, and what may stand in for each. Refuses to know: how a case is written.

Theory. What a case needs is what its decision depends on. Every fact that may be left out, or be made up, is tried:
where the policy then still decides by the same rule, it is left out. So a MAC stays only where a rule looks at it, and
what is left are facts that matter. Access kind, NAS, identity and compliance stay in any case: without them a case says
nothing to whoever reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final, TypeAlias

from nacd.policy.model import Policy
from nacd.policy.requested import IN_INVENTORY
from nacd.replay.judge import Unasked, judge
from nacd.values import (
    NO_FACTS,
    NO_LINK,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    Device,
    DeviceFacts,
    DeviceId,
    Endpoint,
    Facts,
    MacAddress,
)

MADE_UP_MAC: Final = "02-00-00-00-00-01"
_LONG_S: Final = 10 * 365 * 86_400.0
MADE_UP_USER: Final = "somebody@example.com"
MADE_UP_SUBJECT: Final = "CN=some device"
MADE_UP_NAME: Final = "some-device"
MADE_UP_DEVICE: Final = "00000000-0000-4000-8000-000000000001"

Change: TypeAlias = Callable[[Facts], Facts]


def distil(policy: Policy, facts: Facts, rule: str, graph_tenants: frozenset[str] = frozenset()) -> Facts:
    """The facts of a case that this rule decides, as the given ones do. rule: that decides about them."""
    for change in _CHANGES:
        changed = change(facts)
        if changed == facts:
            continue
        decision = judge(policy, changed, graph_tenants)
        if not isinstance(decision, Unasked) and decision.rule == rule:
            facts = changed
    return facts


def named(facts: Facts) -> tuple[str, ...]:
    """What of a person or a machine is still in there, in words."""
    device = facts.compliance.device
    certificate = facts.certificate
    subject = certificate.subject if isinstance(certificate, CertificateFacts) else ""
    found = {
        "mac": facts.mac not in ("", MADE_UP_MAC),
        "user": facts.user not in ("", MADE_UP_USER),
        "subject": subject not in ("", MADE_UP_SUBJECT),
        "device_name": device.name not in ("", MADE_UP_NAME),
        "device_user": device.user not in ("", MADE_UP_USER),
    }
    return tuple(word for word, there in found.items() if there)


# -- what is tried, in this order ---------------------------------------------------------------


def _without_device_id(facts: Facts) -> Facts:
    if not isinstance(facts.identity, Device):
        return facts
    return replace(facts, identity=replace(facts.identity, id=DeviceId(guid=MADE_UP_DEVICE)))


def _mac(made_up: str) -> Change:
    def change(facts: Facts) -> Facts:
        if isinstance(facts.identity, Endpoint):
            if not made_up or not facts.mac:  # it names the endpoint
                return facts
            return replace(facts, mac=made_up, identity=replace(facts.identity, mac=MacAddress(made_up)))
        if facts.inventory and not made_up:
            return facts  # what stands in the inventory is a MAC
        return replace(facts, mac=made_up) if facts.mac else facts

    return change


def _listed(words: tuple[str, ...]) -> Change:
    return lambda facts: replace(facts, inventory=words) if facts.inventory else facts


def _user(made_up: str) -> Change:
    return lambda facts: replace(facts, user=made_up) if facts.user else facts


def _subject(made_up: str) -> Change:
    def change(facts: Facts) -> Facts:
        shown = facts.certificate
        if not isinstance(shown, CertificateFacts) or not shown.subject:
            return facts
        return replace(facts, certificate=replace(shown, subject=made_up))

    return change


def _without_issuer(facts: Facts) -> Facts:
    shown = facts.certificate
    return replace(facts, certificate=replace(shown, issuer="")) if isinstance(shown, CertificateFacts) else facts


def _certificate(**changes: Any) -> Change:
    """Without some of what the certificate says."""

    def change(facts: Facts) -> Facts:
        shown = facts.certificate
        return replace(facts, certificate=replace(shown, **changes)) if isinstance(shown, CertificateFacts) else facts

    return change


def _lasting(facts: Facts) -> Facts:
    """A certificate that does not end soon."""
    return _certificate(not_after=max(facts.at, 1.0) + _LONG_S)(facts)


def _told(change: Callable[[Compliance], Compliance]) -> Change:
    return lambda facts: replace(facts, compliance=change(facts.compliance))


def _device(change: Callable[[DeviceFacts], DeviceFacts]) -> Change:
    return _told(lambda told: replace(told, device=change(told.device)))


def _changes() -> Iterable[Change]:
    yield _without_device_id
    for user in ("", MADE_UP_USER):
        yield _user(user)
    for words in ((IN_INVENTORY,), ()):
        yield _listed(words)
    for mac in ("", MADE_UP_MAC):
        yield _mac(mac)
    for subject in ("", MADE_UP_SUBJECT):
        yield _subject(subject)
    yield _without_issuer
    yield _certificate(san_uris=(), san_dns=(), san_upns=())
    yield _certificate(templates=(), ekus=())
    yield _lasting
    yield lambda facts: replace(facts, ssid="")
    yield lambda facts: replace(facts, link=NO_LINK)
    yield _told(lambda told: replace(told, device=NO_FACTS))
    for name in ("", MADE_UP_NAME):
        yield _device(lambda device, name=name: replace(device, name=name) if device.name else device)  # type: ignore[misc]
    for user in ("", MADE_UP_USER):
        yield _device(lambda device, user=user: replace(device, user=user) if device.user else device)  # type: ignore[misc]
    yield _device(lambda device: replace(device, in_groups=(), outside_groups=(), groups_doubt=""))
    yield _device(lambda device: replace(device, owner=""))
    yield _device(lambda device: replace(device, os_version=""))
    yield _device(lambda device: replace(device, operating_system=""))
    yield _device(lambda device: replace(device, last_sync=0.0))
    yield _told(lambda told: replace(told, detail="", provider="", grace_until=0.0))
    yield lambda facts: replace(facts, compliance=replace(facts.compliance, as_of=facts.at))
    yield _told(lambda told: replace(told, source=ComplianceSource.LIVE))


_CHANGES: Final = tuple(_changes())
