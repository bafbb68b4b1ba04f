"""A disk without room for another octet."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pytest


def fill(disk: Path) -> Path:
    """Leave no octet; the file that takes the place."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65_536, 4_096, 512, 1):
            with pytest.raises(OSError, match="No space left"):
                _pour(file, b"x" * size)
    return filler


def _pour(file: BinaryIO, octets: bytes) -> None:
    while True:
        file.write(octets)
