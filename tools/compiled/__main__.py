"""``python -m tools.compiled``: a copy of nacd whose hot path is compiled, in ``build/compiled``."""

from __future__ import annotations

import sys
import time

from tools.compiled.build import COPY, NotBuiltError, ready
from tools.compiled.modules import MODULES
from tools.compiled.written import NotWrittenError


def main() -> int:
    """0: it is there. 1: it could not be made."""
    print(f"compiled: {len(MODULES)} modules, about two minutes unless they are there already", flush=True)
    began = time.monotonic()
    try:
        ready()
    except (NotBuiltError, NotWrittenError) as error:
        print(f"compiled: {error}", file=sys.stderr)
        return 1
    print(f"compiled: in {time.monotonic() - began:.0f} s; run it with PYTHONPATH={COPY}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
