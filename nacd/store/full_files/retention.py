"""Which full files are due to be deleted.

Knows: how old and how large a trail may grow. Refuses to know: the disk, the clock (``now`` is given), how a file goes.

The newest full file and the live one always stay. A file is as old as its last record: what its successor's name and
its own time of change say, whichever is later, so that a clock that jumped or a file that was touched only keeps it
longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from nacd.store.full_files.folder import Full


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How much of the trail stays. age_s: seconds, None for ever. octets: of all full files with their indexes, None
    for as much as the disk holds. words: for people."""

    age_s: float | None = None
    octets: int | None = None
    age_words: str = ""
    octets_words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One file that is to go, and by which rule."""

    full: Full
    why: str


def due(full: Sequence[Full], keep: Keep, now: float) -> tuple[Due, ...]:
    """Those that are to go, oldest first. full: oldest first. now: seconds since the epoch."""
    found = []
    total = sum(one.octets for one in full)
    for one, following in pairwise(full):
        ended = max(following.begun, one.changed)
        if keep.age_s is not None and now - ended > keep.age_s:
            found.append(Due(full=one, why=f"audit.keep.for: {keep.age_words}"))
        elif keep.octets is not None and total > keep.octets:
            found.append(Due(full=one, why=f"audit.keep.size: {keep.octets_words}"))
        else:
            # What is older goes first: no hole in the middle.
            break
        total -= one.octets
    return tuple(found)
