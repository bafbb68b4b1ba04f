"""Rules made ready to be tried, and which of them are to be tried at all.

Knows: how conditions become steps, and how to leave out what surely fails. Refuses to know: what a rule is besides its
conditions, and what follows from one that matches (``evaluate``).

Theory. Of ten thousand rules most belong to other sites, and most of the rest name somebody else. What the access
kind and the NAS decide is looked at once for each of them and kept: rules that name a NAS or a group are found by those
names, so that a NAS seen for the first time does not make all rules be looked at. Of what is left, rules that name
MACs, users or networks are found by the endpoint's own. Whatever is found in one of these ways has passed that test.
The rule that decides is the one that trying all of them in order would find.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from nacd.policy import glob
from nacd.policy.answered import ComplianceIs
from nacd.policy.certified import IssuerMatches
from nacd.policy.conditions import AccessIs, Condition, GroupIs, NasIs, Not, UserMatches
from nacd.policy.glob import TextTest
from nacd.policy.implies import reachable
from nacd.policy.requested import DeviceIn, InventoryHas, Listed, MacIn, MacMatches, SsidIs
from nacd.policy.words import Predicate
from nacd.values import AccessKind, ComplianceState, Facts, Nas, Unidentified

R = TypeVar("R")
Entries = tuple[int, Iterable[str]]

_NASES_KEPT: Final = 4_096
_TEXTS_KEPT: Final = 256
_EVERYTHING: Final = frozenset(ComplianceState)


class Step(NamedTuple, Generic[R]):
    """A rule made ready: what is left to test, cheapest first, and what it asks of Intune's answer.

    states: those it accepts, empty when it does not care (or names every state there is). late: tests of the answer
    beside its state. A rule with neither does not wait for an answer.
    """

    tests: tuple[Predicate, ...]
    states: tuple[ComplianceState, ...]
    late: tuple[Predicate, ...]
    rule: R

    @property
    def takes_everything(self) -> bool:
        return not self.tests and not self.states and not self.late


class Numbers(Protocol):
    """Numbers of rules by a text."""

    def get(self, text: str, otherwise: tuple[int, ...], /) -> tuple[int, ...]:
        """Of those that it leads to."""
        ...


class Fitting:
    """Rules by a text that fits their pattern. There are few such texts, each of a CA that was trusted: what each fits
    is found out once and kept."""

    def __init__(self, patterns: Sequence[tuple[int, TextTest]]) -> None:
        self._patterns = patterns
        self._known: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, text: str, otherwise: tuple[int, ...], /) -> tuple[int, ...]:
        """In the order of the rules."""
        del otherwise
        found = self._known.get(text)
        if found is None:
            if len(self._known) >= _TEXTS_KEPT:
                self._known.clear()
            found = self._known[text] = tuple([number for number, fits in self._patterns if fits(text)])
        return found


class Index(NamedTuple):
    """Numbers of rules by a text that they name, whole or (where there are lengths) by its beginning.

    of: that text of some facts, ``""`` for none. One for the whole policy: lists may be long. lengths: none for texts
    of words, each on a line, by any of which a rule is found.
    """

    of: Callable[[Facts], str]
    rules: Numbers
    lengths: tuple[int, ...]

    def find(self, text: str) -> Iterator[int]:
        """Rules that name it, some perhaps twice."""
        if not self.lengths:
            for word in text.split("\n"):
                yield from self.rules.get(word, ())
        for length in self.lengths:
            yield from self.rules.get(text[:length], ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps(Generic[R]):
    """The rules that can match one access kind on one NAS, ready to be tried.

    always: those that are tried for everybody, in order; numbers: theirs. here, anywhere: the others, which an index
    finds, by number: those that only some NASes have, and those of every NAS.
    """

    always: tuple[tuple[int, Step[R]], ...]
    numbers: tuple[int, ...]
    here: Mapping[int, Step[R]]
    anywhere: Mapping[int, Step[R]]
    indexes: tuple[Index, ...]

    def of(self, facts: Facts) -> Iterable[tuple[int, Step[R]]]:
        """The steps to try for this endpoint, in the order of the rules."""
        found: dict[int, Step[R]] = {}
        for index in self.indexes:
            text = index.of(facts)
            if not text:
                continue
            for number in index.find(text):
                step = self.anywhere.get(number) or self.here.get(number)
                if step is not None:
                    found[number] = step
        return self._with(found) if found else self.always

    def _with(self, found: Mapping[int, Step[R]]) -> Iterator[tuple[int, Step[R]]]:
        done = 0
        for number in sorted(found):
            until = bisect_left(self.numbers, number)
            yield from self.always[done:until]
            yield number, found[number]
            done = until
        yield from self.always[done:]


class Compiled(Generic[R]):
    """All rules of one policy. Steps are made when it is, and sorted out by access kind and NAS when somebody asks.

    rules: each with its conditions, in order.
    """

    def __init__(self, rules: Sequence[tuple[R, Sequence[Condition]]]) -> None:
        self._steps: dict[int, Step[R]] = {}
        self._settled: dict[int, tuple[Predicate, ...]] = {}
        self._by_group: dict[str, list[int]] = {}
        self._by_nas: dict[str, list[int]] = {}
        self._placed: list[int] = []
        anywhere: list[int] = []
        entries: dict[int, Entries] = {}
        for number, (rule, conditions) in enumerate(rules):
            if not reachable(conditions):
                continue
            named = _named(conditions)
            if named is not None:
                entries[number] = named[1]
            passed = named[0] if named is not None and not _ends(named[0]) else None
            rest = [each for each in conditions if not each.settled_by_nas and each is not passed]
            self._steps[number] = _step(rule, rest)
            self._settled[number] = tuple(each.test() for each in conditions if each.settled_by_nas)
            for place in self._places(conditions, anywhere):
                place.append(number)
        self._named = frozenset(entries)
        self._indexes = _indexes(entries)
        self._anywhere = {access: self._sorted_out(access, _NOBODY, anywhere) for access in AccessKind}
        self._known: dict[tuple[object, ...], Steps[R]] = {}

    def steps(self, access: AccessKind, nas: Nas) -> Steps[R]:
        """The rules that can match here, worked out once for each access kind and NAS and kept."""
        key = (access, nas.name, nas.groups, nas.vendor, nas.location)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _NASES_KEPT:
                self._known.clear()
            known = self._known[key] = self._make(access, nas)
        return known

    def _places(self, conditions: Sequence[Condition], anywhere: list[int]) -> Iterator[list[int]]:
        """Where a rule is kept until a NAS asks."""
        for condition in conditions:
            if isinstance(condition, NasIs):
                for name in condition.names:
                    yield self._by_nas.setdefault(name, [])
                return
            if isinstance(condition, GroupIs):
                for group in condition.groups:
                    yield self._by_group.setdefault(group, [])
                return
        placed = any(each.settled_by_nas and not _is_of_access(each) for each in conditions)
        yield self._placed if placed else anywhere

    def _make(self, access: AccessKind, nas: Nas) -> Steps[R]:
        candidates = {*self._placed, *self._by_nas.get(nas.name, ())}
        for group in nas.groups:
            candidates.update(self._by_group.get(group, ()))
        always, here = self._sorted_out(access, nas, sorted(candidates))
        common, anywhere = self._anywhere[access]
        both = sorted(common + always, key=_number)
        end = next((at for at, (_, step) in enumerate(both, 1) if step.takes_everything), len(both))
        tried = tuple(both[:end])
        return Steps(
            always=tried,
            numbers=tuple([number for number, _ in tried]),
            here=here,
            anywhere=anywhere,
            indexes=self._indexes if here or anywhere else (),
        )

    def _sorted_out(
        self, access: AccessKind, nas: Nas, numbers: Iterable[int]
    ) -> tuple[list[tuple[int, Step[R]]], dict[int, Step[R]]]:
        """Of these rules, those that can match here: tried always, and found by an index."""
        facts = Facts(access=access, nas=nas, identity=Unidentified(reason="not asked"))
        fit = [number for number in numbers if all(test(facts) for test in self._settled[number])]
        always = [(number, self._steps[number]) for number in fit if number not in self._named]
        return always, {number: self._steps[number] for number in fit if number in self._named}


_NOBODY: Final = Nas(name="", vendor="")


def _ends(condition: Condition) -> bool:
    """Whether being found in the index is not all: what is listed may count no more."""
    return isinstance(condition, Listed) and bool(condition.ends)


def _number(numbered: tuple[int, object]) -> int:
    return numbered[0]


def _is_of_access(condition: Condition) -> bool:
    return isinstance(condition.inner if isinstance(condition, Not) else condition, AccessIs)


def _step(rule: R, conditions: Iterable[Condition]) -> Step[R]:
    states = _EVERYTHING
    tests: list[Condition] = []
    late: list[Condition] = []
    for condition in conditions:
        match condition:
            case ComplianceIs(states=wanted):
                states &= frozenset(wanted)
            case Not(inner=ComplianceIs(states=unwanted)):
                states -= frozenset(unwanted)
            case _:
                (late if condition.waits else tests).append(condition)
    tests.sort(key=lambda condition: condition.cost)
    return Step(
        tests=tuple([condition.test() for condition in tests]),
        states=() if states == _EVERYTHING else tuple(sorted(states)),
        late=tuple([condition.test() for condition in late]),
        rule=rule,
    )


# -- what rules name -------------------------------------------------------------------------


_MAC, _DEVICE, _INVENTORY, _USER, _SSID, _ISSUER = range(6)
_TEXTS: Final[tuple[Callable[[Facts], str], ...]] = (
    lambda facts: facts.mac,
    DeviceIn.text,
    lambda facts: "\n".join(facts.inventory),
    lambda facts: facts.user.casefold(),
    lambda facts: facts.ssid,
    IssuerMatches.text,
)
_BY_BEGINNING: Final = frozenset({_MAC})


def _named(conditions: Iterable[Condition]) -> tuple[Condition, Entries] | None:
    """The condition by which an index can find a rule, and under what; the one that most likely leaves out most."""
    found = [(condition, entries) for condition in conditions if (entries := _entries(condition)) is not None]
    return min(found, key=lambda each: each[1][0], default=None)


def _entries(condition: Condition) -> Entries | None:
    match condition:
        case MacMatches() | MacIn():
            return _MAC, condition.beginnings()
        case DeviceIn():
            return _DEVICE, condition.beginnings()
        case InventoryHas(names=names):
            return _INVENTORY, names
        case UserMatches(patterns=patterns) if not any(set(pattern) & set("*?") for pattern in patterns):
            return _USER, {pattern.casefold() for pattern in patterns}
        case SsidIs(names=names):
            return _SSID, names
        case IssuerMatches(patterns=patterns):
            return _ISSUER, patterns
        case _:
            return None


def _indexes(entries: Mapping[int, Entries]) -> tuple[Index, ...]:
    """One for each kind of text that some rule names. The same numbers are kept once, however long the lists are."""
    found: dict[int, dict[str, tuple[int, ...]]] = {}
    longer: dict[tuple[tuple[int, ...], int], tuple[int, ...]] = {}
    patterns = [(number, tuple(texts)) for number, (kind, texts) in entries.items() if kind == _ISSUER]
    for number, (kind, texts) in entries.items():
        if kind == _ISSUER:
            continue
        rules = found.setdefault(kind, {})
        for text in texts:
            before = rules.get(text, ())
            after = longer.get((before, number))
            if after is None:
                after = longer[before, number] = (*before, number)
            rules[text] = after
    kinds = sorted(found.items())
    whole = [Index(of=_TEXTS[kind], rules=rules, lengths=_lengths(kind, rules)) for kind, rules in kinds]
    if patterns:
        fitting = Fitting([(number, glob.any_compiled(some)) for number, some in patterns])
        whole.append(Index(of=_TEXTS[_ISSUER], rules=fitting, lengths=(_WHOLE,)))
    return tuple(whole)


def _lengths(kind: int, texts: Iterable[str]) -> tuple[int, ...]:
    """How long the beginnings are that are to be looked up; a whole text is longer than any. None for words."""
    if kind == _INVENTORY:
        return ()
    return tuple(sorted({len(text) for text in texts})) if kind in _BY_BEGINNING else (_WHOLE,)


_WHOLE: Final = 1 << 20
