"""``nacd explain --record``: what was decided then, and what the present policy says of the same facts.

Knows: how a record is named on the command line, and how both sides are laid out. Refuses to know: how a record is read
(``nacd.replay``).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from nacd.cli.explain.sheet import (
    Sheet,
    answer_text,
    nas_document,
    nas_line,
    plain,
    rules_document,
    width_of,
)
from nacd.cli.replay import records
from nacd.cli.replay.records import CannotRead
from nacd.policy.evaluate import explain
from nacd.replay.answer import Answers
from nacd.replay.judge import CouldBeAsked, Unasked, judge, without_asking
from nacd.replay.record import MONITORED, Aside, Fields, Outcome, Recorded, read
from nacd.server.assembly import Assembled
from nacd.values import CertificateFacts, ComplianceState, Device, Endpoint, Facts

TOLD, NOT_TOLD = 0, 1
"""Exit codes."""


def tell(assembled: Assembled, where: str, sheet: Sheet, at: float = 0.0) -> int:
    """Explain one record. where: ``FILE:LINE``, or ``-``: the first line of stdin. at: the moment for which the policy
    is asked, 0.0 for that of the record. Raises CannotRead."""
    fields = records.decoded(_line(where))
    if isinstance(fields, Aside):
        raise CannotRead(f"`{where}`: {fields.cause.value}")
    recorded = read(fields)
    written = {name: _word(fields, name) for name in ("time", "event", "code")}
    sheet.field("record", f"{written['time']} {written['event']} ({written['code']})")
    sheet.put(record=written)
    if isinstance(recorded, Aside):
        sheet.field("then", _word(fields, "why"))
        detail = f": `{recorded.detail}`" if recorded.detail else ""
        sheet.field("now", f"the policy is not asked: {recorded.cause.value}{detail}")
        sheet.put(then=None, now=None, not_asked=f"{recorded.cause.value}{detail}")
        return NOT_TOLD
    _tell_facts(sheet, recorded.facts)
    _tell_then(assembled, sheet, recorded)
    _tell_monitor(sheet, fields)
    facts = replace(recorded.facts, at=at or recorded.facts.at)
    return _tell_now(assembled, sheet, fields, replace(recorded, facts=facts))


def _line(where: str) -> bytes:
    if where == "-":
        return sys.stdin.buffer.readline()
    file, _, number = where.rpartition(":")
    if not file or not number.isdecimal() or int(number) < 1:
        raise CannotRead(f"`{where}`: write FILE:LINE, as in `/var/log/nacd/audit.jsonl:1234`, or `-` for stdin")
    return records.line_of(Path(file), int(number))


def _word(fields: Fields, name: str) -> str:
    found = fields.get(name)
    return found if isinstance(found, str) else ""


def _tell_facts(sheet: Sheet, facts: Facts) -> None:
    sheet.field("nas", nas_line(facts.nas))
    sheet.field("access", facts.access.value)
    match facts.identity:
        case Device(id=device, source=source):
            sheet.field("device", f"{device.kind.value} device {device.guid} (source {source.value})")
        case Endpoint(mac=mac, source=source):
            sheet.field("endpoint", f"{mac} (source {source.value})")
        case _:
            sheet.field("device", "nothing names it")
    for title, value in (("mac", facts.mac), ("user", facts.user), ("ssid", facts.ssid)):
        if value:
            sheet.field(title, value)
    if isinstance(facts.certificate, CertificateFacts):
        sheet.field("certificate", f"{facts.certificate.subject}, issued by {facts.certificate.issuer}")
    known = facts.compliance
    detail = f" ({known.detail})" if known.detail else ""
    sheet.field("compliance", f"{known.state.value}{detail}, source {known.source.value}")
    sheet.put(
        nas=nas_document(facts.nas),
        access=facts.access.value,
        identity=plain(facts.identity),
        certificate=plain(facts.certificate),
        compliance=plain(known),
        mac=facts.mac,
        user=facts.user,
        ssid=facts.ssid,
        tenant=facts.tenant,
    )


def _tell_then(assembled: Assembled, sheet: Sheet, recorded: Recorded) -> None:
    digest = assembled.loaded.digest
    which = "the one in force" if recorded.policy_digest == digest else f"not the one in force, {digest[:12]}"
    outcome = recorded.outcome
    sheet.field("then", f"{answer_text(*outcome)} (policy {recorded.policy_digest[:12]}, {which})")
    for reason in recorded.reasons:
        sheet.say(f"  {reason}")
    sheet.put(
        then={**_outcome(outcome), "reasons": list(recorded.reasons), "policy_digest": recorded.policy_digest},
    )


def _tell_monitor(sheet: Sheet, fields: Fields) -> None:
    """What was answered, where it was not what was decided."""
    if fields.get("code") != MONITORED:
        sheet.put(monitored=False)
        return
    known = fields.get("monitor")
    monitor = {
        name: _word(known if isinstance(known, dict) else {}, name) for name in ("scope", "name", "until", "profile")
    }
    where = f"{monitor['scope']} `{monitor['name']}`" if monitor["name"] else monitor["scope"]
    sheet.field(
        "answered", f"Access-Accept, profile `{monitor['profile']}`: monitor mode ({where}, until {monitor['until']})"
    )
    sheet.put(monitored=True, monitor=monitor)


def _tell_now(assembled: Assembled, sheet: Sheet, fields: Fields, recorded: Recorded) -> int:
    policy, facts = assembled.loaded.policy, recorded.facts
    decision = judge(policy, facts, assembled.graph_tenants)
    if isinstance(decision, Unasked):
        words = f"rule `{decision.rule}` asks for compliance, and nobody had asked then"
        sheet.field("now", f"it depends: {words}")
        sheet.put(now=None, not_asked=words)
        return NOT_TOLD
    if facts.compliance.state is ComplianceState.NOT_ASKED:
        known = without_asking(facts, assembled.graph_tenants)
        facts = facts if isinstance(known, CouldBeAsked) else known
    sheet.say("rules, now")
    width = width_of(rule.name for rule in policy.rules)
    trials = explain(policy, facts)
    for number, trial in enumerate(trials, 1):
        sheet.say(f"  {number:>2} {trial.rule:<{width}}  {'matches' if trial.matched else 'no'}: {trial.detail}")
    now = Outcome(decision.effect, decision.rule, decision.profile)
    try:
        difference = Answers(assembled.rendered).difference(fields, recorded.outcome, now)
    except (KeyError, TypeError, ValueError):
        raise CannotRead("the record's `reply` is none of nacd's") from None
    detail = difference.detail if difference is not None else ""
    same = "the same answer" if difference is None else f"another answer{f' ({detail})' if detail else ''}"
    sheet.field("now", f"{answer_text(*now)}: {same}")
    sheet.put(
        rules=rules_document(trials),
        now={**_outcome(now), "reasons": list(decision.reasons)},
        same=difference is None,
        difference=detail,
    )
    return TOLD


def _outcome(outcome: Outcome) -> dict[str, str]:
    return {"effect": outcome.effect.value, "rule": outcome.rule, "profile": outcome.profile}
