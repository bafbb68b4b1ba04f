"""How much each area of the log says, and until when.

Knows: areas, levels, and that a change by a person ends by itself. Refuses to know: lines, and who may change it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

LEVELS: Final = ("debug", "info", "warning", "error")
ALL: Final = ""
"""Every area that has no level of its own."""
_AREAS: Final = """
    audit bulk control daemon inventory keeper listener log lookup mab metrics monitor reload rotation sessions shadow
    signing upkeep verdicts
"""
AREAS: Final = tuple(_AREAS.split())
"""All that there are, also those that speak in trouble alone."""
_NUMBERS: Final = {name: logging.getLevelNamesMapping()[name.upper()] for name in LEVELS} | {
    "warn": logging.WARNING,
    "exception": logging.ERROR,
    "critical": logging.CRITICAL,
    "fatal": logging.CRITICAL,
}


class WrongLevels(ValueError):
    """This names no levels; the text says how they are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One area. left_s: seconds until it is ``then`` again; 0.0 where that is never."""

    area: str
    level: str
    left_s: float = 0.0
    then: str = ""


class Levels:
    """Of one process."""

    def __init__(self) -> None:
        self._areas: set[str] = set()
        self._set: dict[str, str] = {ALL: "info"}
        self._for_now: dict[str, tuple[str, float]] = {}

    def know(self, area: str) -> None:
        """There is such an area."""
        self._areas.add(area)

    def begin(self, said: str) -> None:
        """As at start: ``info``, or ``info,lookup=debug``. Raises WrongLevels."""
        self._set, self._for_now = read(said), {}

    def put(self, area: str, level: str, until_s: float) -> None:
        """Have another level until then (monotonic seconds; 0.0: for good). area: ``ALL`` for those without one of
        their own. Raises WrongLevels."""
        _check(level)
        if area != ALL and area not in self._areas:
            raise WrongLevels(f"`{area[:40]}` is no area: there are {', '.join(sorted(self._areas))}")
        self._for_now.pop(area, None)
        if until_s:
            self._for_now[area] = (level, until_s)
        else:
            self._set[area] = level

    def lets_through(self, area: str, level: str, now_s: float) -> bool:
        """Whether a line of this level is written."""
        return _NUMBERS.get(level, logging.ERROR) >= _NUMBERS[self.of(area, now_s)]

    def of(self, area: str, now_s: float) -> str:
        """Its level."""
        for each in (area, ALL):
            if self._for_now and (found := self._for_now.get(each)) is not None and now_s < found[1]:
                return found[0]
            if each in self._set:
                return self._set[each]
        return self._set[ALL]

    def over(self, now_s: float) -> tuple[Shown, ...]:
        """What has ended by now, each told once, with the level it has again."""
        ended = [area for area, (_, until) in self._for_now.items() if now_s >= until]
        for area in ended:
            del self._for_now[area]
        return tuple(Shown(area=area, level=self.of(area, now_s)) for area in ended)

    def shown(self, now_s: float) -> tuple[Shown, ...]:
        """Every area; the first row is for all others."""
        return tuple(self._row(area, now_s) for area in (ALL, *sorted(self._areas)))

    def _row(self, area: str, now_s: float) -> Shown:
        own = self._for_now.get(area) or (self._for_now.get(ALL) if area not in self._set else None)
        if own is None or now_s >= own[1]:
            return Shown(area=area, level=self.of(area, now_s))
        then = self._set.get(area, self._set[ALL])
        return Shown(area=area, level=own[0], left_s=own[1] - now_s, then=then)


def read(said: str) -> dict[str, str]:
    """``info,lookup=debug`` as levels by area. Raises WrongLevels."""
    found = {ALL: "info"}
    for part in filter(None, (each.strip() for each in said.split(","))):
        area, sign, level = part.rpartition("=")
        if sign and not area:
            raise WrongLevels(f"`{part[:40]}` names no area: write `lookup=debug`")
        if area and area not in AREAS:
            raise WrongLevels(f"`{area[:40]}` is no area: there are {', '.join(AREAS)}")
        _check(level)
        found[area] = level
    return found


def _check(level: str) -> None:
    if level not in LEVELS:
        raise WrongLevels(f"`{level[:40]}` is no level: there are {', '.join(LEVELS)}")
