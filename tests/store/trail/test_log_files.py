"""The trail as it is written: full files, a disk that takes nothing, and ends that are no files."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nacd.errors import AuditRefused
from nacd.store.trail.log import AuditLog
from tests.store.trail.writing.checker import judge
from tests.store.trail.writing.trails import Trail, event, pem


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


# -- full files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sync", ["never", "batch", "each"])
def test_a_full_file_gets_its_name_and_the_chain_goes_on(trail: Trail, sync: str) -> None:
    with trail.opened(rotate_octets=3000, sync=sync) as log:
        for number in range(30):
            log.append(event(number, "x" * 100))
            trail.clock.at += 60
            log.tick()
    found = trail.whole()
    assert [record["number"] for record in found.plain] == list(range(30))
    names = full_files(trail)
    assert len(names) > 1
    begun = found.of("A9101I")
    assert [each["previous"]["file"] for each in begun] == ["", *names]
    assert len({each["writer"] for each in begun}) == 1
    for name, first in zip(names, begun, strict=False):
        stamp = first["time"][:19].replace("-", "").replace(":", "")
        assert name == f"audit-{stamp}Z-{first['seq']:012}.jsonl"
        last = json.loads((trail.folder / name).read_text().splitlines()[-1])
        assert last["code"] == "A9102I"


def test_a_file_is_full_at_its_age_also_after_a_restart(trail: Trail) -> None:
    with trail.opened(rotate_s=3600.0) as log:
        log.append(event(1))
        log.tick()
    trail.clock.at += 3599
    with trail.opened(rotate_s=3600.0) as log:
        log.tick()
        assert full_files(trail) == []
        trail.clock.at += 1
        log.tick()
        assert len(full_files(trail)) == 1
    trail.whole()


@pytest.mark.parametrize("restart", [False, True])
def test_a_file_begun_under_a_clock_that_was_far_ahead_is_full_at_its_age_too(trail: Trail, restart: bool) -> None:
    right = trail.clock.at
    trail.clock.at += 365 * 86_400
    with trail.opened(rotate_s=3600.0) as log:
        log.append(event(1))
        trail.clock.at = right
        log.tick()
        if restart:
            log.close()
            log = trail.open(rotate_s=3600.0)
            log.tick()
        trail.clock.at += 3600
        log.tick()
        log.close()
    assert len(full_files(trail)) == 1
    trail.whole()


def test_a_file_in_which_nothing_stands_is_never_full(trail: Trail) -> None:
    with trail.opened(rotate_s=3600.0, checkpoint_s=0.001) as log:
        log.append(event(1))
        for _ in range(3):
            trail.clock.at += 4000
            log.tick()
    assert len(full_files(trail)) == 1


def test_a_new_file_is_readable_for_whoever_read_the_one_before(trail: Trail) -> None:
    with trail.opened(rotate_octets=1) as log:
        trail.live.chmod(0o644)
        if os.geteuid() == 0:
            os.chown(trail.live, -1, 12_345)
        log.append(event(1))
        log.tick()
        there = trail.live.stat()
    assert there.st_mode & 0o777 == 0o644
    assert os.geteuid() != 0 or there.st_gid == 12_345
    assert full_files(trail)


def test_a_name_that_is_taken_keeps_the_file_where_it_is(trail: Trail) -> None:
    with trail.opened(rotate_octets=1) as log:
        log.append(event(1))
        (trail.folder / "audit-20270115T080000Z-000000000001.jsonl").write_text("somebody's")
        assert any("is there already" in said for said in log.tick())
        log.append(event(2))
    assert (trail.folder / "audit-20270115T080000Z-000000000001.jsonl").read_text() == "somebody's"
    assert [record["number"] for record in judge([trail.live]).plain] == [1, 2]


def test_two_writers_are_refused_after_a_rotation_too(trail: Trail) -> None:
    with trail.opened(rotate_octets=1) as log:
        log.append(event(1))
        log.tick()
        assert full_files(trail)
        with pytest.raises(AuditRefused, match="another nacd"):
            AuditLog(trail.live)


def test_logrotate_may_move_the_file_and_the_chain_goes_on(trail: Trail) -> None:
    with trail.opened(checkpoint_records=100) as log:
        log.append(event(1))
        moved = trail.live.rename(trail.folder / "audit.jsonl.1")
        log.append(event(2))
        assert log.follow_rotation()
        log.append(event(3))
    found = judge([moved, trail.live])
    assert found.faults == found.noted == []
    assert found.of("A9101I")[1]["previous"]["file"] == "audit.jsonl.1"
    assert [record["number"] for record in found.plain] == [1, 2, 3]


def test_a_file_that_was_cut_while_it_was_written_is_told(trail: Trail) -> None:
    """`copytruncate` of logrotate."""
    with trail.opened() as log:
        log.append(event(1))
        before = trail.live.read_bytes()
        os.truncate(trail.live, 0)
        log.tick()
        log.append(event(2))
    found = judge([before, trail.live.read_bytes()])
    (gap,) = found.of("A9104E")
    assert gap["gap"]["reason"] == "cut"
    assert found.noted == []
    assert [record["number"] for record in found.plain] == [1, 2]


@pytest.mark.parametrize("then", ["key", "logrotate"])
def test_lines_that_somebody_adds_while_nacd_writes_cost_no_record_of_its_own(trail: Trail, then: str) -> None:
    one, other = (pem(Ed25519PrivateKey.generate()) for _ in range(2))
    with trail.opened(key=one) as log:
        log.append(event(1))
        with trail.live.open("ab") as somebody:
            somebody.write(b"hello\n")
        log.append(event(2))
        log.renew(trail.options(key=other, previous_key=one))
        if then == "logrotate":
            trail.live.rename(trail.folder / "audit.jsonl.1")
            assert log.follow_rotation()
        log.append(event(3))
    text = "".join(each.read_text() for each in sorted(trail.folder.glob("audit.jsonl*"), reverse=True))
    lines = [json.loads(line) for line in text.splitlines() if line != "hello"]
    assert [each["number"] for each in lines if "number" in each] == [1, 2, 3]
    assert [each["seq"] for each in lines] == [*range(1, len(lines) + 1)]


def test_turning_over_takes_the_event_loop_no_wait_for_the_disk(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes syncs nothing himself: it is all done in the thread."""
    mine = threading.get_ident()
    synced_here: list[str] = []
    for name in ("fsync", "fdatasync"):
        real = getattr(os, name)

        def watched(fd: int, name: str = name, real: Callable[[int], None] = real) -> None:
            if threading.get_ident() == mine:
                synced_here.append(name)
            real(fd)

        monkeypatch.setattr(f"os.{name}", watched)
    log = trail.open(rotate_octets=1, sync="batch", sync_every_s=0.01, checkpoint_records=2)
    for number in range(20):
        log.append(event(number))
        log.tick()
    log.close()
    assert synced_here == []
    assert len(full_files(trail)) >= 10
    trail.whole()


# -- a disk that takes nothing ------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"sync": "each"}, {"sync": "batch", "checkpoint_records": 3}])
def test_what_a_full_disk_does_not_take_uses_up_no_number(
    trail: Trail, small_disk: Path, options: dict[str, object]
) -> None:
    trail.live = small_disk / "audit.jsonl"
    log = trail.open(**options)
    log.append(event(0))
    taken, refused = [0], 0
    filler = small_disk / "filler"
    for number in range(1, 60):
        if number % 20 == 10:
            with filler.open("wb", buffering=0) as file:
                try:
                    while file.write(b"x" * 4096):
                        continue
                except OSError:
                    file.close()
        elif number % 20 == 0:
            filler.unlink()
        try:
            log.append(event(number, "y" * 3000))
            taken.append(number)
        except AuditRefused:
            refused += 1
    log.close()
    found = judge([trail.live])
    assert found.faults == found.noted == []
    assert [record["number"] for record in found.plain] == taken
    assert refused > 5
    assert log.tally.refused == refused
    assert log.tally.records == len(found.records)


def test_what_could_not_be_synced_is_taken_back(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    log = trail.open(sync="each")
    log.append(event(1))

    def broken(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as disk:
        disk.setattr("os.fdatasync", broken)
        with pytest.raises(AuditRefused, match="input/output error"):
            log.append(event(2))
    assert [record["number"] for record in trail.whole().plain] == [1]
    # The thread that waits for the disk may have met the broken one too: it tries again by itself.
    deadline = time.monotonic() + 10
    while True:
        try:
            log.append(event(3))
            break
        except AuditRefused:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    log.close()
    assert [record["number"] for record in trail.whole().plain] == [1, 3]


_PIPE = """
import fcntl, os, sys
from pathlib import Path
from nacd.errors import AuditRefused
from nacd.store.trail.log import AuditLog
from nacd.values import AuditEvent
def event(n, text="x"):
    return AuditEvent(code="A0000I", fields={"code": "A0000I", "number": n, "text": text})
log = AuditLog(Path("/dev/stdout"))
log.append(event(1))
fcntl.fcntl(1, fcntl.F_SETFL, fcntl.fcntl(1, fcntl.F_GETFL) | os.O_NONBLOCK)
os.set_blocking(log._fd, False)
try:
    log.append(*[event(2, "y" * 3000)] * 60)
except AuditRefused as refused:
    print(refused, file=sys.stderr)
sys.stdin.readline()
os.set_blocking(log._fd, True)
log.append(event(3))
log.close()
"""


def test_a_pipe_that_took_half_a_record_gets_a_new_line_and_the_chain_is_right() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PIPE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stdin is not None
        assert running.stderr is not None
        said = running.stderr.readline()
        running.stdin.write(b"\n")
        running.stdin.flush()
        text = running.stdout.read()
    assert b"no space for a whole record" in said
    lines = [line for line in text.splitlines(keepends=True) if line.endswith(b'"}\n')]
    found = judge([b"".join(lines)])
    assert found.faults == []
    numbers = [record["number"] for record in found.plain]
    assert (numbers[0], numbers[-1], set(numbers[1:-1])) == (1, 3, {2})


# -- other ends ---------------------------------------------------------------------------------


def test_a_regular_file_behind_stdout_is_chained_and_never_renamed(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path\nfrom nacd.store.trail.log import AuditLog\n"
        "from nacd.store.trail.writing.options import Options\nfrom nacd.values import AuditEvent\n"
        "log = AuditLog(Path('/dev/stdout'), options=Options(rotate_octets=1, checkpoint_records=2))\n"
        "for n in range(5):\n"
        "    log.append(AuditEvent(code='A0000I', fields={'code': 'A0000I', 'number': n})); log.tick()\n"
        "log.close()\n"
    )
    for _ in range(2):
        with (tmp_path / "out").open("ab") as out:
            subprocess.run([sys.executable, "-c", script], stdout=out, check=True, timeout=20)
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    found = judge([tmp_path / "out"])
    assert found.faults == found.noted == []
    assert [record["number"] for record in found.plain] == [*range(5), *range(5)]


def test_a_retired_file_is_on_record_and_on_the_disk_before_anybody_is_told(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync = os.fdatasync
    monkeypatch.setattr("os.fdatasync", lambda fd: (sync(fd), order.append("synced")))
    log = trail.open(sync="batch", sync_every_s=60.0)
    told = threading.Event()

    def kept(trouble: str) -> None:
        order.append(f"told{trouble}")
        told.set()

    log.retire(file="audit-x.jsonl.gz", first_seq=1, last_seq=9, last_link="a" * 64, why="older than 400d")
    log.when_kept(kept)
    assert told.wait(10)
    assert order.index("synced") < order.index("told")
    log.close()
    (retired,) = trail.whole().of("A9106I")
    assert retired["retired"] == {
        "file": "audit-x.jsonl.gz",
        "first_seq": 1,
        "last_seq": 9,
        "last_link": "a" * 64,
        "why": "older than 400d",
    }


def test_what_is_counted_is_what_was_taken(trail: Trail) -> None:
    log = trail.open(rotate_octets=1, checkpoint_records=2, sync="batch", sync_every_s=0.01)
    log.append(event(1), event(2))
    log.tick()
    log.append(event(3))
    assert soon(lambda: log.behind_s == 0.0)
    log.close()
    found = trail.whole()
    assert log.tally.records == len(found.records)
    assert log.tally.rotated == 1
    assert log.tally.checkpoints == len(found.of("A9102I"))
    assert log.tally.octets == sum(each.stat().st_size for each in trail.folder.glob("audit*.jsonl"))
    assert log.tally.refused == 0
    assert log.seq == found.records[-1]["seq"]
    assert log.writer == found.records[0]["writer"]


def test_after_the_end_nothing_is_written(trail: Trail) -> None:
    log = trail.open()
    log.close()
    log.close()
    with pytest.raises(AuditRefused):
        log.append(event(1))
    assert trail.live.read_bytes() == b""
    with trail.live.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
