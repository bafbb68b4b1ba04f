"""What the gate says of climbs: asked about all of them together, put into force some at a time.

Knows: which ruling is whose and not in force yet. Refuses to know: what the gate rests on, and what follows.

Theory. A batch must stay a batch for the guard, and one word of an admin may be about twenty thousand sessions, each of
which is a write and a record: RADIUS would wait for all of them. So only the question is one; a newer ruling takes the
place of one that is not in force yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nacd.server.sessions.loop.climbing import Climbing
from nacd.server.sessions.loop.gate import Gate
from nacd.server.sessions.targets import Targets
from nacd.session.guard import Hold, Ruling
from nacd.values import Instant


class Rulings:
    """For one event loop."""

    def __init__(self, gate: Gate, targets: Targets) -> None:
        self._gate = gate
        self._targets = targets
        self._ruled: dict[int, tuple[Climbing, Ruling]] = {}

    def __len__(self) -> int:
        """How many are not in force yet."""
        return len(self._ruled)

    def cannot(self, each: Climbing) -> str:
        """Why its NAS cannot be asked anything, a clause; ``""`` if it can."""
        return self._targets.why_not(each.session)

    def judge(self, batch: Sequence[Climbing], now: Instant) -> None:
        """Ask about all of them together; its ruling is what is held, and until when."""
        for each, ruling in zip(batch, self._ask(batch, now), strict=True):
            _put(each, ruling, now)

    def ask(self, batch: Sequence[Climbing], now: Instant, *, due: bool = False) -> None:
        """As ``judge``, but each ruling is in force when it is taken. due: nothing but time has passed, so what was
        ruled already stays so: whoever was let go is let go once."""
        batch = [each for each in batch if not (due and each.session.id in self._ruled)]
        for each, ruling in zip(batch, self._ask(batch, now), strict=True):
            self._ruled[each.session.id] = (each, ruling)

    def take(self, most: int, now: Instant) -> list[tuple[Climbing, str]]:
        """At most so many whose ruling is in force from now on, and what held each of them before."""
        taken: list[tuple[Climbing, str]] = []
        while self._ruled and len(taken) < most:
            each, ruling = self._ruled.pop(next(iter(self._ruled)))
            taken.append((each, each.pending.held))
            _put(each, ruling, now)
        return taken

    def drop(self, id: int) -> None:
        """Nothing is wanted of it any more, or something else."""
        self._ruled.pop(id, None)

    def _ask(self, batch: Sequence[Climbing], now: Instant) -> list[Ruling]:
        return self._gate.ask([each.change(self.cannot(each)) for each in batch], now)


def _put(each: Climbing, ruling: Ruling, now: Instant) -> None:
    held = ruling.why if isinstance(ruling, Hold) else ""
    each.due = ruling.until if isinstance(ruling, Hold) else now.monotonic
    if held != each.pending.held:
        each.climb = replace(each.climb, pending=replace(each.pending, held=held))
