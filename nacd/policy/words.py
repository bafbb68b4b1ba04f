"""What all conditions share: the shape of a test, and how choices, absent facts and spans of time are worded.

Here are also the shapes that many conditions have: a text out of some, a text by patterns, a version within a bound.
Refuses to know: any one condition.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, TypeAlias

from nacd.policy import glob
from nacd.values import Facts

Predicate: TypeAlias = Callable[[Facts], bool]


def any_of(values: Iterable[str]) -> str:
    """```a`, `b` or `c```: words for a list of which one is wanted."""
    words = [f"`{value}`" for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def or_nothing(text: str, name: str) -> str:
    """What a fact is, or that there is none."""
    return f"{name} is `{text}`" if text else f"there is no {name}"


def all_of(texts: Iterable[str], name: str) -> str:
    """What a fact of several values is, or that there is none."""
    found = [f"`{text}`" for text in texts if text]
    return f"{name} is {' and '.join(found)}" if found else f"there is no {name}"


def span(seconds: float) -> str:
    """Seconds as an admin would write them (``4h15m``). A part of a second counts as a whole one: what is over a
    limit must not look as if it were the limit."""
    rest = math.ceil(seconds)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


# -- versions --------------------------------------------------------------------------------

Version: TypeAlias = tuple[int, ...]
_VERSION: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,7}(?![\w.])")


@lru_cache(maxsize=1_024)
def version(text: str) -> Version:
    """The dotted number that the text begins with, zeros at its end left out; ``()`` if it begins with none.

    Intune writes ``10.0.19045.4046``, ``17.5.1`` and also ``14.4.1 (23E224)``.
    """
    found = _VERSION.match(text)
    numbers = [int(part) for part in found.group().split(".")] if found else []
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


# -- shapes ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """A text of the facts is one of these, letter by letter."""

    key: ClassVar[str]
    cost: ClassVar[int] = 1
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    names: frozenset[str]

    @staticmethod
    def text(facts: Facts) -> str:
        """What is held against them; ``""`` for none, which is never one of them."""
        raise NotImplementedError

    def test(self) -> Predicate:
        names, text = self.names, self.text
        return lambda facts: text(facts) in names

    def wanted(self) -> str:
        return any_of(sorted(self.names))

    def seen(self, facts: Facts) -> str:
        return or_nothing(self.text(facts), self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """One of the texts of the facts is one of these; case does not count, they are in lower case."""

    key: ClassVar[str]
    cost: ClassVar[int] = 2
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    names: frozenset[str]

    @staticmethod
    def texts(facts: Facts) -> tuple[str, ...]:
        """What is held against them."""
        raise NotImplementedError

    def test(self) -> Predicate:
        names, texts = self.names, self.texts
        return lambda facts: any(text.casefold() in names for text in texts(facts))

    def wanted(self) -> str:
        return any_of(sorted(self.names))

    def seen(self, facts: Facts) -> str:
        return all_of(self.texts(facts), self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """One of the texts of the facts fits one of these patterns; case does not count."""

    key: ClassVar[str]
    cost: ClassVar[int] = 2
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    patterns: tuple[str, ...]

    @staticmethod
    def texts(facts: Facts) -> tuple[str, ...]:
        """What is held against them."""
        raise NotImplementedError

    def test(self) -> Predicate:
        fits, texts = glob.any_compiled(self.patterns), self.texts
        return lambda facts: any(text != "" and fits(text) for text in texts(facts))

    def wanted(self) -> str:
        return any_of(self.patterns)

    def seen(self, facts: Facts) -> str:
        return all_of(self.texts(facts), self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionBound:
    """A version of the facts, number by number: at least this one, or below it. What has no version never is either."""

    key: ClassVar[str]
    cost: ClassVar[int] = 2
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    version: Version
    below: bool

    @staticmethod
    def text(facts: Facts) -> str:
        """What begins with the version."""
        raise NotImplementedError

    def test(self) -> Predicate:
        wanted, below, text = self.version, self.below, self.text

        def test(facts: Facts) -> bool:
            found = version(text(facts))
            return found != () and (found < wanted if below else found >= wanted)

        return test

    def wanted(self) -> str:
        return f"{'below' if self.below else 'at least'} `{'.'.join(map(str, self.version))}`"

    def seen(self, facts: Facts) -> str:
        return or_nothing(self.text(facts), self.key)
