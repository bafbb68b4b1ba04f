"""How a full file gets its index.

Knows: where the index is made. Refuses to know: what is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from nacd.keeper.sealing import Going

Build: TypeAlias = Callable[[Path, str, Going], None]
"""Of the file with this name beside this live one. Raises CannotIndex, OSError, and whatever going raises."""


class CannotIndex(Exception):
    """The text says why."""


def build(live: Path, name: str, going: Going) -> None:
    """Make the index of one full file, in place of one that may be there. As ``Build``."""
    from nacd.store.trail.reading import Unreadable, alone
    from nacd.store.trail_index import building

    try:
        building.build(alone(live.parent / name), told=lambda _octets: going())
    except (building.CannotBuild, Unreadable) as cannot:
        raise CannotIndex(str(cannot)) from None
