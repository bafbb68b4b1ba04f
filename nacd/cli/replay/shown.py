"""What came of a replay, for people and for programs.

Knows: how counts and examples are laid out. Refuses to count anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nacd.cli.explain.sheet import say, say_field
from nacd.policy.answered import NO_VERDICT
from nacd.replay.answer import REFUSED, Difference
from nacd.replay.judge import Unasked, judge
from nacd.replay.record import Cause, Outcome
from nacd.replay.tally import NOT_THE_POLICYS, Example, Group, Groups, Tally, whole
from nacd.server.assembly import Assembled
from nacd.values import Device, Effect, Facts

_MOST_ROWS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is to be shown."""

    tally: Tally
    tried: Assembled
    files: tuple[Path, ...]
    since: str


def tell(report: Report) -> None:
    """All of it, in lines."""
    tally = report.tally
    say_field("policy", f"{report.tried.loaded.policy_document.file} ({report.tried.loaded.digest[:12]})")
    span = f", {_time(tally.first)} to {_time(tally.last)}" if tally.first else ""
    say_field("replayed", f"{_group(tally.replayed)}{span}")
    for line in _verified(tally):
        say_field("", line)
    if not tally.changed.logins:
        say_field("changes", "none: every answer would be the same")
    else:
        share = 100 * tally.changed.logins / tally.replayed.logins
        say_field("changes", f"{_group(tally.changed)} ({share:.2g} % of the logins)")
        _table("by answer", tally.by_answer)
        _table("by rule", tally.by_rule)
        _table("by NAS", tally.by_nas)
        _table("by group", tally.by_group)
    if tally.monitored.logins:
        say_field("monitored", f"{_group(tally.monitored)}: answered by a monitor; enforced, this policy would answer")
        _table("what it would answer instead", tally.enforced)
        _table("at NASes of group", tally.enforced_by_group)
    if tally.renamed:
        say_field("", f"{tally.renamed:,} logins would get the same answer by another rule")
    for number, example in enumerate(tally.examples, 1):
        _example(report, number, example)
    _aside(tally)


def as_json(report: Report) -> dict[str, Any]:
    """The same for programs. Names and numbers are an interface: they are added to."""
    tally = report.tally
    return {
        "policy": {"file": report.tried.loaded.policy_document.file, "digest": report.tried.loaded.digest},
        "files": [str(file) for file in report.files],
        "since": report.since,
        "first": tally.first,
        "last": tally.last,
        "replayed": _counts(tally.replayed),
        "changed": _counts(tally.changed),
        "same_answer_by_another_rule": tally.renamed,
        "monitored": _counts(tally.monitored),
        "enforced": _rows(tally.enforced),
        "enforced_by_group": [
            {"group": group.strip("`"), "after": after.strip("`"), **_counts(count)}
            for (group, after), count in _sorted(tally.enforced_by_group)
        ],
        "verified": tally.verified,
        "contradicted": tally.contradicted,
        "by_answer": _rows(tally.by_answer),
        "by_rule": _rows(tally.by_rule),
        "by_nas": [{"nas": name, **_counts(group)} for (name, _), group in _sorted(tally.by_nas)],
        "by_group": [{"group": name, **_counts(group)} for (name, _), group in _sorted(tally.by_group)],
        "examples": [_example_json(report, example) for example in tally.examples],
        "not_replayed": [
            {"cause": cause.name.lower(), "why": cause.value, "detail": detail, "count": count}
            for (cause, detail), count in sorted(tally.aside.items(), key=lambda item: -item[1])
        ],
    }


# -- parts ----------------------------------------------------------------------------------


def _verified(tally: Tally) -> Iterable[str]:
    if tally.verified and not tally.contradicted:
        yield f"verified: the policy in force makes all {tally.verified:,} of its decisions again"
    if tally.contradicted:
        yield (
            f"WRONG: the policy in force decides {tally.contradicted:,} of its own decisions otherwise than it did:"
            " do not trust what follows, and report this"
        )
    others = sum(tally.digests.values()) - tally.verified - tally.contradicted
    if others:
        yield f"{others:,} were decided by another policy than the one in force: its changes are among those below"


def _table(title: str, groups: Groups) -> None:
    say(f"  {title}")
    rows = _sorted(groups)
    names = [f"{before} -> {after}" if after else f"`{before}`" for (before, after), _ in rows[:_MOST_ROWS]]
    if title == "by rule":
        names = [f"`{before}` -> `{after}`" for (before, after), _ in rows[:_MOST_ROWS]]
    width = max(map(len, names), default=0)
    for name, (_, group) in zip(names, rows, strict=False):
        say(f"    {name:<{width}}  {_group(group)}")
    if len(rows) > _MOST_ROWS:
        say(f"    and {len(rows) - _MOST_ROWS:,} more (--json has all)")


def _example(report: Report, number: int, example: Example) -> None:
    recorded = whole(example)
    facts = recorded.facts
    say(f"example {number}: {_who(facts)} on NAS `{facts.nas.name}`, {_time(recorded.time)}")
    say_field("  then", f"{_answer(recorded.outcome)}: {'; '.join(recorded.reasons)}")
    outcome, reasons = _now(report, facts)
    say_field("  now", f"{_answer(outcome)}: {'; '.join(reasons)}")
    if example.difference.detail:
        say_field("", example.difference.detail)


def _example_json(report: Report, example: Example) -> dict[str, Any]:
    recorded = whole(example)
    facts = recorded.facts
    outcome, reasons = _now(report, facts)
    difference: Difference = example.difference
    return {
        "time": recorded.time,
        "device": facts.identity.id.guid if isinstance(facts.identity, Device) else "",
        "mac": facts.mac,
        "user": facts.user,
        "nas": facts.nas.name,
        "before": {**_outcome(recorded.outcome), "reasons": list(recorded.reasons)},
        "after": {**_outcome(outcome), "reasons": list(reasons)},
        "attributes": difference.detail,
    }


def _now(report: Report, facts: Facts) -> tuple[Outcome, tuple[str, ...]]:
    decision = judge(report.tried.loaded.policy, facts, report.tried.graph_tenants)
    if isinstance(decision, Unasked):
        raise TypeError("an example is a record that has been judged")
    return Outcome(decision.effect, decision.rule, decision.profile), decision.reasons


def _aside(tally: Tally) -> None:
    if not tally.aside:
        return
    put = tally.put_aside
    say_field("put aside", f"{put:,} logins that the policy decided" if put else "nothing that the policy decided")
    for apart in (False, True):
        rows = [item for item in tally.aside.items() if (item[0][0] in NOT_THE_POLICYS) is apart]
        for (cause, detail), count in sorted(rows, key=lambda item: -item[1]):
            what = f": {detail if cause is Cause.UNASKED else f'`{detail}`'}" if detail else ""
            say(f"  {count:>9,}  {cause.value}{what}")


def _sorted(groups: Groups) -> list[tuple[tuple[str, str], Group]]:
    return sorted(groups.items(), key=lambda item: (-len(item[1].devices), -item[1].logins, item[0]))


def _rows(groups: Groups) -> list[dict[str, Any]]:
    return [
        {"before": before.strip("`"), "after": after.strip("`"), **_counts(group)}
        for (before, after), group in _sorted(groups)
    ]


def _counts(group: Group) -> dict[str, int]:
    return {"logins": group.logins, "devices": len(group.devices)}


def _group(group: Group) -> str:
    devices = len(group.devices)
    return f"{_many(group.logins, 'login')} of {_many(devices, 'device')}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _outcome(outcome: Outcome) -> dict[str, str]:
    return {"effect": outcome.effect.value, "rule": outcome.rule, "profile": outcome.profile}


def _answer(outcome: Outcome) -> str:
    given = f"`{outcome.profile}`" if outcome.effect is Effect.ALLOW else REFUSED
    return f"{given} by rule `{outcome.rule}`"


def _who(facts: Facts) -> str:
    known = f" ({facts.compliance.state})" if facts.compliance.state not in NO_VERDICT else ""
    if isinstance(facts.identity, Device):
        return f"device {facts.identity.id.guid}{known}"
    return f"endpoint {facts.mac}{known}" if facts.mac else "an endpoint that nothing names"


def _time(text: str) -> str:
    """To the second, as people read it."""
    return f"{text[:10]} {text[11:19]}"
