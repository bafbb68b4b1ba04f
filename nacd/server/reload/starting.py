"""What is done once, at start, around the first generation: sockets, the first record, the garbage collector.

Knows: words for what cannot be had. Refuses to know: what is served.
"""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterable, Sequence
from typing import Protocol

from nacd.audit import events
from nacd.config.fields import ListenAddress
from nacd.server import sockets
from nacd.server.assembly import Assembled
from nacd.server.reload.preparing import archive
from nacd.values import AuditEvent, Instant

_GC_THRESHOLDS = (2_000, 20, 100)


class Recorder(Protocol):
    """The audit file."""

    def begin(self, events: Sequence[AuditEvent], now: Instant) -> None:
        """Raises AuditRefused."""


def bound(addresses: Iterable[ListenAddress]) -> list[socket.socket]:
    """Sockets for these addresses. Raises OSError that names the one that could not be bound."""
    opened: list[socket.socket] = []
    for address in addresses:
        try:
            opened.append(sockets.bind(address.host, address.port))
        except OSError as error:
            for sock in opened:
                sock.close()
            raise OSError(error.errno, f"cannot listen on `{address}`: {(error.strerror or '').lower()}") from error
    return opened


def place(sock: socket.socket) -> tuple[str, int]:
    """Address and port that it is bound to."""
    name = sock.getsockname()
    return str(name[0]), int(name[1])


def shown(places: list[tuple[str, int]]) -> str:
    """For people."""
    return ", ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in places)


def record(assembled: Assembled, recorder: Recorder, version: str, now: Instant) -> None:
    """What is in force from now on, kept and written down before the first answer. Raises OSError, AuditRefused."""
    loaded = assembled.loaded
    try:
        by = archive(assembled, now)
    except OSError as error:
        what = error.filename or loaded.settings.state
        raise OSError(error.errno, f"cannot write `{what}`: {(error.strerror or 'error').lower()}") from error
    in_force = events.configuration_loaded(
        file=loaded.config_document.file,
        digest=loaded.config_digest,
        policy_digest=loaded.digest,
        notes=[str(note) for note in assembled.notes],
        now=now,
    )
    recorder.begin((events.started(version=version, detail=f"run by {by}", now=now), in_force), now)


def settle() -> None:
    """Tell the garbage collector that what there is now stays, and that requests leave little behind.

    Else it looks through everything again and again, and each look is a pause of some ten milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
