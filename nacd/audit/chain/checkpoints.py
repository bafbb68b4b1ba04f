"""The texts that are signed: that the trail stood at a place at a time, and that another key signs from now on.

Knows: the octets. Refuses to know: keys, and how anything is signed.

Both begin with what they are and in which form, so that a signature of one can never be shown as one of the other.
"""

from __future__ import annotations


def checkpoint_text(*, writer: str, seq: int, link: str, time: str) -> bytes:
    """What the signature of a checkpoint is made over. seq, link: of the record before it. time: as in the record."""
    return f"nacd audit checkpoint 1\n{writer}\n{seq}\n{link}\n{time}\n".encode()


def handover_text(*, writer: str, old: str, new: str, public: str, time: str) -> bytes:
    """What the old key signs when another one follows it. old, new: ids. public: base64 of the new key's 32 octets."""
    return f"nacd audit key 1\n{writer}\n{old}\n{new}\n{public}\n{time}\n".encode()
