"""`python -m tools.soak`: let everything go wrong for a while, then judge every decision; exit 1 on any violation."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from tools.soak import page
from tools.soak.run import Options, run


def main() -> int:
    """0: no violation; 1: some."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long requests are sent")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--seed", type=int, default=0, help="course of events; 0: drawn, and printed")
    parser.add_argument("--record", type=Path, help="write the result into this Markdown page")
    parser.add_argument("--keep", type=Path, help="an empty folder to leave configuration, records and log in")
    words = parser.parse_args()
    seed = words.seed or random.SystemRandom().randrange(1, 1 << 31)
    print(f"soak: {words.seconds:g} s, seed {seed}", flush=True)
    options = Options(seconds=words.seconds, rate=words.rate, seed=seed, keep=words.keep)
    outcome = run(options, lambda line: print(line, flush=True))
    print(page.text(outcome), flush=True)
    if words.record is not None:
        page.write(outcome, words.record)
    return 1 if outcome.finding.violations else 0


if __name__ == "__main__":
    sys.exit(main())
