"""A shadow whose clock, loop and log are in the hand of the test, and logins that were decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nacd.compliance.question import Question
from nacd.errors import Problem
from nacd.policy.model import Policy
from nacd.replay.candidate import Candidate, Comparing
from nacd.server.shadow.beside import Limits, Shadow
from nacd.server.shadow.loading import Faulty, Ready
from nacd.values import AuditEvent, Compliance, Instant
from tests.replay.conftest import Login, decided
from tests.replay.test_candidate import LIVE, OPEN, USUAL, fields

FIRST = 1_790_000_000.0


def ready(candidate: Any = None, *, digest: str = "open", live: str = "live") -> Ready:
    made = candidate or Candidate(OPEN, USUAL, live_digest=live)
    return Ready(file="next.yaml", digest=digest, live_digest=live, rules=1, profiles=2, candidate=made)


def faulty() -> Faulty:
    return Faulty(file="next.yaml", problems=(Problem(file="next.yaml", line=3, column=7, message="no"),))


@dataclass(slots=True, kw_only=True)
class Slow:
    """A candidate that takes its time before each stop on the way and at the end. raises: what it does with each
    decision instead."""

    bench: Bench
    takes_s: float = 0.0
    stops: int = 0
    raises: Exception | None = None
    compared: int = 0
    inner: Candidate = field(default_factory=lambda: Candidate(OPEN, USUAL, live_digest="live"))

    def compare(self, made: Any, learn: Any) -> Comparing:
        self.compared += 1
        for _ in range(self.stops):
            self.bench.now_s += self.takes_s
            yield
        self.bench.now_s += self.takes_s
        if self.raises is not None:
            raise self.raises
        return (yield from self.inner.compare(made, learn))


class Bench:
    """Logins under ``LIVE``, which the shadow would all give `corp`."""

    def __init__(self, login: Callable[..., Login], limits: Limits | None = None) -> None:
        self._login = login
        self.now_s = 0.0
        self.written: list[AuditEvent] = []
        self.planned: list[tuple[float, Callable[[], None]]] = []
        self.known: dict[str, Compliance] = {}
        self.asked: list[Question] = []
        self.shadow = Shadow(
            record=self._record, peek=self._peek, clock=self.clock, later=self._later, limits=limits or Limits()
        )
        self.shadow.adopt(ready())

    def clock(self) -> Instant:
        return Instant(wall=FIRST + self.now_s, monotonic=self.now_s)

    def event(self, answer: str = "noncompliant", *, live: Policy = LIVE, **how: Any) -> AuditEvent:
        one = self._login(answer=answer, **how)
        return AuditEvent(code="A1001I", fields=fields(one, *decided(live, one)))

    def decide(self, answer: str = "noncompliant", **how: Any) -> None:
        self.shadow.take(self.event(answer, **how))

    def step(self) -> float:
        """Let the loop turn until the next thing that is planned; how long that took it, seconds."""
        wait_s, work = self.planned.pop(0)
        self.now_s += wait_s
        before = self.now_s
        work()
        return self.now_s - before

    def run(self) -> None:
        while self.planned:
            self.step()

    def codes(self) -> list[str]:
        return [event.code for event in self.written]

    def _record(self, events: Sequence[AuditEvent], now: Instant) -> None:
        self.written += events

    def _peek(self, asked: Question, now: Instant) -> Compliance | None:
        self.asked.append(asked)
        return self.known.get(asked.key)

    def _later(self, delay_s: float, work: Callable[[], None]) -> None:
        self.planned.append((delay_s, work))
