"""Which device was seen last with a MAC address, by its certificate.

Knows: what is learnt from whom, and what is forgotten for want of room. Refuses to know: what follows for a MAC
(``overrides`` for orders, whoever holds verdicts for those).

Theory. A machine that is not let in by its certificate has a MAC that may be: it switches its supplicant off. So what
is known of a device counts for the MAC too that it was seen with last. The other way round nothing counts: a MAC is
anybody's to show, so only a login that has proved a certificate teaches anything, by the MAC that its NAS tells of it,
and a device that proves itself is judged by itself alone. A MAC that wanders between machines teaches nothing.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from nacd.values import AccessKind, Device, DeviceId, DeviceIdKind, Identity, IdentitySource

MOST: Final = 250_000
"""MACs in memory, some 450 octets each with its device; the one that was learnt first goes first."""
MOST_OF_ONE: Final = 32
"""Of one device: whoever makes up MACs for a certificate of his own pushes out nobody else's."""


@dataclass(slots=True, eq=False)
class Machine:
    """A device that was seen with a MAC. at: seconds since the epoch. recalled: its verdict was looked for on disk."""

    device: Device
    tenant: str
    at: float
    recalled: bool = False


class Machines:
    """For one thread. shared: MACs that wander between machines, as ``MacAddress`` spells them."""

    def __init__(self, shared: Container[str] = frozenset()) -> None:
        self.shared = shared
        """As it counts for what is learnt from now on."""
        self._seen: dict[str, Machine] = {}
        self._macs: dict[DeviceId, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def is_full(self) -> bool:
        """Whether another one pushes one out."""
        return len(self._seen) >= MOST

    def learn(self, access: AccessKind, identity: Identity, mac: str, tenant: str, at: float) -> None:
        """A certificate was verified at ``at`` on this MAC, after all that was learnt before, whatever the dates say (a
        clock that was set back dates later ones earlier). Nothing is learnt where the certificate names no device, or
        where the MAC is a VPN client's own word."""
        if access is not AccessKind.DOT1X or not isinstance(identity, Device) or not mac or mac in self.shared:
            return
        if identity.source is not IdentitySource.CERTIFICATE:
            return
        known = self._seen.get(mac)
        if known is not None and known.device.id == identity.id and known.tenant == tenant:
            known.at = at
            return
        self._forget(mac)
        others = self._macs.get(identity.id, ())
        if len(others) >= MOST_OF_ONE:
            self._forget(others[0])
        elif self.is_full:
            self._forget(next(iter(self._seen)))
        self._seen[mac] = Machine(device=identity, tenant=tenant, at=at)
        self._macs[identity.id] = (*self._macs.get(identity.id, ()), mac)

    def of(self, mac: str) -> Machine | None:
        """The device that was seen last with this MAC."""
        return self._seen.get(mac)

    def macs(self, guid: str, tenant: str = "") -> tuple[str, ...]:
        """That a device with this GUID was seen with, and none other since. tenant: ``""`` for any."""
        known = (mac for kind in DeviceIdKind for mac in self._macs.get(DeviceId(guid=guid, kind=kind), ()))
        return tuple(mac for mac in known if tenant in ("", self._seen[mac].tenant))

    def _forget(self, mac: str) -> None:
        known = self._seen.pop(mac, None)
        if known is None:
            return
        left = tuple(each for each in self._macs[known.device.id] if each != mac)
        if left:
            self._macs[known.device.id] = left
        else:
            del self._macs[known.device.id]
