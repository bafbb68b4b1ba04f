"""``python -m tools.bench.trail_index FOLDER --records 10000000``: searches in a large trail, measured.

Makes the trail in FOLDER (full files compressed as the keeper does it, so a tenth of the text has to fit), builds the
indexes one after the other, then asks by the command line, each time as a new process. ``--keep`` leaves the trail
there, and a folder that holds one is used as it is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

from nacd.store.trail.reading import files
from nacd.store.trail_index.mark import index_path
from tools.bench import site
from tools.bench.trail.made import compress
from tools.bench.trail_index.building import built
from tools.bench.trail_index.sessions import Site

_TRIES: Final = 5
_DEVICE: Final = 4_711
_KINDS: Final = ("audit-*.gz", "audit-*.idx", "audit.jsonl")
_QUESTIONS: Final = (
    ("device, newest 100", ["--device", site.guid(_DEVICE)]),
    ("device, all", ["--device", site.guid(_DEVICE), "--limit", "0"]),
    ("device that is not there", ["--device", "00000000-1111-2222-3333-444444444444"]),
    ("MAC, all", ["--mac", "0011.0012.677f", "--limit", "0"]),
    ("user without domain, all", ["--user", "pc-04711.contoso.example", "--limit", "0"]),
    ("session id", ["--session", "00010932"]),
    ("NAS, refused, newest 100", ["--nas", "switch-007", "--effect", "deny"]),
    ("a rule that decided nothing", ["--rule", "no such rule"]),
)


def made(folder: Path, records: int) -> None:
    began = time.monotonic()
    trail = Site(folder, records)
    packed: list[Future[Path]] = []
    with ProcessPoolExecutor(max(1, (os.cpu_count() or 1) - 1)) as pool:
        while trail.done < records:
            trail.write()
            packed += [pool.submit(compress, path) for path in trail.full]
            trail.full.clear()
            if len(packed) > 2:
                packed.pop(0).result()
        for each in packed:
            each.result()
    took_s = time.monotonic() - began
    print(f"made        {trail.done:,} records, {trail.octets / 1e9:.1f} GB of text in {took_s:.0f} s", flush=True)


def indexed(folder: Path) -> None:
    live = folder / "audit.jsonl"
    there = [file for file in files(live) if not file.live and not index_path(file.path).exists()]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        done = list(pool.map(built, there))
    if done:
        took = [took_s for took_s, _ in done]
        print(
            f"indexed     {len(there)} files, {sum(took):.0f} s of one core, "
            f"{statistics.median(took):.1f} s a file; at most {max(most for _, most in done):.0f} MiB of memory",
            flush=True,
        )


def sizes(folder: Path) -> None:
    packed, marks, live = (sum(path.stat().st_size for path in folder.glob(each)) / 1e6 for each in _KINDS)
    print(f"on disk     {packed:,.0f} MB compressed, {marks:,.0f} MB indexes, live file {live:,.0f} MB", flush=True)


class Asked(NamedTuple):
    """Of a new process: wall and CPU time, seconds, and what it said last."""

    wall_s: float
    cpu_s: float
    said: str


def asked(folder: Path, words: list[str]) -> Asked:
    """One search. Ends the program if it cannot be made."""
    command = [sys.executable, "-m", "nacd", "audit", "search", "--audit", str(folder), "--format", "json", *words]
    before, began = os.times(), time.monotonic()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    wall_s, after = time.monotonic() - began, os.times()
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr.decode())
    cpu_s = after.children_user - before.children_user + after.children_system - before.children_system
    return Asked(wall_s, cpu_s, done.stderr.decode().strip().rpartition("\n")[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--keep", action="store_true", help="leave the trail there")
    parser.add_argument("--make-only", action="store_true", help="make and index, and ask nothing")
    said = parser.parse_args()
    if not (said.folder / "audit.jsonl").exists():
        made(said.folder, said.records)
    indexed(said.folder)
    sizes(said.folder)
    for title, words in () if said.make_only else _QUESTIONS:
        limit = [] if "--limit" in words else ["--limit", "100"]
        tries = [asked(said.folder, [*words, *limit]) for _ in range(_TRIES)]
        wall_s, cpu_s = (statistics.median(each) for each in zip(*((a.wall_s, a.cpu_s) for a in tries), strict=True))
        print(f"{title:<28}{wall_s:6.2f} s wall {cpu_s:6.2f} s CPU   {tries[-1].said}", flush=True)
    if not said.keep and not said.make_only:
        shutil.rmtree(said.folder)


if __name__ == "__main__":
    main()
