"""The options of the daemon's trail, out of its settings.

Knows: which setting is which option. Refuses to know: how a trail is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from nacd.audit.privacy.veil import Veil
from nacd.config.sections.audit.trail import Audit
from nacd.store.trail.writing.options import Options
from nacd.values import NO_SECRET

FOLDER: Final = "audit"
"""Of the head, in the state folder."""


def options(audit: Audit, state: Path | None = None, version: str = "") -> Options:
    """state: the daemon's folder for what must outlive a restart; None where that is known already."""
    hidden = audit.privacy.choice
    return Options(
        head=state / FOLDER if state is not None else None,
        sync=audit.sync,
        sync_every_s=audit.sync_every.total_seconds(),
        rotate_octets=audit.rotate.size or 0,
        rotate_s=audit.rotate.every.total_seconds() if audit.rotate.every is not None else 0.0,
        checkpoint_records=audit.checkpoint.records,
        checkpoint_s=audit.checkpoint.every.total_seconds(),
        key=audit.key or NO_SECRET,
        previous_key=audit.previous_key or NO_SECRET,
        anchors=audit.anchors,
        version=version,
        veil=Veil(hidden, audit.privacy.key or NO_SECRET) if hidden.hides else None,
    )
