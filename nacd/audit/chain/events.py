"""The audit events of the trail itself: their rows of the one table, and a builder for each.

Knows: what each record says and its one sentence of why. Refuses to know: the clock (times are given, in seconds since
the epoch), files, keys, and how any of it was found out.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

from nacd.audit.blocks import Block, timestamp
from nacd.audit.chain.links import FIRST
from nacd.audit.kind import HEAD, Event, event
from nacd.values import AuditEvent

FILE_BEGUN: Final = "A9101I"
CHECKPOINT: Final = "A9102I"
REPAIRED: Final = "A9103W"
GAP: Final = "A9104E"
SIGNER_CHANGED: Final = "A9105I"
RETIRED: Final = "A9106I"
ANCHOR_FAILED: Final = "A9107W"
ANCHOR_RESUMED: Final = "A9108I"

Repair: TypeAlias = Literal["half_line", "foreign", "head", "unvouched", "added", "doubtful"]
Missing: TypeAlias = Literal["gone", "short", "break", "cut"]
LONGEST_TEXT: Final = 4096

_FIELDS: Final = {
    "writer": "the trail's own name: 16 hex digits, made once and kept",
    "previous.file": "name of the file that went before; empty for the first one",
    "previous.seq": "`seq` of the last record before; 0 for the first one",
    "previous.link": "`link` of the last record before; empty for the first one",
    "before.octets": "octets that lay in this very file before the trail began in it; 0 for a new file",
    "before.sha256": "SHA-256 over those, hex; empty for a new file",
    "version": "version of nacd",
    "checkpoint.writer": "the trail's own name",
    "checkpoint.seq": "`seq` of the record before",
    "checkpoint.link": "`link` of the record before",
    "checkpoint.key": "id of the key: the first 16 hex digits of SHA-256 over the raw public key; empty without a key",
    "checkpoint.signature": "base64 of Ed25519 over writer, seq, link and time; empty without a key",
    "repaired.kind": "`half_line`: cut off; `foreign`: lines that are no records of the trail, left as they are; "
    "`head`: `head.json` could not be used, so whether records are missing at the end cannot be told; "
    "`unvouched`: records behind the last place that nacd had noted before it was killed; they may be its last ones; "
    "`added`: records behind the place at which it had ended in good order; "
    "`doubtful`: the disk failed to take these records, and took them when they were handed to it once more",
    "repaired.file": "name of the file",
    "repaired.octets": "how many octets it is about",
    "repaired.sha256": "SHA-256 over them, hex",
    "repaired.text": "what stood there, as text, 4,096 characters at most",
    "repaired.first_seq": "`seq` of the first record it is about; 0 where it is about none",
    "repaired.last_seq": "`seq` of the last record it is about; 0 where it is about none",
    "gap.reason": "`gone`: no file of the trail is there; `short`: its end is missing; `break`: records within are "
    "missing or do not follow; `cut`: the file was cut while nacd wrote it",
    "gap.file": "name of the file",
    "gap.missing": "how many records are missing; -1 where that cannot be told",
    "gap.after": "`seq` of the last record before the gap; 0 when there is none",
    "gap.next": "`seq` of the first record behind the gap",
    "signer.writer": "the trail's own name",
    "signer.old": "id of the key before; empty for none",
    "signer.new": "id of the key from now on; empty for none",
    "signer.public": "the new public key: base64 of its 32 octets; empty for none",
    "signer.signature": "base64 of the old key's Ed25519 over all of that and the time; empty without the old key",
    "retired.file": "name of the file that is deleted after this",
    "retired.first_seq": "`seq` of its first record",
    "retired.last_seq": "`seq` of its last record",
    "retired.last_link": "`link` of its last record",
    "retired.why": "by which rule",
    "anchor.file": "the anchors file, as configured",
    "anchor.missed": "checkpoints that are not in it",
}
FIELDS: Final[Mapping[str, str]] = MappingProxyType(_FIELDS)
"""Meanings of the fields that only these events have."""


_BEGUN: Final = ("writer", *(name for name in _FIELDS if name.startswith(("previous.", "before."))), "version")


def _of(block: str) -> tuple[str, ...]:
    return tuple(name for name in _FIELDS if name.startswith(f"{block}."))


ROWS: Final[tuple[Event, ...]] = (
    event(FILE_BEGUN, "audit.file_begun", "A file of the trail begins, or the trail in a file.", *HEAD, *_BEGUN),
    event(
        CHECKPOINT,
        "audit.checkpoint",
        "The trail stood here at this time; whoever has this record can tell whether anything before it was changed.",
        *(*HEAD, *_of("checkpoint")),
    ),
    event(REPAIRED, "audit.repaired", "The end of the trail was not as nacd had left it.", *HEAD, *_of("repaired")),
    event(GAP, "audit.gap", "Records of the trail are missing.", *HEAD, *_of("gap")),
    event(SIGNER_CHANGED, "audit.key_changed", "Checkpoints are signed with another key.", *HEAD, *_of("signer")),
    event(
        RETIRED,
        "audit.retired",
        "A full file is deleted after this record: its records are missing rightfully.",
        *(*HEAD, *_of("retired")),
    ),
    event(ANCHOR_FAILED, "audit.anchor_failed", "A checkpoint could not be anchored.", *HEAD, *_of("anchor")),
    event(
        ANCHOR_RESUMED,
        "audit.anchor_resumed",
        "Checkpoints are anchored again; the newest vouches for all before it.",
        *(*HEAD, *_of("anchor")),
    ),
)
CODES: Final = frozenset(row.code for row in ROWS)
"""The trail's own bookkeeping: no record of anything that was decided."""
_NAMES: Final = {row.code: row.name for row in ROWS}


class Place(NamedTuple):
    """A record of the trail by its place. file: name of the file it is in. link: 64 hex digits."""

    file: str = ""
    seq: int = 0
    link: str = FIRST.decode()


def file_begun(
    *, writer: str, previous: Place, version: str, at: float, octets: int = 0, sha256: str = ""
) -> AuditEvent:
    """``audit.file_begun``. octets, sha256: of what lay in the file before there was a trail."""
    why = (
        f"the trail goes on here behind record {previous.seq} in `{previous.file}`"
        if previous.seq
        else "a trail begins"
    )
    if octets:
        why = f"{why}; {octets} octets of records without a chain lie before it"
    link = previous.link if previous.seq else ""
    block: Block = {
        "writer": writer,
        "previous": {"file": previous.file, "seq": previous.seq, "link": link},
        "before": {"octets": octets, "sha256": sha256},
        "version": version,
    }
    return _event(FILE_BEGUN, why, block, timestamp(at))


def checkpoint(*, writer: str, seq: int, link: str, key: str, signature: str, time: str) -> AuditEvent:
    """``audit.checkpoint``. time: as it was signed (``blocks.timestamp``)."""
    signed = f"signed with key {key}" if key else "not signed"
    block: Block = {"writer": writer, "seq": seq, "link": link, "key": key, "signature": signature}
    return _event(CHECKPOINT, f"record {seq} has the link {link[:16]}..., {signed}", {"checkpoint": block}, time)


def repaired(
    *,
    kind: Repair,
    file: str,
    octets: int,
    sha256: str,
    text: str = "",
    at: float,
    first_seq: int = 0,
    last_seq: int = 0,
) -> AuditEvent:
    """``audit.repaired``. text: as it stood there; what is longer than 4,096 characters is cut. first_seq, last_seq:
    the records it is about, 0 for none."""
    many = f"the records {first_seq} to {last_seq} in `{file}`"
    why = {
        "half_line": f"the last {octets} octets of `{file}` were no whole record and were cut off",
        "foreign": f"the last {octets} octets of `{file}` are no records of the trail; they stay as they are",
        "head": f"`{file}` is missing or cannot be used: records missing at the end could not be noticed",
        "unvouched": f"{many} are behind the last place that nacd had noted before it was killed",
        "added": f"{many} are behind the place at which nacd had ended in good order: it did not write them",
        "doubtful": f"the disk failed to take {many}; they were handed to it once more",
    }[kind]
    pinned: Block = {"kind": kind, "file": file, "octets": octets, "sha256": sha256, "text": text[:LONGEST_TEXT]}
    block: Block = {**pinned, "first_seq": first_seq, "last_seq": last_seq}
    return _event(REPAIRED, why, {"repaired": block}, timestamp(at))


def gap(*, reason: Missing, file: str, missing: int, after: int, following: int, at: float) -> AuditEvent:
    """``audit.gap``. missing: -1 where that cannot be told. after, following: seq at both sides."""
    many = f"{missing} records are missing" if missing >= 0 else "records are missing"
    why = {
        "gone": f"{many}: no file of the trail is there",
        "short": f"{many} at the end of `{file}`, behind record {after}",
        "break": f"{many} in `{file}`, between the records {after} and {following}",
        "cut": f"`{file}` was cut while nacd wrote it: {many}",
    }[reason]
    block: Block = {"reason": reason, "file": file, "missing": missing, "after": after, "next": following}
    return _event(GAP, why, {"gap": block}, timestamp(at))


def signer_changed(*, writer: str, old: str, new: str, public: str, signature: str, time: str) -> AuditEvent:
    """``audit.key_changed``. time: as it was signed (``blocks.timestamp``)."""
    vouched = "" if signature or not old else "; the old key does not vouch for it"
    why = (
        f"checkpoints are signed with key {new} from now on{vouched}" if new else "checkpoints are not signed any more"
    )
    block: Block = {"writer": writer, "old": old, "new": new, "public": public, "signature": signature}
    return _event(SIGNER_CHANGED, why, {"signer": block}, time)


def retired(*, file: str, first_seq: int, last_seq: int, last_link: str, why: str, at: float) -> AuditEvent:
    """``audit.retired``: to be on disk before the file is deleted."""
    block: Block = {"file": file, "first_seq": first_seq, "last_seq": last_seq, "last_link": last_link, "why": why}
    sentence = f"`{file}` with the records {first_seq} to {last_seq} is deleted: {why}"
    return _event(RETIRED, sentence, {"retired": block}, timestamp(at))


def anchor_failed(*, file: str, why: str, missed: int, at: float) -> AuditEvent:
    """``audit.anchor_failed``."""
    fields: Block = {"anchor": {"file": file, "missed": missed}}
    return _event(ANCHOR_FAILED, f"a checkpoint is not anchored in `{file}`: {why}", fields, timestamp(at))


def anchor_resumed(*, file: str, missed: int, at: float) -> AuditEvent:
    """``audit.anchor_resumed``. missed: checkpoints that are not in it."""
    fields: Block = {"anchor": {"file": file, "missed": missed}}
    why = f"checkpoints are anchored in `{file}` again; {missed} are not in it"
    return _event(ANCHOR_RESUMED, why, fields, timestamp(at))


def _event(code: str, why: str, fields: Block, time: str) -> AuditEvent:
    head: Block = {"code": code, "time": time, "event": _NAMES[code], "why": why}
    return AuditEvent(code=code, fields={**head, **fields})
