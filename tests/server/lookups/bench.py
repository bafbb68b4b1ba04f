"""A lookup with its parts in reach, for the tests beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

from nacd.compliance.breaker import Breaker, BreakerOptions
from nacd.compliance.cache import Lifetimes, VerdictCache
from nacd.compliance.question import Question
from nacd.server.lookups.knowledge import Knowledge, NoShelf, Shelf
from nacd.server.lookups.lookup import Lookup, LookupOptions
from nacd.values import AccessRequest, Compliance, ComplianceState, DeviceId, Nas
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


class Bench:
    """A lookup with its parts in reach."""

    def __init__(
        self,
        *,
        deadline_s: float = 2.0,
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

        asyncio.run(told())

    async def ask(self, number: int = 1) -> Compliance:
        return await self.lookup.compliance(device(number), from_port())

    async def until(self, holds: Callable[[], bool]) -> None:
        """Until it holds; three seconds at most."""
        loop = asyncio.get_running_loop()
        until = loop.time() + 3
        while not holds():
            assert loop.time() < until, "it never came true"
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
