"""Where the data of an unpacked peer lies: under ``.peers/``, or in the system if the machine has the peer itself."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import PEERS


def unpacked(path: str) -> Path:
    """``usr/lib/freeradius`` and the like, as written in the Debian package."""
    private = PEERS / "root" / path
    return private if private.exists() else Path("/") / path
