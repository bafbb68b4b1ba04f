"""Trails of tests: what is written, with which options, and what is there afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from nacd.store.trail.log import AuditLog
from nacd.store.trail.writing.options import Options
from nacd.values import AuditEvent, Secret
from tests.store.trail.writing.checker import Judged, files_of, judge


def event(number: int = 1, text: str = "x") -> AuditEvent:
    return AuditEvent(code="A0000I", fields={"code": "A0000I", "number": number, "text": text})


def pem(key: Ed25519PrivateKey) -> Secret:
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class Clock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


class Trail:
    """A folder with a live file and a head."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.live = folder / "audit.jsonl"
        self.clock = Clock()

    def options(self, **wanted: Any) -> Options:
        return Options(**{"head": self.folder / "state" / "audit", "version": "1.0", **wanted})

    def open(self, **wanted: Any) -> AuditLog:
        return AuditLog(self.live, options=self.options(**wanted), clock=self.clock)

    @contextmanager
    def opened(self, **wanted: Any) -> Iterator[AuditLog]:
        log = self.open(**wanted)
        try:
            yield log
        finally:
            log.close()

    def judged(self, *keys: bytes) -> Judged:
        return judge(files_of(self.live), keys)

    def whole(self, *keys: bytes) -> Judged:
        """What is there, after it was found to be without any fault."""
        found = self.judged(*keys)
        assert found.faults == []
        assert found.noted == []
        return found


def die(log: AuditLog) -> None:
    """End a trail as kill -9 would: nothing more is written."""
    fd, log._fd = log._fd, -1
    log._disk.close()
    os.close(fd)
