"""What is measured: each case puts one load on one server and returns what a request cost it.

Knows: the cases and their sides. Refuses to know: how results are shown.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tools.bench import limits, load, logins, meter, radius, site
from tools.bench.servers.server import Server

NACD, NACD_PLAIN = "nacd", "nacd, not compiled"
LINE_PYTHON, LINE, PLAIN = "FreeRADIUS policy+line", "FreeRADIUS line", "FreeRADIUS plain"
POOL = "FreeRADIUS policy+line, threads"
"""Sides: nacd as its package has it and as its source is, and FreeRADIUS doing more or less."""
ECHO, BARE_TLS = "limit: bare UDP echo", "limit: bare pyOpenSSL"
WINDOW = {"warm": 8, "mab": 64, "acct": 64, "tls": 32}


class WrongAnswerError(Exception):
    """A server lost a request or answered it wrongly: its figures are worth nothing. The text says which."""


class LostError(WrongAnswerError):
    """Every answer was right, but one did not come in time: the machine stood still, or the server did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Requests in one run."""

    mab: int
    newcomers: int
    accounting: int
    logins: int
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the table. sides: in the order they are tried; run(side) gives CPU nanoseconds a request."""

    name: str
    title: str
    sides: tuple[str, ...]
    run: Callable[[str], float]


@dataclass(slots=True, kw_only=True)
class Loads:
    """The requests, made once: both servers get the same octets."""

    counts: Counts
    mab: list[bytes] = field(init=False)
    accounting: list[bytes] = field(init=False)
    came: dict[str, int] = field(default_factory=dict)
    """How many newcomers each server has seen."""
    packets_per_login: dict[str, set[float]] = field(default_factory=dict)
    line_octets: dict[str, dict[str, int]] = field(default_factory=dict)
    granted: set[radius.Granted] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.mab = self.macs(self.counts.mab)
        self.accounting = [
            radius.accounting_record(load.identifier(n), site.mac(n % site.ENDPOINTS), n, site.SECRET)
            for n in range(self.counts.accounting)
        ]

    @staticmethod
    def macs(count: int) -> list[bytes]:
        """That many MAB requests."""
        return [radius.mab_request(load.identifier(n), site.mac(n % site.ENDPOINTS), site.SECRET) for n in range(count)]

    def run_mab(self, server: Server) -> float:
        """CPU ns a request."""
        with spent(server) as bill, self.written(server, "MAB", server.audit, len(self.mab)):
            outcome = load.closed(self.mab, server.auth_port, site.SECRET, radius.ACCESS_ACCEPT, WINDOW["mab"])
        self._check(server, "MAB", outcome)
        return bill.cpu_ns / outcome.answered

    def run_newcomers(self, server: Server) -> float:
        """CPU ns a request of an endpoint that this server has never seen."""
        count, came = self.counts.newcomers, self.came.get(server.name, 0)
        self.came[server.name] = came + count
        macs = [site.newcomer(came + number) for number in range(count)]
        requests = [radius.mab_request(load.identifier(n), mac, site.SECRET) for n, mac in enumerate(macs)]
        with spent(server) as bill, self.written(server, "MAB", server.audit, count):
            outcome = load.closed(requests, server.auth_port, site.SECRET, radius.ACCESS_ACCEPT, WINDOW["mab"])
        self._check(server, "MAB of newcomers", outcome)
        return bill.cpu_ns / outcome.answered

    def warm_up(self, server: Server) -> None:
        """Every endpoint once, few at a time: nacd has to ask Intune about each."""
        requests = self.macs(site.ENDPOINTS)
        outcome = load.closed(requests, server.auth_port, site.SECRET, radius.ACCESS_ACCEPT, WINDOW["warm"])
        self._check(server, "MAB", outcome)

    def run_accounting(self, server: Server) -> float:
        """CPU ns a request."""
        with spent(server) as bill, self.written(server, "accounting", server.accounting, len(self.accounting)):
            outcome = load.closed(
                self.accounting, server.acct_port, site.SECRET, radius.ACCOUNTING_RESPONSE, WINDOW["acct"]
            )
        demand(server, "accounting", outcome)
        return bill.cpu_ns / outcome.answered

    def run_logins(self, server: Server, credentials: site.Credentials, tls: logins.TlsVersion) -> float:
        """CPU ns a login, all its packets together."""
        batch = logins.Logins(port=server.auth_port, credentials=credentials, tls=tls)
        with spent(server) as bill, self.written(server, "EAP-TLS", server.audit, self.counts.logins):
            outcome = batch.closed(self.counts.logins, WINDOW["tls"])
        self._check(server, f"EAP-TLS {tls}", outcome)
        seen = self.packets_per_login.setdefault(f"{credentials.server_chain.parent.name} {tls}", set())
        seen.add(batch.packets / outcome.answered)
        return bill.cpu_ns / outcome.answered

    @contextmanager
    def written(self, server: Server, what: str, file: Path | None, count: int) -> Iterator[None]:
        """Raises WrongAnswerError unless the block made the server write as many lines; the file is emptied then."""
        before = file.stat().st_size if file is not None and file.exists() else 0
        yield
        if file is None:
            return
        with file.open("rb") as opened:
            opened.seek(before)
            octets = opened.read()
        lines = octets.count(b"\n")
        if lines < count:
            raise WrongAnswerError(f"{server.name}, {what}: {count} answers and {lines} lines in `{file.name}`")
        self.line_octets.setdefault(what, {})[server.name] = len(octets) // lines
        os.truncate(file, 0)  # both append, so that each goes on at the new end

    def _check(self, server: Server, what: str, outcome: load.Outcome) -> None:
        demand(server, what, outcome)
        if not radius.signature_holds(outcome.sample, outcome.sample_authenticator, site.SECRET):
            raise WrongAnswerError(f"{server.name}: an Accept for {what} without a good Message-Authenticator")
        self.granted.add(radius.Granted.of(outcome.sample))
        if len(self.granted) != 1 or len(next(iter(self.granted)).attributes) != 5:
            raise WrongAnswerError(f"{server.name}: the Accepts for {what} differ: {self.granted}")


def demand(server: Server, what: str, outcome: load.Outcome) -> None:
    """Raises WrongAnswerError unless every request got the right answer: LostError where some got none."""
    if not outcome.is_clean or not outcome.answered:
        said = server.log.read_text(errors="replace")[-1500:]
        kind = WrongAnswerError if outcome.wrong or not outcome.answered else LostError
        raise kind(
            f"{server.name}, {what}: {outcome.answered} right, {outcome.wrong} wrong, {outcome.lost} lost\n{said}"
        )


def demand_right(server: Server, what: str, outcome: load.Outcome) -> None:
    """For an open loop, in which requests may be lost. Raises WrongAnswerError for a wrong answer, or none at all."""
    if outcome.wrong or not outcome.answered:
        raise WrongAnswerError(f"{server.name}, {what}: {outcome.answered} right, {outcome.wrong} wrong answers")


@dataclass(slots=True)
class Bill:
    """What a run cost a server."""

    cpu_ns: int = 0


@contextmanager
def spent(server: Server) -> Iterator[Bill]:
    """The CPU time of the server's processes while the block runs; our own garbage collector rests meanwhile."""
    bill = Bill()
    server.settle()
    gc.collect()
    gc.disable()
    before = meter.cpu_ns(server.pids)
    try:
        yield bill
    finally:
        gc.enable()
    bill.cpu_ns = meter.cpu_ns(server.pids) - before
    if meter.tree(server.process.pid) != server.pids:
        raise WrongAnswerError(f"{server.name} has started or lost processes during a run")


class Servers(Protocol):
    """Where the servers are: by side and kind of key."""

    loads: Loads
    credentials: dict[str, site.Credentials]

    def __getitem__(self, wanted: tuple[str, str]) -> Server:
        """That server, up and warm."""
        ...

    def echo(self, requests: list[bytes]) -> float:
        """CPU ns a datagram of the bare echo."""
        ...


def every_case(servers: Servers) -> Iterator[Case]:
    """The whole list."""
    loads, kind = servers.loads, site.KINDS[0]

    def mab(side: str) -> float:
        return servers.echo(loads.mab) if side == ECHO else loads.run_mab(servers[side, kind])

    yield Case(
        name="mab",
        title="MAB, cached verdict, rule 190 of 200",
        sides=(NACD, NACD_PLAIN, LINE_PYTHON, LINE, PLAIN, POOL, ECHO),
        run=mab,
    )
    yield Case(
        name="mab-new",
        title=f"MAB, never seen before, by rule {site.PREFIX_RULE}",
        sides=(NACD, NACD_PLAIN, LINE_PYTHON, POOL),
        run=lambda side: loads.run_newcomers(servers[side, kind]),
    )
    yield Case(
        name="accounting",
        title="accounting, a line before the answer",
        sides=(NACD, NACD_PLAIN, LINE_PYTHON, POOL),
        run=lambda side: loads.run_accounting(servers[side, kind]),
    )
    for key in site.KINDS:
        for tls in logins.TLS_VERSIONS:
            yield _login_case(servers, key, tls)


def _login_case(servers: Servers, key: str, tls: logins.TlsVersion) -> Case:
    loads, credentials = servers.loads, servers.credentials[key]

    def run(side: str) -> float:
        if side == BARE_TLS:
            return limits.bare_handshake_ns(credentials, tls, loads.counts.logins)
        return loads.run_logins(servers[side, key], credentials, tls)

    shown = {"p256": "P-256", "rsa2048": "RSA-2048"}[key]
    return Case(
        name=f"tls-{key}-{tls}",
        title=f"EAP-TLS, full handshake, TLS {tls}, {shown}",
        sides=(NACD, NACD_PLAIN, LINE_PYTHON, POOL, BARE_TLS),
        run=run,
    )
