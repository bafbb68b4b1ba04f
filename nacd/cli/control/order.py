"""Giving an order to the running daemon, over its socket.

Knows: lines of JSON each way, and what to say when nobody listens. Refuses to know: what orders do.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from nacd.server.control import SOCKET_NAME, address

PATIENCE_S: Final = 75.0
"""How long the daemon may say nothing: a little longer than an order may take there."""
_MOST_AT_ONCE: Final = 1 << 16


class NobodyListens(Exception):
    """No daemon runs there, or it does not talk to us; the text says which socket was tried."""


class OrderFailed(Exception):
    """The daemon's own words. is_usage: the order itself was wrong; else it was right and not done."""

    def __init__(self, words: str, *, is_usage: bool = False) -> None:
        super().__init__(words)
        self.is_usage = is_usage


def give(state: Path, order: str, **fields: Any) -> Any:
    """The answer of the daemon that has this state folder and no other socket. Raises NobodyListens, OrderFailed."""
    return give_at(state / SOCKET_NAME, order, **fields)


def give_at(
    path: Path,
    order: str,
    heard: Callable[[Any], None] = lambda said: None,
    patience_s: float = PATIENCE_S,
    lines: Iterable[bytes] = (),
    **fields: Any,
) -> Any:
    """The daemon's answer; ``heard`` is told how far it is meanwhile. lines: what follows the order. Raises
    NobodyListens, OrderFailed."""
    with contextlib.closing(_lines(path, {"order": order, **fields}, patience_s, lines)) as told:
        for said in told:
            if "error" in said:
                raise OrderFailed(str(said["error"]), is_usage=said.get("kind", "usage") == "usage")
            if "answer" in said:
                return said["answer"]
            heard(said.get("progress"))
    raise NobodyListens(f"the daemon at `{path}` hung up without an answer: see its log")


def read_along(path: Path, order: str, **fields: Any) -> Iterator[Any]:
    """The lines of an order that streams, until the daemon stops. Raises NobodyListens, OrderFailed."""
    for said in _lines(path, {"order": order, **fields}, None):
        if "error" in said:
            raise OrderFailed(str(said["error"]), is_usage=said.get("kind") == "usage")
        if "line" in said:
            yield said["line"]
    raise NobodyListens(f"the daemon at `{path}` has hung up")


def _lines(
    path: Path, wanted: Mapping[str, Any], patience_s: float | None, more: Iterable[bytes] = ()
) -> Generator[dict[str, Any], None, None]:
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock:
            sock.settimeout(PATIENCE_S)
            with address(path) as short:
                sock.connect(short)
            sock.sendall(orjson.dumps(wanted) + b"\n")
            # Whoever refuses the order need not read the rest: what he says is read all the same.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for line in more:
                    sock.sendall(line)
            sock.settimeout(patience_s)
            kept = b""
            while octets := sock.recv(_MOST_AT_ONCE):
                *whole, kept = (kept + octets).split(b"\n") if b"\n" in octets else (kept + octets,)
                for line in whole:
                    yield orjson.loads(line)
    except FileNotFoundError:
        raise NobodyListens(f"no daemon runs on `{path.parent}`: there is no `{path}`") from None
    except ConnectionRefusedError:
        raise NobodyListens(f"nobody listens at `{path}`: the daemon has stopped") from None
    except PermissionError:
        raise NobodyListens(
            f"`{path}` cannot be used by you: root and the daemon's own user may, and whoever is named under `control`"
            " in its configuration: try sudo"
        ) from None
    except (ConnectionResetError, BrokenPipeError):
        return
    except TimeoutError:
        raise NobodyListens(f"`{path}`: no answer in time") from None
    except orjson.JSONDecodeError:
        raise NobodyListens(f"`{path}`: whoever listens there is no nacd") from None
    except OSError as trouble:
        raise NobodyListens(f"`{path}`: {(trouble.strerror or str(trouble)).lower()}") from None
