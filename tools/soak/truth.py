"""What was really so: the state of every device at any time, what Intune said, and what nacd's clock showed when.

Knows: the simulator's history of devices and of answers, the steps of nacd's wall clock, and when nacd may be without
an answer (``Windows``). Refuses to know: nacd, its records, its code, its own word on its breaker. All times are
seconds since the epoch on the machine's clock.

Theory. A breaker that opens for 5 s and doubles that up to a minute opens for 5, 10, 20 ... s one after the other while
a trouble lasts, so what is left of the last opening when the trouble ends is at most as long as the trouble lasted and
5 s more, and never more than a minute. A trouble that begins before the one before it is over finds the breaker where
that one left it, so both count as one that lasts since the first began. All this ends early when Intune is seen to
answer well: then nacd asks again, its breaker is closed and begins anew, and only what failed a moment ago is still
remembered.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from tools.soak.deck import LIES, UNDECIDED

_STEP_LAG_S: Final = 0.5
"""A moment read from the clock before a step may be written down so much after it."""
NOT_MANAGED: Final = "not_managed"
OPENS_S: Final = 5.0
LONGEST_S: Final = 60.0
_PROBE_S: Final = 2.0
_REMEMBERED_S: Final = 4.0


class Past:
    """The states of devices by key. changes: for each key (when, state), oldest first."""

    def __init__(self, changes: Mapping[str, Sequence[tuple[float, str]]]) -> None:
        self._at = {key: [at for at, _ in one] for key, one in changes.items()}
        self._states = {key: [state for _, state in one] for key, one in changes.items()}

    def knows(self, key: str) -> bool:
        """Whether Intune ever heard of this device."""
        return key in self._at

    def during(self, key: str, begin: float, end: float) -> set[str]:
        """Every state the device was in between the two, both included. ``not_managed`` before it was enrolled."""
        if key not in self._at:
            return {NOT_MANAGED}
        at, states = self._at[key], self._states[key]
        first, after = bisect_right(at, begin), bisect_right(at, end)
        return {states[first - 1] if first else NOT_MANAGED, *states[first:after]}

    def told(self, key: str) -> str:
        """The history in words, newest last."""
        rows = zip(self._at.get(key, ()), self._states.get(key, ()), strict=True)
        return ", ".join(f"{at:.3f} {state}" for at, state in list(rows)[-12:]) or "never heard of"


def past_of(history: Iterable[Mapping[str, Any]]) -> list[tuple[float, str]]:
    """The changes out of what the simulator remembers of one device."""
    return [(float(one["at"]), _state(one)) for one in history]


def _state(one: Mapping[str, Any]) -> str:
    if not one["enrolled"] or not one["registered"]:
        return NOT_MANAGED
    return "compliant" if one["compliant"] else "noncompliant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of Intune about one device: what was true while it was made lies between the two times.

    may_say: the states that whoever reads it right may take from it, beside what was true. fault: what was played.
    """

    asked: float
    answered: float
    may_say: frozenset[str] = frozenset()
    fault: str = ""


class Answers:
    """All answers by key, in the order they were asked for. What was cut, refused or answered by an error is none."""

    def __init__(self, seen: Iterable[Mapping[str, Any]]) -> None:
        self._by_key: dict[str, list[Answer]] = {}
        self._lists: list[Answer] = []
        for one in sorted(seen, key=lambda each: float(each["at"])):
            if int(one["status"]) not in (200, 404):
                continue
            lies = any(f"body {word}" in str(one["fault"]).split(", ") for word in LIES)
            doubts = any(f"body {word}" in str(one["fault"]).split(", ") for word in UNDECIDED)
            may_say = frozenset([NOT_MANAGED] * lies + ["unknown"] * doubts)
            asked, answered = float(one["at"]), float(one["answered_at"])
            answer = Answer(asked=asked, answered=answered, may_say=may_say, fault=str(one["fault"]))
            if one["kind"] == "bulk":
                self._lists.append(answer)
            else:
                self._by_key.setdefault(str(one["value"]).lower(), []).append(answer)

    def asked_between(self, key: str, begin: float, end: float) -> list[Answer]:
        """Answers about this device whose question came in between the two."""
        return _between(self._by_key.get(key.lower(), []), begin, end)

    def lists_between(self, begin: float, end: float) -> list[Answer]:
        """Pages of the list of noncompliant devices asked for between the two."""
        return _between(self._lists, begin, end)

    def well(self) -> list[float]:
        """When a device was asked about and answered without any fault, in order."""
        return sorted(one.answered for many in self._by_key.values() for one in many if not one.fault)

    def __len__(self) -> int:
        return sum(len(one) for one in self._by_key.values())


def _between(answers: Sequence[Answer], begin: float, end: float) -> list[Answer]:
    first = bisect_left(answers, begin, key=lambda one: one.asked)
    return list(answers[first : bisect_right(answers, end, key=lambda one: one.asked)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """nacd's wall clock. steps: (when, offset from the machine's clock then on), in order; before the first it is 0."""

    steps: tuple[tuple[float, float], ...] = field(default_factory=tuple)

    def real(self, shown: float, begin: float, end: float, tolerance_s: float = 0.05) -> list[float]:
        """Every moment between ``begin`` and ``end`` at which this clock can have shown that time, earliest first."""
        starts = [float("-inf"), *(at for at, _ in self.steps)]
        ends = [*(at + _STEP_LAG_S for at, _ in self.steps), float("inf")]
        offsets = [0.0, *(offset for _, offset in self.steps)]
        found = set()
        for start, stop, offset in zip(starts, ends, offsets, strict=True):
            at = shown - offset
            low, high = max(start, begin) - tolerance_s, min(stop, end) + tolerance_s
            if low <= at <= high:
                found.add(at)
        return sorted(found)

    def stepped_between(self, begin: float, end: float) -> bool:
        """Whether it was set between the two."""
        return any(begin <= at <= end for at, _ in self.steps)


# -- excuses -------------------------------------------------------------------------------------


class Trouble(Protocol):
    """Something that was on."""

    @property
    def begin(self) -> float:
        """Seconds since the epoch."""
        ...

    @property
    def end(self) -> float:
        """Seconds since the epoch."""
        ...

    @property
    def after_s(self) -> float:
        """Seconds of its own after its end."""
        ...

    @property
    def excuses(self) -> bool:
        """False for what nobody may notice."""
        ...


@dataclass(frozen=True, slots=True)
class _Window:
    begin: float
    end: float


class Windows:
    """Times in which ``unavailable`` is no wonder.

    restarts: (stopped, ready); after_start_s: a fresh daemon has no token yet. well: when Intune answered a question
    about a device as it should, in order.
    """

    def __init__(
        self,
        troubles: Iterable[Trouble],
        restarts: Iterable[tuple[float, float]] = (),
        *,
        well: Sequence[float] = (),
        after_start_s: float = 3.0,
    ) -> None:
        self._windows: list[_Window] = [_Window(begin, ready + after_start_s) for begin, ready in restarts]
        chain_began, over = float("-inf"), float("-inf")
        for trouble in sorted((one for one in troubles if one.excuses), key=lambda one: one.begin):
            if trouble.begin > over:
                chain_began = trouble.begin
            left_s = min(LONGEST_S, trouble.end - chain_began + OPENS_S) + _PROBE_S + trouble.after_s
            over = max(over, trouble.end + left_s)
            first = bisect_left(well, trouble.end)
            if first < len(well):
                over = min(over, max(well[first], trouble.end + trouble.after_s) + _REMEMBERED_S)
            self._windows.append(_Window(trouble.begin, over))

    def excuse(self, at: float) -> bool:
        """Whether there was a reason at this time, seconds since the epoch."""
        return any(one.begin <= at <= one.end for one in self._windows)

    def nearest(self, at: float) -> str:
        """The last reason before, in words."""
        before = [one for one in self._windows if one.begin <= at]
        if not before:
            return "nothing had gone wrong yet"
        last = max(before, key=lambda one: one.end)
        return f"the last reason ended {at - last.end:.1f} s before"

    def without_s(self, begin: float, end: float) -> float:
        """Seconds between the two in which there is no excuse at all."""
        free_s, at = 0.0, begin
        for one in sorted(self._windows, key=lambda each: each.begin):
            free_s += max(0.0, min(one.begin, end) - at)
            at = max(at, one.end)
        return free_s + max(0.0, end - max(at, begin))
