"""Hanging Intune: lookups of devices that nacd does not know hang, while everybody else logs in.

First the capacity is measured (closed loop). Then, at half of it, MAB by list and devices whose verdict is
in the cache log in for a minute, with retransmissions off, so that one reply missing is one seen missing. Beside
them devices that are not in the cache ask for lookups, half by certificate and half by MAC, and Intune
takes every question and answers none.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.scenarios.endpoints import Endpoint, Outcomes, Site, Stream, capacity, drain, warm
from tools.scenarios.loop import Loop
from tools.scenarios.nas import Traffic
from tools.scenarios.report import Report, ms, percentile, spread
from tools.scenarios.stage import QUARANTINE, Plan, Stage

LIMIT_S = 0.050
_DRAIN_S = 8.0
_NEVER_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """scale 1.0: 60 s. hanging: lookups a second. load: share of the capacity. Shares of logins: the rest is MAB
    by list. population: different endpoints, so that none of them comes back so fast that it looks like a loop."""

    scale: float = 1.0
    hanging: float = 50.0
    load: float = 0.5
    eap_share: float = 0.05
    cached_mab_share: float = 0.10
    population: int = 40_000
    certificates: int = 100
    window: int = 32


class _Good:
    """Logins that need no new word of Intune, in a fixed mix, each by another endpoint than the last."""

    KINDS = ("MAB by list", "MAB, verdict cached", "EAP-TLS, verdict cached")

    def __init__(self, site: Site, options: Options) -> None:
        self._site = site
        self._options = options
        self.outcomes = {kind: Outcomes() for kind in self.KINDS}
        count = max(500, round(options.population * options.scale))
        self._managed = count // 20
        self._printers = itertools.cycle([site.printer(number, accounting=False) for number in range(count)])
        managed = [site.managed(number, accounting=False) for number in range(self._managed)]
        laptops = [
            site.laptop(number, number % options.certificates, accounting=False) for number in range(count // 20)
        ]
        self._laptop_count = len(laptops)
        self._cached = itertools.cycle(managed)
        self._laptops = itertools.cycle(laptops)
        self._turn = 0

    def warm(self, loop: Loop) -> None:
        """Every device once, so that its verdict is in the cache."""
        count = min(self._options.certificates, self._laptop_count)
        warm(loop, [*(next(self._cached) for _ in range(self._managed)), *(next(self._laptops) for _ in range(count))])

    def forget(self) -> None:
        """Begin counting anew."""
        self.outcomes = {kind: Outcomes() for kind in self.KINDS}

    def __iter__(self) -> Iterator[tuple[Endpoint, Outcomes]]:
        return self

    def __next__(self) -> tuple[Endpoint, Outcomes]:
        self._turn = (self._turn + 1) % 100
        # spread evenly over a hundred turns: 37 has no divisor in common with it
        place = self._turn * 37 % 100 / 100
        if place < self._options.eap_share:
            return next(self._laptops), self.outcomes[self.KINDS[2]]
        if place < self._options.eap_share + self._options.cached_mab_share:
            return next(self._cached), self.outcomes[self.KINDS[1]]
        return next(self._printers), self.outcomes[self.KINDS[0]]


class _Hanging:
    """Endpoints that nobody has asked Intune about: certificates beyond the pool and MACs, in turn."""

    def __init__(self, site: Site, certificates: range) -> None:
        self._site = site
        self._certificates = iter(certificates)
        self._numbers = itertools.count(15_000)
        self.outcomes = {"certificate": Outcomes(), "MAC": Outcomes()}

    def __iter__(self) -> Iterator[tuple[Endpoint, Outcomes]]:
        return self

    def __next__(self) -> tuple[Endpoint, Outcomes]:
        number = next(self._numbers)
        certificate = next(self._certificates, None) if number % 2 else None
        if certificate is None:
            return self._site.stranger(number), self.outcomes["MAC"]
        laptop = self._site.laptop(number, certificate, QUARANTINE, accounting=False)
        return laptop, self.outcomes["certificate"]


def run(options: Options) -> Report:
    """Measure the capacity, let Intune hang, and see whether anybody else notices."""
    lasts_s, measured_s = max(2.0, 60 * options.scale), max(1.0, 5 * min(1.0, options.scale * 2))
    unknown = int(options.hanging * lasts_s * 0.6) + 10
    population = max(500, round(options.population * options.scale))
    plan = Plan(certificates=options.certificates, printers=population, managed=population // 20, newcomers=unknown)
    with tempfile.TemporaryDirectory(prefix="nacd-scenario-") as folder, Stage(Path(folder), plan) as stage:
        loop = Loop()
        site = Site(loop, stage, tries=1)
        others = Site(loop, stage, tries=1)
        good = _Good(site, options)
        good.warm(loop)
        best = capacity(loop, good, window=options.window, seconds=measured_s)
        good.forget()
        site.traffic = _fresh(site)
        stage.microsoft.order("POST", "/faults", kind="latency", ms=_NEVER_MS)
        loop.lag = loop.lag[:0]
        begin, before, own = time.monotonic() + 0.2, stage.usage(), time.process_time()
        hanging = _Hanging(others, range(options.certificates, options.certificates + unknown))
        steady = Stream(loop, good, best * options.load, begin, begin + lasts_s)
        stuck = Stream(loop, hanging, options.hanging, begin, begin + lasts_s)
        loop.run(begin + lasts_s)
        used, own_s = stage.usage(), time.process_time() - own
        drain(loop, [steady, stuck], _DRAIN_S)
        report = Report(
            name="hanging-intune",
            purpose=f"{options.hanging:.0f} lookups a second hang at Intune for {lasts_s:.0f} s, while MAB by list and"
            f" devices in the cache log in at {options.load:.0%} of the measured capacity, retransmissions off.",
            columns=("", "count", "time to access, or as named"),
        )
        report.row(f"capacity, {options.window} logins under way", f"{best:,.0f}/s", f"measured for {measured_s:.0f} s")
        report.row("nacd: CPU, peak memory", used.since(before, lasts_s), f"{used.peak_octets >> 20} MiB")
        report.row("load generator: CPU, lag", f"{own_s / lasts_s:.0%}", spread(loop.lag))
        _tell(report, good, hanging, site.traffic, steady)
        site.close()
        others.close()
    return report


def _fresh(site: Site) -> Traffic:
    """Count from here on."""
    traffic = Traffic()
    for switch in site.switches:
        switch.traffic = traffic
    return traffic


def _tell(report: Report, good: _Good, hanging: _Hanging, traffic: Traffic, steady: Stream) -> None:
    lost = wrong = served = 0
    for kind, one in good.outcomes.items():
        report.row(kind, f"{one.served:,}", spread(one.access_s))
        lost, wrong, served = lost + one.lost, wrong + one.wrong_count, served + one.served
    report.row("all their requests", f"{traffic.requests:,}", spread(traffic.reply_s))
    report.row("their wrong answers", wrong, "; ".join(one.wrong_words for one in good.outcomes.values()))
    for kind, one in hanging.outcomes.items():
        said = f"{spread(one.access_s)}; lost {one.lost}; others {one.wrong_words}"
        report.row(f"hanging, by {kind}", one.served + one.lost + one.wrong_count, said)
    missing = lost + steady.open
    p99_s = percentile(traffic.reply_s, 99)
    report.check(f"not one reply missing ({missing} of {steady.begun:,} logins)", missing == 0 and served > 0)
    bad = wrong + traffic.unverified.total()
    report.check(f"no wrong answer ({bad})", bad == 0)
    words = f"p99 of the replies below {ms(LIMIT_S)} ({ms(p99_s)})"
    report.check(words, p99_s < LIMIT_S, counted=False)
