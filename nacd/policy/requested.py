"""Conditions on what a request says of the endpoint: its MAC, the wireless network.

Knows: how to test each. Refuses to know: how an admin spells it (``config/``) and how a list is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from nacd.policy.words import Predicate, any_of, or_nothing
from nacd.values import Facts


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
class MacIn:
    """The endpoint's MAC is on a list kept in a file."""

    key: ClassVar[str] = "mac_in"
    cost: ClassVar[int] = 1
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    files: tuple[str, ...]
    macs: frozenset[str] = field(repr=False)

    def beginnings(self) -> Iterable[str]:
        """Whole MACs."""
        return self.macs

    def test(self) -> Predicate:
        macs = self.macs
        return lambda facts: facts.mac in macs

    def wanted(self) -> str:
        return f"one of {any_of(self.files)}"

    def seen(self, facts: Facts) -> str:
        if not facts.mac:
            return "there is no mac"
        return f"mac `{facts.mac}` is {'' if facts.mac in self.macs else 'not '}in {any_of(self.files)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SsidIs:
    """The wireless network's name; its case counts (IEEE 802.11 compares octets)."""

    key: ClassVar[str] = "ssid"
    cost: ClassVar[int] = 1
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    names: frozenset[str]

    def test(self) -> Predicate:
        names = self.names
        return lambda facts: facts.ssid in names

    def wanted(self) -> str:
        return any_of(sorted(self.names))

    def seen(self, facts: Facts) -> str:
        return or_nothing(facts.ssid, "ssid")
