"""A trail made and judged by hand: SHA-256 and gzip of the standard library, nothing of nacd."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

BEGUN = 1_763_800_000


def begun_at(number: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(BEGUN + 3_600 * number))


@dataclass
class Trail:
    """Writes full files and a live one beside them. Each file is an hour younger than the one before."""

    folder: Path
    stem: str = "audit"
    suffix: str = ".jsonl"
    seq: int = 0
    link: str = "0" * 64
    files: int = 0
    texts: dict[str, bytes] = field(default_factory=dict)

    @property
    def live(self) -> Path:
        return self.folder / f"{self.stem}{self.suffix}"

    def lines(self, count: int, filler: int = 200) -> bytes:
        made = []
        for number in range(count):
            kind = {"code": "A1001I", "time": "2026-11-22T19:21:00.000Z", "event": "access.accept", "why": "it fits"}
            if number == 0:
                previous = {"file": "", "seq": self.seq, "link": self.link if self.seq else ""}
                kind = {**kind, "code": "A9101I", "event": "audit.file_begun", "writer": "ab" * 8, "previous": previous}  # type: ignore[dict-item]
            self.seq += 1
            filled = {**kind, "filler": hashlib.sha256(str(self.seq).encode()).hexdigest() * (filler // 64)}
            body = json.dumps({**filled, "seq": self.seq}, separators=(",", ":"))[:-1].encode()
            self.link = hashlib.sha256(self.link.encode() + body).hexdigest()
            made.append(body + b',"link":"' + self.link.encode() + b'"}\n')
        return b"".join(made)

    def full(self, count: int = 50, *, filler: int = 200) -> str:
        """A full plain file; its name."""
        name = f"{self.stem}-{begun_at(self.files)}-{self.seq + 1:012}{self.suffix}"
        self.files += 1
        text = self.lines(count, filler)
        path = self.folder / name
        path.write_bytes(text)
        path.chmod(0o640)
        changed = BEGUN + 3_600 * self.files
        os.utime(path, (changed, changed))
        self.texts[name] = text
        return name

    def living(self, count: int = 5) -> None:
        self.live.write_bytes(self.lines(count))


def texts(live: Path) -> list[tuple[str, bytes]]:
    """Every file of the trail with its text, oldest first, the live one last. Where both forms stand, they are the
    same."""
    found: dict[str, bytes] = {}
    for path in sorted(live.parent.iterdir()):
        if path.name.startswith(f"{live.stem}-") and path.suffix in (live.suffix, ".gz"):
            try:
                octets = path.read_bytes()
            except FileNotFoundError:
                continue  # deleted since the folder was listed; where it should be there, `check` misses it
            text = gzip.decompress(octets) if path.suffix == ".gz" else octets
            name = path.name.removesuffix(".gz")
            assert found.setdefault(name, text) == text
    ordered = sorted(found.items(), key=lambda item: int(item[0].rpartition("-")[2].partition(".")[0]))
    return [*ordered, (live.name, live.read_bytes())]


def check(live: Path, *, first: int = 1) -> int:
    """Every record from number ``first`` on is there once, in order, and each link follows. The last number."""
    seq, link = first - 1, "0" * 64 if first == 1 else ""
    for name, text in texts(live):
        for line in text.split(b"\n")[:-1]:
            body, mark, end = line.rpartition(b',"link":"')
            assert mark, (name, line[-200:])
            told = int(body.rpartition(b'"seq":')[2])
            assert told == seq + 1, (name, told, seq)
            expected = hashlib.sha256(link.encode() + body).hexdigest()
            assert not link or end == expected.encode() + b'"}', (name, told)
            seq, link = told, end[:64].decode()
    return seq
