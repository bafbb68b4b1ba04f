"""``nacd test --init``: cases out of the audit log, one for each rule that decided.

Knows: which record a case is made of, and that every case is tried before it is written. Refuses to know: what may be
left out of it (``nacd.replay.distil``) and how it is spelled (``config/cases``).
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from nacd.cli.replay import records
from nacd.cli.replay.records import CannotRead, Reader
from nacd.config.cases import file as cases_file
from nacd.config.cases import write as spelled
from nacd.config.cases.file import zone_of
from nacd.errors import ConfigError
from nacd.policy.model import DEFAULT_DENY
from nacd.replay.cases import run
from nacd.replay.distil import distil, named
from nacd.replay.judge import Unasked, judge
from nacd.replay.record import DECISIONS, Aside, Fields, Recorded, read
from nacd.server.assembly import Assembled
from nacd.values import Decision, Facts

_TRIES: Final = 20
"""How many records of one rule are kept, in case the newest cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The newest login that a rule decides."""

    time: str
    facts: Facts
    decision: Decision


def write(assembled: Assembled, path: Path, files: tuple[Path, ...]) -> tuple[str, ...]:
    """Write the file of cases, and say what is in it. files: audit logs; none: those of the configuration.

    Raises FileExistsError, OSError, CannotRead.
    """
    logs = files or records.beside(assembled.loaded.settings.audit.file, 0.0)
    newest = _newest(Reader(logs))
    found = _decided(assembled, newest)
    if not found:
        raise CannotRead(f"no decision in {len(logs)} files that the policy would make again")
    cases: list[str] = []
    said: list[str] = []
    rules = (*(rule.name for rule in assembled.loaded.policy.rules), DEFAULT_DENY)
    for rule in rules:
        if rule not in found:
            said.append(f"no record    rule `{rule}`")
            continue
        facts = distil(assembled.loaded.policy, found[rule].facts, rule, assembled.graph_tenants)
        if len(assembled.tenants) == 1:
            facts = replace(facts, tenant="")  # a case that names none means the only one
        case = _tried(assembled, path, rule, facts, found[rule].decision)
        if not case:
            said.append(f"left out     rule `{rule}`: its record cannot be told as a case")
            continue
        cases.append(case)
        kept = named(facts)
        why = f", with the {' and the '.join(kept)} that it hinges on" if kept else ""
        said.append(f"written      rule `{rule}`{why}")
    with path.open("x", encoding="utf-8") as file:
        file.write(spelled.text(cases))
    return (*said, f"{len(cases)} cases in `{path}`: read them, give them names, and add what no log shows")


def _newest(reader: Reader) -> Iterable[Recorded]:
    """The newest record of each rule that has decided something and can be read."""
    found: dict[str, deque[Fields]] = {}
    for line in reader:
        if isinstance(line, Aside) or line[0].get("code") not in DECISIONS:
            continue
        decision = line[0].get("decision")
        rule = decision.get("rule") if isinstance(decision, dict) else None
        if isinstance(rule, str):
            found.setdefault(rule, deque(maxlen=_TRIES)).append(line[0])
    for last in found.values():
        whole = (read(fields) for fields in reversed(last))
        yield from itertools.islice((each for each in whole if isinstance(each, Recorded)), 1)


def _decided(assembled: Assembled, newest: Iterable[Recorded]) -> dict[str, _Found]:
    """By the rule that decides now: the policy may have changed since."""
    found: dict[str, _Found] = {}
    for recorded in newest:
        decision = judge(assembled.loaded.policy, recorded.facts, assembled.graph_tenants)
        if isinstance(decision, Unasked):
            continue
        known = found.get(decision.rule)
        if known is None or known.time < recorded.time:
            found[decision.rule] = _Found(time=recorded.time, facts=recorded.facts, decision=decision)
    return found


def _tried(assembled: Assembled, path: Path, rule: str, facts: Facts, decision: Decision) -> str:
    """The case in words, if it says when it is read what the record said; ``""`` if it cannot be told."""
    policy = assembled.loaded.policy
    zone = zone_of(assembled.loaded) if policy.asks_the_clock else None
    for tells_compliance in (False, True):
        case = spelled.case(rule, facts, decision, zone=zone, tells_compliance=tells_compliance)
        try:
            file = cases_file.read(path, spelled.text([case]).encode(), assembled.loaded)
        except ConfigError:
            continue
        verdicts = [run(each, policy, assembled.rendered, assembled.graph_tenants) for each in file.cases]
        if not file.problems and [verdict.is_ok for verdict in verdicts] == [True]:
            return case
    return ""
