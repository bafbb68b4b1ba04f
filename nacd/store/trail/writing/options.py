"""How a trail is written, as one value.

Knows: every choice there is. Refuses to know: the configuration it comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from nacd.values import NO_SECRET, AuditEvent, Secret

Sync: TypeAlias = Literal["each", "batch", "never"]


NEVER: Final = 1 << 62
"""A seq that no trail reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The choices; the defaults write a chain and nothing besides.

    head: the folder of ``head.json``, None for none. sync: ``each``: on the disk when a record is taken; ``batch``: a
    thread sees to it every sync_every_s seconds; ``never``: when it is asked for. rotate_octets, rotate_s: a file is
    full then, 0 for never. checkpoint_records, checkpoint_s: a checkpoint after so many records or seconds, 0 for none.
    key, previous_key: PEM, empty for none. anchors: a file, None for none. version: of nacd.
    veil: what a record is written as, None for as it is.
    """

    head: Path | None = None
    sync: Sync = "never"
    sync_every_s: float = 1.0
    rotate_octets: int = 0
    rotate_s: float = 0.0
    checkpoint_records: int = 0
    checkpoint_s: float = 0.0
    key: Secret = NO_SECRET
    previous_key: Secret = NO_SECRET
    anchors: Path | None = None
    version: str = ""
    veil: Callable[[AuditEvent], AuditEvent] | None = None

    def due_after(self, seq: int) -> int:
        """Which record is followed by a checkpoint, when the last one was at ``seq``."""
        if self.checkpoint_records:
            return seq + self.checkpoint_records
        return NEVER - 1 if self.checkpoint_s else NEVER

    def is_full(self, octets: int, age_s: float) -> bool:
        """Whether a file of this size and age is."""
        if self.rotate_octets and octets >= self.rotate_octets:
            return True
        return bool(self.rotate_s) and age_s >= self.rotate_s
