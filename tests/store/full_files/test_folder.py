"""What counts as a full file of this trail, and what only looks like one."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from nacd.store.full_files.folder import Busy, Folder, Strange
from tests.conftest import unavailable
from tests.keeper.trails import Trail


def test_full_files_are_found_oldest_first_with_their_forms(trail: Trail, folder: Folder) -> None:
    first, second = trail.full(), trail.full()
    trail.living()
    (trail.folder / f"{first}.gz").write_bytes(b"packed")
    (trail.folder / first.replace(".jsonl", ".idx")).write_bytes(b"index!!")
    found = folder.look()
    assert [one.name for one in found.full] == [first, second]
    one, other = found.full
    assert (one.plain, one.packed, one.index) == (len(trail.texts[first]), 6, 7)
    assert (other.packed, other.index, other.first_seq) == (-1, -1, 51)
    assert one.octets == len(trail.texts[first]) + 13
    assert found.live_octets == trail.live.stat().st_size
    assert found.strange == found.parts == ()


def full(folder: Path, begun: str, first_seq: int, writer: str, *, packed: bool = False) -> str:
    name = f"audit-{begun}T000000Z-{first_seq:012}.jsonl"
    text = f'{{"code":"A9101I","writer":"{writer}","seq":{first_seq}}}\n'.encode()
    (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(text) if packed else text)
    return name


@pytest.mark.parametrize("packed", [False, True])
def test_a_clock_that_was_set_back_makes_no_file_older_than_those_before_it(tmp_path: Path, packed: bool) -> None:
    ours = "ab" * 8
    days = ("20260103", "20260104", "20250101", "20260105")
    names = [full(tmp_path, day, 100 * number + 1, ours, packed=packed) for number, day in enumerate(days)]
    folder = Folder(tmp_path / "audit.jsonl")
    assert [one.name for one in folder.look().full] == names
    (tmp_path / (f"{names[1]}.gz" if packed else names[1])).write_bytes(b"damaged")
    assert [one.name for one in folder.look().full] == names
    folder.close()


def test_files_of_another_trail_stand_together_by_when_it_began(tmp_path: Path) -> None:
    one = [full(tmp_path, day, seq, "aa" * 8) for day, seq in (("20260101", 1), ("20260102", 500), ("20260103", 900))]
    other = [full(tmp_path, day, seq, "bb" * 8) for day, seq in (("20260104", 1), ("20260105", 700))]
    folder = Folder(tmp_path / "audit.jsonl")
    assert [each.name for each in folder.look().full] == [*one, *other]
    folder.close()


def test_what_logrotate_moved_away_is_left_alone(trail: Trail, folder: Folder) -> None:
    for name in (
        "audit.jsonl.1",
        "audit.jsonl.2.gz",
        "audit-20261122.jsonl",
        "audit.jsonl",
        "other-20261122T192100Z-000000000001.jsonl",
    ):
        (trail.folder / name).write_text("{}\n")
    found = folder.look()
    assert found.full == ()
    assert found.strange == ()


def test_another_ending_of_the_log_is_as_good(tmp_path: Path) -> None:
    trail = Trail(tmp_path, stem="nacd", suffix=".log")
    name = trail.full()
    (tmp_path / f"{name}.idx").write_bytes(b"1")
    folder = Folder(trail.live)
    ((one,), other) = folder.look().full, Trail(tmp_path).full()
    folder.close()
    assert (one.name, one.index) == (name, 1)
    assert other != name


def test_links_pipes_folders_and_second_names_are_strange(trail: Trail, folder: Folder) -> None:
    names = [trail.full() for _ in range(4)]
    paths = [trail.folder / name for name in names]
    for path in paths:
        path.unlink()
    secret = trail.folder / "secret"
    secret.write_text("not yours")
    paths[0].symlink_to(secret)
    os.mkfifo(paths[1])
    paths[2].mkdir()
    os.link(secret, paths[3])
    (trail.folder / f"{names[0]}.gz.part").symlink_to(secret)
    found = folder.look()
    assert found.full == found.parts == ()
    assert set(found.strange) == {*names, f"{names[0]}.gz.part"}
    for name in names:
        with pytest.raises((OSError, Strange)), folder.reading(name):
            pass
    assert secret.read_text() == "not yours"


def test_a_file_of_somebody_else_is_strange(trail: Trail, folder: Folder) -> None:
    if os.geteuid() != 0:
        unavailable("giving a file away needs root")
    name = trail.full()
    os.chown(trail.folder / name, 4711, 4711)
    assert folder.look().strange == (name,)


def test_what_is_not_finished_is_told_apart(trail: Trail, folder: Folder) -> None:
    name = trail.full()
    (trail.folder / f"{name}.gz.part").write_bytes(b"half")
    found = folder.look()
    assert found.parts == (f"{name}.gz.part",)
    assert [one.packed for one in found.full] == [-1]


def test_old_drafts_of_indexes_go_and_others_stay(trail: Trail, folder: Folder) -> None:
    stem = trail.full().removesuffix(".jsonl")
    old, new, foreign = (
        trail.folder / name for name in (f".{stem}.idx.abc.idx.part", f".{stem}.idx.def.idx.part", ".x.idx.part")
    )
    for path in (old, new, foreign):
        path.write_bytes(b"draft")
    for path in (old, foreign):
        os.utime(path, (1, 1))
    folder.forget_drafts(time.time() - 600)
    assert [path.exists() for path in (old, new, foreign)] == [False, True, True]


def test_two_keepers_do_not_work_in_one_folder(trail: Trail, folder: Folder) -> None:
    with pytest.raises(Busy):
        Folder(trail.live)
    folder.close()
    Folder(trail.live).close()


def test_the_lock_goes_with_the_process_that_had_it(trail: Trail) -> None:
    code = "import sys; from pathlib import Path; from nacd.store.full_files.folder import Folder\n"
    code += "held = Folder(Path(sys.argv[1])); print(1, flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(trail.live)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline()
    with pytest.raises(Busy):
        Folder(trail.live)
    holder.kill()
    holder.communicate()
    Folder(trail.live).close()


def test_it_notices_that_the_folder_was_moved(trail: Trail, folder: Folder) -> None:
    assert folder.is_there
    trail.folder.rename(trail.folder.with_name("away"))
    assert not folder.is_there
    trail.folder.mkdir()
    assert not folder.is_there


def test_a_folder_of_somebody_else_is_refused() -> None:
    if os.geteuid() != 0:
        unavailable("becoming somebody else needs root")
    with tempfile.TemporaryDirectory() as made:
        os.chown(made, 4711, 4711)
        Path(made).chmod(0o777)
        child = os.fork()
        if child == 0:
            os.seteuid(4712)
            try:
                Folder(Path(made, "audit.jsonl"))
            except OSError as refused:
                os._exit(0 if "uid 4711" in str(refused) else 2)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
