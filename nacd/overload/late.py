"""Answers that are ready and are held back for a moment.

Knows: when each is due. Refuses to know: what they are. All wait equally long, so they leave in the order they came.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from nacd.values import Instant

Answer = TypeVar("Answer")


class LateAnswers(Generic[Answer]):
    """delay_s: how long each waits; 0: not at all. capacity: how many may wait; more leave at once."""

    def __init__(self, *, delay_s: float, capacity: int = 10_000) -> None:
        self._delay_s = delay_s
        self._capacity = capacity
        self._waiting: deque[tuple[float, Answer]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, answer: Answer, now: Instant) -> bool:
        """Keep it for its time; False when it should leave now."""
        if not self._delay_s or len(self._waiting) >= self._capacity:
            return False
        self._waiting.append((now.monotonic + self._delay_s, answer))
        return True

    def all(self) -> tuple[Answer, ...]:
        """Everything, due or not."""
        out = tuple(answer for _, answer in self._waiting)
        self._waiting.clear()
        return out

    def due(self, now: Instant) -> tuple[Answer, ...]:
        """What has waited long enough."""
        out: list[Answer] = []
        while self._waiting and self._waiting[0][0] <= now.monotonic:
            out.append(self._waiting.popleft()[1])
        return tuple(out)
