"""The audit file keeps whole lines, or says that it cannot."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from nacd.errors import AuditRefused
from nacd.store.trail.log import AuditLog
from nacd.values import AuditEvent
from tests.conftest import unavailable
from tests.records import told


def event(number: int = 1, text: str = "x") -> AuditEvent:
    return AuditEvent(code="A0000I", fields={"code": "A0000I", "number": number, "text": text})


def lines(path: Path) -> list[dict[str, object]]:
    """Records, without what the trail says of itself."""
    return told(path.read_text())


def test_a_record_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "deep" / "audit.jsonl")
    log.append(event(1))
    log.append(event(2))
    assert [line["number"] for line in lines(log.path)] == [1, 2]
    assert lines(log.path)[0]["code"] == "A0000I"
    assert log.path.stat().st_mode & 0o777 == 0o640


def test_a_device_without_space_refuses_the_record() -> None:
    log = AuditLog(Path("/dev/full"))
    with pytest.raises(AuditRefused, match="no space"):
        log.append(event())


_CUT_SHORT = """
import resource, signal, sys
from pathlib import Path
from nacd.errors import AuditRefused
from nacd.store.trail.log import AuditLog
from nacd.values import AuditEvent

log = AuditLog(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (log.path.stat().st_size + 10, resource.RLIM_INFINITY))
try:
    log.append(AuditEvent(code="A0000I", fields={"code": "A0000I", "number": 2, "text": "y" * 200}))
except AuditRefused as refused:
    print(refused)
"""


def test_a_record_cut_short_by_the_limit_leaves_no_half_line(tmp_path: Path) -> None:
    """In a process of its own: the limit holds for everything it writes."""
    log = AuditLog(tmp_path / "audit.jsonl")
    log.append(event(1))
    log.close()
    before = log.path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", _CUT_SHORT, str(log.path)], capture_output=True, text=True, check=True, timeout=20
    )
    assert "no space for a whole record" in done.stdout
    assert [line["number"] for line in lines(log.path)] == [1]
    assert log.path.read_bytes() == before


def test_two_writers_of_one_file_are_refused(tmp_path: Path) -> None:
    first = AuditLog(tmp_path / "audit.jsonl")
    with pytest.raises(AuditRefused, match="another nacd"):
        AuditLog(tmp_path / "audit.jsonl")
    first.close()
    AuditLog(tmp_path / "audit.jsonl").close()


def test_a_half_line_left_by_a_crash_does_not_swallow_the_next_record(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b'{"code":"A0000I","num')
    log = AuditLog(path)
    log.append(event(5))
    assert [line["number"] for line in lines(path)] == [5]


def test_a_file_moved_away_is_followed_by_a_new_one(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    log.append(event(1))
    assert not log.follow_rotation()
    log.path.rename(tmp_path / "audit.jsonl.1")
    assert log.follow_rotation()
    log.append(event(2))
    assert [line["number"] for line in lines(log.path)] == [2]
    assert [line["number"] for line in lines(tmp_path / "audit.jsonl.1")] == [1]


def test_a_folder_that_cannot_be_made_is_said_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditRefused, match=r"file/audit\.jsonl"):
        AuditLog(tmp_path / "file" / "audit.jsonl")


def test_how_full_the_disk_is_comes_as_a_percentage(tmp_path: Path) -> None:
    assert 0 <= AuditLog(tmp_path / "audit.jsonl").percent_full() <= 100


def test_a_file_moved_away_whose_place_is_taken_takes_no_records_until_it_can_be_opened(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    log.path.rename(tmp_path / "audit.jsonl.1")
    log.path.mkdir()  # as good as a file that somebody else owns, for root too
    with pytest.raises(AuditRefused, match="cannot open"):
        log.follow_rotation()
    with pytest.raises(AuditRefused, match="cannot open"):
        log.append(event(1))
    log.path.rmdir()
    assert log.follow_rotation()
    log.append(event(2))
    assert [line["number"] for line in lines(log.path)] == [2]


# -- a folder of somebody who has less power ------------------------------------------------


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """The log folder of an account that is not ours."""
    if os.geteuid() != 0:
        unavailable("giving a folder to somebody else needs root")
    folder = tmp_path / "log"
    folder.mkdir()
    os.chown(folder, 12_345, 12_345)
    return folder


@pytest.mark.parametrize("there", [True, False])
def test_a_link_that_another_account_laid_is_not_followed(theirs: Path, tmp_path: Path, there: bool) -> None:
    target = tmp_path / "target"
    if there:
        target.write_text("before\n")
    (theirs / "audit.jsonl").symlink_to(target)
    os.chown(theirs / "audit.jsonl", 12_345, 12_345, follow_symlinks=False)
    with pytest.raises(AuditRefused, match="a symbolic link stands there"):
        AuditLog(theirs / "audit.jsonl", hand_over=True)
    assert target.exists() is there
    assert not there or target.read_text() == "before\n"


def test_a_second_name_of_another_file_is_not_written(theirs: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("before\n")
    os.link(target, theirs / "audit.jsonl")
    with pytest.raises(AuditRefused, match="a second name"):
        AuditLog(theirs / "audit.jsonl")
    assert (target.read_text(), target.stat().st_uid) == ("before\n", os.geteuid())


def test_a_file_of_somebody_unexpected_is_refused(theirs: Path) -> None:
    path = theirs / "audit.jsonl"
    path.write_text("")
    os.chown(path, 54_321, -1)
    with pytest.raises(AuditRefused, match="belongs to uid 54321"):
        AuditLog(path)
    for expected in (12_345, 0):
        os.chown(path, expected, -1)
        AuditLog(path).close()


_AS_SOMEBODY = """
import os, sys
from pathlib import Path
from nacd.errors import AuditRefused
from nacd.store.trail.log import AuditLog
os.setuid(54_321)
try:
    AuditLog(Path(sys.argv[1]) / "audit.jsonl")
except AuditRefused as refused:
    print(refused)
"""


def test_a_folder_of_somebody_unexpected_is_refused() -> None:
    """In a process of its own, as a third account, for which every folder on the way is open."""
    if os.geteuid() != 0:
        unavailable("giving a folder to somebody else needs root")
    with tempfile.TemporaryDirectory(prefix="nacd-log-") as folder:
        os.chown(folder, 12_345, 12_345)
        Path(folder).chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-c", _AS_SOMEBODY, folder], capture_output=True, text=True, check=True, timeout=20
        )
        assert list(Path(folder).iterdir()) == []
    assert "its folder belongs to uid 12345" in done.stdout


def test_a_new_file_goes_to_the_owner_of_its_folder_only_when_asked_to(theirs: Path) -> None:
    for name, hand_over, owner in (("a", True, 12_345), ("b", False, 0)):
        AuditLog(theirs / name, hand_over=hand_over).close()
        assert (theirs / name).stat().st_uid == owner


def test_a_link_that_root_alone_can_have_made_is_followed(tmp_path: Path) -> None:
    """As `/dev/stdout` is one."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from pathlib import Path; from nacd.store.trail.log import AuditLog\n"
         "from nacd.values import AuditEvent\n"
         "AuditLog(Path('/dev/stdout')).append(AuditEvent(code='A0000I', fields={'number': 7}))"],
        capture_output=True, text=True, check=True, timeout=20,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[1])["number"] == 7


def test_a_link_laid_where_the_file_was_takes_no_records(theirs: Path, tmp_path: Path) -> None:
    log = AuditLog(theirs / "audit.jsonl")
    log.path.rename(theirs / "audit.jsonl.1")
    log.path.symlink_to(tmp_path / "target")
    for work in (log.follow_rotation, lambda: log.append(event(1))):
        with pytest.raises(AuditRefused, match="a symbolic link stands there"):
            work()
    assert not (tmp_path / "target").exists()
    log.path.unlink()
    assert log.follow_rotation()


def test_what_is_kept_was_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    log.append(event(1))

    def broken(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    log.keep()
    AuditLog(Path("/dev/full")).keep()  # there is nothing to sync in a device
    monkeypatch.setattr("os.fdatasync", broken)
    with pytest.raises(AuditRefused, match="input/output error"):
        log.keep()
