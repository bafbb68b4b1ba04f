"""The trail as it is written: checkpoints, keys and anchors."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from nacd.errors import AuditRefused
from nacd.store.trail.writing import disk
from tests.store.trail.writing.trails import Trail, die, event, pem, raw


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    return Trail(tmp_path)


def soon(holds: Callable[[], bool], within_s: float = 10.0) -> bool:
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def full_files(trail: Trail) -> list[str]:
    return sorted(each.name for each in trail.folder.iterdir() if each.name.startswith("audit-"))


# -- checkpoints --------------------------------------------------------------------------------


@pytest.mark.parametrize("sync", ["never", "batch", "each"])
def test_a_checkpoint_comes_after_so_many_records_and_at_the_end(trail: Trail, sync: str) -> None:
    with trail.opened(checkpoint_records=4, sync=sync) as log:
        for number in range(1, 9):
            log.append(event(number))
    codes = trail.whole().codes
    one = "A0000I"
    assert codes == ["A9101I", one, one, one, "A9102I", one, one, one, one, "A9102I", one, "A9102I"]


def test_a_checkpoint_comes_after_some_time_when_anything_was_written(trail: Trail) -> None:
    log = trail.open(checkpoint_s=3600.0)
    log.append(event(1))
    assert log.tick() == ()
    log.append(event(2))
    assert log.tick() == ()
    assert len(trail.judged().of("A9102I")) == 1
    for _ in range(2):  # the second time there is nothing that was not checked
        log._checkpoint_at -= 3601
        assert log.tick() == ()
        assert len(trail.judged().of("A9102I")) == 2
    log.close()
    assert len(trail.whole().of("A9102I")) == 2


def test_a_trail_that_has_just_begun_is_signed_already(trail: Trail) -> None:
    key = Ed25519PrivateKey.generate()
    log = trail.open(checkpoint_s=3600.0, key=pem(key))
    log.append(event(1))
    assert log.tick() == ()
    found = trail.judged(raw(key))
    assert [each["checkpoint"]["seq"] for each in found.of("A9102I")] == [found.records[-2]["seq"]]
    assert found.faults == []
    log.close()


def test_checkpoints_wait_for_a_disk_that_does_not_keep_up(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs, goes_on = Event(), Event()

    def sync(fd: int) -> None:
        hangs.set()
        goes_on.wait(60)
        os.fdatasync(fd)

    monkeypatch.setattr(disk, "sync", sync)
    log = trail.open(checkpoint_records=1, sync="batch")
    for number in range(1, 101):
        log.append(event(number))
    assert hangs.wait(60)
    goes_on.set()
    log.close()
    found = trail.whole()
    assert len(found.of("A9102I")) < 15
    assert found.codes[-1] == "A9102I"


def test_a_checkpoint_is_signed_with_the_key_over_its_place_and_time(trail: Trail) -> None:
    key = Ed25519PrivateKey.generate()
    with trail.opened(checkpoint_records=100, key=pem(key)) as log:
        log.append(event(1))
    found = trail.whole(raw(key))
    (checkpoint,) = found.of("A9102I")
    assert checkpoint["checkpoint"]["key"]
    assert checkpoint["checkpoint"]["writer"] == found.records[0]["writer"]
    assert trail.judged(raw(Ed25519PrivateKey.generate())).faults == ["checkpoint 4 is not signed as it says"]


def test_a_permission_to_delete_is_signed_before_anybody_deletes(trail: Trail) -> None:
    key = Ed25519PrivateKey.generate()
    log = trail.open(key=pem(key), checkpoint_records=1000)
    log.retire(file="audit-x.jsonl", first_seq=1, last_seq=9, last_link="a" * 64, why="older than 400d")
    found = trail.whole(raw(key))
    assert found.records[-2]["code"] == "A9106I"
    assert found.records[-1]["checkpoint"]["seq"] == found.records[-2]["seq"]
    log.close()


def test_without_a_key_it_is_not_signed(trail: Trail) -> None:
    with trail.opened(checkpoint_records=100) as log:
        log.append(event(1))
    (checkpoint,) = trail.whole().of("A9102I")
    assert (checkpoint["checkpoint"]["key"], checkpoint["checkpoint"]["signature"]) == ("", "")


def test_the_head_is_never_ahead_of_the_disk(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is replaced after the file was synced."""
    order: list[str] = []
    sync, rename = os.fdatasync, os.rename
    monkeypatch.setattr("os.fdatasync", lambda fd: (order.append("sync"), sync(fd)))
    monkeypatch.setattr("os.rename", lambda *a, **k: (order.append("head"), rename(*a, **k)))
    with trail.opened(checkpoint_records=1, sync="batch", sync_every_s=60.0) as log:
        log.append(event(1))
        assert soon(lambda: "head" in order)
    assert order.index("sync") < order.index("head")


def test_a_checkpoint_that_is_not_on_the_disk_is_neither_anchored_nor_in_the_head(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchors = trail.folder / "anchors"
    anchors.touch()

    def broken(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fdatasync", broken)
    log = trail.open(checkpoint_records=1, sync="batch", sync_every_s=0.01, anchors=anchors)
    log.append(event(1))
    assert soon(lambda: any("input/output error" in said for said in log.tick()))
    with pytest.raises(AuditRefused, match="not on the disk: input/output error"):
        log.append(event(2))
    assert anchors.read_bytes() == b""
    assert not (trail.folder / "state").exists()
    monkeypatch.undo()
    assert soon(lambda: log.tick() == ())
    log.append(event(3))
    log.close()
    found = trail.whole()
    assert [record["number"] for record in found.plain] == [1, 3]
    assert anchors.read_bytes()


# -- anchors ------------------------------------------------------------------------------------


def test_each_checkpoint_stands_in_the_anchors_file_as_it_stands_in_the_trail(trail: Trail) -> None:
    anchors = trail.folder / "anchors"
    anchors.write_text("before\n")
    with trail.opened(checkpoint_records=2, anchors=anchors) as log:
        for number in range(1, 6):
            log.append(event(number))
    lines = trail.live.read_bytes().splitlines(keepends=True)
    wanted = [line for line in lines if b'"A9102I"' in line]
    assert len(wanted) == 3
    assert anchors.read_bytes() == b"before\n" + b"".join(wanted)


def test_an_anchors_file_that_is_missing_is_not_made_but_told_and_so_is_its_return(trail: Trail) -> None:
    anchors = trail.folder / "anchors"
    log = trail.open(checkpoint_records=2, anchors=anchors)
    log.append(event(1))
    said = log.tick()
    assert any("a checkpoint is not anchored" in each and "no such file" in each for each in said)
    log.append(event(2))
    log.append(event(3))
    log.tick()
    assert not anchors.exists()
    anchors.touch()
    log.append(event(4))
    log.append(event(5))
    log.tick()
    log.close()
    found = trail.whole()
    (failed,) = found.of("A9107W")
    assert failed["anchor"]["file"] == str(anchors)
    assert "no such file" in failed["why"]
    (resumed,) = found.of("A9108I")
    assert resumed["anchor"]["missed"] > 0


# -- keys ---------------------------------------------------------------------------------------


def changes(trail: Trail) -> list[dict[str, str]]:
    return [record["signer"] for record in trail.judged().of("A9105I")]


def test_another_key_is_told_once_with_the_word_of_the_one_before(trail: Trail) -> None:
    first, second = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    with trail.opened(checkpoint_records=10, key=pem(first)) as log:
        log.append(event(1))
    for number in (2, 3):
        with trail.opened(checkpoint_records=10, key=pem(second), previous_key=pem(first)) as log:
            log.append(event(number))
    found = trail.whole(raw(first), raw(second))
    begun, changed = (record["signer"] for record in found.of("A9105I"))
    assert (begun["old"], begun["signature"]) == ("", "")
    assert changed["old"] == begun["new"]
    assert base64.b64decode(changed["public"]) == raw(second)
    time_ = found.of("A9105I")[1]["time"]
    text = "\n".join(["nacd audit key 1", *(changed[name] for name in ("writer", "old", "new", "public")), time_, ""])
    Ed25519PublicKey.from_public_bytes(raw(first)).verify(base64.b64decode(changed["signature"]), text.encode())
    assert [record["checkpoint"]["key"] for record in found.of("A9102I")] == [begun["new"], *[changed["new"]] * 2]


def test_without_the_key_before_it_is_told_and_nobody_vouches(trail: Trail) -> None:
    with trail.opened(key=pem(Ed25519PrivateKey.generate())) as log:
        log.append(event(1))
    with trail.opened(key=pem(Ed25519PrivateKey.generate())) as log:
        log.append(event(2))
        assert any("does not vouch" in said for said in log.tick())
    assert [bool(each["signature"]) for each in changes(trail)] == [False, False]
    assert changes(trail)[1]["old"] == changes(trail)[0]["new"]


def test_a_key_that_goes_is_told_too(trail: Trail) -> None:
    with trail.opened(key=pem(Ed25519PrivateKey.generate())) as log:
        log.append(event(1))
    with trail.opened() as log:
        log.append(event(2))
    assert changes(trail)[1]["new"] == ""


@pytest.mark.parametrize("killed", [False, True])
def test_a_key_that_was_told_of_is_not_told_of_again(trail: Trail, killed: bool) -> None:
    """Also when the daemon was killed before the head knew of it, or the head is lost."""
    key = pem(Ed25519PrivateKey.generate())
    log = trail.open(key=key)
    log.append(event(1))
    if killed:
        die(log)
    else:
        log.close()
        (trail.folder / "state" / "audit" / "head.json").unlink()
    with trail.opened(key=key) as log:
        log.append(event(2))
    assert len(changes(trail)) == 1


def test_a_reload_brings_another_key_and_other_limits(trail: Trail) -> None:
    first, second = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    log = trail.open(checkpoint_records=1000, key=pem(first))
    log.append(event(1))
    log.renew(trail.options(head=None, checkpoint_records=2, key=pem(second), previous_key=pem(first)))
    log.append(event(2))
    log.append(event(3))
    log.close()
    found = trail.whole(raw(first), raw(second))
    assert found.of("A9105I")[1]["signer"]["signature"]
    assert len(found.of("A9102I")) >= 2
    assert (trail.folder / "state" / "audit" / "head.json").exists()
