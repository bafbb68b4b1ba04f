"""Checkpoints in a part of a trail: whether each says what really stands before it, and who signed it.

Knows: the fields of `audit.checkpoint` and `audit.signer_changed`. Refuses to know: Ed25519 (a function is given), and
which keys are to be believed: ids come with their keys.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, TypeAlias

from nacd.audit.chain.checkpoints import checkpoint_text, handover_text
from nacd.audit.proof.findings import Place

Verified: TypeAlias = Callable[[bytes, bytes, bytes], bool]
"""Whether (raw public key, signature, text) belong together."""
_MOST_RUNS: Final = 1000


class Word(StrEnum):
    """Whose word a checkpoint is."""

    SIGNED = "signed"
    STRANGE = "strange"
    UNSIGNED = "unsigned"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One, read. time: as it was signed."""

    writer: str
    seq: int
    link: str
    key: str
    signature: str
    time: str

    def signed_by(self, public: bytes, verified: Verified) -> bool:
        """Whether this key made the signature."""
        text = checkpoint_text(writer=self.writer, seq=self.seq, link=self.link, time=self.time)
        return verified(public, octets_of(self.signature), text)


@dataclass(slots=True, kw_only=True)
class Run:
    """Checkpoints in a row of which the same holds. first, last: their places. sample: the last of them."""

    word: Word
    key: str
    count: int
    first: Place
    last: Place
    sample: Checkpoint


def key_id(public: bytes) -> str:
    """The id of a key by its 32 raw octets."""
    return sha256(public).hexdigest()[:16]


def octets_of(text: str) -> bytes:
    """Base64 as octets; none where it is none."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def read(fields: Mapping[str, Any]) -> Checkpoint | None:
    """A record as a checkpoint; None if it is none."""
    told = fields.get("checkpoint")
    time = fields.get("time")
    if not isinstance(told, dict) or not isinstance(time, str):
        return None
    texts = [told.get(name) for name in ("writer", "link", "key", "signature")]
    seq = told.get("seq")
    if type(seq) is not int or not all(isinstance(text, str) for text in texts):
        return None
    writer, link, key, signature = texts
    return Checkpoint(writer=writer, seq=seq, link=link, key=key, signature=signature, time=time)  # type: ignore[arg-type]


def word_of(found: Checkpoint, keys: Mapping[str, bytes], verified: Verified) -> Word:
    """Whose word it is, by the keys that are known."""
    if not found.key and not found.signature:
        return Word.UNSIGNED
    public = keys.get(found.key)
    if public is None:
        return Word.STRANGE
    return Word.SIGNED if found.signed_by(public, verified) else Word.WRONG


def add(runs: list[Run], word: Word, found: Checkpoint, at: Place, *, fresh: bool = False) -> None:
    """Keep one in its run. fresh: it begins another one."""
    last = runs[-1] if runs and not fresh else None
    if last is not None and (last.word, last.key, last.sample.writer) == (word, found.key, found.writer):
        last.count, last.last, last.sample = last.count + 1, at, found
    elif len(runs) < _MOST_RUNS:
        runs.append(Run(word=word, key=found.key, count=1, first=at, last=at, sample=found))


def handed_over(fields: Mapping[str, Any], keys: Mapping[str, bytes], verified: Verified) -> tuple[str, bytes] | None:
    """The id and the public key (none for "signs no more") that a known key vouches for; None if no known one does."""
    told = fields.get("signer")
    told = told if isinstance(told, dict) else {}
    texts = [told.get(name) for name in ("writer", "old", "new", "public", "signature")]
    if not all(isinstance(text, str) for text in texts):
        return None
    writer, old, new, public, signature = (str(text) for text in texts)
    known, raw = keys.get(old), octets_of(public)
    if known is None or (new and key_id(raw) != new):
        return None
    text = handover_text(writer=writer, old=old, new=new, public=public, time=str(fields.get("time")))
    return (new, raw) if verified(known, octets_of(signature), text) else None
