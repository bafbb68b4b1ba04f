"""Who vouches for the trail. How it comes about: see ``test_log_trail``."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nacd.errors import AuditRefused
from nacd.store.trail.writing import head as heads
from nacd.store.trail.writing.options import Options
from nacd.store.trail.writing.vouching import Vouching
from nacd.values import Secret
from tests.store.trail.writing.trails import pem


def vouching(tmp_path: Path, **wanted: object) -> Vouching:
    return Vouching(Options(head=tmp_path / "state", **wanted), hand_over=False)  # type: ignore[arg-type]


def test_the_head_is_replaced_only_when_the_disk_has_what_it_speaks_of(tmp_path: Path) -> None:
    made = vouching(tmp_path)
    head = made.head(tmp_path / "f", "0" * 16, 7, b"a" * 64, 9, None)
    made.vouch(head, b"", "input/output error")
    assert heads.read(tmp_path / "state") is None
    made.vouch(head, b"", "")
    assert heads.read(tmp_path / "state") == head


def test_an_end_is_taken_back_before_anything_is_written_behind_it(tmp_path: Path) -> None:
    made = vouching(tmp_path)
    place = (tmp_path / "f", "0" * 16, 7, b"a" * 64, 9, None)
    made.vouch(made.head(*place, ended=True), b"", "")
    made.goes_on(heads.read(tmp_path / "state"))  # type: ignore[arg-type]
    assert heads.read(tmp_path / "state") == made.head(*place)


def test_an_end_is_taken_back_also_where_there_is_no_room_for_another_file(tmp_path: Path) -> None:
    made = vouching(tmp_path)
    place = (tmp_path / "f", "0" * 16, 7, b"a" * 64, 9, None)
    made.vouch(made.head(*place, ended=True), b"", "")
    before = (tmp_path / "state" / heads.NAME).stat()
    (tmp_path / "state" / ".head.json.part").mkdir()  # no draft can be made, as on a full disk
    made.goes_on(heads.read(tmp_path / "state"))  # type: ignore[arg-type]
    assert heads.read(tmp_path / "state") == made.head(*place)
    after = (tmp_path / "state" / heads.NAME).stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)  # and no octet more than there was


def test_a_head_that_cannot_be_written_is_told_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    made = vouching(tmp_path)
    made.vouch(made.head(tmp_path / "f", "0" * 16, 7, b"a" * 64, 9, None), b"", "")
    (said,) = made.heard()
    assert "head.json" in said
    assert list(made.heard()) == []


def test_no_head_is_kept_where_none_is_wanted(tmp_path: Path) -> None:
    made = Vouching(Options(), hand_over=False)
    assert made.head(tmp_path, "0" * 16, 1, b"a" * 64, 1, None) is None


def test_an_anchors_file_that_fails_is_recorded_once_and_said_each_time(tmp_path: Path) -> None:
    made = vouching(tmp_path, anchors=tmp_path / "anchors")
    for _ in range(3):
        made.vouch(None, b"x\n", "")
    assert [event.code for event in made.notes(1.0)] == ["A9107W"]
    assert len(list(made.heard())) == 3
    (tmp_path / "anchors").touch()
    made.vouch(None, b"x\n", "")
    (resumed,) = made.notes(1.0)
    assert resumed.fields["anchor"] == {"file": str(tmp_path / "anchors"), "missed": 3}


def test_a_key_that_is_none_is_refused_with_its_setting(tmp_path: Path) -> None:
    for name in ("key", "previous_key"):
        with pytest.raises(AuditRefused, match=f"cannot use `audit.{name}`"):
            vouching(tmp_path, **{name: Secret(b"nonsense")})


def test_only_the_key_that_signed_before_vouches_for_the_next(tmp_path: Path) -> None:
    old, new, other = (Ed25519PrivateKey.generate() for _ in range(3))
    before = vouching(tmp_path, key=pem(old)).key
    assert before is not None
    for previous, vouches in ((old, True), (other, False)):
        made = vouching(tmp_path, key=pem(new), previous_key=pem(previous))
        event = made.signer_event("w", before.id, "t")
        assert event is not None
        assert bool(event.fields["signer"]["signature"]) is vouches  # type: ignore[index,call-overload]
    assert vouching(tmp_path, key=pem(old)).signer_event("w", before.id, "t") is None
