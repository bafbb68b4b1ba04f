"""Write ``docs/reference.md``, or ``--check`` that it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.reference.page import page

HOME = Path(__file__).resolve().parents[2]
PAGE = HOME / "docs" / "reference.md"


def main(words: list[str]) -> int:
    """Returns 1 when ``--check`` finds that it is not up to date, 2 for wrong usage."""
    if words not in ([], ["--check"]):
        print("python -m tools.reference [--check]", file=sys.stderr)
        return 2
    made = page()
    if not words:
        PAGE.write_text(made, encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
        print(f"`{PAGE}` is not what the models say: `make reference`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
