"""Power cut: every endpoint of a site comes back within a minute.

Each of the 50 switches boots at a random moment of the first half, and its ports come up over the half
after that, so that the middle sees twice the mean rate. nacd's verdict cache is cold. An endpoint whose NAS gave
up, or that got a wrong answer, tries again after its held period, as a supplicant does.
"""

from __future__ import annotations

import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tools.scenarios.endpoints import Endpoint, Login, Outcomes, Site, warm
from tools.scenarios.loop import Loop
from tools.scenarios.report import Report, spread
from tools.scenarios.stage import SWITCHES, Plan, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """scale 1.0: 10,000 endpoints in within_s; less of both at the same rate. held_s: after a failed login."""

    name: str = "power-cut"
    scale: float = 1.0
    within_s: float = 60.0
    eap_share: float = 0.6
    held_s: float = 60.0
    timeout_s: float = 5.0
    certificates: int = 300
    intune_ms: int = 150
    seed: int = 1


class _Return:
    """The return of everybody: who is back, and who has to try again."""

    def __init__(self, loop: Loop, held_s: float) -> None:
        self._loop = loop
        self._held_s = held_s
        self.missing = 0
        self.last_served = 0.0
        self.again = 0

    def plug_in(self, endpoint: Endpoint, due: float, outcomes: Outcomes) -> None:
        """This endpoint's link comes up at ``due``."""
        self.missing += 1
        self._loop.at(due, lambda: self._login(endpoint, due, outcomes))

    def _login(self, endpoint: Endpoint, due: float, outcomes: Outcomes, again: bool = False) -> None:
        Login(endpoint, due, outcomes, self._ended, again=again)

    def _ended(self, login: Login) -> None:
        now = time.monotonic()
        if login.end == "served":
            self.missing -= 1
            self.last_served = now
            return
        self.again += 1
        self._loop.at(now + self._held_s, lambda: self._login(login.endpoint, login.due, login.outcomes, again=True))


def run(options: Options) -> Report:
    """Set the stage, cut the power, watch everybody return."""
    endpoints, within_s = max(100, round(10_000 * options.scale)), max(1.0, options.within_s * options.scale)
    eap = round(endpoints * options.eap_share)
    certificates = max(1, min(options.certificates, eap))
    plan = Plan(certificates=certificates, printers=endpoints, managed=1)
    with tempfile.TemporaryDirectory(prefix="nacd-scenario-") as folder, Stage(Path(folder), plan) as stage:
        if options.intune_ms:
            stage.microsoft.order("POST", "/faults", kind="latency", ms=options.intune_ms)
        loop = Loop()
        site = Site(loop, stage, timeout_s=options.timeout_s)
        _wake(loop, site)
        outcomes = {"EAP-TLS": Outcomes(), "MAB": Outcomes()}
        back = _Return(loop, options.held_s)
        before, cpu_before, begin = stage.usage(), time.process_time(), time.monotonic() + 0.5
        chance = random.Random(options.seed)
        booted = [begin + chance.random() * within_s / 2 for _ in range(SWITCHES)]
        for number in range(endpoints):
            due = booted[number % SWITCHES] + chance.random() * within_s / 2
            if number * eap // endpoints != (number + 1) * eap // endpoints:
                certificate = number * eap // endpoints % certificates
                back.plug_in(site.laptop(number, certificate), due, outcomes["EAP-TLS"])
            else:
                back.plug_in(site.printer(number), due, outcomes["MAB"])
        until = begin + within_s + 3 * options.held_s + 30
        while time.monotonic() < until and stage.alive and (back.missing or _accounted(outcomes) < endpoints):
            loop.run(min(until, time.monotonic() + 0.25))
        used, own_s = stage.usage(), time.process_time() - cpu_before
        took_s = time.monotonic() - begin
        report = Report(
            name=options.name,
            purpose=f"{endpoints:,} endpoints on {SWITCHES} switches return within {within_s:.0f} s"
            f" ({eap / endpoints:.0%} EAP-TLS by {certificates} devices that are not in the cache, the rest MAB;"
            f" Intune answers after {options.intune_ms} ms).",
        )
        _tell(report, outcomes, site, back, endpoints)
        report.row("last endpoint served after", f"{max(0.0, back.last_served - begin):.1f} s")
        report.row("questions to Intune", len(stage.microsoft.questions("guid")))
        report.row("nacd: CPU, peak memory", used.since(before, took_s), f"{used.peak_octets >> 20} MiB")
        report.row("load generator: CPU, lag", f"{own_s:.1f} s ({own_s / took_s:.0%})", spread(loop.lag))
        site.close()
    return report


def _accounted(outcomes: dict[str, Outcomes]) -> int:
    return sum(one.accounted + one.accounting_lost for one in outcomes.values())


def _wake(loop: Loop, site: Site) -> None:
    """One login that makes nacd sign in at Microsoft: it was running before the power went."""
    warm(loop, [site.managed(0, accounting=False)])
    site.traffic.reply_s = site.traffic.reply_s[:0]


def _tell(report: Report, outcomes: dict[str, Outcomes], site: Site, back: _Return, endpoints: int) -> None:
    served = sum(one.served for one in outcomes.values())
    wrong = sum(one.wrong_count for one in outcomes.values()) + site.traffic.unverified.total()
    wrong += site.accounting_traffic.unverified.total()
    for kind, one in outcomes.items():
        report.row(f"{kind}: served, time to access", f"{one.served:,}", spread(one.access_s))
        report.row(f"{kind}: NAS gave up, wrong answers", one.lost, one.wrong_words)
        report.row(f"{kind}: accounting answered, lost", f"{one.accounted:,}", one.accounting_lost)
    report.columns = ("", "count", "")
    report.row("requests, reply time", f"{site.traffic.requests:,}", spread(site.traffic.reply_s))
    report.row("retransmissions", site.traffic.retransmissions)
    report.row("answers late, unverified", site.traffic.late, dict(site.traffic.unverified) or "none")
    report.row("logins begun again after the held period", back.again)
    report.check(f"all {endpoints:,} endpoints have access in the end ({served:,} do)", served == endpoints)
    report.check(f"no wrong answer ({wrong})", wrong == 0)
    lost = sum(one.accounting_lost for one in outcomes.values())
    report.check(f"every accounting start is answered ({lost} lost)", lost == 0)
