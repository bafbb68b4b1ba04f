"""What the files of a trail are called, and what else may lie beside the live one.

Knows: the names that nacd gives to full files, and those that logrotate gives. Refuses to know: what is in them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_FULL: Final = re.compile(r"-([0-9]{8}T[0-9]{6}Z)-([0-9]{12,18})")
_ROTATED: Final = re.compile(r"(?:[.-][0-9][0-9T:_-]*|\.old)+(?:\.(?:gz|bz2|xz|zst|lz4|lzo|Z))?")
PACKED: Final = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".lzo", ".Z")


def full_name(live: Path, begun: float, first_seq: int) -> str:
    """The name of a full file: `audit-20261122T192100Z-000000000001.jsonl`. begun: seconds since the epoch."""
    at = datetime.fromtimestamp(begun, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{live.stem}-{at}-{first_seq:012}{live.suffix}"


def told_by_name(live: Path, name: str) -> tuple[float, int] | None:
    """When a full file was begun (seconds since the epoch) and its first seq; None if it has not such a name."""
    middle = name.removesuffix(".gz")
    if not middle.startswith(live.stem) or not middle.endswith(live.suffix):
        return None
    found = _FULL.fullmatch(middle[len(live.stem) : len(middle) - len(live.suffix)])
    if found is None:
        return None
    try:
        at = datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return at.timestamp(), int(found[2])


def is_rotated(path: Path, other: Path) -> bool:
    """Whether this is the log under a name that rotation gave it, nacd's own (`audit-20261122T192100Z-0...1.jsonl.gz`)
    or logrotate's: `audit.jsonl.2.gz`, `audit-20261122.jsonl`."""
    name = other.name
    if told_by_name(path, name) is not None:
        return True
    for head, tail in ((path.name, ""), (path.stem, path.suffix)):
        if not name.startswith(head) or name == path.name:
            continue
        middle = name[len(head) :]
        packed = next((ending for ending in PACKED if middle.endswith(ending)), "")
        middle = middle.removesuffix(packed)
        if tail and not middle.endswith(tail):
            continue
        if _ROTATED.fullmatch(middle.removesuffix(tail) if tail else middle):
            return True
    return False
