"""Small trails laid down in a folder: records of a test, in full files and a live one, plain or compressed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nacd.audit.blocks import timestamp
from nacd.audit.chain.links import FIRST, chained
from nacd.store.trail.names import full_name

BEGAN = 1_790_000_000.0
MEMBER_LINES = 3

Record = Mapping[str, Any]


def lay(
    folder: Path,
    files: Sequence[Sequence[Record]],
    *,
    compressed: bool = True,
    numbered: bool = True,
    one: bool = False,
) -> Path:
    """Each inner list is a file, the last one the live one. one: compressed as one member. Returns the live path."""
    live = folder / "audit.jsonl"
    seq, link, at = 0, FIRST, BEGAN
    for number, records in enumerate(files):
        text, first, begun = b"", seq + 1, at
        for record in records:
            fields = {"code": "A1001I", "time": timestamp(at), **record}
            line = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            if numbered:
                line, seq, link = chained([line], seq, link)
            else:
                seq += 1
            text += line
            at += 60
        if number == len(files) - 1:
            live.write_bytes(text)
        elif compressed:
            path = folder / (full_name(live, begun, first) + ".gz")
            path.write_bytes(gzip.compress(text) if one else members(text))
        else:
            (folder / full_name(live, begun, first)).write_bytes(text)
    return live


def members(text: bytes) -> bytes:
    """As the keeper compresses: members of whole lines, here of three."""
    lines = text.splitlines(keepends=True)
    parts = [b"".join(lines[at : at + MEMBER_LINES]) for at in range(0, len(lines), MEMBER_LINES)]
    return b"".join(gzip.compress(part, mtime=0) for part in parts)


def who(name: str) -> Record:
    """A record of this user."""
    return {"endpoint": {"user": name}}
