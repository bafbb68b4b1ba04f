"""The section about the audit log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from nacd.config.sections.audit.trail import Audit


def test_a_relative_path_counts_from_the_folder_of_the_file(section, tmp_path) -> None:
    audit = section(Audit, "file: log/audit.jsonl\n")
    assert audit.file == tmp_path / "log" / "audit.jsonl"
    assert (audit.when_full, audit.warn_at_percent) == ("refuse", 80)


def test_a_path_is_no_reference_and_no_home(section) -> None:
    assert "without `file:`" in section(Audit, "file: file:/x\n")[0]
    assert "`~` means nothing to a daemon" in section(Audit, "file: ~/x\n")[0]


def test_a_file_alone_is_a_whole_section_with_careful_limits(section) -> None:
    audit = section(Audit, "file: a\n")
    assert (audit.sync, audit.sync_every) == ("batch", timedelta(seconds=1))
    assert (audit.rotate.size, audit.rotate.every) == (256 << 20, timedelta(days=1))
    assert (audit.keep.age, audit.keep.size) == (timedelta(days=400), None)
    assert (audit.checkpoint.records, audit.checkpoint.every) == (10_000, timedelta(seconds=60))
    assert audit.compress
    assert (audit.key, audit.previous_key, audit.anchors) == (None, None, None)


def test_everything_can_be_said(section) -> None:
    audit = section(
        Audit,
        "{file: a, sync: each, rotate: {size: never, every: 12h}, keep: {for: never, size: 50GiB}, compress: false,"
        " checkpoint: {records: 5, every: 10s}, anchors: b}\n",
    )
    assert (audit.rotate.size, audit.rotate.every) == (None, timedelta(hours=12))
    assert (audit.keep.age, audit.keep.size) == (None, 50 << 30)
    assert not audit.compress


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rotate: {size: 10KiB}", "full all the time"),
        ("rotate: {size: 256}", "KiB"),
        ("rotate: {every: 1s}", "outside"),
        ("keep: {for: 400}", "no unit"),
        ("sync_every: 2m", "outside"),
        ("sync: sometimes", "batch"),
        ("rotate: {size: off}", "off"),
    ],
)
def test_what_makes_no_sense_is_refused(section, text: str, words: str) -> None:
    assert words in " ".join(section(Audit, f"file: a\n{text}\n"))


def test_a_previous_key_is_followed_by_a_key(section, tmp_path) -> None:
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "k").write_bytes(key)
    (tmp_path / "k").chmod(0o600)
    assert "followed by no `key`" in section(Audit, "file: a\nprevious_key: file:k\n")[0]


@pytest.mark.parametrize("anchors", ["log/audit.jsonl", "log/../log/audit.jsonl", "link/audit.jsonl"])
def test_the_trail_is_not_its_own_anchor(section, tmp_path, anchors: str) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "log")
    assert "is the audit file itself" in section(Audit, f"file: log/audit.jsonl\nanchors: {anchors}\n")[0]
    assert section(Audit, "file: log/audit.jsonl\nanchors: log/anchors.jsonl\n").anchors is not None
