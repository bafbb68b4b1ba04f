"""What a run of the soak found: a table on the screen, and the page ``docs/soak.md``.

Knows: words and tables. Refuses to know: how anything was found out.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tools.scenarios.report import machine
from tools.soak.run import Outcome
from tools.soak.scene import TERMS

_RULES = {
    "a": "true within lifetime and deadline (live, cache), or said by Intune when dated (stale, bulk)",
    "b": "verdicts of a device never go back",
    "c": "past its lifetime a verdict says `stale` or `bulk`; past `stale_for` it is not used",
    "d": "`unavailable` only with a reason",
    "e": "wire, record and policy agree",
    "f": "never `compliant` for a device that Intune never knew",
    "g": "every request answered, and accepted",
    "h": "no bug recorded, no traceback, memory flat",
}
_SHOWN = 20


def rows(outcome: Outcome) -> list[tuple[str, str]]:
    """The table."""
    load, story, finding = outcome.load, outcome.story, outcome.finding
    kinds = Counter(one.access for one in load.asked.values())
    played = Counter(one.name for one in story.played)
    begin, end = outcome.memory.growth(outcome.options.seconds)
    silent = load.vlans["silence"] + load.open
    found = [
        ("seconds, seed", f"{outcome.options.seconds:g}, {outcome.options.seed}"),
        (
            "requests",
            f"{len(load.asked):,} ({', '.join(f'{count:,} {kind}' for kind, count in sorted(kinds.items()))})",
        ),
        ("retransmissions, never answered", f"{load.traffic.retransmissions:,}, {silent:,}"),
        ("accounting records, never answered", f"{load.accounted.requests:,}, {load.accounted.given_up:,}"),
        ("files of the audit trail, read as one", f"{outcome.files:,}"),
        ("questions that Intune answered", f"{outcome.answers:,}"),
        ("devices flipped, retired, enrolled anew", f"{story.flips:,}, {story.retired:,}, {story.enrolled:,}"),
        ("troubles played", f"{len(story.played)} of {len(played)} kinds"),
        (
            "restarts, steps of nacd's clock, refreshes",
            f"{len(story.restarts) - 1}, {len(story.steps)}, {story.refreshed}",
        ),
        ("seconds without any excuse for `unavailable`", f"{outcome.without_excuse_s:.0f}"),
        ("`unavailable` with a reason", f"{finding.explained:,}"),
        ("oldest stale verdict used", f"{finding.oldest_stale_s:.1f} s"),
        ("of an age that nobody can know", f"{finding.unknowable:,}"),
        ("memory at a quarter, at the end", f"{begin >> 20} MiB, {end >> 20} MiB"),
    ]
    for (state, source), count in sorted(finding.decisions.items()):
        found.append((f"decisions: {state}, {source}", f"{count:,}"))
    broken = Counter(one.rule for one in finding.violations)
    for rule, words in _RULES.items():
        found.append((f"({rule}) {words}", f"{finding.checks[rule]:,} checks, {broken[rule]} violations"))
    found.append(("checks, violations", f"{finding.checks.total():,}, {len(finding.violations)}"))
    return found


def text(outcome: Outcome) -> str:
    """For the screen, with the first violations."""
    table = rows(outcome)
    width = max(len(name) for name, _ in table)
    lines = [f"  {name:<{width}}  {value}" for name, value in table]
    lines += [str(one) for one in outcome.finding.violations[:_SHOWN]]
    if len(outcome.finding.violations) > _SHOWN:
        lines.append(f"... and {len(outcome.finding.violations) - _SHOWN} violations more")
    return "\n".join(lines)


def write(outcome: Outcome, page: Path) -> None:
    """The whole page anew."""
    lifetimes = ", ".join(f"`{state}` {seconds:g} s" for state, seconds in TERMS.lifetimes.items())
    played = Counter(one.name for one in outcome.story.played)
    lines = [
        "# Soak",
        "",
        "A whole nacd process against a simulated Microsoft that fails in every way it knows, while devices become"
        " compliant and noncompliant, retire and come back; then every decision in the audit file is held against"
        " what was true at that time. Written by `make soak`; run it with `SEED=N` for another course of events.",
        "",
        f"Lifetimes are short, so that much happens: {lifetimes}; `stale_for` {TERMS.stale_for_s:g} s,"
        f" `lookup_deadline` {TERMS.deadline_s:g} s, {outcome.options.rate:g} requests a second. nacd's wall clock is"
        " stepped by minutes in its process (`tools/soak/clocked.py`), Intune's by hours.",
        "",
        "The judge (`tools/soak/judge.py`) shares no code with nacd. It knows the simulator's history of each device"
        " and of each answer, the wire, and what was done to nacd and when. What the machine may be late is set to"
        f" {TERMS.slack_s:g} s. A violation is printed with its record and the history of the device.",
        "",
        "One thing nobody can know: a daemon that is started again after its wall clock was set knows the age of what"
        " is on its disk by that clock alone. Such verdicts are counted and not judged by their age.",
        "",
        f"Measured on: {machine()}.",
        "",
        "| | measured |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows(outcome)),
        "",
        "Troubles played: " + ", ".join(f"{name} ({count})" for name, count in sorted(played.items())) + ".",
    ]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
