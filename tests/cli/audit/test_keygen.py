"""A key pair is made once, for its owner alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from nacd.cli.audit.keys import public_key
from nacd.store.trail.writing.signing import SigningKey
from nacd.values import Secret
from tests.store.trail.written import key_id


def test_a_private_and_a_public_key_are_made(tmp_path: Path, nacd: Any) -> None:
    out = tmp_path / "audit.key"
    done = nacd("audit", "keygen", "--out", out)
    assert done.exit_code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    assert Path(f"{out}.pub").stat().st_mode & 0o777 == 0o644
    key = load_pem_private_key(out.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    assert public_key(Path(f"{out}.pub")) == key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert key_id(key) in done.stdout
    assert f"key: file:{out}" in done.stdout
    assert SigningKey(Secret(out.read_bytes())).id == key_id(key)
    assert "PRIVATE" not in done.stdout


@pytest.mark.parametrize("there", ["audit.key", "audit.key.pub"])
def test_nothing_is_overwritten_and_nothing_half_done_stays(tmp_path: Path, nacd: Any, there: str) -> None:
    (tmp_path / there).write_text("mine")
    done = nacd("audit", "keygen", "--out", tmp_path / "audit.key")
    assert done.exit_code == 1
    assert "never overwritten" in done.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "mine")]


def test_a_link_is_not_followed(tmp_path: Path, nacd: Any) -> None:
    (tmp_path / "audit.key").symlink_to(tmp_path / "elsewhere")
    assert nacd("audit", "keygen", "--out", tmp_path / "audit.key").exit_code == 1
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, nacd: Any) -> None:
    done = nacd("audit", "keygen", "--out", tmp_path / "no" / "audit.key")
    assert (done.exit_code, f"`{tmp_path / 'no' / 'audit.key'}`" in done.stderr) == (1, True)
