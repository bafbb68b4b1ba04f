"""Everything that is measured of verdicts, one after the other.

Knows: the order of things and their sizes. Refuses to know: how each is measured, and how it is told.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tools.bench import cases, load, meter, radius, site
from tools.bench.compliance import daemon, devices, slow_intune
from tools.bench.compliance.daemon import Place
from tools.bench.compliance.figures import Compliance, Decisions, Known, Memory
from tools.bench.compliance.restart import Starts
from tools.bench.servers.server import HOME, environment, interpreter
from tools.scenarios.microsoft import Microsoft

_STATIONS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything. whole_machine: a cold start may empty the kernel's memory of all files."""

    verdicts: int
    batches: int
    requests: int
    rounds: int
    starts: int
    whole_machine: bool
    slow: slow_intune.Plan


FULL = Sizes(
    verdicts=1_000_000,
    batches=400,
    requests=8_000,
    rounds=7,
    starts=3,
    whole_machine=True,
    slow=slow_intune.Plan(seconds=20.0, alone_s=15.0),
)
QUICK = Sizes(
    verdicts=2_000,
    batches=5,
    requests=200,
    rounds=1,
    starts=1,
    whole_machine=False,
    slow=slow_intune.Plan(seconds=1.0, alone_s=0.5, rate=100.0),
)


def measure(
    folder: Path, credentials: site.Credentials, cores: meter.Cores, sizes: Sizes, say: Callable[[str], None]
) -> Compliance:
    """All of it, in ``folder``. Raises NotUpError, WrongAnswerError."""
    found = Compliance()
    for provider in ("nac", "graph"):
        _inside(provider, sizes, cores, found)
        say(f"compliance  memory, {provider}: {found.memory[-1].octets / 1e6:.0f} MB")
    folder.mkdir()
    arriving = int(sizes.slow.seconds * sizes.slow.rate)
    listed = [*slow_intune.enrolled(arriving), *_managed()]
    with ExitStack() as stack:
        microsoft = Microsoft(folder, listed)
        stack.callback(microsoft.stop)

        def place(name: str, **change: object) -> Place:
            at = folder / name
            return Place(
                folder=at, state=at / "state", microsoft=microsoft, credentials=credentials, cores=cores, change=change
            )

        # A port of the switch asks dozens of times a second here, which none does.
        often = {"port_rate": 10_000, "port_burst": 100_000}
        found.decisions = _decisions(place("decisions", overload=often), sizes)
        say(f"compliance  a verdict adds {found.decisions.added_ns() / 1000:.1f} us to a request")
        starts = Starts(
            place=place("starts"), rows=sizes.verdicts, times=sizes.starts, whole_machine=sizes.whole_machine
        )
        for start, found.cold_by in starts.measure():
            found.restarts.append(start)
            say(f"compliance  {start.what}: {statistics.median(start.seconds):.2f} s")
        with ExitStack() as running:
            found.slow = slow_intune.measure(running, place("slow"), sizes.slow)
        say(f"compliance  slow intune: {found.slow.added_ms:.2f} ms more at p99, {found.slow.missing} missing")
    return found


def _managed() -> list[dict[str, object]]:
    return [
        {"guid": devices.guid(2_000_000 + number), "macs": [devices.managed_mac(number)], "compliant": True}
        for number in range(_STATIONS)
    ]


def _inside(provider: str, sizes: Sizes, cores: meter.Cores, found: Compliance) -> None:
    words = ["tools.bench.compliance.inside", provider, str(sizes.verdicts), str(sizes.batches)]
    cores.for_server()
    try:
        said = subprocess.run(
            [interpreter(), "-m", *words],
            cwd=HOME,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        cores.for_load()
    if said.returncode:
        raise cases.WrongAnswerError(f"`{' '.join(words)}` failed:\n{said.stderr[-1500:]}")
    figures = json.loads(said.stdout)
    held = sizes.verdicts
    found.memory.append(Memory(provider=provider, verdicts=held, before=figures["before"], octets=figures["octets"]))
    for among, took in figures["lookup_ns"].items():
        middle, high = statistics.median(took), sorted(took)[math.ceil(0.99 * len(took)) - 1]
        known = Known(provider=provider, among=int(among), held=held, median_ns=middle, p99_ns=high)
        found.known.append(known)


def _decisions(place: Place, sizes: Sizes) -> Decisions:
    """A MAB that needs no verdict and one that rests on a cached one, in turn, each as many requests."""
    found = Decisions(with_verdict=[], without=[])
    with ExitStack() as stack:
        server = daemon.start(stack, place)

        def ask(mac: Callable[[int], str], count: int, window: int) -> float:
            requests = [devices.mab_request(load.identifier(n), mac(n % _STATIONS)) for n in range(count)]
            with cases.spent(server) as bill:
                answers = load.closed(requests, server.auth_port, site.SECRET, radius.ACCESS_ACCEPT, window)
            cases.demand(server, "MAB", answers)
            return bill.cpu_ns / answers.answered

        def quietly(mac: Callable[[int], str], window: int) -> None:
            requests = [devices.mab_request(load.identifier(n), mac(n)) for n in range(_STATIONS)]
            answers = load.closed(requests, server.auth_port, site.SECRET, radius.ACCESS_ACCEPT, window)
            cases.demand(server, "MAB, for the first time", answers)

        quietly(devices.managed_mac, cases.WINDOW["warm"])
        quietly(devices.listed_mac, cases.WINDOW["mab"])
        for number in range(sizes.rounds):
            sides: Sequence[tuple[list[float], Callable[[int], str]]] = (
                (found.with_verdict, devices.managed_mac),
                (found.without, devices.listed_mac),
            )
            for figures, mac in sides if number % 2 == 0 else sides[::-1]:
                figures.append(ask(mac, sizes.requests, cases.WINDOW["mab"]))
        _demand_cached(place, sizes.requests * sizes.rounds)
    return found


def _demand_cached(place: Place, count: int) -> None:
    """Raises WrongAnswerError unless so many requests were decided over a cached verdict, and as many without any."""
    seen = [line["compliance"]["source"] for line in place.records()]
    if seen.count("cache") != count or seen.count("none") < count:
        kinds = {source: seen.count(source) for source in set(seen)}
        raise cases.WrongAnswerError(f"nacd: of {count} requests with a cached verdict the audit says {kinds}")
