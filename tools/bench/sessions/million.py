"""A restart with a million sessions on disk: how large they are, and from exec to the first accounting answer.

Knows: how the rows come there, when a start begins and ends, what an answered record must have changed. Refuses to
know: how nacd reads.
"""

from __future__ import annotations

import select
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tools.bench import meter, radius, site
from tools.bench.cases import WrongAnswerError
from tools.bench.compliance import daemon
from tools.bench.compliance.daemon import Place
from tools.bench.compliance.restart import make_cold
from tools.bench.servers.server import HOME, NotUpError, end
from tools.bench.sessions import records, rows
from tools.bench.sessions.accounting import DATABASE, settings
from tools.bench.sessions.figures import Million, Start
from tools.bench.sessions.records import Station

_AGAIN_S: Final = 0.010
_PATIENCE_S: Final = 120.0
_QUIET_S: Final = 5.0
_QUIET_OCTETS: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """Starts one daemon after the other on the same rows. place: of the first; the others lie beside it."""

    place: Place
    rows: int
    times: int
    whole_machine: bool

    def measure(self) -> Million:
        """Raises NotUpError, WrongAnswerError."""
        state = self.place.folder / "filled"
        state.mkdir(parents=True)
        began = time.monotonic()
        words = [sys.executable, "-m", "tools.bench.sessions.rows", str(state / DATABASE), str(self.rows)]
        subprocess.run(words, cwd=HOME, check=True, stdin=subprocess.DEVNULL)
        filled_s = time.monotonic() - began
        octets = sum(file.stat().st_size for file in state.iterdir())
        cold_by, resident = "", 0

        def cool() -> None:
            nonlocal cold_by
            cold_by = make_cold(state, whole_machine=self.whole_machine)

        starts: list[Start] = []
        kinds: list[tuple[str, Callable[[], None]]] = [("warm", lambda: _warm(state)), ("cold", cool)]
        for turn in range(self.times):
            for what, before in kinds:
                folder = self.place.folder / f"{turn}-{what}"
                before()
                start, grown = self._once(replace(self.place, folder=folder, state=state), what, len(starts))
                starts.append(start)
                resident = max(resident, grown)
        return Million(
            rows=self.rows, octets=octets, filled_s=filled_s, resident=resident, starts=starts, cold_by=cold_by
        )

    def _once(self, place: Place, what: str, turn: int) -> tuple[Start, int]:
        """The start, and the most memory that it came to hold afterwards."""
        port = daemon.free_port()
        change = {**settings(place.folder), "server": {"accounting": f"127.0.0.1:{port}"}}
        daemon.furnish(replace(place, change=change))
        number = (turn * 7_919 + 1) * 10 % self.rows
        station = Station(number=number, mac=rows.mac(number), classes=(b"nacd:" + bytes.fromhex(rows.token(number)),))
        request = records.accounting(1, station, records.INTERIM, 1_200 + turn, site.SECRET)
        seen_before = _seen_at(place.state / DATABASE, number)
        with ExitStack() as stack:
            process, start = _until_answered(stack, place, what, request, port)
            if not _seen_at(place.state / DATABASE, number) > seen_before:
                raise WrongAnswerError("nacd: a record was answered that is not in the session database")
            return start, _settled_octets(process)


def _warm(state: Path) -> None:
    """Have the kernel read it all."""
    for file in filter(Path.is_file, state.iterdir()):
        with file.open("rb") as opened:
            while opened.read(1 << 22):
                pass


def _seen_at(database: Path, number: int) -> float:
    reading = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        where = "acct_session_id = ? AND acct_session_id <> ''"
        found = reading.execute(f"SELECT seen_at FROM sessions WHERE {where}", (f"{number:016X}",))
        return max(float(seen_at) for (seen_at,) in found)
    finally:
        reading.close()


def _until_answered(
    stack: ExitStack, place: Place, what: str, request: bytes, port: int
) -> tuple[subprocess.Popen[bytes], Start]:
    """Send it every 10 ms from exec on. ready_s: when the daemon says that it serves."""
    sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.connect(("127.0.0.1", port))
    log = stack.enter_context(place.log.open("wb"))
    place.cores.for_server()
    began = time.monotonic()
    process = subprocess.Popen(
        place.words, cwd=HOME, env=place.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
    )
    stack.callback(end, process)
    place.cores.for_load()
    ready_s = answered_s = 0.0
    while not (ready_s and answered_s):
        answer = _asked(sock, request)
        took = time.monotonic() - began
        if answer and not answered_s:
            if not radius.is_genuine(answer, request[4:20], site.SECRET):
                raise WrongAnswerError("nacd: the first answer to accounting is not genuine")
            answered_s = took
        if not ready_s and place.ready.is_file():
            ready_s = took
        if process.poll() is not None or took > _PATIENCE_S:
            said = place.log.read_text(errors="replace")[-1500:]
            raise NotUpError(f"nacd did not answer accounting after a start:\n{said}")
    return process, Start(what=what, ready_s=ready_s, answered_s=answered_s)


def _asked(sock: socket.socket, request: bytes) -> bytes:
    """Send it, and wait a moment; b"" if nothing came."""
    try:
        sock.send(request)
        ready, _, _ = select.select([sock], (), (), _AGAIN_S)
        return sock.recv(4096) if ready else b""
    except ConnectionRefusedError:  # nobody listens yet
        time.sleep(_AGAIN_S)
        return b""


def _settled_octets(process: subprocess.Popen[bytes]) -> int:
    """Resident memory once it has stopped growing: a daemon goes on reading after it serves."""
    most, since, began = 0, time.monotonic(), time.monotonic()
    while time.monotonic() - since < _QUIET_S and time.monotonic() - began < _PATIENCE_S:
        octets = meter.resident_octets((process.pid,))
        if octets > most + _QUIET_OCTETS:
            since = time.monotonic()
        most = max(most, octets)
        time.sleep(0.25)
    return most
