"""A full file, compressed and compared; nothing of it is lost whatever lies there."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import shutil
import stat
import subprocess
import zlib
from pathlib import Path

import pytest

from nacd.keeper import sealing
from nacd.keeper.sealing import InUse, NotTheSame
from nacd.store.full_files.folder import Folder
from tests.keeper.trails import Trail


def going() -> None:
    """Nothing ends the work."""


def members(octets: bytes) -> list[bytes]:
    found = []
    while octets:
        one = zlib.decompressobj(31)
        found.append(one.decompress(octets) + one.flush())
        octets = one.unused_data
    return found


def test_the_text_is_the_same_in_members_of_whole_lines(trail: Trail, folder: Folder) -> None:
    name = trail.full(3_000, filler=640)
    text = trail.texts[name]
    sealing.pack(folder, name, going)
    sealed = sealing.compare(folder, name, going)
    packed = (trail.folder / f"{name}.gz").read_bytes()
    parts = members(packed)
    assert b"".join(parts) == text
    assert all(part.endswith(b"\n") for part in parts)
    assert all(131_072 <= len(part) <= 524_288 for part in parts[:-1])
    assert len(parts) > 3
    assert sealed.packed_octets == len(packed)
    assert (sealed.text.records, sealed.text.octets) == (3_000, len(text))
    assert sealed.text.sha256 == hashlib.sha256(text).hexdigest()
    zcat = shutil.which("zcat")
    assert zcat is not None
    assert subprocess.run([zcat, trail.folder / f"{name}.gz"], capture_output=True, check=True).stdout == text


def test_owner_mode_and_time_are_those_of_the_plain_file(trail: Trail, folder: Folder) -> None:
    name = trail.full()
    plain = trail.folder / name
    if os.geteuid() == 0:
        os.chown(plain, 0, 4711)
    sealing.pack(folder, name, going)
    before, after = plain.stat(), (trail.folder / f"{name}.gz").stat()
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_mtime_ns, after.st_uid, after.st_gid) == (before.st_mtime_ns, before.st_uid, before.st_gid)
    assert not list(trail.folder.glob("*.part"))


@pytest.mark.parametrize(
    "text", [b"", b"{}\n", b"no newline at the end", b"a\nb", b"\n" * 300_000, b"x" * 9_000_000 + b"\ny\n"]
)
def test_any_text_comes_back(trail: Trail, folder: Folder, text: bytes) -> None:
    name = trail.full()
    (trail.folder / name).write_bytes(text)
    sealing.pack(folder, name, going)
    assert sealing.compare(folder, name, going).text.octets == len(text)
    assert gzip.decompress((trail.folder / f"{name}.gz").read_bytes()) == text
    sealing.unlink(folder, name)
    assert not (trail.folder / name).exists()


def test_a_file_that_somebody_still_writes_to_is_left(trail: Trail, folder: Folder) -> None:
    name = trail.full()
    with (trail.folder / name).open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        with pytest.raises(InUse):
            sealing.pack(folder, name, going)
    assert [path.name for path in trail.folder.iterdir()] == [name]
    sealing.pack(folder, name, going)


def test_what_was_left_half_done_is_begun_anew(trail: Trail, folder: Folder) -> None:
    name = trail.full()
    (trail.folder / f"{name}.gz.part").write_bytes(b"half")
    sealing.pack(folder, name, going)
    assert gzip.decompress((trail.folder / f"{name}.gz").read_bytes()) == trail.texts[name]


def test_nothing_is_left_behind_when_it_is_interrupted(trail: Trail, folder: Folder) -> None:
    name = trail.full(3_000)
    steps = iter(range(3))
    with pytest.raises(StopIteration):
        sealing.pack(folder, name, lambda: next(steps) and None)
    assert [path.name for path in trail.folder.iterdir()] == [name]


def spoilt(packed: bytes, text: bytes) -> dict[str, bytes]:
    return {
        "a bit": packed[:99] + bytes([packed[99] ^ 4]) + packed[100:],
        "cut": packed[:-9],
        "a member less": gzip.compress(text[: len(text) // 2]),
        "more": packed + gzip.compress(b"{}\n"),
        "rubbish behind": packed + b"rubbish",
        "empty": b"",
        "another line": gzip.compress(text.replace(b"access.accept", b"access.reject", 1)),
        "a bomb": gzip.compress(b"\0" * 50_000_000),
    }


@pytest.mark.parametrize("how", list(spoilt(b"p" * 200, b"t")))
def test_a_compressed_file_that_differs_is_not_believed(trail: Trail, folder: Folder, how: str) -> None:
    name = trail.full(300)
    sealing.pack(folder, name, going)
    path = trail.folder / f"{name}.gz"
    path.write_bytes(spoilt(path.read_bytes(), trail.texts[name])[how])
    with pytest.raises(NotTheSame):
        sealing.compare(folder, name, going)


def test_a_bomb_is_not_unpacked_to_its_end(trail: Trail, folder: Folder) -> None:
    name = trail.full(10)
    (trail.folder / f"{name}.gz").write_bytes(gzip.compress(b"\0" * 50_000_000))
    steps: list[int] = []
    with pytest.raises(NotTheSame):
        sealing.compare(folder, name, lambda: steps.append(1))
    assert len(steps) < 10


def test_a_full_disk_leaves_the_plain_file_and_nothing_else(small_disk: Path) -> None:
    trail = Trail(small_disk)
    name = trail.full(150, filler=640)
    (small_disk / "ballast").write_bytes(os.urandom(256 * 1024 - len(trail.texts[name]) - 12_000))
    folder = Folder(trail.live)
    with pytest.raises(OSError, match="No space left"):
        sealing.pack(folder, name, going)
    folder.close()
    assert {path.name for path in small_disk.iterdir()} == {name, "ballast"}
    assert (small_disk / name).read_bytes() == trail.texts[name]
