"""One record of each kind that the trail makes of itself."""

from __future__ import annotations

from typing import Any

from nacd.audit.blocks import timestamp
from nacd.audit.chain import events
from nacd.audit.chain.events import Place
from nacd.values import AuditEvent


def every(at: float) -> tuple[AuditEvent, ...]:
    """at: seconds since the epoch."""
    seen: dict[str, Any] = {"file": "audit.jsonl", "at": at}
    told: dict[str, Any] = {"writer": "0123456789abcdef", "time": timestamp(at)}
    repaired: dict[str, Any] = {"octets": 7, "sha256": "a" * 64, "text": "half a", **seen}
    gap: dict[str, Any] = {"missing": 3, "after": 4, "following": 8, **seen}
    return (
        events.file_begun(
            writer="0123456789abcdef",
            previous=Place("audit-x.jsonl", 9, "b" * 64),
            version="1",
            at=at,
            octets=5,
            sha256="c" * 64,
        ),
        events.checkpoint(seq=9, link="b" * 64, key="d" * 16, signature="xx==", **told),
        *(events.repaired(kind=kind, **repaired) for kind in ("half_line", "foreign", "head")),
        *(
            events.repaired(kind=kind, first_seq=5, last_seq=9, **repaired)
            for kind in ("unvouched", "added", "doubtful")
        ),
        *(events.gap(reason=reason, **gap) for reason in ("gone", "short", "break", "cut")),
        events.signer_changed(old="d" * 16, new="e" * 16, public="yy==", signature="zz==", **told),
        events.retired(file="audit-x.jsonl.gz", first_seq=1, last_seq=9, last_link="b" * 64, why="old", at=at),
        events.anchor_failed(file="/a", why="no such file", missed=1, at=at),
        events.anchor_resumed(file="/a", missed=3, at=at),
    )
