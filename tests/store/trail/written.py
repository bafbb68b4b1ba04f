"""An independent writer of trails for tests: the format out of its description, and no code of nacd."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NOUGHT = "0" * 64
BEGUN = datetime(2026, 11, 22, 19, 21, tzinfo=UTC)
WRITER = "00112233aabbccdd"


def raw_public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_id(key: Ed25519PrivateKey) -> str:
    return sha256(raw_public(key)).hexdigest()[:16]


@dataclass
class Written:
    """Lines of a trail as they are made; ``files`` holds those that are full, ``lines`` the ones of the live file."""

    writer: str = WRITER
    key: Ed25519PrivateKey | None = None
    seq: int = 0
    link: str = NOUGHT
    second: int = 0
    lines: list[bytes] = field(default_factory=list)
    files: list[tuple[str, list[bytes]]] = field(default_factory=list)
    anchors: list[bytes] = field(default_factory=list)
    began: tuple[str, int] = ("", 0)
    before: tuple[int, str] = (0, "")

    @property
    def time(self) -> str:
        return (BEGUN + timedelta(seconds=self.second)).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def record(self, code: str = "A1001I", **fields: Any) -> bytes:
        """One record, chained."""
        self.second += 1
        self.seq += 1
        body = {"code": code, "time": self.time, **fields, "seq": self.seq}
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)[:-1]
        self.link = sha256(f"{self.link}{text}".encode()).hexdigest()
        line = f'{text},"link":"{self.link}"}}\n'.encode()
        self.lines.append(line)
        return line

    def begin(self, previous: str = "") -> bytes:
        """The first record of a file."""
        before = {"file": previous, "seq": self.seq, "link": self.link if self.seq else ""}
        told = {
            "writer": self.writer,
            "previous": before,
            "before": dict(zip(("octets", "sha256"), self.before, strict=True)),
        }
        line = self.record("A9101I", event="audit.file_begun", why="", **told, version="1.0.0")
        self.began = (self.time, self.seq)
        return line

    def change_key(self, key: Ed25519PrivateKey | None, *, vouched: bool = True) -> bytes:
        """Another key from now on."""
        old, new = key_id(self.key) if self.key else "", key_id(key) if key else ""
        public = b64encode(raw_public(key)).decode() if key else ""
        self.second += 1
        text = f"nacd audit key 1\n{self.writer}\n{old}\n{new}\n{public}\n{self.time}\n"
        self.second -= 1
        signature = b64encode(self.key.sign(text.encode())).decode() if self.key and vouched else ""
        told = {"writer": self.writer, "old": old, "new": new, "public": public, "signature": signature}
        self.key = key
        return self.record("A9105I", event="audit.key_changed", why="", signer=told)

    def retire(self, number: int = 0) -> None:
        """The oldest full file (or another) is deleted, after this is written down."""
        name, lines = self.files[number]
        first, last = json.loads(lines[0]), json.loads(lines[-1])
        told = {"file": name, "first_seq": first["seq"], "last_seq": last["seq"], "last_link": last["link"]}
        self.record("A9106I", event="audit.retired", why="", retired={**told, "why": "older than 400 days"})
        del self.files[number]

    def checkpoint(self, *, anchored: bool = True, signed: bool = True, **changed: Any) -> bytes:
        self.second += 1
        told = {"writer": self.writer, "seq": self.seq, "link": self.link, **changed}
        text = f"nacd audit checkpoint 1\n{told['writer']}\n{told['seq']}\n{told['link']}\n{self.time}\n"
        key, signature = "", ""
        if self.key is not None and signed:
            key, signature = key_id(self.key), b64encode(self.key.sign(text.encode())).decode()
        self.second -= 1
        line = self.record(
            "A9102I", event="audit.checkpoint", why="",
            checkpoint={**told, "key": changed.get("key", key), "signature": changed.get("signature", signature)},
        )  # fmt: skip
        if anchored:
            self.anchors.append(line)
        return line

    def some(self, count: int, **fields: Any) -> None:
        for _ in range(count):
            self.record(event="access.accept", why="a rule said so", nas={"name": "switch"}, **fields)

    def turn_over(self, name: str = "") -> str:
        """The live file is full: it goes on in a new one."""
        at, seq = self.began
        stamp = at[:19].replace("-", "").replace(":", "") + "Z"
        name = name or f"audit-{stamp}-{seq:012}.jsonl"
        self.files.append((name, self.lines))
        self.lines = []
        self.begin(name)
        return name

    def lay(self, folder: Path, *, packed: Iterable[str] = ()) -> Path:
        """All files on disk; the live one's path."""
        for name, lines in self.files:
            if name in packed:
                (folder / f"{name}.gz").write_bytes(members(lines))
            else:
                (folder / name).write_bytes(b"".join(lines))
        live = folder / "audit.jsonl"
        live.write_bytes(b"".join(self.lines))
        return live


def members(lines: list[bytes], size: int = 1000) -> bytes:
    """Gzip of several members, each of whole lines."""
    made, text = [], b""
    for line in lines:
        text += line
        if len(text) >= size:
            made.append(gzip.compress(text))
            text = b""
    return b"".join([*made, gzip.compress(text)]) if text else b"".join(made)


def trail(change: Callable[[Written], None] | None = None, key: Ed25519PrivateKey | None = None) -> Written:
    """Three files of ten, twenty and five records and their checkpoints."""
    made = Written(key=key)
    made.begin()
    for count in (10, 20):
        made.some(count)
        made.checkpoint()
        made.turn_over()
    made.some(5)
    if change is not None:
        change(made)
    made.checkpoint()
    return made
