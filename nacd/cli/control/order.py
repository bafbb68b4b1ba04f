"""Giving an order to the running daemon, over the socket in its state folder.

Knows: one line of JSON each way, and what to say when nobody listens. Refuses to know: what orders do.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from nacd.server.control import SOCKET_NAME, address

_PATIENCE_S = 60.0


class NobodyListens(Exception):
    """No daemon runs on this state folder, or it does not talk to us; the text says which."""


class OrderFailed(Exception):
    """The daemon's own words."""


def give(state: Path, order: str, **fields: Any) -> Any:
    """The daemon's answer. Raises NobodyListens, OrderFailed."""
    path = state / SOCKET_NAME
    wanted: Mapping[str, Any] = {"order": order, **fields}
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock:
            sock.settimeout(_PATIENCE_S)
            with address(path) as short:
                sock.connect(short)
            sock.sendall(orjson.dumps(wanted) + b"\n")
            octets = b"".join(iter(lambda: sock.recv(1 << 16), b""))
    except FileNotFoundError:
        raise NobodyListens(f"no daemon runs on `{state}`: there is no `{path}`") from None
    except ConnectionRefusedError:
        raise NobodyListens(f"nobody listens at `{path}`: the daemon has stopped") from None
    except PermissionError:
        raise NobodyListens(f"`{path}` may be used by root and the daemon's own user only: try sudo") from None
    except ConnectionResetError:
        octets = b""
    except OSError as trouble:
        raise NobodyListens(f"`{path}`: {(trouble.strerror or 'no answer in time').lower()}") from None
    if not octets:
        raise NobodyListens("the daemon refuses: its socket is for root and its own user")
    said = orjson.loads(octets)
    if "error" in said:
        raise OrderFailed(str(said["error"]))
    return said["answer"]
