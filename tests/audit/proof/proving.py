"""A trail in memory, put before the proof as its files would be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from nacd.audit.proof.anchors import Anchor, Anchors
from nacd.audit.proof.findings import Fault, Proof
from nacd.audit.proof.joining import Join
from nacd.audit.proof.walking import Walk
from tests.store.trail.written import Written, key_id, raw_public


def verified(public: bytes, signature: bytes, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def prove(
    files: Sequence[tuple[str, bytes]],
    *,
    anchors: Sequence[bytes] = (),
    keys: Sequence[Ed25519PrivateKey] = (),
    strict: bool | None = None,
    head: tuple[str, Anchor] | None = None,
    partly: bool = False,
    part_lines: int = 0,
) -> Proof:
    """part_lines: how many lines a part has; 0: a file is one part. The last file is the live one."""
    known = {key_id(key): raw_public(key) for key in keys}
    elsewhere = Anchors(strict=bool(keys) if strict is None else strict)
    elsewhere.take(anchors, known, verified)
    wanted = elsewhere.wanted()
    if head is not None:
        wanted[head[1].seq] = tuple({*wanted.get(head[1].seq, ()), head[1].link.encode()})
    join = Join(
        keys=known,
        verified=verified,
        anchors=elsewhere,
        strict=bool(keys) if strict is None else strict,
        head=head,
        partly=partly,
    )
    for number, (name, text) in enumerate(files):
        whole, _, half = text.rpartition(b"\n")
        whole += b"\n" if whole or text.startswith(b"\n") else b""
        lines = (
            whole.splitlines(keepends=True)
            if b"\r" not in whole
            else [each + b"\n" for each in whole.split(b"\n")[:-1]]
        )
        size = part_lines or max(1, len(lines))
        offset = 0
        for at in range(0, max(1, len(lines)), size):
            walk = Walk(known, verified, wanted)
            octets = b"".join(lines[at : at + size])
            walk.take(octets, offset)
            offset += len(octets)
            join.part(name, walk.found)
        if half:
            join.half_line(name, len(half), live=number == len(files) - 1)
    texts = dict(files)
    return join.proof(lambda name, start, end: sha256(texts[name][start:end]).hexdigest())


def on_disk(made: Written) -> list[tuple[str, bytes]]:
    return [*((name, b"".join(lines)) for name, lines in made.files), ("audit.jsonl", b"".join(made.lines))]


def first(files: list[tuple[str, bytes]], **more: object) -> Fault:
    proof = prove(files, **more)  # type: ignore[arg-type]
    assert not proof.whole
    return proof.faults[0]


def edited(
    files: list[tuple[str, bytes]], number: int, change: Callable[[list[bytes]], object]
) -> list[tuple[str, bytes]]:
    """One file's lines changed."""
    name, text = files[number]
    lines = text.splitlines(keepends=True)
    change(lines)
    return [*files[:number], (name, b"".join(lines)), *files[number + 1 :]]
