"""``python -m tools.packaging wheel|deb``: build what is handed out, into ``dist/``."""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

from tools.packaging import deb, wheel
from tools.packaging.locked import MACHINES, Target


def main() -> int:
    """Builds one, and prints where it is with its SHA-256."""
    parser = argparse.ArgumentParser(prog="python -m tools.packaging", description=__doc__)
    parser.add_argument("what", choices=("wheel", "deb"))
    parser.add_argument("--folder", type=Path, default=Path("dist"), help="where it goes")
    parser.add_argument("--version", default=wheel.declared_version(), help="another one than pyproject.toml's")
    parser.add_argument("--python", default="3.11", help="deb: the Python of the machine it is for, as in 3.13")
    parser.add_argument("--architecture", default="", choices=("", *MACHINES), help="deb: default: this machine's")
    parser.add_argument("--quick", action="store_true", help="deb: packed fast instead of small")
    asked = parser.parse_args()
    at = wheel.epoch()
    try:
        if asked.what == "wheel":
            made = wheel.build(asked.folder, version=asked.version, at=at)
        else:
            target = Target(python=asked.python, architecture=asked.architecture or _own_architecture())
            made = deb.build(asked.folder, target, version=asked.version, at=at, quick=asked.quick)
    except RuntimeError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    print(f"{hashlib.sha256(made.read_bytes()).hexdigest()}  {made}")
    return 0


def _own_architecture() -> str:
    done = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main())
