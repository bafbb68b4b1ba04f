"""What the orders of people need of the rest of the daemon.

Knows: names and shapes. Refuses to know: who provides them (``sessions.building``, ``lookups``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from nacd.compliance.question import Question
from nacd.session.overrides import InForce, Override, OverrideEffect
from nacd.sessions import Change, Outcome, Session, Verb
from nacd.store.live.outcome import Applied
from nacd.store.sessions import SessionStore
from nacd.values import AuditEvent, Compliance, Identity, Instant

T = TypeVar("T")


class Book(Protocol):
    """The sessions."""

    def listen(self, listener: Callable[[Change, Applied], None]) -> None:
        """Tell of every change that is on the disk."""

    async def read(self, ask: Callable[[SessionStore], T]) -> T:
        """Ask the disk, in a thread."""


class Loop(Protocol):
    """Whoever changes sessions."""

    def overridden(self, override: Override) -> None:
        """It was put or lifted."""

    async def reassess(self, sessions: Sequence[Session], why: str) -> tuple[tuple[int, str], ...]:
        """Decide them again now; what came of each, in words."""

    async def by_hand(self, session: Session, verb: Verb, by: str) -> Outcome:
        """Ask the NAS."""

    def release(self, direction: str, by: str) -> int:
        """Let go what is held: how many."""

    def discard(self, direction: str, by: str) -> int:
        """Do not do what is held: how many."""

    def status(self, now: Instant) -> Any:
        """How things are, as a dataclass."""


class Index(Protocol):
    """The overrides in memory."""

    def put(self, override: Override) -> None:
        """Know this one; one that is lifted is forgotten."""

    def covered(self, override: Override) -> tuple[str, ...]:
        """MACs for which it holds though it does not name them."""

    def in_force(self, identity: Identity, mac: str, tenant: str, now: float) -> InForce:
        """The one that counts."""


class Asks(Protocol):
    """Whoever asks Intune for one tenant."""

    async def refresh(self, question: Question, wait_s: float) -> Compliance:
        """Ask now; what is known after ``wait_s`` seconds at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the configuration says. profiles: of the policy. defaults: profile by effect. tenants: names of all."""

    profiles: Collection[str]
    defaults: Mapping[OverrideEffect, str]
    tenants: Mapping[str, Asks]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """All of it. record: takes an audit event. store: for what is written. threads: run what waits for a disk."""

    book: Book
    loop: Loop
    store: SessionStore
    index: Index
    site: Site
    record: Callable[[AuditEvent], object]
    clock: Callable[[], Instant]
    in_thread: Callable[[Callable[[], Any]], asyncio.Future[Any]]
