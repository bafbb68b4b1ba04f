"""Which socket the running daemon listens on.

Knows: where to look, from the option that names it to the place where a daemon with roles usually has it. Refuses to
know: whether the rest of the configuration is sound: an order must get through when it is not.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from nacd.config.yaml import parse
from nacd.errors import ConfigError
from nacd.server.control import SOCKET_NAME

USUAL: Final = Path("/run/nacd/control.sock")
"""Where `control.socket` is best put: whoever may use it often may not read the configuration."""
VARIABLE: Final = "NACD_SOCKET"


class NoPlace(Exception):
    """It is not known where the socket is; the text says what was tried."""


def socket_of(config: Path, state: Path | None, named: Path | None) -> Path:
    """The socket. state, named: what the command line says, which counts more than the environment. Raises NoPlace."""
    if named is not None:
        return named
    if state is not None:
        return state / SOCKET_NAME
    if said := os.environ.get(VARIABLE, ""):
        return Path(said)
    try:
        return _written(config)
    except OSError as trouble:
        if _is_there(USUAL):
            return USUAL
        words = (trouble.strerror or str(trouble)).lower()
        raise NoPlace(
            f"`{config}`: {words}, and there is no `{USUAL}`: name the daemon's socket with --socket"
        ) from None
    except ConfigError as refused:
        raise NoPlace(f"{refused}\nname the daemon's socket with --socket, or its state folder with --state") from None


def _is_there(path: Path) -> bool:
    """Whether something is there, or it is not for us to know."""
    try:
        return path.exists()
    except OSError:
        return True


def _written(config: Path) -> Path:
    document, _ = parse(config.read_bytes(), str(config))
    control = document.value.get("control")
    named = control.get("socket") if isinstance(control, dict) else None
    if isinstance(named, str) and named:
        return config.parent / named
    state = document.value.get("state")
    if not isinstance(state, str) or not state:
        raise NoPlace(f"`{config}` names no `state`: name the daemon's socket with --socket")
    return config.parent / state / SOCKET_NAME
