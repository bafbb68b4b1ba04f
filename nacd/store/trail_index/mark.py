"""By what an index knows its file.

Knows: where an index lies, and what must be the same for it to be believed. Refuses to know: what is in either.

Not all octets of a file are read for each question: its size, and what stands at its beginning and at its end (of a
compressed file, the checksum of its last lines) are. Somebody who changes a record in between and keeps the size is
found by ``nacd audit verify``, which is there for that.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from nacd.store.trail.reading import TrailFile

_END_OCTETS: Final = 4_096


def index_path(file: Path) -> Path:
    """``audit-...-000000000001.jsonl.gz`` and ``audit-...-000000000001.jsonl`` have ``audit-...-000000000001.idx``."""
    plain = file.name.removesuffix(".gz")
    return file.with_name(f"{plain.removesuffix('.jsonl')}.idx")


def mark_of(file: TrailFile) -> dict[str, Any]:
    """What tells this file from any other. Raises OSError."""
    fd = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        size = os.fstat(fd).st_size
        ends = os.pread(fd, _END_OCTETS, 0) + os.pread(fd, _END_OCTETS, max(0, size - _END_OCTETS))
    finally:
        os.close(fd)
    return {"compressed": file.compressed, "size": size, "ends": sha256(ends).hexdigest()}
