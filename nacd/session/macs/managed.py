"""A machine that nacd knows by its certificate does not come in by its MAC instead.

Knows: when a rule's Accept of a MAB request is taken away, and in which words. Refuses to know: whose MAC is whose
(``machines``), what stands in the inventory, and what a rule is.

Theory. MAB proves nothing: whoever switches his supplicant off, or copies the MAC of his neighbour's laptop onto a
machine of his own, shows a MAC that a rule may know. A MAC that has come with a certificate needs no MAB, so coming
without one is the sign of either. Only what a rule gives is taken away: a refusal keeps its own reason, and what a
person has ordered (``overrides``) stands above. A device that proves itself is not touched at all: a switch that tries
MAB first hears a refusal, and 802.1X after it decides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from nacd.session.macs.inventory import Inventory
from nacd.session.macs.machines import Machine, Machines
from nacd.values import AccessKind, Decision, Effect, Endpoint, Named

MANAGED: Final = "managed-device"
"""Stands where a rule is named, and as ``Decision.refused_above``."""


@dataclass(slots=True, eq=False, kw_only=True)
class ManagedMacs:
    """refuse: whether anybody is refused. for_s: how long after its last certificate a MAC is known by it.

    counts: MAB requests that were refused, under ``MANAGED``; of somebody who lives longer than this.
    """

    machines: Machines
    inventory: Inventory
    refuse: bool
    for_s: float
    counts: Counter[str] = field(default_factory=Counter)

    def judged(self, decision: Decision, named: Named, now: float) -> Decision:
        """The rule's decision, or the refusal that takes its place. now: seconds since the epoch."""
        machine = self._known(decision, named, now)
        if machine is None:
            return decision
        entry = self.inventory.find(named.mac)
        listed = entry is not None and entry.is_in_force(now)
        if entry is not None and listed and entry.even_if_managed:
            said = f"`{entry.by}` entered it even if it is managed: {entry.reason}"
            return replace(decision, reasons=(*decision.reasons, _seen(named.mac, machine), said))
        self.counts[MANAGED] += 1
        way_out = "a person's `nacd allow`, or an entry with --even-if-managed, lets it in"
        reasons = (
            f"{_seen(named.mac, machine)}, so it does not come in by its MAC",
            f"rule `{decision.rule}` would give profile `{decision.profile}`",
            f"its entry in the inventory does not say --even-if-managed; {way_out}" if listed else way_out,
        )
        return replace(decision, effect=Effect.DENY, rule=MANAGED, profile="", reasons=reasons, refused_above=MANAGED)

    def is_managed(self, mac: str, now: float) -> str:
        """Why a MAB request with this MAC would be refused, in words; ``""``: it would not. now: as above."""
        machine = self._machine(mac, now) if self.refuse else None
        return _seen(mac, machine) if machine is not None else ""

    def _known(self, decision: Decision, named: Named, now: float) -> Machine | None:
        """The device that keeps it out, if there is one."""
        is_mab = named.access is AccessKind.MAB and isinstance(named.identity, Endpoint)
        if not self.refuse or decision.effect is not Effect.ALLOW or not is_mab:
            return None
        return self._machine(named.mac, now)

    def _machine(self, mac: str, now: float) -> Machine | None:
        machine = self.machines.of(mac)
        # A clock that was set back makes the certificate one of the future, which is no older for that.
        return machine if machine is not None and now < machine.at + self.for_s else None


def _seen(mac: str, machine: Machine) -> str:
    return f"`{mac}` is known by the certificate of device `{machine.device.id}`, seen last {_date(machine.at)}"


def _date(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return "at a date beyond all calendars"
