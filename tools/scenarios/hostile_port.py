"""Hostile port: one switch port floods nacd with endpoints that do not exist, while everybody else works.

The port does what a switch would relay for it: a new MAC with each attempt, in turn asked about by MAB (a
lookup at Intune), by EAP that is begun and never gone on with, by a true ClientHello after which nothing comes, and
by a large heap of fragments that is no ClientHello. Rounds without and with it take turns, so that what else the
machine does falls on both. Newcomers (devices with no verdict in the cache) show who gets Intune's time.
"""

from __future__ import annotations

import itertools
import os
import ssl
import tempfile
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from tools.scenarios import wire
from tools.scenarios.endpoints import Endpoint, Outcomes, Site, Stream, capacity, drain, warm
from tools.scenarios.loop import Loop
from tools.scenarios.nas import Retries, Switch, Traffic
from tools.scenarios.report import Report, ms, percentile, spread
from tools.scenarios.stage import CORPORATE, SECRET, Plan, Stage, mac, switch_address
from tools.scenarios.supplicant import Supplicant, identity_response, tls_response

TOLERANCE, FLOOR_S = 1.20, 0.005
_JUNK_OCTETS, _FRAGMENT_OCTETS = 60_000, 1_400
_HOSTILE_PORT = 9_999
_KINDS = ("MAB", "EAP begun", "ClientHello", "junk")
_SETTLE_S, _DRAIN_S = 1.0, 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """scale 1.0: 15 s a round. flood: hostile requests a second. share: the good load, of the capacity.
    population: good endpoints, so many that none of them comes back so fast that it looks like a loop."""

    scale: float = 1.0
    rounds: int = 4
    flood: float = 500.0
    share: float = 0.4
    eap_share: float = 0.5
    population: int = 12_000
    newcomers: float = 2.0
    certificates: int = 200
    intune_ms: int = 150
    window: int = 16


class Flood:
    """The port. Each tick sends one request: the next step of something begun, or something new."""

    def __init__(self, loop: Loop, switch: Switch, context: ssl.SSLContext, rate: float) -> None:
        self._loop = loop
        self.switch = switch
        self._context = context
        self._rate = rate
        self._due: deque[Callable[[], None]] = deque()
        self._numbers = itertools.count()
        self.answers: Counter[str] = Counter()

    def run(self, begin: float, end: float) -> None:
        """Flood from ``begin`` to ``end``."""
        self._due.clear()
        self._loop.at(begin, lambda: self._tick(begin, end))

    def _tick(self, due: float, end: float) -> None:
        if due >= end:
            return
        following = due + 1 / self._rate
        self._loop.at(following, lambda: self._tick(following, end))
        if self._due:
            self._due.popleft()()
        else:
            self._attempt()

    def _attempt(self) -> None:
        number = next(self._numbers)
        kind = _KINDS[number % len(_KINDS)]
        address = mac(4, number)
        user = address.replace("-", "").lower() if kind == "MAB" else f"host/{number}.example.test"
        attributes = b"".join(
            (
                wire.text(wire.USER_NAME, user),
                wire.text(wire.NAS_IDENTIFIER, f"switch-{self.switch.source}"),
                wire.integer(wire.NAS_PORT, 50_000 + _HOSTILE_PORT),
                wire.text(wire.NAS_PORT_ID, f"GigabitEthernet1/0/{_HOSTILE_PORT}"),
                wire.integer(wire.NAS_PORT_TYPE, 15),
                wire.text(wire.CALLED_STATION_ID, "02-00-5E-00-00-01"),
                wire.text(wire.CALLING_STATION_ID, address),
                wire.integer(wire.SERVICE_TYPE, 10 if kind == "MAB" else 2),
            )
        )
        if kind == "MAB":
            self.switch.ask(wire.ACCESS_REQUEST, attributes, lambda got: self._note(kind, got), user.encode())
            return
        self._eap(kind, attributes, identity_response(user), b"", 0)

    def _eap(self, kind: str, attributes: bytes, eap: bytes, state: bytes, sent: int) -> None:
        """sent: octets of junk already sent in earlier fragments."""

        def then(answer: bytes | None) -> None:
            self._note(kind, answer)
            if answer is not None and answer[0] == wire.CHALLENGE:
                self._go_on(kind, attributes, answer, sent)

        whole = attributes + wire.eap_message(eap)
        if state:
            whole += wire.attribute(wire.STATE, state)
        self.switch.ask(wire.ACCESS_REQUEST, whole, then)

    def _go_on(self, kind: str, attributes: bytes, answer: bytes, sent: int) -> None:
        eap, state = wire.eap_of(answer)
        if kind == "EAP begun" or len(eap) < 6 or (kind == "ClientHello" and not eap[5] & 0x20):
            return
        if kind == "ClientHello":
            response = Supplicant(self._context).answer(eap)
            self._due.append(lambda: self._eap(kind, attributes, response, state, 0))
            return
        more = sent + _FRAGMENT_OCTETS < _JUNK_OCTETS
        junk = os.urandom(_FRAGMENT_OCTETS)
        # a TLS record header that promises a handshake makes the server wait for all of it
        body = b"\x16\x03\x01\x3f\xff" + junk[5:] if not sent else junk
        response = tls_response(eap[1], 0x40 if more else 0, body, -1 if sent else _JUNK_OCTETS)
        self._due.append(lambda: self._eap(kind, attributes, response, state, sent + _FRAGMENT_OCTETS))

    def _note(self, kind: str, answer: bytes | None) -> None:
        said = "silence"
        if answer is not None:
            said = {wire.ACCEPT: "Accept", wire.REJECT: "Reject", wire.CHALLENGE: "Challenge"}.get(answer[0], "other")
        self.answers[f"{kind}: {said}"] += 1


class _Good:
    """The rest of the site: MAB by list and by Intune's word, EAP-TLS; all with verdicts in the cache."""

    MANAGED = 100

    def __init__(self, site: Site, options: Options, count: int) -> None:
        self.tally = _Tally()
        self._eap_share = options.eap_share
        self._certificates = options.certificates
        self._site = site
        self._managed = [site.managed(number) for number in range(self.MANAGED)]
        self._laptops = [site.laptop(number, number % options.certificates) for number in range(count // 2)]
        printers = [site.printer(number) for number in range(count // 2)]
        self._cycles = [itertools.cycle(some) for some in (self._laptops, printers, self._managed)]
        self._turn = 0
        self._new = itertools.count()

    def __iter__(self) -> Iterator[tuple[Endpoint, Outcomes]]:
        return self

    def __next__(self) -> tuple[Endpoint, Outcomes]:
        self._turn = (self._turn + 1) % 1000
        # spread evenly over a thousand turns: 377 has no divisor in common with it
        place = self._turn * 377 % 1000 / 1000
        kind = 0 if place < self._eap_share else 2 if place >= 0.995 else 1
        endpoint = next(self._cycles[kind])
        beside = endpoint.switch is self._site.switches[0]
        return endpoint, self.tally.beside if beside else self.tally.good

    def newcomers(self) -> Iterator[tuple[Endpoint, Outcomes]]:
        """Devices that Intune knows and nacd does not yet: by certificate and by MAC in turn."""
        for number in self._new:
            if number % 2:
                yield self._site.managed(self.MANAGED + number // 2), self.tally.new
            else:
                certificate = self._certificates + number // 2
                yield self._site.laptop(20_000 + number, certificate, CORPORATE), self.tally.new

    def warm(self, loop: Loop) -> None:
        """One login of each device that Intune is asked about."""
        warm(loop, [*self._managed, *self._laptops[: self._certificates]])


class _Tally:
    """What became of the good in one kind of round. beside: those on the hostile port's switch."""

    def __init__(self) -> None:
        self.good, self.beside, self.new = Outcomes(), Outcomes(), Outcomes()
        self.cpu_s = self.waited_s = 0.0
        self.lag_s = array("d")
        self.p99_s: list[float] = []
        self._counted = (0, 0)

    def end_round(self) -> None:
        """Note the p99 of the logins since the last round; newcomers wait for Intune and do not count."""
        good, beside = self._counted
        self.p99_s.append(percentile([*self.good.access_s[good:], *self.beside.access_s[beside:]], 99))
        self._counted = len(self.good.access_s), len(self.beside.access_s)

    @property
    def each(self) -> tuple[Outcomes, Outcomes, Outcomes]:
        """All three."""
        return self.good, self.beside, self.new


class _Trial:
    """Rounds without and with the port."""

    def __init__(self, options: Options, stage: Stage, site: Site, good: _Good, flood: Flood, rate: float) -> None:
        self._options = options
        self._stage = stage
        self._site = site
        self._good = good
        self._flood = flood
        self._rate = rate
        self.lasts_s = _round_s(options)
        self.quiet, self.loud = _Tally(), _Tally()
        self.unfinished = 0

    def run(self) -> None:
        """All of them."""
        for _ in range(self._options.rounds):
            self._round(self.quiet)
            self._round(self.loud)

    def _round(self, tally: _Tally) -> None:
        loop, good = self._site.loop, self._good
        begin = time.monotonic() + 0.05
        end = begin + _SETTLE_S + self.lasts_s
        if tally is self.loud:
            self._flood.run(begin, end)
        good.tally = _Tally()
        streams = [
            Stream(loop, good, self._rate, begin, end),
            Stream(loop, good.newcomers(), self._options.newcomers, begin, end),
        ]
        loop.run(begin + _SETTLE_S)
        good.tally = tally
        before, loop.lag = self._stage.usage(), array("d")
        loop.run(end)
        after = self._stage.usage()
        tally.cpu_s += after.cpu_s - before.cpu_s
        tally.waited_s += after.waited_s - before.waited_s
        tally.lag_s += loop.lag
        drain(loop, streams, _DRAIN_S)
        tally.end_round()
        self.unfinished += sum(stream.open for stream in streams)


def _round_s(options: Options) -> float:
    return max(1.0, 15 * options.scale)


def run(options: Options) -> Report:
    """Measure the capacity, then rounds without and with the port."""
    lasts_s = _round_s(options)
    new = int(2 * options.rounds * (lasts_s + _SETTLE_S) * options.newcomers) + 50
    count = max(500, round(options.population * min(1.0, options.scale)))
    options = replace(options, certificates=min(options.certificates, count // 2))
    plan = Plan(certificates=options.certificates, printers=count, managed=_Good.MANAGED + new, newcomers=new)
    with tempfile.TemporaryDirectory(prefix="nacd-scenario-") as folder, Stage(Path(folder), plan) as stage:
        loop, traffic = Loop(), Traffic()
        site = Site(loop, stage)
        good = _Good(site, options, count)
        good.warm(loop)
        best = capacity(loop, good, window=options.window, seconds=max(1.0, 5 * min(1.0, 2 * options.scale)))
        stage.microsoft.order("POST", "/faults", kind="latency", ms=options.intune_ms)
        flood = Flood(loop, _hostile_switch(loop, stage, traffic), stage.contexts[0], options.flood)
        trial = _Trial(options, stage, site, good, flood, best * options.share)
        trial.run()
        report = Report(
            name="hostile-port",
            purpose=f"{count:,} good endpoints at {options.share:.0%} of the measured capacity, and one port that"
            f" sends {options.flood:.0f} requests a second; {options.rounds} rounds of {lasts_s:.0f} s without and"
            f" with it, in turn; {options.newcomers:.0f} newcomers a second; Intune takes {options.intune_ms} ms.",
            columns=("", "without", "with"),
        )
        report.row(f"capacity, {options.window} logins under way", f"{best:,.0f} logins/s")
        _compare(report, trial.quiet, trial.loud)
        whole_s = options.rounds * lasts_s
        for words, spent in (("CPU", "cpu_s"), ("waited for a core", "waited_s")):
            shares = [f"{getattr(tally, spent) / whole_s:.0%}" for tally in (trial.quiet, trial.loud)]
            report.row(f"nacd: {words}", *shares)
        report.row("nacd: peak memory", "", f"{stage.usage().peak_octets >> 20} MiB")
        _describe(report, flood, traffic, stage, options.rounds * (lasts_s + _SETTLE_S))
        _judge(report, trial, site, flood)
        site.close()
        flood.switch.close()
    return report


def _hostile_switch(loop: Loop, stage: Stage, traffic: Traffic) -> Switch:
    """The first switch once more, with source ports of its own, so that its books are apart; it repeats nothing."""
    return Switch(
        loop,
        Retries(loop, 5.0),
        source=switch_address(0),
        server=stage.auth,
        secret=SECRET,
        traffic=traffic,
        tries=1,
        max_lanes=16,
    )


def _compare(report: Report, quiet: _Tally, loud: _Tally) -> None:
    both = (quiet, loud)
    for who, pick in (("good", 0), ("good, on the same switch", 1), ("newcomers", 2)):
        picked = [tally.each[pick] for tally in both]
        report.row(f"{who}: served", *(f"{one.served:,}" for one in picked))
        report.row(f"{who}: time to access", *(spread(one.access_s) for one in picked))
        report.row(f"{who}: lost, wrong", *(f"{one.lost}, {one.wrong_words}" for one in picked))
    report.row("good: p99 of each round", *(", ".join(ms(one) for one in tally.p99_s) for tally in both))
    report.row("load generator: lag", *(f"p99 {ms(percentile(tally.lag_s, 99))}" for tally in both))


def _judge(report: Report, trial: _Trial, site: Site, flood: Flood) -> None:
    report.row("good: retransmissions, all rounds", site.traffic.retransmissions)
    ends = [*trial.quiet.each, *trial.loud.each]
    lost = sum(one.lost + one.accounting_lost for one in ends) + trial.unfinished
    report.check(f"no login of a good endpoint and no accounting is lost ({lost})", lost == 0)
    wrong = sum(one.wrong_count for one in ends[:2] + ends[3:5]) + site.traffic.unverified.total()
    report.check(f"no good endpoint gets a wrong answer ({wrong})", wrong == 0)
    late = ends[2].wrong_count + ends[5].wrong_count
    report.check(f"no newcomer gets a wrong answer because Intune's time went to the port ({late})", late == 0)
    let_in = sum(count for said, count in flood.answers.items() if said.endswith("Accept"))
    report.check(f"the port itself gets no Accept ({let_in})", let_in == 0)
    usual, now = median(trial.quiet.p99_s), median(trial.loud.p99_s)
    limit = usual * TOLERANCE + FLOOR_S
    words = (
        f"p99 of good logins, median of the rounds, within 20 % of normal plus {ms(FLOOR_S)} for noise:"
        f" {ms(now)}, normal {ms(usual)}, at most {ms(limit)}"
    )
    report.check(words, now <= limit, counted=False)


def _describe(report: Report, flood: Flood, traffic: Traffic, stage: Stage, lasted_s: float) -> None:
    """The port's own view, and what it cost at Intune."""
    hostile = mac(4, 0)[:8].replace("-", "")
    asked = [value for value in stage.microsoft.questions("mac") if value.upper().startswith(hostile)]
    report.row("hostile: requests", "", f"{traffic.requests:,} ({traffic.requests / lasted_s:.0f}/s)")
    report.row("hostile: time to a reply", "", spread(traffic.reply_s))
    for words, number in sorted(flood.answers.items()):
        report.row(f"hostile: {words}", "", f"{number:,}")
    report.row("hostile: crowded out of identifiers", "", traffic.crowded_out)
    report.row("hostile: questions to Intune", "", f"{len(asked):,} ({len(asked) / lasted_s:.1f}/s)")
