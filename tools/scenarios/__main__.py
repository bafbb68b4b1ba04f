"""`python -m tools.scenarios NAME`: run one overload scenario, print its table, exit 0 when its criteria are met."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tools.scenarios import hanging_intune, hostile_port, power_cut
from tools.scenarios.report import Report, record


def _power_cut(words: argparse.Namespace) -> Report:
    return power_cut.run(_power_cut_options(words))


def _power_cut_eap_tls(words: argparse.Namespace) -> Report:
    return power_cut.run(replace(_power_cut_options(words), name="power-cut-eap-tls", eap_share=1.0))


def _power_cut_at_once(words: argparse.Namespace) -> Report:
    return power_cut.run(replace(_power_cut_options(words), name="power-cut-at-once", within_s=words.within / 10))


def _power_cut_options(words: argparse.Namespace) -> power_cut.Options:
    return power_cut.Options(
        scale=words.scale,
        within_s=words.within,
        eap_share=words.eap_share,
        held_s=words.held,
        timeout_s=words.timeout,
        certificates=words.certificates,
    )


def _hostile_port(words: argparse.Namespace) -> Report:
    return hostile_port.run(
        hostile_port.Options(scale=words.scale, flood=words.flood, share=words.share, rounds=words.rounds)
    )


def _hanging_intune(words: argparse.Namespace) -> Report:
    return hanging_intune.run(hanging_intune.Options(scale=words.scale, hanging=words.hanging))


SCENARIOS: dict[str, Callable[[argparse.Namespace], Report]] = {
    "power-cut": _power_cut,
    "power-cut-eap-tls": _power_cut_eap_tls,
    "power-cut-at-once": _power_cut_at_once,
    "hostile-port": _hostile_port,
    "hanging-intune": _hanging_intune,
}


def main() -> int:
    """0: every criterion met; 1: some not."""
    parser = argparse.ArgumentParser(prog="python -m tools.scenarios", description=__doc__)
    parser.add_argument("name", choices=[*SCENARIOS, "all"])
    parser.add_argument("--scale", type=float, default=1.0, help="1.0 is the whole scenario; less is shorter")
    parser.add_argument("--record", type=Path, help="write the result into this Markdown page")
    parser.add_argument("--eap-share", type=float, default=0.6, help="power-cut: share of EAP-TLS among the endpoints")
    parser.add_argument("--within", type=float, default=60.0, help="power-cut: seconds in which everybody is back")
    parser.add_argument("--held", type=float, default=60.0, help="power-cut: seconds before a failed endpoint returns")
    parser.add_argument("--timeout", type=float, default=5.0, help="power-cut: seconds before a NAS repeats a request")
    parser.add_argument("--certificates", type=int, default=300, help="power-cut: different devices at Intune")
    parser.add_argument("--flood", type=float, default=500.0, help="hostile-port: its requests a second")
    parser.add_argument("--share", type=float, default=0.4, help="hostile-port: good load as share of the capacity")
    parser.add_argument("--rounds", type=int, default=4, help="hostile-port: times without and with")
    parser.add_argument("--hanging", type=float, default=50.0, help="hanging-intune: lookups a second that hang")
    words = parser.parse_args()
    passed = True
    for name in SCENARIOS if words.name == "all" else [words.name]:
        report = SCENARIOS[name](words)
        print(report, flush=True)
        passed = passed and report.passed
        if words.record is not None:
            record(report, words.record)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
