"""``nacd check`` and ``nacd schema``: a configuration judged without running it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nacd.config.load import load
from nacd.config.schema import schemas
from nacd.errors import ConfigError
from nacd.server.assembly import assemble
from nacd.server.clock import instant


def run(config: Path) -> int:
    """Print every problem and note. Returns 0 if serve would start, else 1."""
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
    print(
        f"configuration is sound: {len(assembled.clients)} NASes, {len(loaded.policy.rules)} rules, "
        f"{len(loaded.profiles)} profiles, policy {loaded.digest[:12]}"
    )
    return 0


def schema_of(which: str) -> int:
    """Print one JSON Schema. Returns 2 for a name there is none of."""
    name = f"{which}.schema.json"
    known = schemas()
    if name not in known:
        print(f"`{which}` has no schema; there are: {', '.join(k.split('.')[0] for k in known)}", file=sys.stderr)
        return 2
    print(json.dumps(known[name], indent=2, ensure_ascii=False))
    return 0
