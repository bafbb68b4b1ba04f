"""What is known of a device, and of a MAC by the device that was seen with it.

Knows: that of the two verdicts about one machine the worse counts while it is the newer, and how a restart learns who
was seen where. Refuses to know: who is asked, and what is decided.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Protocol

from nacd.compliance.breaker import BreakerState
from nacd.compliance.cache import Fresh, Stale
from nacd.compliance.question import NotAskable, Question, of_key, question
from nacd.identity.mac import parse
from nacd.reassess import is_worse
from nacd.server.lookups.tenants import Lookups
from nacd.session.macs.machines import Machine, Machines
from nacd.store.sessions import SessionStore
from nacd.values import AccessKind, Assurance, Compliance, Device, DeviceId, IdentitySource, Instant, MacAddress

_PAGE: Final = 5_000
_SLICE: Final = 500


class Read(Protocol):
    """``Book.read``."""

    def __call__(self, ask: Callable[[SessionStore], Any], /) -> Awaitable[Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What all tenants' lookups know, in memory and on disk; nobody is asked."""

    lookups: Lookups
    machines: Machines = field(default_factory=Machines)

    def find(self, tenant: str, key: str, now: Instant) -> Compliance | None:
        """The newest verdict in memory; None: there is none."""
        found = self._find(tenant, key, now)
        machine = self._machine(key) if found is not None else None
        return found if found is None or machine is None else self._worse(found, machine, now)

    def judged(self, asked: Question, learnt: Compliance, now: Instant) -> Compliance:
        """What counts at a login, where ``learnt`` is what is known of whom was asked about."""
        machine = self._machine_of(asked)
        return learnt if machine is None else self._worse(learnt, machine, now)

    def is_on_disk(self, asked: Question, now: Instant) -> bool:
        """Whether the disk may know better than memory what ``judged`` has to know: see ``recall``."""
        machine = self._machine_of(asked)
        if machine is None or machine.recalled:
            return False
        return self._find(machine.tenant, _key(machine), now) is None

    async def recall(self, tenant: str, key: str) -> None:
        """Have what lies on disk in memory, unless there is something newer."""
        await self._recall(tenant, key)
        machine = self._machine(key)
        if machine is not None:
            machine.recalled = True
            await self._recall(machine.tenant, _key(machine))

    def trouble(self, tenant: str) -> bool:
        """Whether its Intune cannot be reached just now."""
        lookup = self.lookups.by_tenant.get(tenant)
        return lookup is not None and lookup.errands.breaker.state is not BreakerState.CLOSED

    async def resume(self, read: Read, declared: Collection[str]) -> None:
        """Learn who was seen where before a restart, the last first. declared: NASes whose clients say themselves which
        device they are, which is no proof."""
        before = 0
        while page := await read(partial(SessionStore.stations, limit=_PAGE, before=before)):
            before = page[-1][0]
            for first in range(0, len(page), _SLICE):
                for _, tenant, device, calling, nas, at in page[first : first + _SLICE]:
                    if nas not in declared:
                        self._remember(tenant, device, calling, at)
                await asyncio.sleep(0)  # others have work too
            if self.machines.is_full:
                return

    def _remember(self, tenant: str, device: str, calling: str, at: float) -> None:
        asked, mac = of_key(tenant, device), parse(calling)
        if isinstance(asked, NotAskable) or not isinstance(asked.subject, DeviceId) or not isinstance(mac, MacAddress):
            return
        if self.machines.of(mac.text) is not None:
            return  # seen since: by a newer session, or while these are read
        proved = Device(id=asked.subject, source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)
        self.machines.learn(AccessKind.DOT1X, proved, mac.text, tenant, at)

    def _find(self, tenant: str, key: str, now: Instant) -> Compliance | None:
        lookup = self.lookups.by_tenant.get(tenant)
        found = lookup.knowledge.find(key, now) if lookup is not None else None
        return found.compliance if isinstance(found, Fresh | Stale) else None

    async def _recall(self, tenant: str, key: str) -> None:
        lookup = self.lookups.by_tenant.get(tenant)
        if lookup is not None:
            await lookup.knowledge.recall(key)

    def _machine(self, key: str) -> Machine | None:
        if not key.startswith("mac:"):
            return None
        asked = of_key("", key)
        return self._machine_of(asked) if isinstance(asked, Question) else None

    def _machine_of(self, asked: Question) -> Machine | None:
        return self.machines.of(asked.subject.text) if isinstance(asked.subject, MacAddress) else None

    def _worse(self, own: Compliance, machine: Machine, now: Instant) -> Compliance:
        other = self._find(machine.tenant, _key(machine), now)
        if other is None or other.as_of <= own.as_of or not is_worse(other, own):
            return own
        words = f"of device `{machine.device.id}`, which was seen with this mac last"
        return replace(other, detail=f"{other.detail}; {words}" if other.detail else words)


def _key(machine: Machine) -> str:
    asked = question(machine.device, tenant=machine.tenant, knows_entra=True)
    return asked.key if isinstance(asked, Question) else ""
