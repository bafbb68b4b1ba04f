"""A start with a million verdicts on disk: from exec to the first Access-Accept.

Knows: how the rows come there, when a start begins and ends, how a file is made cold. Refuses to know: how nacd reads.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tools.bench import radius, site
from tools.bench.cases import WrongAnswerError
from tools.bench.compliance import daemon, devices
from tools.bench.compliance.daemon import Place
from tools.bench.compliance.figures import Restart
from tools.bench.servers.server import HOME, NotUpError, end

DATABASE = "verdicts.sqlite"
_AGAIN_S: Final = 0.010
_PATIENCE_S: Final = 60.0
_DROP = Path("/proc/sys/vm/drop_caches")
_EVERYTHING = "3"


def write_rows(state: Path, tenant: str, count: int) -> None:
    """Put so many verdicts of a tenant there, in a process of its own. Raises CalledProcessError."""
    words = [sys.executable, "-m", "tools.bench.compliance.rows", str(state / DATABASE), tenant, str(count)]
    subprocess.run(words, cwd=HOME, check=True, stdin=subprocess.DEVNULL)


def make_cold(state: Path, *, whole_machine: bool) -> str:
    """Let the kernel forget what it has read; in words, what was forgotten."""
    os.sync()
    if whole_machine:
        try:
            _DROP.write_text(_EVERYTHING, encoding="ascii")
        except OSError:
            pass  # not root, or a container: then the file alone
        else:
            return "the kernel forgot every file it had read, Python's and nacd's own too, as after a boot"
    for file in state.iterdir():
        if file.is_file():
            opened = os.open(file, os.O_RDONLY)
            try:
                os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(opened)
    return "the kernel forgot the database alone (the rest only root may drop, outside a container)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """Starts one daemon after the other. place: of the first; the others lie beside it. rows: on disk."""

    place: Place
    rows: int
    times: int
    whole_machine: bool

    def measure(self) -> Iterator[tuple[Restart, str]]:
        """Four kinds of start, and what was cold. The kinds take turns, so that a slow minute hits each of them."""
        filled = self.place.folder / "filled"
        filled.mkdir(parents=True)
        write_rows(filled, self.place.microsoft.tenant, self.rows)
        cold_by = ""

        def warm() -> None:
            _warm(filled)

        def cool() -> None:
            nonlocal cold_by
            cold_by = make_cold(filled, whole_machine=self.whole_machine)

        kinds: list[tuple[str, Path | None, bool, Callable[[], None]]] = [
            ("nothing on disk, MAB by list", None, False, warm),
            ("rows on disk, MAB by list", filled, False, warm),
            ("rows on disk, VPN by a verdict from disk", filled, True, warm),
            ("the same, cold", filled, True, cool),
        ]
        took: list[list[float]] = [[] for _ in kinds]
        for turn in range(self.times):
            for number, (_, state, by_verdict, before) in enumerate(kinds):
                folder = self.place.folder / f"{turn}-{number}"
                place = replace(self.place, folder=folder, state=state or self.place.folder / f"empty-{turn}")
                before()
                took[number].append(self._once(place, turn * len(kinds) + number, by_verdict))
        for (what, state, by_verdict, _), seconds in zip(kinds, took, strict=True):
            rows = self.rows if state is not None else 0
            limited = by_verdict and what != "the same, cold"
            yield Restart(what=what, rows=rows, seconds=seconds, limited=limited), cold_by

    def _once(self, place: Place, number: int, by_verdict: bool) -> float:
        """Seconds from exec to the Accept. Raises WrongAnswerError, also when its verdict did not come from disk."""
        port = daemon.free_port()
        daemon.furnish(place, auth_port=port)
        device = (number * 7_919 + 1) * 10 % self.rows + 1  # one of those that are compliant
        request = devices.vpn_request(1, device) if by_verdict else devices.mab_request(1, devices.listed_mac(number))
        asked_before = len(place.microsoft.questions("guid"))
        with ExitStack() as stack:
            source = devices.concentrator(0) if by_verdict else "127.0.0.1"
            seconds = _until_accepted(stack, place, request, source, port)
            if not by_verdict:
                return seconds
            state = place.order("cache", "status")[daemon.TENANT]
        record = next(line for line in place.records() if line["compliance"]["state"] != "not_asked")
        source, from_disk = record["compliance"]["source"], state["counts"]["from_disk"]
        asked = len(place.microsoft.questions("guid")) - asked_before
        if (source, from_disk, asked) != ("cache", 1, 0):
            raise WrongAnswerError(f"nacd: a verdict from `{source}`, {from_disk} from disk, {asked} questions")
        return seconds


def _warm(state: Path) -> None:
    """Have the kernel read it all."""
    for file in state.iterdir():
        if file.is_file():
            file.read_bytes()


def _until_accepted(stack: ExitStack, place: Place, request: bytes, source: str, port: int) -> float:
    sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.bind((source, 0))
    sock.connect(("127.0.0.1", port))
    sock.setblocking(False)
    log = stack.enter_context(place.log.open("wb"))
    place.cores.for_server()
    began = time.monotonic()
    process = subprocess.Popen(
        place.words,
        cwd=HOME,
        env=place.environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    stack.callback(end, process)
    place.cores.for_load()
    while True:
        answer = _asked(sock, request)
        took = time.monotonic() - began
        if answer:
            if answer[0] != radius.ACCESS_ACCEPT or not radius.is_genuine(answer, request[4:20], site.SECRET):
                raise WrongAnswerError(f"nacd, first answer after a start: code {answer[0]}\n{_said(place)}")
            return took
        if process.poll() is not None or took > _PATIENCE_S:
            raise NotUpError(f"nacd did not answer after a start:\n{_said(place)}")


def _asked(sock: socket.socket, request: bytes) -> bytes:
    """Send it, and wait a moment; b"" if nothing came."""
    try:
        sock.send(request)
        ready, _, _ = select.select([sock], (), (), _AGAIN_S)
        return sock.recv(4096) if ready else b""
    except ConnectionRefusedError:  # nobody listens yet
        time.sleep(_AGAIN_S)
        return b""


def _said(place: Place) -> str:
    return "\n".join(file.read_text(errors="replace")[-1500:] for file in (place.log, place.audit) if file.exists())
