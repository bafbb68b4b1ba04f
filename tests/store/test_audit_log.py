"""The audit file keeps whole lines, or says that it cannot."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nacd.errors import AuditRefused
from nacd.store.audit_log import AuditLog
from nacd.values import AuditEvent


def event(number: int = 1, text: str = "x") -> AuditEvent:
    return AuditEvent(code="A0000I", fields={"code": "A0000I", "number": number, "text": text})


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line]


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
from nacd.store.audit_log import AuditLog
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
    size = log.path.stat().st_size
    done = subprocess.run(
        [sys.executable, "-c", _CUT_SHORT, str(log.path)], capture_output=True, text=True, check=True, timeout=20
    )
    assert "no space for a whole record" in done.stdout
    assert [line["number"] for line in lines(log.path)] == [1]
    assert log.path.stat().st_size == size


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
    assert json.loads(path.read_text().splitlines()[1])["number"] == 5


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
