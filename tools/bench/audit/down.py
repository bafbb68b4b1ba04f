"""Logins while everything that records are forwarded to is down, and the same logins with nobody to forward to.

Knows: two daemons, asked in turn; a destination that refuses and one that takes a connection and reads nothing. Refuses
to know: how nacd forwards.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tools.bench.audit.figures import Down
from tools.bench.compliance import daemon
from tools.bench.compliance.daemon import Place
from tools.bench.compliance.slow_intune import Streams
from tools.bench.strain import percentiles

_AFTER_S: Final = 3.0
_BACKLOG: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """turns: of each daemon. seconds: of one. rate: logins a second."""

    turns: int
    seconds: float
    rate: float = 400.0


@contextmanager
def dead_ends() -> Iterator[list[Mapping[str, Any]]]:
    """Destinations as nacd.yaml names them: nobody listens at the one, and nobody reads at the other."""
    with socket.create_server(("127.0.0.1", 0)) as refusing:
        port = refusing.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as silent, ExitStack() as held:

        def take() -> None:
            while True:
                try:
                    held.enter_context(silent.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield [
            {"name": "refusing", "url": f"syslog+tcp://127.0.0.1:{port}"},
            {"name": "silent", "url": f"http://127.0.0.1:{silent.getsockname()[1]}/records"},
        ]
        silent.shutdown(socket.SHUT_RDWR)


def measure(stack: ExitStack, alone: Place, down: Place, plan: Plan) -> Down:
    """Both in turn. Raises NotUpError, WrongAnswerError."""
    streams = [Streams(stack, daemon.start(stack, place).auth_port) for place in (alone, down)]
    for stream in streams:  # every page and every cache once
        stream.run(1.0, plan.rate, 0.0)
        stream.drain(_AFTER_S)
        stream.forget_probes()
    for turn in range(plan.turns):
        for stream in streams if turn % 2 == 0 else streams[::-1]:
            stream.run(plan.seconds, plan.rate, 0.0)
            stream.drain(_AFTER_S)
    probes = [stream.probes for stream in streams]
    return Down(
        probes=sum(each.sent for each in probes),
        rate=plan.rate,
        alone_ms=percentiles(probes[0].took_ns, probes[0].missing),
        down_ms=percentiles(probes[1].took_ns, probes[1].missing),
        missing=sum(each.missing for each in probes),
        wrong=sum(each.wrong for each in probes),
        waiting=_waiting(down),
    )


def _waiting(place: Place) -> int:
    """Records in the trail that no destination has taken: all of them, if the cursors say that none was."""
    cursors = place.state.glob("audit/forward/*.json")
    taken = max((int(json.loads(each.read_bytes()).get("seq", 0)) for each in cursors), default=0)
    with place.audit.open("rb") as lines:
        return sum(1 for _ in lines) - taken
