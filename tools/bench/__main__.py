"""``python -m tools.bench``: nacd and FreeRADIUS in turn, round by round.

Knows: the order of things, and that nothing is left running. Refuses to know: how to measure.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

from nacd.sim.intune import IntuneSimulator
from tools.bench import cases, meter, page, report, site, strain
from tools.bench.audit import run as audit
from tools.bench.compliance import run as compliance
from tools.bench.limits import Echo
from tools.bench.policy import run as policies
from tools.bench.servers import freeradius, nacd, raddb
from tools.bench.servers.server import NotUpError, Server
from tools.bench.sessions import accounting, sql_server
from tools.bench.sessions import run as sessions
from tools.compiled.build import NotBuiltError, ready
from tools.compiled.written import NotWrittenError

FULL = cases.Counts(mab=20_000, newcomers=5_000, accounting=10_000, logins=400, rounds=7)
QUICK = cases.Counts(mab=400, newcomers=100, accounting=200, logins=12, rounds=1)
_VARIANTS = {
    cases.LINE_PYTHON: raddb.Variant(threads=False),
    cases.LINE: raddb.Variant(python=False, threads=False),
    cases.PLAIN: raddb.Variant(line=False, python=False, threads=False),
    cases.POOL: raddb.Variant(),
}
_RUNS = 3
_COMPARED = (cases.NACD, cases.LINE_PYTHON)


def say(text: str) -> None:
    """A line of progress."""
    print(text, flush=True)


class Laboratory:
    """Everything that runs beside the load, started when a case first needs it and ended with the block."""

    def __init__(self, stack: ExitStack, counts: cases.Counts) -> None:
        self._stack = stack
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nacd-bench-")))
        self.cores = meter.Cores()
        self.cores.for_load()
        self.microsoft = stack.enter_context(IntuneSimulator())
        nacd.enrol(self.microsoft)
        self.credentials = {kind: site.issue(self.folder / kind, kind) for kind in site.KINDS}
        self.loads = cases.Loads(counts=counts)
        self._servers: dict[tuple[str, str], Server] = {}
        self._echo: Echo | None = None

    def __getitem__(self, wanted: tuple[str, str]) -> Server:
        """The server of that side with certificates of that kind."""
        if wanted not in self._servers:
            self._servers[wanted] = self.fresh(*wanted)
        return self._servers[wanted]

    def fresh(self, side: str, kind: str) -> Server:
        """One more server, warmed up: nacd has a verdict on every endpoint."""
        folder = self.folder / f"server-{len(list(self.folder.glob('server-*')))}"
        credentials = self.credentials[kind]
        if side in (cases.NACD, cases.NACD_PLAIN):
            is_compiled = side == cases.NACD
            server = nacd.start(
                self._stack, folder, credentials, self.microsoft, self.cores, side, is_compiled=is_compiled
            )
        else:
            server = freeradius.start(self._stack, folder, credentials, self.cores, _VARIANTS[side])
        self.loads.warm_up(server)
        return server

    def running(self) -> list[tuple[str, Server]]:
        """The servers of the two sides compared, with certificates of the first kind, as far as they were needed."""
        kept = ((side, self._servers.get((side, site.KINDS[0]))) for side in _COMPARED)
        return [(side, server) for side, server in kept if server is not None]

    def session_databases(self, sizes: sessions.Sizes) -> accounting.Sides:
        """The servers that keep sessions in a database."""
        folder, kind = self.folder / "accounting", site.KINDS[0]
        return sessions.sides(self._stack, folder, self.credentials[kind], self.cores, sizes)

    def echo(self, requests: list[bytes]) -> float:
        """CPU ns a datagram of the bare echo."""
        if self._echo is None:
            self._echo = Echo.start(self.cores)
            self._stack.callback(self._echo.stop)
        return self._echo.run(requests)


def measure(laboratory: Laboratory, chosen: Sequence[cases.Case], rounds: int) -> report.Results:
    """Every round tries every side of every case; the order of the sides turns round each time."""
    results = report.Results(rounds=rounds)
    for case in chosen:
        for side in case.sides:
            patiently(case, side, results)  # a start-up, a first use of every page: not counted
    for number in range(rounds):
        for case in chosen:
            sides = case.sides if number % 2 == 0 else case.sides[::-1]
            for side in sides:
                results.take(case, side, patiently(case, side, results))
            shown = ", ".join(f"{side} {results.samples[case.name][side][-1] / 1000:.1f}" for side in case.sides)
            say(f"round {number + 1}/{rounds}  {case.name}: {shown} us")
    return results


def patiently(case: cases.Case, side: str, results: report.Results) -> float:
    """CPU ns a request. A run in which an answer did not come in time is made again, twice at most, and counted.

    Raises WrongAnswerError, at once for a wrong answer.
    """
    for _ in range(_RUNS - 1):
        try:
            return case.run(side)
        except cases.LostError as error:
            results.again.append(side)
            say(f"once more, an answer was lost: {str(error).splitlines()[0]}")
    return case.run(side)


def measure_latency(laboratory: Laboratory, seconds: float) -> list[strain.Latency]:
    """Both servers at the same shares of what each can do."""
    kind, found = site.KINDS[0], list[strain.Latency]()
    for side in _COMPARED:
        found += strain.mab_latency(laboratory.loads, laboratory[side, kind], side, seconds)
    for side in _COMPARED:
        credentials = laboratory.credentials[kind]
        found += strain.login_latency(laboratory.loads, laboratory[side, kind], side, credentials, seconds)
    for row in found:
        say(f"latency  {row.what}, {row.side} at {row.share:.0%}: p50 {row.whole_ms[0]:.2f} ms")
    return found


def measure_memory(laboratory: Laboratory, waiting: int, handshakes: int) -> list[strain.Held]:
    """Half-open conversations on servers of their own."""
    kind, found = site.KINDS[0], list[strain.Held]()
    for side in _COMPARED:
        fresh = (laboratory.fresh(side, kind), laboratory.fresh(side, kind))
        found.append(strain.half_open(fresh, side, laboratory.credentials[kind], waiting, handshakes))
        for server in fresh:
            server.stop()
        say(f"memory  {side}: {found[-1].waiting_each:.0f} octets waiting, {found[-1].handshake_each:.0f} in TLS")
    return found


def run(arguments: argparse.Namespace, stack: ExitStack) -> report.Results:
    """Measure what was asked for. Raises NotUpError, WrongAnswerError."""
    quick, only = arguments.quick, arguments.only
    counts = QUICK if quick else FULL
    laboratory = Laboratory(stack, counts)
    of_sessions = sessions.QUICK if quick else sessions.FULL
    recorded = cache(partial(laboratory.session_databases, of_sessions))
    every = [*cases.every_case(laboratory), *accounting.every_case(recorded)]
    chosen = [case for case in every if case.name.startswith(only)]
    results = measure(laboratory, chosen, arguments.rounds or counts.rounds)
    if "latency".startswith(only):
        results.latency = measure_latency(laboratory, 0.1 if quick else 10.0)
    if "memory".startswith(only):
        results.held = measure_memory(laboratory, *((100, 50) if quick else (10_000, 2_000)))
    if "compliance".startswith(only):
        credentials = laboratory.credentials[site.KINDS[0]]
        sizes = compliance.QUICK if quick else compliance.FULL
        results.compliance = compliance.measure(
            laboratory.folder / "compliance", credentials, laboratory.cores, sizes, say
        )
    if "audit".startswith(only):
        results.audit = audit.measure(
            laboratory.folder / "audit",
            laboratory.credentials[site.KINDS[0]],
            laboratory.cores,
            audit.QUICK if quick else audit.FULL,
            say,
        )
    if "policy".startswith(only):
        results.policies = policies.measure(
            laboratory.folder / "policies", policies.QUICK if quick else policies.FULL, say
        )
    if "sessions".startswith(only):
        credentials = laboratory.credentials[site.KINDS[0]]
        results.sessions = sessions.measure(
            laboratory.folder / "sessions", credentials, laboratory.cores, of_sessions, say
        )
    results.resident = {side: meter.resident_octets(server.pids) for side, server in laboratory.running()}
    results.packets = {name: sorted(seen) for name, seen in laboratory.loads.packets_per_login.items()}
    results.line_octets = laboratory.loads.line_octets
    return results


def demand_what_it_needs() -> None:
    """nacd compiled, and FreeRADIUS with its database. Raises LookupError, NotBuiltError, NotWrittenError."""
    lacking = sql_server.missing()
    if lacking:
        raise LookupError(lacking)
    say("bench: nacd is compiled first, as it is for the package: two minutes unless that is done")
    ready()


def main(words: Sequence[str] | None = None) -> int:
    """0: measured. 1: something is missing or answered wrongly."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench", description="nacd beside FreeRADIUS, verdicts, sessions"
    )
    known = (
        "mab, mab-new, accounting, accounting-64 ..., tls, tls-p256-1.3 ..., latency, memory, compliance, audit, policy"
    )
    known += ", sessions"
    parser.add_argument("--only", default="", metavar="NAME", help=f"what begins with this: {known}")
    parser.add_argument("--rounds", type=int, default=0, help=f"rounds (default {FULL.rounds})")
    parser.add_argument("--quick", action="store_true", help="one short round: does it work at all?")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the page with the figures")
    arguments = parser.parse_args(words)
    try:
        demand_what_it_needs()
    except (LookupError, NotBuiltError, NotWrittenError) as lacking:
        print(f"bench: {lacking.args[0]}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # or the servers would outlive us
    began, bystanders = time.monotonic(), meter.Bystanders()
    with ExitStack() as stack:
        try:
            results = run(arguments, stack)
        except (NotUpError, cases.WrongAnswerError) as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    results.others = bystanders.share()
    said = f"other programs used {results.others:.0%} of the machine"
    say(f"\nmeasured in {time.monotonic() - began:.0f} s; {said}\n")
    for heading, columns, body in report.tables(results):
        say(f"{heading}\n{report.text_table(columns, body)}\n")
    for line in report.targets(results):
        say(line)
    if arguments.record:
        arguments.record.write_text(page.page(results), encoding="utf-8")
        say(f"written to {arguments.record}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
