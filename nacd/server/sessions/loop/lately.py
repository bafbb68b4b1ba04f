"""Sessions of which nothing is wanted any more since a moment ago.

Knows: what the newest change on the disk has left of them. Refuses to know: why. Sessions are read in threads, so a
page may show something as wanted that has come about before anybody looks at the page; to decide upon that once more
would count against the guard and be recorded as a change that never was.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from nacd.sessions import Accounted, Change, Pending, Phase, Session

MOST: Final = 20_000
"""Far more than settle between a page's reading and its judging."""


class Lately:
    """For one thread."""

    def __init__(self) -> None:
        self._settled: OrderedDict[int, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._settled)

    def applied(self, change: Change, session: Session) -> None:
        """A change is on the disk, and the session is so now."""
        if isinstance(session.wish, Pending):
            self._settled.pop(session.id, None)
        elif not isinstance(change, Accounted) or session.phase is Phase.ENDED:
            self.settled(session.id)

    def settled(self, id: int) -> None:
        """Nothing is wanted of it."""
        self._settled[id] = None
        self._settled.move_to_end(id)
        if len(self._settled) > MOST:
            self._settled.popitem(last=False)

    def has_settled(self, read: Session) -> bool:
        """Whether what is wanted of it, as it was read, is wanted no more."""
        return isinstance(read.wish, Pending) and read.id in self._settled
