"""``python -m tools.compiled FOLDER``: a copy of nacd whose hot path is compiled."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tools.compiled.build import NotBuiltError, build
from tools.compiled.modules import MODULES
from tools.compiled.written import NotWrittenError


def main(words: Sequence[str] | None = None) -> int:
    """0: it is there. 1: it could not be made."""
    parser = argparse.ArgumentParser(prog="python -m tools.compiled", description="nacd with its hot path compiled")
    parser.add_argument("folder", type=Path, help="where it goes; what is there is removed first")
    folder = parser.parse_args(words).folder.resolve()
    if folder.exists() and not (folder / "nacd").is_dir() and any(folder.iterdir()):
        print(f"compiled: `{folder}` holds something else", file=sys.stderr)
        return 1
    print(f"compiled: {len(MODULES)} modules, about two minutes", flush=True)
    began = time.monotonic()
    try:
        build(folder)
    except (NotBuiltError, NotWrittenError) as error:
        print(f"compiled: {error}", file=sys.stderr)
        return 1
    print(f"compiled: in {time.monotonic() - began:.0f} s; run it with PYTHONPATH={folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
