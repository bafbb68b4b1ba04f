"""``nacd log level``: how much the log says, by area.

Knows: what is told, and what may be changed for how long. Refuses to know: how it looks on a terminal.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from nacd.server.logs.levels import ALL, Levels, WrongLevels
from nacd.server.people.command import Asked, Command, OrderRefused
from nacd.server.people.roles import Role
from nacd.server.people.subject import number, text

_LONGEST_S: Final = 7 * 86_400
_ALL_AREAS: Final = "all"


def commands(levels: Levels) -> Mapping[str, Command]:
    """By name, for the control socket."""

    async def shown(asked: Asked) -> Any:
        del asked
        return _told(levels)

    async def put(asked: Asked) -> Any:
        area, level = text(asked.fields, "area"), text(asked.fields, "level")
        for_s = number(asked.fields, "for_s", 0, _LONGEST_S, 3_600)
        try:
            levels.put(ALL if area == _ALL_AREAS else area, level, time.monotonic() + for_s if for_s else 0.0)
        except WrongLevels as wrong:
            raise OrderRefused(str(wrong)) from None
        span = f"for {for_s} s" if for_s else "until nacd is started anew"
        asked.outcome = f"the log of {area} says {level} {span}"
        return _told(levels)

    return {"log.levels": Command(role=Role.READ, work=shown), "log.level": Command(role=Role.CONFIG, work=put)}


def _told(levels: Levels) -> dict[str, Any]:
    rows = levels.shown(time.monotonic())
    return {
        "areas": [
            {"area": each.area or _ALL_AREAS, "level": each.level, "left_s": round(each.left_s), "then": each.then}
            for each in rows
        ]
    }
