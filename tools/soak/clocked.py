"""`python -m tools.soak.clocked CLOCK WORDS...`: nacd, with a wall clock that somebody else can set.

Knows: ``time.time``, and a file of eight octets that says how far it is off. Refuses to know: nacd. The monotonic clock
stays as it is, as it does on a machine whose date is set. What C libraries read of the date stays the machine's too:
OpenSSL's view of certificates, SQLite, the dates in the operational log. (libfaketime, which would reach those, breaks
the absolute sleeps of Python 3.11.)
"""

from __future__ import annotations

import mmap
import runpy
import struct
import sys
import time
from pathlib import Path

_OFFSET = struct.Struct("<d")


def write_offset(path: Path, offset_s: float) -> None:
    """Let the clock differ by this from the machine's, from now on."""
    if not path.exists():
        path.write_bytes(_OFFSET.pack(offset_s))
        return
    with path.open("r+b") as file:
        file.write(_OFFSET.pack(offset_s))


def shift(path: Path) -> None:
    """Let ``time.time`` and ``time.time_ns`` of this process be off by what the file says, read at each call."""
    with path.open("rb") as file:
        octets = mmap.mmap(file.fileno(), _OFFSET.size, access=mmap.ACCESS_READ)
    true_time, true_time_ns = time.time, time.time_ns

    def shifted() -> float:
        return true_time() + float(_OFFSET.unpack_from(octets)[0])

    def shifted_ns() -> int:
        return true_time_ns() + int(_OFFSET.unpack_from(octets)[0] * 1e9)

    time.time, time.time_ns = shifted, shifted_ns


if __name__ == "__main__":
    shift(Path(sys.argv[1]))
    sys.argv = ["nacd", *sys.argv[2:]]
    runpy.run_module("nacd", run_name="__main__", alter_sys=False)
