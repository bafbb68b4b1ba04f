"""What is counted of a trail, for whoever measures it.

Knows: numbers since the file was opened. Refuses to know: what they are called elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """records: written, the trail's own with them; octets: of these; refused: records that were not taken; rotated:
    full files; checkpoints: written; checkpoint_at: when the last one was, seconds since the epoch, 0.0 for none."""

    records: int = 0
    octets: int = 0
    refused: int = 0
    rotated: int = 0
    checkpoints: int = 0
    checkpoint_at: float = 0.0
