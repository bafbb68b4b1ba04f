"""A lookup with its parts in reach, for the tests beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

from nacd.compliance.breaker import Breaker, BreakerOptions
from nacd.compliance.cache import Lifetimes, VerdictCache
from nacd.compliance.question import Question
from nacd.server.lookups.knowledge import Knowledge, NoShelf, Shelf
from nacd.server.lookups.lookup import Lookup, LookupOptions
from nacd.server.lookups.witness import Witness
from nacd.values import AccessRequest, AuditEvent, Compliance, ComplianceState, DeviceId, Nas
from tests.server.house import Clock, Register


class Drawer:
    """A shelf in a dictionary. ``slow`` set: reading it takes that many seconds."""

    def __init__(self) -> None:
        self.kept: dict[str, Compliance] = {}
        self.reads = 0
        self.wait: Callable[[], None] = lambda: None

    def find(self, tenant: str, key: str) -> Compliance | None:
        self.reads += 1
        self.wait()
        return self.kept.get(f"{tenant}/{key}")

    def put(self, tenant: str, key: str, compliance: Compliance, *, newest: bool = False) -> Future[bool]:
        self.kept[f"{tenant}/{key}"] = compliance
        done: Future[bool] = Future()
        done.set_result(True)
        return done


DEADLINE_S = 2.0


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time can be pushed on: a deadline passes when the test says so, however busy the machine."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


class Bench:
    """A lookup with its parts in reach."""

    def __init__(
        self,
        *,
        deadline_s: float = DEADLINE_S,
        stale_wait_s: float = 1.0,
        max_waiting: int = 100,
        failures_to_open: int = 5,
        per_port: int = 100,
        shelf: Shelf | None = None,
        per_s: float = 1000.0,
        threads: int = 4,
    ) -> None:
        self.told: list[tuple[Question, Compliance]] = []
        """What whoever listens for verdicts was told."""
        self.recalled: list[tuple[str, Compliance]] = []
        """What came back from disk."""
        self.ears: Callable[[Question, Compliance], None] = lambda _question, _verdict: None
        """What he does at once."""
        self.written: list[AuditEvent] = []
        """Records for the audit log."""
        self.register = Register()
        self.clock = Clock()
        self.cache = VerdictCache(Lifetimes())
        self.breaker = Breaker(BreakerOptions(failures_to_open=failures_to_open))
        self.lookup = Lookup(
            source=self.register,
            knowledge=Knowledge(
                tenant="intune",
                cache=self.cache,
                shelf=shelf or NoShelf(),
                clock=self.clock,
                on_recall=lambda key, kept: self.recalled.append((key, kept)),
            ),
            breaker=self.breaker,
            options=LookupOptions(
                deadline_s=deadline_s,
                stale_wait_s=stale_wait_s,
                threads=threads,
                max_waiting=max_waiting,
                max_per_nas=100,
                max_per_port=per_port,
                logins_per_s=per_s,
                polls_per_s=per_s,
            ),
            clock=self.clock,
            on_verdict=self._hear,
            witness=Witness(lambda event, _now: self.written.append(event)),
        )

    def _hear(self, question: Question, verdict: Compliance) -> None:
        self.told.append((question, verdict))
        self.ears(question, verdict)

    def run(self, story: Callable[[], Awaitable[None]]) -> None:
        async def told() -> None:
            try:
                await story()
            finally:
                self.register.open.set()
                await self.lookup.close()

        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(told())

    def passes(self, seconds: float) -> None:
        """So much time is over, for clocks and for whoever waits."""
        self.clock.ahead_s += seconds
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        loop.ahead_s += seconds

    async def ask(self, number: int = 1) -> Compliance:
        return await self.lookup.compliance(device(number), from_port())

    async def missed(self, number: int = 1) -> Compliance:
        """What is said at the deadline of one whom Intune was asked about, and has not answered yet."""
        asked = len(self.register.calls)
        asking = asyncio.ensure_future(self.ask(number))
        await self.until(lambda: len(self.register.calls) > asked)
        self.passes(DEADLINE_S + 0.1)
        return await asking

    async def until(self, holds: Callable[[], bool]) -> None:
        """Until it holds; thirty seconds at most, of those that are not only said to be over."""
        until = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < until, "it never came true"
            await asyncio.sleep(0.002)

    async def landed(self) -> None:
        """Until nothing is under way any more."""
        errands = self.lookup.errands
        await self.until(lambda: not (errands.under_way or errands.waiting or errands.polls_waiting))

    def fail(self) -> None:
        self.register.state, self.register.detail = ComplianceState.UNAVAILABLE, "status 503"

    def heal(self, state: ComplianceState = ComplianceState.COMPLIANT) -> None:
        self.register.state, self.register.detail, self.register.bug = state, "", None


def from_port(name: str = "Gi1/0/1", source: str = "10.0.0.1") -> AccessRequest:
    return AccessRequest(nas=Nas(name="switch", vendor="generic"), source=source, source_port=1, nas_port_id=name)


def device(number: int) -> Question:
    subject = DeviceId(guid=f"00000000-0000-4000-8000-{number:012x}")
    return Question(tenant="intune", key=f"guid:{subject}", subject=subject)
