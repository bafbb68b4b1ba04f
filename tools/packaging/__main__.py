"""``python -m tools.packaging wheel|deb``: build what is handed out, into ``dist/``."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from tools.compiled.build import NotBuiltError, missing, ready
from tools.compiled.modules import MODULES
from tools.compiled.written import NotWrittenError
from tools.packaging import deb, wheel
from tools.packaging.locked import MACHINES, Target, own


def main() -> int:
    """Builds one, and prints where it is with its SHA-256."""
    parser = argparse.ArgumentParser(prog="python -m tools.packaging", description=__doc__)
    parser.add_argument("what", choices=("wheel", "deb"))
    parser.add_argument("--folder", type=Path, default=Path("dist"), help="where it goes")
    parser.add_argument("--version", default=wheel.declared_version(), help="another one than pyproject.toml's")
    parser.add_argument("--python", default="3.11", help="deb: the Python of the machine it is for, as in 3.13")
    parser.add_argument("--architecture", default="", choices=("", *MACHINES), help="deb: default: this machine's")
    parser.add_argument("--plain", action="store_true", help="deb: leave the hot path as it is, do not compile it")
    parser.add_argument("--quick", action="store_true", help="deb: packed fast instead of small")
    asked = parser.parse_args()
    at = wheel.epoch()
    try:
        if asked.what == "wheel":
            made = wheel.build(asked.folder, version=asked.version, at=at)
        else:
            target = Target(python=asked.python, architecture=asked.architecture or own().architecture)
            copy = None if asked.plain else compiled(target)
            made = deb.build(asked.folder, target, version=asked.version, at=at, copy=copy, quick=asked.quick)
    except (RuntimeError, NotBuiltError, NotWrittenError) as wrong:
        print(wrong, file=sys.stderr)
        return 1
    print(f"{hashlib.sha256(made.read_bytes()).hexdigest()}  {made}")
    return 0


def compiled(target: Target) -> Path | None:
    """nacd compiled for it; None, and a line that says why, when that cannot be done here: nacd is complete without,
    but a request costs it more."""
    here = own()
    lacking = missing()
    if target != here:
        lacking = f"this is Python {here.python} on {here.architecture}, the package is for another one"
    if lacking:
        print(f"deb: the hot path is not compiled: {lacking}", file=sys.stderr)
        return None
    print(f"deb: compiling {len(MODULES)} modules, about two minutes unless they are there already", flush=True)
    return ready()


if __name__ == "__main__":
    raise SystemExit(main())
