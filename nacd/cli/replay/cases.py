"""``nacd test``: the cases that lie beside a policy.

Knows: where cases are looked for, how their verdicts are shown, and the exit code. Refuses to know: how a case is
written (``config/cases``) and what makes it fail (``nacd.replay.cases``).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nacd.cli.explain.sheet import say
from nacd.cli.replay import made
from nacd.cli.replay.records import CannotRead
from nacd.config.cases import file as cases_file
from nacd.config.cases.file import NAME, CasesFile
from nacd.config.load import load
from nacd.config.reading.contents import contents
from nacd.config.yaml import MAX_OCTETS
from nacd.errors import ConfigError, Problem
from nacd.policy.model import DEFAULT_DENY
from nacd.replay.cases import Verdict, unreached
from nacd.replay.cases import run as run_case
from nacd.server.assembly import Assembled, assemble
from nacd.server.clock import instant

OK, FAILED, CANNOT = 0, 1, 2
"""Exit codes."""
_MOST_TRIALS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A file of cases and what became of each."""

    file: CasesFile
    verdicts: tuple[Verdict, ...]
    unreached: tuple[str, ...]

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the cases, each at its line."""
        missed = [(verdict.case, miss) for verdict in self.verdicts for miss in verdict.misses]
        return (*self.file.problems, *(self.file.problem(case, miss.key, miss.message) for case, miss in missed))


def beside(assembled: Assembled) -> Path:
    """Where the cases of this policy would be."""
    return Path(assembled.loaded.policy_document.file).parent / NAME


def try_all(assembled: Assembled, path: Path) -> Tried:
    """Run every case of a file. Raises ConfigError when it is no YAML mapping in a plain file, OSError."""
    path.stat()  # whether there are any
    found = contents(path, MAX_OCTETS)
    if found.problem:
        raise ConfigError((Problem(file=str(path), line=0, column=0, message=found.problem),))
    file = cases_file.read(path, found.octets, assembled.loaded)
    policy = assembled.loaded.policy
    cases = () if file.problems else file.cases
    verdicts = tuple(run_case(case, policy, assembled.rendered, assembled.graph_tenants) for case in cases)
    return Tried(file=file, verdicts=verdicts, unreached=unreached(policy, verdicts))


def run(config: Path, cases: Path | None, *, policy: Path | None = None, as_json: bool = False) -> int:
    """Try the cases. Returns 0 all are as expected, 1 one is not, 2 it cannot be said."""
    try:
        assembled = assemble(load(config, policy_path=policy), instant(), allow_demo=True)
        path = cases or beside(assembled)
        tried = try_all(assembled, path)
    except ConfigError as refused:
        return _refuse(refused)
    except OSError as cannot:
        told = f"`{cannot.filename}`: {(cannot.strerror or 'error').lower()}"
        print(f"{told}; `nacd test --init` writes cases from the audit log", file=sys.stderr)
        return CANNOT
    if tried.file.problems:
        return _refuse(ConfigError(tried.file.problems))
    if as_json:
        print(json.dumps(_json(tried), indent=2, ensure_ascii=False))
    else:
        _tell(tried)
    return OK if all(verdict.is_ok for verdict in tried.verdicts) else FAILED


def init(config: Path, cases: Path | None, files: tuple[Path, ...]) -> int:
    """Write a file of cases from the audit log. Returns 0 written, 2 it cannot be."""
    try:
        assembled = assemble(load(config), instant(), allow_demo=True)
        path = cases or beside(assembled)
        written = made.write(assembled, path, files)
    except ConfigError as refused:
        return _refuse(refused)
    except FileExistsError:
        print(f"`{path}` is there already: move it away, or name another with --cases", file=sys.stderr)
        return CANNOT
    except (OSError, CannotRead) as cannot:
        print(cannot, file=sys.stderr)
        return CANNOT
    for line in written:
        say(line)
    return OK


# -- parts ----------------------------------------------------------------------------------


def _refuse(refused: ConfigError) -> int:
    for problem in refused.problems:
        print(problem, file=sys.stderr)
    print(refused.count, file=sys.stderr)
    return CANNOT


def _tell(tried: Tried) -> None:
    width = max((len(verdict.case.name) for verdict in tried.verdicts), default=0)
    for verdict in tried.verdicts:
        say(f"{'ok' if verdict.is_ok else 'FAILED':<8}{verdict.case.name:<{width}}  {_outcome(verdict)}")
        if not verdict.is_ok:
            for line in _why(tried, verdict):
                say(f"        {line}")
    failed = sum(not verdict.is_ok for verdict in tried.verdicts)
    say(
        f"{_cases(len(tried.verdicts))}, {failed} failed"
        if failed
        else f"{_cases(len(tried.verdicts))}, all as expected"
    )
    if tried.unreached:
        rules = [f"`{name}`" for name in tried.unreached]
        say(f"no case reaches: {', '.join(rules)}")


def _outcome(verdict: Verdict) -> str:
    monitor = verdict.monitor
    answered = f", answered with `{monitor.profile}` (monitor: {monitor})" if monitor is not None else ""
    return f"rule `{verdict.rule}`{answered}" if verdict.rule else ""


def _why(tried: Tried, verdict: Verdict) -> Iterable[str]:
    for miss in verdict.misses:
        problem = tried.file.problem(verdict.case, miss.key, miss.message)
        yield f"line {problem.line}: {miss.message}"
    for trial in verdict.trials[-_MOST_TRIALS:]:
        yield f"  rule `{trial.rule}`: {'matches' if trial.matched else 'no'}: {trial.detail}"


def _cases(count: int) -> str:
    return f"{count} case{'' if count == 1 else 's'}"


def _json(tried: Tried) -> dict[str, Any]:
    """Names are an interface: they are added to."""
    return {
        "cases": [
            {
                "name": verdict.case.name,
                "file": tried.file.document.file,
                "line": verdict.case.line,
                "ok": verdict.is_ok,
                "rule": verdict.rule,
                "monitored": verdict.monitor is not None,
                "misses": [{"key": miss.key, "why": miss.message} for miss in verdict.misses],
                "trials": [
                    {"rule": trial.rule, "matched": trial.matched, "why": trial.detail} for trial in verdict.trials
                ],
            }
            for verdict in tried.verdicts
        ],
        "failed": sum(not verdict.is_ok for verdict in tried.verdicts),
        "unreached": [name for name in tried.unreached if name != DEFAULT_DENY],
        "default_deny_reached": DEFAULT_DENY not in tried.unreached,
    }
