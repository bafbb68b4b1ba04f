"""What one NAS is asked: what waits, what is under way, how fast it may go.

Knows: one request's life and the pace of one address. Refuses to know: sockets, octets. A lane belongs to an address
and not to a NAS's name: one name may stand for a whole network, and one dead switch of it delays no other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from nacd.radius.dynauth.schedule import Attempt
from nacd.radius.dynauth.transaction import Request
from nacd.server.dac.paths import Slot
from nacd.server.dac.sockets import Address
from nacd.sessions import Meaning, Outcome
from nacd.values import NO_SECRET, Secret

JUNK_MAX = 64
"""After so many datagrams that answer nothing, an address gets sockets of its own: its flood fills no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Who is asked, and how gently.

    nas: name of the client in the configuration. host, port: where to send, an IP address. source: our address that the
    NAS knows, ``""``: whichever the route prefers. rate_per_s: transmissions. concurrent: requests under way at once.
    """

    nas: str
    host: str
    port: int = 3799
    source: str = ""
    rate_per_s: float = 50.0
    concurrent: int = 8
    omit_event_timestamp: bool = False
    omit_message_authenticator: bool = False

    def __post_init__(self) -> None:
        if self.rate_per_s <= 0 or self.concurrent < 1 or not 0 < self.port < 65_536:
            raise ValueError("rate, concurrency and port are positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """A NAS that is being changed over may have either of two secrets. other: to be tried once, when the first stays
    unanswered. answered: told the secret that an answer has proved."""

    other: Secret = NO_SECRET
    answered: Callable[[Secret], object] = lambda _secret: None


NO_OVERLAP = Overlap()


@dataclass(slots=True, kw_only=True, eq=False)
class Asking:
    """One request, from ``ask`` to its outcome. flight is there once it was sent. leaves: called right before that.

    tried: transmissions with the secret before this one.
    """

    target: Target
    peer: Address
    code: int
    attributes: bytes
    secret: Secret
    key: str
    future: asyncio.Future[Outcome]
    leaves: Callable[[], None]
    flight: Flight | None = None
    overlap: Overlap = NO_OVERLAP
    tried: int = 0

    @property
    def has_other(self) -> bool:
        """Whether there is a secret to try that was not tried."""
        return self.overlap.other is not NO_SECRET

    def turn(self) -> None:
        """Begin anew with the other secret."""
        self.tried, self.flight, self.leaves = self.tries, None, lambda: None
        self.secret, self.overlap = self.overlap.other, replace(self.overlap, other=NO_SECRET)

    def is_same(self, target: Target, code: int, attributes: bytes) -> bool:
        """Whether this is what would be asked."""
        return (self.target, self.code, self.attributes) == (target, code, attributes)

    @property
    def tries(self) -> int:
        """Transmissions so far."""
        return self.tried + (self.flight.attempt.number if self.flight else 0)


@dataclass(slots=True, kw_only=True, eq=False)
class Flight:
    """A request that was sent. timer: the next transmission, or giving up. trouble: what the kernel or ICMP said.

    ignored: datagrams from the right address that were no answer to it; ignored_last: why the last was none.
    """

    asking: Asking
    lane: Lane
    request: Request
    slot: Slot
    attempt: Attempt
    timer: asyncio.TimerHandle | None = None
    trouble: str = ""
    ignored: int = 0
    ignored_last: str = ""

    def unanswered(self, took_s: float) -> Outcome:
        """The outcome when it is given up."""
        tries = self.asking.tries
        detail = f"no answer to {tries} transmissions in {took_s:.0f} s"
        if self.asking.tried:
            detail += ", with either of its two secrets"
        if self.trouble:
            detail += f"; {self.trouble}"
        if self.ignored:
            why = self.ignored_last.replace("_", " ")
            detail += f"; {self.ignored} answers ignored, the last for its {why}"
        return Outcome(meaning=Meaning.UNANSWERED, detail=detail, tries=tries, took_s=took_s)


@dataclass(slots=True, kw_only=True, eq=False)
class Lane:
    """One address. unanswered: requests given up in a row. junk: datagrams from it that answered nothing.

    source: our address. due: when its bucket is full again, seconds of the monotonic clock. timer: wakes it for what
    must wait.
    """

    nas: str
    source: str
    peer: Address
    waiting: deque[Asking] = field(default_factory=deque)
    in_flight: int = 0
    unanswered: int = 0
    junk: int = 0
    due: float = 0.0
    timer: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        return not self.waiting and not self.in_flight

    @property
    def apart(self) -> bool:
        """Whether it has sent so much junk that it gets sockets of its own."""
        return self.junk >= JUNK_MAX

    def wait_s(self, target: Target, now: float) -> float:
        """How long the next request has to wait for the rate; after a quiet time ``concurrent`` may go at once."""
        burst_s = (target.concurrent - 1) / target.rate_per_s
        return max(0.0, self.due - burst_s - now)

    def charge(self, target: Target, now: float) -> None:
        """One transmission. Repetitions are charged too, and wait for nothing."""
        self.due = max(self.due, now) + 1 / target.rate_per_s

    def wake_not(self) -> None:
        """Forget the timer."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStatus:
    """One address as ``nacd coa status`` shows it. unanswered: requests given up since it last answered."""

    nas: str
    host: str
    port: int
    waiting: int
    in_flight: int
    unanswered: int
