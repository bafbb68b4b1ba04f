"""The command line reads the file while the daemon writes it, and says why when it cannot."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nacd.compliance.bulk_plan import BulkWindow
from nacd.store.verdicts import VerdictStore
from nacd.values import Compliance, ComplianceSource, ComplianceState

PATIENCE_S = 20.0
NOW = 1_700_000_000.0


def verdict(as_of: float = NOW) -> Compliance:
    return Compliance(state=ComplianceState.COMPLIANT, as_of=as_of, source=ComplianceSource.LIVE, provider="nac")


def put(store: VerdictStore, key: str, compliance: Compliance) -> bool:
    return store.put("campus", key, compliance).result(PATIENCE_S)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "verdicts.sqlite"


@pytest.fixture
def store(file: Path) -> Iterator[VerdictStore]:
    made = VerdictStore(file, report=pytest.fail)
    yield made
    made.close()


def test_the_command_line_reads_beside_the_daemon(store: VerdictStore, file: Path) -> None:
    assert put(store, "guid:1", verdict())
    store.keep_endpoint("campus", "https://one.example")
    assert store.keep_bulk_window("campus", BulkWindow(opened_at=NOW))
    with closing(VerdictStore.read_only(file)) as reader:
        assert reader.find("campus", "guid:1") == verdict()
        assert put(store, "guid:2", verdict(NOW + 1))
        assert list(reader.iterate("campus")) == [("guid:1", verdict()), ("guid:2", verdict(NOW + 1))]
        assert reader.endpoint("campus") == "https://one.example"
        assert reader.bulk_window("campus") == BulkWindow(opened_at=NOW)
        assert reader.count() == 2
    assert put(store, "guid:3", verdict())
    assert store.count() == 3


def test_the_command_line_reads_after_the_daemon_has_ended(store: VerdictStore, file: Path) -> None:
    assert put(store, "guid:1", verdict())
    store.close()
    with closing(VerdictStore.read_only(file)) as reader:
        assert reader.find("campus", "guid:1") == verdict()
    with closing(VerdictStore(file, report=pytest.fail)) as again:
        assert again.find("campus", "guid:1") == verdict()


READER = """
import sys
from pathlib import Path
from nacd.store.verdicts import VerdictStore
reader = VerdictStore.read_only(Path(sys.argv[1]))
print([(key, found.as_of) for key, found in reader.iterate("campus")])
reader.close()
"""


def test_another_process_reads_and_the_daemon_writes_on(store: VerdictStore, file: Path) -> None:
    for turn in range(3):
        assert put(store, "guid:1", verdict(NOW + turn))
        said = subprocess.run([sys.executable, "-c", READER, str(file)], capture_output=True, text=True, check=True)
        assert said.stdout == f"[('guid:1', {NOW + turn})]\n"
    assert store.problem == ""
    assert file.with_name(f"{file.name}-wal").exists(), "the reader took the log of a file that is in use"


def test_a_file_whose_daemon_was_killed_is_read_with_its_log(store: VerdictStore, file: Path, tmp_path: Path) -> None:
    assert put(store, "guid:1", verdict())
    left = tmp_path / "left"
    left.mkdir()
    for each in (file, file.with_name(f"{file.name}-wal")):
        shutil.copy(each, left)
    with closing(VerdictStore.read_only(left / file.name)) as reader:
        assert reader.find("campus", "guid:1") == verdict()


def nothing_there(file: Path) -> None:
    assert not file.exists()


@pytest.mark.parametrize(
    ("spoil", "error", "why"),
    [
        (nothing_there, OSError, "no such file"),
        (lambda file: file.write_bytes(b"rubbish" * 500), ValueError, "file is not a database"),
        (lambda file: file.mkdir(), ValueError, "is a folder"),
    ],
)
def test_the_command_line_is_told_why_there_is_nothing_to_read(
    tmp_path: Path, spoil: Callable[[Path], None], error: type[Exception], why: str
) -> None:
    file = tmp_path / "verdicts.sqlite"
    spoil(file)
    with pytest.raises(error, match=why) as told:
        VerdictStore.read_only(file)
    assert f"`{file}`" in str(told.value)


def test_a_file_that_goes_bad_under_the_command_line_is_told_in_words(store: VerdictStore, file: Path) -> None:
    for number in range(5_000):
        store.put("campus", f"guid:{number}", verdict())
    store.close()
    with file.open("r+b") as octets:
        octets.seek(5 * 4096)
        octets.write(b"\xa5" * (file.stat().st_size - 5 * 4096))
    with (
        closing(VerdictStore.read_only(file)) as reader,
        pytest.raises(OSError, match=r"cannot read `.*malformed"),
    ):
        list(reader.iterate("campus"))
