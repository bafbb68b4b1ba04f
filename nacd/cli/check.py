"""``nacd check`` and ``nacd schema``: a configuration judged without running it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nacd.cli.replay import cases
from nacd.config.load import load
from nacd.config.schema import schemas
from nacd.errors import ConfigError, Problem
from nacd.server.assembly import Assembled, assemble
from nacd.server.clock import instant


def run(config: Path) -> int:
    """Print every problem and note. Returns 0 if serve would start and the policy's cases are as expected, else 1."""
    try:
        loaded = load(config)
        assembled = assemble(loaded, instant(), allow_demo=True)
    except ConfigError as refused:
        for problem in refused.problems:
            print(problem)
        print(f"{refused.count}; nacd serve would refuse this configuration")
        return 1
    for note in assembled.notes:
        print(f"{note} (note)")
    try:
        assemble(loaded, instant())
    except ConfigError as refused:
        for problem in refused.problems:
            print(f"{problem} (serve takes it with --demo alone)")
    tried = _cases(assembled)
    if tried is None:
        return 1
    print(
        f"configuration is sound: {len(assembled.clients)} NASes, {len(loaded.policy.rules)} rules, "
        f"{len(loaded.profiles)} profiles, policy {loaded.digest[:12]}{tried}"
    )
    return 0


def _cases(assembled: Assembled) -> str | None:
    """Try the cases that lie beside the policy; what to say of them, None if something is wrong with them."""
    path = cases.beside(assembled)
    if not path.exists():
        return ""
    try:
        tried = cases.try_all(assembled, path)
        problems = tried.problems()
    except ConfigError as refused:
        problems = refused.problems
    except OSError as cannot:
        problems = (Problem(file=str(path), line=0, column=0, message=(cannot.strerror or "error").lower()),)
    for problem in problems:
        print(problem)
    if problems:
        print(f"{ConfigError(problems).count} with cases; nacd serve would take this configuration all the same")
        return None
    return f", {len(tried.verdicts)} cases"


def schema_of(which: str) -> int:
    """Print one JSON Schema. Returns 2 for a name there is none of."""
    name = f"{which}.schema.json"
    known = schemas()
    if name not in known:
        print(f"`{which}` has no schema; there are: {', '.join(k.split('.')[0] for k in known)}", file=sys.stderr)
        return 2
    print(json.dumps(known[name], indent=2, ensure_ascii=False))
    return 0
