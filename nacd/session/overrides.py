"""What an operator has ordered about a device or a MAC, above the policy.

Knows: the words of an override, which of several is in force, and the decision that follows from it. Refuses to know:
who may order one, where it is kept, and what its profile contains.

Theory. An order is a person's last word, so the newest that is not lifted and has not run out counts, whatever older
ones say: whoever lets a device in after it was blocked means it. The newest is the one that was kept last.
To let something in against the policy is breaking glass, and glass is mended: such an order needs an end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from typing import Final, TypeAlias

from nacd.session.macs.inventory import Inventory
from nacd.session.macs.machines import Machines
from nacd.values import Decision, Device, Effect, Endpoint, Identity


class SubjectKind(StrEnum):
    """What an override is about."""

    DEVICE = "device"
    MAC = "mac"


class OverrideEffect(StrEnum):
    """What an override does."""

    QUARANTINE = "quarantine"
    BLOCK = "block"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One order. Raises ValueError, in words for the operator, when it is not whole.

    Times are seconds since the epoch, 0.0 = not yet, or without end. id: 0 before it is kept. subject: a device GUID,
    lower case, or a MAC as ``MacAddress`` spells it. tenant: ``""`` for any. profile: ``""`` exactly for a block.
    """

    id: int
    subject_kind: SubjectKind
    subject: str
    tenant: str
    effect: OverrideEffect
    profile: str
    reason: str
    by: str
    at: float
    until: float = 0.0
    lifted_at: float = 0.0
    lifted_by: str = ""

    def __post_init__(self) -> None:
        if not self.subject or not self.reason or not self.by:
            raise ValueError("an override names what it is about, a reason, and who ordered it")
        if self.effect is OverrideEffect.ALLOW and not self.until:
            raise ValueError("an override that allows needs an end: say until when")
        if self.until and self.until <= self.at:
            raise ValueError("an override ends after it begins")
        if bool(self.profile) != (self.effect is not OverrideEffect.BLOCK):
            raise ValueError(f"an override of `{self.effect}` {'has no' if self.profile else 'needs a'} profile")

    def is_in_force(self, now: float) -> bool:
        """Neither lifted nor run out. now: seconds since the epoch."""
        return not self.lifted_at and (not self.until or now < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOverride:
    """Nobody has ordered anything about it."""


NO_OVERRIDE: Final = NoOverride()
InForce: TypeAlias = Override | NoOverride


def in_force(overrides: Iterable[Override], identity: Identity, mac: str, tenant: str, now: float) -> InForce:
    """The order that counts for this endpoint. mac: its MAC in its one spelling, ``""`` if it is not known.

    tenant: whose device it is, ``""`` if nobody's. now: seconds since the epoch. Newest is what was kept last: a date
    is the word of a clock that may have been set back since, and then a block would not count.
    """
    found = [each for each in overrides if each.is_in_force(now) and _is_about(each, identity, mac, tenant)]
    if not found:
        return NO_OVERRIDE
    return max(found, key=lambda each: each.id)


class Orders:
    """All that were not lifted, found by what they are about. For one thread. refused_above: how often something above
    the policy has taken away what a rule gave, by its word (``Decision.refused_above``).

    machines: which device a MAC was seen with. What is ordered against a device holds for that MAC too. inventory: what
    else people have written down about MACs; no order, but known by whoever knows these.
    """

    def __init__(
        self,
        overrides: Iterable[Override] = (),
        machines: Machines | None = None,
        inventory: Inventory | None = None,
    ) -> None:
        self.machines = machines if machines is not None else Machines()
        self.inventory = inventory if inventory is not None else Inventory()
        self.refused_above: Counter[str] = Counter()
        self._about: dict[tuple[SubjectKind, str], list[Override]] = {}
        for each in overrides:
            self.put(each)

    def __len__(self) -> int:
        return sum(map(len, self._about.values()))

    def __iter__(self) -> Iterator[Override]:
        return chain.from_iterable(self._about.values())

    def put(self, override: Override) -> None:
        """Know this one, instead of an older state of it. One that was lifted is forgotten."""
        self.forget(override.id)
        if not override.lifted_at:
            self._about.setdefault((override.subject_kind, override.subject), []).append(override)

    def forget(self, id: int) -> None:
        """Know it no more."""
        for about, known in tuple(self._about.items()):
            left = [each for each in known if each.id != id]
            if len(left) == len(known):
                continue
            if left:
                self._about[about] = left
            else:
                del self._about[about]

    def covered(self, override: Override) -> tuple[str, ...]:
        """MACs for which it holds though it does not name them."""
        if not _is_about_a_device(override) or override.effect is OverrideEffect.ALLOW:
            return ()
        return self.machines.macs(override.subject, override.tenant)

    def in_force(self, identity: Identity, mac: str, tenant: str, now: float) -> InForce:
        """As ``in_force``, and as quick when there are many; for what is known by its MAC alone, also what is ordered
        against the device that was seen with it."""
        if not self._about:
            return NO_OVERRIDE
        machine = self.machines.of(mac) if isinstance(identity, Endpoint) else None
        if machine is not None:
            found = self._in_force(machine.device, mac, machine.tenant, now)
            if isinstance(found, Override) and found.effect is not OverrideEffect.ALLOW and _is_about_a_device(found):
                return found
        return self._in_force(identity, mac, tenant, now)

    def _in_force(self, identity: Identity, mac: str, tenant: str, now: float) -> InForce:
        found = list(self._about.get((SubjectKind.MAC, mac), ()))
        if isinstance(identity, Device):
            found += self._about.get((SubjectKind.DEVICE, identity.id.guid), ())
        return in_force(found, identity, mac, tenant, now) if found else NO_OVERRIDE


def decision(
    override: Override, policy_digest: str, *, sayable: bool = True, about: Identity | None = None
) -> Decision:
    """What is decided instead of the policy. policy_digest: of the policy that it stands above. about: who is at the
    other end.

    sayable: the NAS's vendor can express the profile, and the configuration still has it; else it is refused.
    """
    end = f"until {_date(override.until)}" if override.until else "until it is lifted"
    allows = sayable and override.effect is not OverrideEffect.BLOCK
    reasons = [
        f"`{override.by}` ordered `{override.effect}` for {override.subject_kind} `{override.subject}`: "
        f"{override.reason}",
        f"override {override.id} of {_date(override.at)}, in force {end}",
    ]
    if _is_about_a_device(override) and isinstance(about, Endpoint):
        reasons.append(f"that device was seen with `{about.mac}` last, by its certificate")
    if not sayable:
        reasons.append(f"its profile `{override.profile}` does not exist any more, or this NAS cannot be given it")
    return Decision(
        effect=Effect.ALLOW if allows else Effect.DENY,
        rule=f"override-{override.effect}",
        profile=override.profile if allows else "",
        reasons=tuple(reasons),
        policy_digest=policy_digest,
    )


def _is_about(override: Override, identity: Identity, mac: str, tenant: str) -> bool:
    if override.tenant and override.tenant != tenant:
        return False
    if override.subject_kind is SubjectKind.MAC:
        return bool(mac) and override.subject == mac
    return isinstance(identity, Device) and override.subject == identity.id.guid


def _is_about_a_device(override: Override) -> bool:
    return override.subject_kind is SubjectKind.DEVICE


def _date(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return "a date beyond all calendars"
