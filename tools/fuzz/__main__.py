"""``python -m tools.fuzz``: a run of the plain engine, a coverage-guided one, or one finding again."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tools.compiled.build import NotBuiltError, ready
from tools.compiled.written import NotWrittenError
from tools.fuzz import engine, guided, record
from tools.fuzz.wire import Finding

FINDINGS = Path(".state/fuzz")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__)
    number = lambda text: int(text.replace("_", ""))  # noqa: E731
    parser.add_argument("--total", type=number, default=100_000, help="executions over all targets (100_000)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1, help="fixes every mutation")
    parser.add_argument("--only", choices=list(engine.SHARES), action="append", help="this target (may be repeated)")
    parser.add_argument("--record", type=Path, help="write the result to this page")
    parser.add_argument("--findings", type=Path, default=FINDINGS, help="folder for the octets of findings")
    parser.add_argument("--engine", choices=("plain", "atheris"), default="plain")
    parser.add_argument("--seconds", type=int, default=60, help="atheris: how long")
    parser.add_argument("--runs", type=number, default=0, help="atheris: how many executions, 0 for no limit")
    parser.add_argument(
        "--code",
        choices=("source", "compiled", "both"),
        default="source",
        help="nacd as its source is, as its Debian package has it (the hot path is machine code, made first), or each "
        "in every other process (source)",
    )
    parser.add_argument("--round", type=number, help="only this round of a whole run, in this process, for a debugger")
    parser.add_argument("--repeat", nargs=2, metavar=("TARGET", "FILE"), help="try one finding again")
    return parser.parse_args()


def main() -> int:
    wanted = _arguments()
    try:
        copy = None if wanted.code == "source" else ready()
    except (NotBuiltError, NotWrittenError) as error:
        print(f"fuzz: {error}", file=sys.stderr)
        return 2
    if wanted.repeat:
        engine.take_nacd_from(copy)
        engine.repeat(wanted.repeat[0], Path(wanted.repeat[1]))
        return 0
    names = wanted.only or list(engine.SHARES)
    if wanted.round is not None:
        engine.take_nacd_from(copy)
        counts = [
            engine.again(name, wanted.round, wanted.seed, wanted.findings, engine.code_of(copy)) for name in names
        ]
        print(f"round {wanted.round}: {sum(counts)} findings")
        return 1 if any(counts) else 0
    if wanted.engine == "atheris":
        if copy is not None:
            print("fuzz: atheris is led by Python's own code: --code source", file=sys.stderr)
            return 2
        guided.run(names[0], wanted.seconds, wanted.runs, wanted.seed, wanted.findings)
        return 0
    copies = [copy if number % 2 or wanted.code != "both" else None for number in range(wanted.processes)]
    run = engine.Run(names, wanted.total, copies, wanted.seed, wanted.findings)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: run.stop())
    tally = run.follow(lambda run: print(record.line(run), flush=True))
    print(record.line(run))
    for name in names:
        print(f"{name}: {tally.executions(name):,}; {record.stages(tally, name)}")
    if wanted.record:
        wanted.record.write_text(record.page(run, wanted.seed, copies), encoding="utf-8")
    for found in tally.findings:
        print(f"FINDING {found.target}: {found.words}\n  {record.again(found, wanted.seed)}")
    try:
        engine.verdict(tally)
    except Finding as wrong:
        print(f"failed: {wrong}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
