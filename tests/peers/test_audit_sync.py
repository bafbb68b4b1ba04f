"""`audit.sync: each`, as the kernel sees it: no answer leaves before its record is on the disk."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.nas import Nas
from tests.conftest import end, unavailable
from tests.peers.wire import PRINTER, SECRET

pytestmark = [pytest.mark.peer, pytest.mark.slow]

ACCEPT = 2
_CALL = re.compile(r"^(\d+)\s+(?:(\w+)\((\d+)<([^>]*)>|<\.\.\. (\w+) resumed>)")


@contextmanager
def watched(pid: int, said: Path) -> Iterator[None]:
    """Every call that writes, syncs or sends, of all threads, in the order in which they happened."""
    strace = shutil.which("strace")
    if strace is None:
        unavailable("no `strace`: apt-get install strace")
    words = [strace, "-f", "-y", "-e", "trace=write,fdatasync,sendmsg,sendto", "-o", str(said), "-p", str(pid)]
    running = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stderr is not None
        first = running.stderr.readline()
        if "attached" not in first:
            unavailable(f"strace may not watch: {first.strip()}")
        yield
    finally:
        end(running)


def calls(said: Path, pid: int) -> list[tuple[str, str]]:
    """(name, what the descriptor is) of the event loop's own calls, each when it returned."""
    found, open_calls = [], {}
    for line in said.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _CALL.match(line)
        if match is None or int(match[1]) != pid:
            continue
        if match[5] is not None:
            found.append((match[5], open_calls.pop(match[5], "")))
        elif line.endswith("<unfinished ...>"):
            open_calls[match[2]] = match[4]
        else:
            found.append((match[2], match[4]))
    return found


def asked(nacd: Any, many: int) -> None:
    with Nas(
        "127.0.0.1", SECRET.encode(), nacd.auth[0][1], nacd.accounting[0][1], source="127.0.0.1", timeout_s=20, tries=1
    ) as nas:
        for _ in range(many):
            assert nas.mab(PRINTER).code == ACCEPT


@pytest.mark.parametrize("sync", ["each", "batch"])
def test_a_record_is_on_the_disk_before_its_answer_leaves_where_that_is_wanted(
    launch: Any, tmp_path: Path, sync: str
) -> None:
    def change(config: dict[str, Any], policy: dict[str, Any]) -> None:
        config["audit"]["sync"] = sync

    nacd = launch(change=change)
    pid = nacd.process.pid
    with watched(pid, tmp_path / "calls"):
        asked(nacd, 10)
        with ThreadPoolExecutor(4) as several:
            list(several.map(lambda _: asked(nacd, 5), range(4)))
        time.sleep(0.2)
    sent, written, unsynced, syncs = 0, 0, 0, 0
    dirty = False
    for name, what in calls(tmp_path / "calls", pid):
        if what.endswith(nacd.audit_file.name):
            written += name == "write"
            syncs += name == "fdatasync"
            dirty = name == "write"
        elif name in ("sendmsg", "sendto") and ("UDP" in what or "socket" in what):
            sent += 1
            unsynced += dirty
    assert sent >= 30
    assert 0 < written <= sent + 5
    if sync == "each":
        assert unsynced == 0
        assert syncs >= 10
    else:
        assert unsynced == sent, "the event loop waits for no disk"
        assert syncs == 0
