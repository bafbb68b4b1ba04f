"""Trails on disk, and the command line to ask about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from nacd.cli.main import app
from tests.store.trail.written import Written, trail

Nacd = Callable[..., Any]


@pytest.fixture
def nacd() -> Nacd:
    """``nacd("audit", "verify", path)``: exit code and output, in this process."""

    def run(*words: object) -> Any:
        done = CliRunner().invoke(app, [str(word) for word in words])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return run


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def made(key: Ed25519PrivateKey) -> Written:
    return trail(key=key)


@pytest.fixture
def public(tmp_path: Path, key: Ed25519PrivateKey) -> Path:
    """The public key, in a file."""
    path = tmp_path / "audit.pub"
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


@pytest.fixture
def anchors(tmp_path: Path, made: Written) -> Path:
    path = tmp_path / "anchors.txt"
    path.write_bytes(b"".join(made.anchors))
    return path
