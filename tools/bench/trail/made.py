"""A trail of any length in a folder: ``python -m tools.bench.trail.made FOLDER --records 10000000 [--gz]``.

Lays down full files, the live one, ``audit.key`` with its ``.pub``, and ``anchors.jsonl`` with every checkpoint. With
``--gz`` the full files are compressed as nacd does it. Always the same, but for the key.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
import zlib
from base64 import b64encode
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from nacd.audit.blocks import timestamp
from nacd.audit.chain.checkpoints import checkpoint_text
from nacd.audit.chain.links import FIRST, chained
from nacd.store.trail.names import full_name
from tools.bench.trail.endpoints import templates

WRITER: Final = "0123456789abcdef"
FILE_OCTETS: Final = 256 << 20
CHECKPOINT_RECORDS: Final = 10_000
_MEMBER_OCTETS: Final = 256 << 10
_BATCH: Final = 500


class _Trail:
    def __init__(self, folder: Path, *, first: float, apart_s: float, file_octets: int) -> None:
        self._live = folder / "audit.jsonl"
        self._anchors = (folder / "anchors.jsonl").open("wb")
        self._key = _key(folder)
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._key_id = sha256(public).hexdigest()[:16]
        self._at, self._apart_s, self._file_octets = first, apart_s, file_octets
        self._seq, self._link = 0, FIRST
        self._chance = random.Random(3)
        self._templates = templates()
        self._octets = 0
        self.full: list[Path] = []
        self._begin("")

    def write(self, count: int) -> None:
        """count: decisions; the trail's own records come on top."""
        since = 0
        for begin in range(0, count, _BATCH):
            many = min(_BATCH, count - begin)
            chosen = self._chance.choices(self._templates, k=many)
            lines = [each[:25] + self._time(1) + each[49:] for each in chosen]
            self._append(lines)
            since += many
            if since >= CHECKPOINT_RECORDS:
                since = 0
                self._checkpoint()
            if self._octets > self._file_octets:
                self._checkpoint()
                self._turn_over()
        self._checkpoint()
        self._file.close()
        self._anchors.close()

    def _time(self, records: int) -> bytes:
        self._at += records * self._apart_s
        return timestamp(self._at).encode()

    def _append(self, lines: list[bytes]) -> bytes:
        text, self._seq, self._link = chained(lines, self._seq, self._link)
        self._file.write(text)
        self._octets += len(text)
        return text

    def _begin(self, previous: str) -> None:
        self._file = self._live.open("wb")
        self._began, self._first_seq, self._octets = self._at, self._seq + 1, 0
        link = self._link.decode() if self._seq else ""
        trail = {
            "writer": WRITER,
            "previous": {"file": previous, "seq": self._seq, "link": link},
            "before": {"octets": 0, "sha256": ""},
            "version": "0.0",
        }
        self._append([_own("A9101I", "audit.file_begun", timestamp(self._at), trail)])

    def _checkpoint(self) -> None:
        at, link = timestamp(self._at), self._link.decode()
        signed = self._key.sign(checkpoint_text(writer=WRITER, seq=self._seq, link=link, time=at))
        told = {"writer": WRITER, "seq": self._seq, "link": link, "key": self._key_id}
        block = {"checkpoint": {**told, "signature": b64encode(signed).decode()}}
        self._anchors.write(self._append([_own("A9102I", "audit.checkpoint", at, block)]))

    def _turn_over(self) -> None:
        self._file.close()
        name = full_name(self._live, self._began, self._first_seq)
        self.full.append(self._live.rename(self._live.parent / name))
        self._begin(name)


def _own(code: str, event: str, at: str, block: Mapping[str, object]) -> bytes:
    return (
        json.dumps({"code": code, "time": at, "event": event, "why": "", **block}, separators=(",", ":")).encode()
        + b"\n"
    )


def _key(folder: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    (folder / "audit.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "audit.key.pub").write_bytes(public)
    return key


def compress(path: Path) -> Path:
    """The full file as gzip of many members of whole lines, each of 256 KiB of text or a little more."""
    packed = path.with_name(path.name + ".gz")
    with path.open("rb") as plain, packed.open("wb") as file:
        while text := b"".join(plain.readlines(_MEMBER_OCTETS)):
            packer = zlib.compressobj(6, zlib.DEFLATED, 31)
            file.write(packer.compress(text) + packer.flush())
    path.unlink()
    return packed


def make(folder: Path, records: int, *, gz: bool = False, days: float = 30, file_octets: int = FILE_OCTETS) -> Path:
    """Returns the live file."""
    folder.mkdir(parents=True, exist_ok=True)
    apart_s = days * 86_400 / max(1, records)
    trail = _Trail(folder, first=1_795_000_000.0, apart_s=apart_s, file_octets=file_octets)
    trail.write(records)
    if gz:
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(compress, trail.full))
    return folder / "audit.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--gz", action="store_true")
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--file-octets", type=int, default=FILE_OCTETS)
    said = parser.parse_args()
    began = time.monotonic()
    make(said.folder, said.records, gz=said.gz, days=said.days, file_octets=said.file_octets)
    took_s = time.monotonic() - began
    octets = sum(each.stat().st_size for each in said.folder.glob("audit*"))
    print(f"{said.records:,} records, {octets >> 20:,} MiB on disk, {took_s:.1f} s")


if __name__ == "__main__":
    main()
