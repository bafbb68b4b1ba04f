"""Which rules above are weaker than a rule, so that nothing is left for it.

Knows: how to find them without trying all pairs. Refuses to know: what to say of it (``lint``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from nacd.policy.answered import ComplianceIs
from nacd.policy.conditions import NOT, Condition, Not
from nacd.policy.implies import implies, landmarks, sightings
from nacd.policy.model import Rule


class Comparison:
    """Which rules above are weaker than one, compliance apart.

    Ten thousand rules make fifty million pairs. A weaker rule asks nothing that the narrower one does not make sure, so
    its rarest condition must be implied by one of the narrower rule's; and which conditions these can be is looked up
    (``implies.landmarks``), not tried. Equal pairs of conditions are looked at once. Where all that is still too much
    (thousands of patterns alike), the looking ends after ``_PAIRS`` pairs, and ``gave_up`` is true.
    """

    def __init__(self, rules: tuple[Rule, ...], groups: Mapping[str, frozenset[str]]) -> None:
        self._groups = groups
        numbers: dict[Condition, int] = {}
        others = [[c for c in rule.conditions if not is_of_states(c)] for rule in rules]
        count = Counter(numbers.setdefault(c, len(numbers)) for conditions in others for c in conditions)
        self._conditions = list(numbers)
        self._have = [{c.key: numbers[c] for c in conditions} for conditions in others]
        self._want = [
            [(c.key, numbers[c]) for c in sorted(conditions, key=lambda c: count[numbers[c]])] for conditions in others
        ]
        self._known: dict[tuple[int, int], bool] = {}
        self._catching_all = [number for number, want in enumerate(self._want) if not want]
        self._by_landmark: dict[tuple[str, str], set[int]] = {}
        self._by_rarest: dict[int, list[int]] = {}
        for number, want in enumerate(self._want):
            if want:
                key, rarest = want[0]
                self._by_rarest.setdefault(rarest, []).append(number)
                for mark in landmarks(self._conditions[rarest]):
                    self._by_landmark.setdefault((key, mark), set()).add(rarest)
        self._wider: dict[int, tuple[int, ...]] = {}
        self._left = _PAIRS

    @property
    def gave_up(self) -> bool:
        return self._left <= 0

    def above(self, narrow: int) -> Iterator[int]:
        """Rules above number ``narrow`` that take every request that it takes, in their order."""
        have = self._have[narrow]
        found = {number for number in self._catching_all if number < narrow}
        for condition in have.values():
            for rarest in self._wider_than(condition):
                for number in self._by_rarest[rarest]:
                    if number >= narrow or self.gave_up:
                        break
                    self._left -= 1
                    if self._has_all(have, self._want[number]):
                        found.add(number)
        yield from sorted(found)

    def _has_all(self, have: Mapping[str, int], wanted: list[tuple[str, int]]) -> bool:
        return all(have.get(key) == want or self._supported(have, key, want) for key, want in wanted)

    def _wider_than(self, condition: int) -> tuple[int, ...]:
        """The rarest conditions of some rules that this one implies."""
        if self.gave_up:
            return ()
        if condition not in self._wider:
            have = self._conditions[condition]
            marked = [
                self._by_landmark.get((key, mark), ())
                for key in _supported_by(have.key)
                for mark in sightings(have, key, self._groups)
            ]
            candidates = set[int]().union(*marked)
            self._left -= len(candidates)
            self._wider[condition] = tuple(
                each for each in sorted(candidates) if each == condition or self._implies(condition, each)
            )
        return self._wider[condition]

    def _supported(self, have: Mapping[str, int], key: str, want: int) -> bool:
        return any(other in have and self._implies(have[other], want) for other in _support(key))

    def _implies(self, have: int, want: int) -> bool:
        pair = (have, want)
        if pair not in self._known:
            self._known[pair] = implies(self._conditions[have], self._conditions[want], self._groups)
        return self._known[pair]


_PAIRS: Final = 500_000
_SUPPORT: Final = {"mac": ("mac", "mac_in"), "mac_in": ("mac_in", "mac"), "group": ("group", "nas")}
"""Conditions that can make another one sure, where it is not just the same key."""


def _support(key: str) -> tuple[str, ...]:
    """The keys of conditions that can make one with this key sure. Under `not` it is the other way round."""
    if not key.startswith(_NOT):
        return _SUPPORT.get(key, (key,))
    inner = key.removeprefix(_NOT)
    return (inner, key, *(f"{_NOT}{other}" for other, keys in _SUPPORT.items() if inner in keys and inner != other))


def _supported_by(key: str) -> tuple[str, ...]:
    """The keys of conditions that one with this key can make sure."""
    if key.startswith(_NOT):
        return tuple(f"{_NOT}{other}" for other in _support(key.removeprefix(_NOT)))
    return (key, f"{_NOT}{key}", *(other for other, keys in _SUPPORT.items() if key in keys and key != other))


_NOT: Final = f"{NOT}."


def is_of_states(condition: Condition) -> bool:
    return isinstance(condition.inner if isinstance(condition, Not) else condition, ComplianceIs)
