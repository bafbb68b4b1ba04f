"""An independent judge of trails: the format out of its description, and no code of nacd."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_END = re.compile(rb',"link":"([0-9a-f]{64})"\}\n$')


@dataclass
class Judged:
    """records: of the trail, in order. faults: in words. noted: faults that a record owns up to."""

    records: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)

    @property
    def codes(self) -> list[str]:
        return [record["code"] for record in self.records]

    def of(self, code: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["code"] == code]

    @property
    def plain(self) -> list[dict[str, Any]]:
        """Without the trail's own bookkeeping."""
        return [record for record in self.records if not record["code"].startswith("A91")]


def files_of(live: Path) -> list[Path]:
    """Full files by their first seq, then the live one."""
    full = [each for each in live.parent.iterdir() if each.name.startswith("audit-")]
    return [*sorted(full, key=lambda each: int(each.stem.rpartition("-")[2])), *([live] if live.exists() else [])]


def judge(files: Iterable[Path | bytes], keys: Iterable[bytes] = ()) -> Judged:
    """keys: raw public keys that a checkpoint may be signed with."""
    known = {hashlib.sha256(key).hexdigest()[:16]: Ed25519PublicKey.from_public_bytes(key) for key in keys}
    found = Judged()
    link, seq = b"0" * 64, 0
    breaks: list[tuple[int, int]] = []
    strange: list[bytes] = []
    for number, each in enumerate(files):
        text = each.read_bytes() if isinstance(each, Path) else each
        run = b""
        fresh = True
        for line in text.splitlines(keepends=True):
            end = _END.search(line)
            if end is None:
                run += line
                continue
            record = json.loads(line)
            assert list(record)[-2:] == ["seq", "link"]
            body = line[: end.start()]
            if run:
                strange.append(run)
                if record["code"] == "A9101I" and fresh:
                    assert record["before"]["octets"] == len(run)
                    assert record["before"]["sha256"] == hashlib.sha256(run).hexdigest()
                    strange.pop()
            elif fresh and record["code"] != "A9101I":
                found.faults.append(f"file {number} begins with {record['code']}")
            if fresh and record["code"] == "A9101I" and record["seq"] == seq + 1 and seq:
                assert (record["previous"]["seq"], record["previous"]["link"]) == (seq, link.decode())
            run, fresh = b"", False
            right = hashlib.sha256(link + body).hexdigest().encode() == end[1]
            if record["seq"] != seq + 1 or not right:
                breaks.append((seq, record["seq"]))
            if record["code"] == "A9102I":
                _check_signature(found, record, known, seq, link)
            seq, link = record["seq"], end[1]
            found.records.append(record)
        if run:
            strange.append(run)
    _own_up(found, breaks, strange)
    return found


def _own_up(found: Judged, breaks: list[tuple[int, int]], strange: list[bytes]) -> None:
    gaps = {(record["gap"]["after"], record["gap"]["next"]) for record in found.of("A9104E")}
    pins = {record["repaired"]["sha256"] for record in found.of("A9103W")}
    for each in breaks:
        (found.noted if each in gaps else found.faults).append(f"{each[0]} is followed by {each[1]}")
    for octets in strange:
        noted = hashlib.sha256(octets).hexdigest() in pins
        (found.noted if noted else found.faults).append(f"no records: {octets[:60]!r}")


def _check_signature(
    found: Judged, record: dict[str, Any], keys: dict[str, Ed25519PublicKey], seq: int, link: bytes
) -> None:
    told = record["checkpoint"]
    if (told["seq"], told["link"]) != (seq, link.decode()):
        found.faults.append(f"checkpoint {record['seq']} speaks of another record")
    if not told["key"]:
        assert not told["signature"]
        return
    text = f"nacd audit checkpoint 1\n{told['writer']}\n{told['seq']}\n{told['link']}\n{record['time']}\n"
    try:
        keys[told["key"]].verify(b64decode(told["signature"], validate=True), text.encode())
    except (KeyError, InvalidSignature):
        found.faults.append(f"checkpoint {record['seq']} is not signed as it says")
