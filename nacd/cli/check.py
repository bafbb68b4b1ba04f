"""``nacd check`` and ``nacd schema``: a configuration judged without running it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nacd.cli.replay import cases
from nacd.config.findings.allowances import Accepted
from nacd.config.load import load
from nacd.config.schema import schemas
from nacd.errors import ConfigError, Problem
from nacd.findings import FINDINGS, Code, Finding
from nacd.server.assembly import Assembled, assemble
from nacd.server.clock import instant
from nacd.server.shadow import loading as candidates
from nacd.server.shadow.loading import NoShadow, Ready


def run(config: Path, *, as_json: bool = False, strict: bool = False, everything: bool = False) -> int:
    """Say every problem and finding. Returns 0 if serve would start and the policy's cases are as expected, else 1.

    strict: a finding that nobody has accepted is worth a 1 too. everything: show what was accepted, one by one.
    """
    judged = _judge(config)
    failed = bool(judged.problems or judged.cases) or (strict and bool(judged.findings))
    if as_json:
        print(json.dumps(_as_json(judged, sound=not failed), indent=2, ensure_ascii=False))
    else:
        _tell(judged, strict=strict, everything=everything)
        if hint := first_one(config):
            print(hint)
    return 1 if failed else 0


def first_one(config: Path) -> str:
    """What to do when there is no configuration at all; ``""`` when there is one, good or bad."""
    if os.path.lexists(config) or not os.access(config.parent, os.X_OK):
        return ""
    return f"there is no configuration yet: `nacd init {config.parent}` writes a first one"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What came of it. problems: why serve would not start. demo: why not without ``--demo``. cases: what is wrong with
    the policy's cases; tried: how many there are, -1 for no file of them. summary: how large it all is."""

    problems: tuple[Problem, ...] = ()
    findings: tuple[Problem, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    demo: tuple[Problem, ...] = ()
    cases: tuple[Problem, ...] = ()
    tried: int = -1
    shadow: candidates.Found = candidates.NO_SHADOW
    summary: Mapping[str, int | str] = field(default_factory=dict)


def _judge(config: Path) -> _Judged:
    try:
        loaded = load(config)
        assembled = assemble(loaded, instant(), allow_demo=True)
    except ConfigError as refused:
        return _Judged(problems=refused.problems)
    demo: tuple[Problem, ...] = ()
    try:
        assemble(loaded, instant())
    except ConfigError as refused:
        demo = refused.problems
    tried, problems = _cases(assembled)
    return _Judged(
        findings=assembled.notes,
        accepted=assembled.accepted,
        demo=demo,
        cases=problems,
        tried=tried,
        shadow=candidates.find(assembled),
        summary={
            "nases": len(assembled.clients),
            "rules": len(loaded.policy.rules),
            "profiles": len(loaded.profiles),
            "policy": loaded.digest,
        },
    )


def _cases(assembled: Assembled) -> tuple[int, tuple[Problem, ...]]:
    """Try the cases that lie beside the policy: how many there are (-1: no file), and what is wrong with them."""
    path = cases.beside(assembled)
    if not path.exists():
        return -1, ()
    try:
        tried = cases.try_all(assembled, path)
        return len(tried.verdicts), tried.problems()
    except ConfigError as refused:
        return 0, refused.problems
    except OSError as cannot:
        return 0, (Problem(file=str(path), line=0, column=0, message=(cannot.strerror or "error").lower()),)


# -- for people -----------------------------------------------------------------------------


def _tell(judged: _Judged, *, strict: bool, everything: bool) -> None:
    for problem in judged.problems:
        print(problem)
    if judged.problems:
        print(f"{ConfigError(judged.problems).count}; nacd serve would refuse this configuration")
        return
    for finding in judged.findings:
        print(f"{finding} (note)")
    for code in dict.fromkeys(finding.code for finding in judged.findings):
        if (row := _row(code)) is not None:
            print(f"  {code}: {row.why}. {row.do[0].upper()}{row.do[1:]}.")
    _tell_accepted(judged.accepted, everything=everything)
    _tell_shadow(judged.shadow)
    for problem in judged.demo:
        print(f"{problem} (serve takes it with --demo alone)")
    for problem in judged.cases:
        print(problem)
    if judged.cases:
        print(f"{ConfigError(judged.cases).count} with cases; nacd serve would take this configuration all the same")
        return
    if strict and judged.findings:
        many = "1 finding is" if len(judged.findings) == 1 else f"{len(judged.findings)} findings are"
        print(f"{many} neither mended nor accepted (`# nacd: allow CODE reason`): --strict does not let that pass")
        return
    size = judged.summary
    tried = f", {judged.tried} cases" if judged.tried >= 0 else ""
    print(
        f"configuration is sound: {size['nases']} NASes, {size['rules']} rules, "
        f"{size['profiles']} profiles, policy {str(size['policy'])[:12]}{tried}"
    )


def _tell_accepted(accepted: tuple[Accepted, ...], *, everything: bool) -> None:
    for each in accepted if everything else ():
        print(f"{each.finding} (accepted in line {each.line}: {each.reason})")
    if accepted and not everything:
        many = "1 finding" if len(accepted) == 1 else f"{len(accepted)} findings"
        print(f"{many} accepted by comments (--all shows them)")


def _tell_shadow(found: candidates.Found) -> None:
    """What is to be said of the shadow policy: whatever is wrong with it stops nothing."""
    if isinstance(found, NoShadow):
        return
    for note in found.notes if isinstance(found, Ready) else found.problems:
        print(f"{note} (note, shadow)")
    if isinstance(found, Ready):
        print(f"shadow is sound: {found.rules} rules, {found.profiles} profiles, policy {found.digest[:12]}")
    else:
        print(f"{ConfigError(found.problems).count} with the shadow; nacd serve would run without it")


def _row(code: str) -> Finding | None:
    return FINDINGS[Code(code)] if code in set(Code) else None


# -- for machines ---------------------------------------------------------------------------


def _as_json(judged: _Judged, *, sound: bool) -> dict[str, object]:
    shadow = judged.shadow
    told = () if isinstance(shadow, NoShadow) else shadow.notes if isinstance(shadow, Ready) else shadow.problems
    return {
        "sound": sound,
        **judged.summary,
        "cases": max(0, judged.tried),
        "problems": [_placed(each) for each in (*judged.problems, *judged.cases)],
        "problems_without_demo": [_placed(each) for each in judged.demo],
        "findings": [
            *(_finding(each) for each in judged.findings),
            *(
                _finding(each.finding) | {"accepted": True, "reason": each.reason, "accepted_in_line": each.line}
                for each in judged.accepted
            ),
        ],
        "shadow": [_finding(each) for each in told],
    }


def _placed(problem: Problem) -> dict[str, object]:
    return {"file": problem.file, "line": problem.line, "column": problem.column, "message": problem.message}


def _finding(problem: Problem) -> dict[str, object]:
    row = _row(problem.code)
    about = {} if row is None else {"severity": row.severity.value, "title": row.title, "why": row.why, "do": row.do}
    return {"code": problem.code, **_placed(problem), **about, "accepted": False}


# -- schemas --------------------------------------------------------------------------------


def schema_of(which: str) -> int:
    """Print one JSON Schema. Returns 2 for a name there is none of."""
    name = f"{which}.schema.json"
    known = schemas()
    if name not in known:
        print(f"`{which}` has no schema; there are: {', '.join(k.split('.')[0] for k in known)}", file=sys.stderr)
        return 2
    print(json.dumps(known[name], indent=2, ensure_ascii=False))
    return 0
