"""Conditions on what a request says of the endpoint: its MAC, the wireless network, the port, the VPN client.

Knows: how to test each. Refuses to know: how an admin spells it (``config/``) and how a list is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, Final

from nacd.policy.words import AnyOf, Fits, OneOf, Predicate, VersionBound, any_of, or_nothing
from nacd.values import Device, Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class MacMatches:
    """The endpoint's MAC. Patterns are canonical (``AA-BB-CC-DD-EE-FF``) or a beginning and ``*``."""

    key: ClassVar[str] = "mac"
    cost: ClassVar[int] = 1
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    patterns: tuple[str, ...]

    def test(self) -> Predicate:
        whole, beginnings = self.exact(), self.prefixes()
        if not beginnings:
            return lambda facts: facts.mac in whole
        return lambda facts: facts.mac != "" and (facts.mac in whole or facts.mac.startswith(beginnings))

    def beginnings(self) -> Iterable[str]:
        """Whole MACs and beginnings of MACs; ``""`` is the beginning of all."""
        return dict.fromkeys(pattern.removesuffix("*") for pattern in self.patterns)

    def exact(self) -> frozenset[str]:
        return frozenset(pattern for pattern in self.patterns if not pattern.endswith("*"))

    def prefixes(self) -> tuple[str, ...]:
        return tuple(pattern[:-1] for pattern in self.patterns if pattern.endswith("*"))

    def wanted(self) -> str:
        return any_of(self.patterns)

    def seen(self, facts: Facts) -> str:
        return or_nothing(facts.mac, "mac")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Something is on a list kept in a file. ends: those that do not count for ever, each with the moment at which it
    counts no more, seconds since the epoch."""

    key: ClassVar[str]
    cost: ClassVar[int] = 1
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    files: tuple[str, ...]
    macs: frozenset[str] = field(repr=False)
    ends: frozenset[tuple[str, float]] = field(default=frozenset(), repr=False)

    @staticmethod
    def text(facts: Facts) -> str:
        """What is looked for, ``""`` for nothing."""
        raise NotImplementedError

    def beginnings(self) -> Iterable[str]:
        """All that is listed."""
        return self.macs

    def test(self) -> Predicate:
        listed, text, ends = self.macs, self.text, dict(self.ends)
        if not ends:
            return lambda facts: text(facts) in listed
        return lambda facts: (found := text(facts)) in listed and facts.at < ends.get(found, _NEVER)

    def wanted(self) -> str:
        return f"one of {any_of(self.files)}"

    def seen(self, facts: Facts) -> str:
        found = self.text(facts)
        if not found:
            return f"there is no {self._what()}"
        if found in self.macs and facts.at >= dict(self.ends).get(found, _NEVER):
            return f"{self._what()} `{found}` is in {any_of(self.files)}, and its time is over"
        return f"{self._what()} `{found}` is {'' if found in self.macs else 'not '}in {any_of(self.files)}"

    def _what(self) -> str:
        return self.key.removesuffix("_in")


_NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class MacIn(Listed):
    """The endpoint's MAC is on a list kept in a file."""

    key: ClassVar[str] = "mac_in"

    @staticmethod
    def text(facts: Facts) -> str:
        return facts.mac


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceIn(Listed):
    """The device that the identity names is on a list of GUIDs kept in a file."""

    key: ClassVar[str] = "device_in"

    @staticmethod
    def text(facts: Facts) -> str:
        return facts.identity.id.guid if isinstance(facts.identity, Device) else ""


IN_INVENTORY: Final = "any"
"""By this word every entry of the inventory is asked for."""


def in_inventory(words: Iterable[str]) -> tuple[str, ...]:
    """As ``Facts.inventory`` has them. words: tags, and perhaps ``any``; none: it is not there."""
    there = set(words)
    return (IN_INVENTORY, *sorted(there - {IN_INVENTORY})) if there else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryHas(AnyOf):
    """The endpoint's MAC stands in the inventory at that moment, with one of these tags (``any``: with whichever)."""

    key: ClassVar[str] = "inventory"
    cost: ClassVar[int] = 1

    @staticmethod
    def texts(facts: Facts) -> tuple[str, ...]:
        return facts.inventory

    def test(self) -> Predicate:
        disjoint = self.names.isdisjoint
        return lambda facts: not disjoint(facts.inventory)

    def wanted(self) -> str:
        if IN_INVENTORY in self.names:
            return "a mac of the inventory"
        return f"a mac of the inventory tagged {any_of(sorted(self.names))}"

    def seen(self, facts: Facts) -> str:
        if not facts.inventory:
            return f"mac `{facts.mac}` is not in the inventory" if facts.mac else "there is no mac"
        tags = [word for word in facts.inventory if word != IN_INVENTORY]
        told = f"tagged {any_of(tags).replace(' or ', ' and ')}" if tags else "without a tag"
        return f"mac `{facts.mac}` is in the inventory, {told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SsidIs(OneOf):
    """The wireless network's name; its case counts (IEEE 802.11 compares octets)."""

    key: ClassVar[str] = "ssid"

    @staticmethod
    def text(facts: Facts) -> str:
        return facts.ssid


@dataclass(frozen=True, slots=True, kw_only=True)
class BssidMatches(Fits):
    """The radio of the access point, by its MAC: canonical, or a beginning and ``*``."""

    key: ClassVar[str] = "bssid"
    cost: ClassVar[int] = 1

    @staticmethod
    def texts(facts: Facts) -> tuple[str, ...]:
        return (facts.link.bssid,)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortTypeIs(OneOf):
    """What kind of port it is, by NAS-Port-Type."""

    key: ClassVar[str] = "port_type"

    @staticmethod
    def text(facts: Facts) -> str:
        return facts.link.port_type


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelGroupIs(OneOf):
    """The tunnel group of a VPN (connection profile), as the concentrator says."""

    key: ClassVar[str] = "tunnel_group"

    @staticmethod
    def text(facts: Facts) -> str:
        return facts.link.tunnel_group


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPlatform(Fits):
    """What the VPN client says it runs on."""

    key: ClassVar[str] = "client_platform"

    @staticmethod
    def texts(facts: Facts) -> tuple[str, ...]:
        return (facts.link.client_platform,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPlatformVersion(VersionBound):
    """The version of what the VPN client says it runs on."""

    key: ClassVar[str] = "client_platform_version"

    @staticmethod
    def text(facts: Facts) -> str:
        return facts.link.client_platform_version


_NUMBER = re.compile(r"(?<![\w.])[0-9]")


@lru_cache(maxsize=1_024)
def version_text(agent: str) -> str:
    """From the first number that stands by itself: ``AnyConnect Windows 4.10.05085`` is of version 4.10.05085."""
    found = _NUMBER.search(agent)
    return agent[found.start() :] if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientVersion(VersionBound):
    """The version of the VPN client, out of the name that it gives itself."""

    key: ClassVar[str] = "client_version"

    @staticmethod
    def text(facts: Facts) -> str:
        return version_text(facts.link.client_agent)
