"""``nacd explain --record``: what was decided then, and what the present policy says of the same facts.

Knows: how a record is named on the command line, and how both sides are laid out. Refuses to know: how a record is read
(``nacd.replay``).
"""

from __future__ import annotations

import sys
from pathlib import Path

from nacd.cli.judgement import nas_line, say, say_field
from nacd.cli.replay import records
from nacd.cli.replay.records import CannotRead
from nacd.policy.evaluate import explain
from nacd.policy.model import DEFAULT_DENY
from nacd.replay.answer import Answers
from nacd.replay.judge import CouldBeAsked, Unasked, judge, without_asking
from nacd.replay.record import Aside, Fields, Outcome, Recorded, read
from nacd.server.assembly import Assembled
from nacd.values import CertificateFacts, ComplianceState, Device, Effect, Endpoint, Facts

TOLD, NOT_TOLD = 0, 1
"""Exit codes."""


def tell(assembled: Assembled, where: str) -> int:
    """Explain one record. where: ``FILE:LINE``, or ``-``: the first line of stdin. Raises CannotRead."""
    fields = records.decoded(_line(where))
    if isinstance(fields, Aside):
        raise CannotRead(f"`{where}`: {fields.cause.value}")
    recorded = read(fields)
    say_field("record", f"{_word(fields, 'time')} {_word(fields, 'event')} ({_word(fields, 'code')})")
    if isinstance(recorded, Aside):
        say_field("then", _word(fields, "why"))
        detail = f": `{recorded.detail}`" if recorded.detail else ""
        say_field("now", f"the policy is not asked: {recorded.cause.value}{detail}")
        return NOT_TOLD
    _tell_facts(recorded.facts)
    _tell_then(assembled, recorded)
    return _tell_now(assembled, fields, recorded)


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


def _tell_facts(facts: Facts) -> None:
    say_field("nas", nas_line(facts.nas))
    say_field("access", facts.access.value)
    match facts.identity:
        case Device(id=device, source=source):
            say_field("device", f"{device.kind.value} device {device.guid} (source {source.value})")
        case Endpoint(mac=mac, source=source):
            say_field("endpoint", f"{mac} (source {source.value})")
        case _:
            say_field("device", "nothing names it")
    for title, value in (("mac", facts.mac), ("user", facts.user), ("ssid", facts.ssid)):
        if value:
            say_field(title, value)
    if isinstance(facts.certificate, CertificateFacts):
        say_field("certificate", f"{facts.certificate.subject}, issued by {facts.certificate.issuer}")
    known = facts.compliance
    detail = f" ({known.detail})" if known.detail else ""
    say_field("compliance", f"{known.state.value}{detail}, source {known.source.value}")


def _tell_then(assembled: Assembled, recorded: Recorded) -> None:
    digest = assembled.loaded.digest
    which = "the one in force" if recorded.policy_digest == digest else f"not the one in force, {digest[:12]}"
    say_field("then", f"{_answer(recorded.outcome)} (policy {recorded.policy_digest[:12]}, {which})")
    for reason in recorded.reasons:
        say(f"  {reason}")


def _tell_now(assembled: Assembled, fields: Fields, recorded: Recorded) -> int:
    policy, facts = assembled.loaded.policy, recorded.facts
    decision = judge(policy, facts, assembled.graph_tenants)
    if isinstance(decision, Unasked):
        say_field("now", f"it depends: rule `{decision.rule}` asks for compliance, and nobody had asked then")
        return NOT_TOLD
    if facts.compliance.state is ComplianceState.NOT_ASKED:
        known = without_asking(facts, assembled.graph_tenants)
        facts = facts if isinstance(known, CouldBeAsked) else known
    say("rules, now")
    width = max(len(name) for name in (DEFAULT_DENY, *(rule.name for rule in policy.rules)))
    for number, trial in enumerate(explain(policy, facts), 1):
        say(f"  {number:>2} {trial.rule:<{width}}  {'matches' if trial.matched else 'no'}: {trial.detail}")
    now = Outcome(decision.effect, decision.rule, decision.profile)
    try:
        difference = Answers(assembled.rendered).difference(fields, recorded.outcome, now)
    except (KeyError, TypeError, ValueError):
        raise CannotRead("the record's `reply` is none of nacd's") from None
    if difference is None:
        say_field("now", f"{_answer(now)}: the same answer")
    else:
        say_field("now", f"{_answer(now)}: another answer{f' ({difference.detail})' if difference.detail else ''}")
    return TOLD


def _answer(outcome: Outcome) -> str:
    code = "Access-Accept" if outcome.effect is Effect.ALLOW else "Access-Reject"
    profile = f", profile `{outcome.profile}`" if outcome.profile else ""
    return f"{code} by rule `{outcome.rule}`{profile}"
