"""The lines of audit logs: found, unpacked, and what is not one said."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nacd.cli.replay.records import CannotRead, Reader, beside, decoded, line_of
from nacd.replay.record import Aside, Cause
from nacd.store.trail.names import is_rotated

ACCEPT = b'{"code":"A1001I","time":"2026-11-22T10:00:00.000Z","nas":1}\n'
STARTED = b'{"code":"A9001I","time":"2026-11-22T10:00:00.000Z"}\n'


def read(*files: Path, since: str = "") -> list[object]:
    return list(Reader(files, since=since))


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(octets: bytes, name: str = "audit.jsonl") -> Path:
        path = tmp_path / name
        path.write_bytes(octets)
        return path

    return write


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("a.jsonl", bytes),
        ("a.jsonl.2.gz", gzip.compress),
        ("a.jsonl-1.bz2", bz2.compress),
        ("a.jsonl.1.xz", lzma.compress),
    ],
)
def test_packed_files_are_unpacked(file: Callable[..., Path], name: str, packed: Callable[[bytes], bytes]) -> None:
    path = file(packed(ACCEPT + STARTED), name)
    (fields, suspect), other = read(path)
    assert (fields["code"], suspect) == ("A1001I", False)
    assert other == Aside(cause=Cause.OTHER)
    assert line_of(path, 2) == STARTED


LEFT = """
    audit.jsonl.1 audit.jsonl.12.gz audit.jsonl-20261122 audit.jsonl-20261122-1300.xz audit.jsonl.old
    audit-20261122.jsonl audit-20261122.jsonl.gz audit.1.jsonl audit.jsonl-2026-11-22T10:00:00.gz
"""
OTHERS = "audit.jsonl audit.jsonl.bak audit2.jsonl audit-notes.jsonl sessions.1 audit.jsonl.gz"


@pytest.mark.parametrize("name", LEFT.split())
def test_what_rotation_leaves_is_known(name: str) -> None:
    assert is_rotated(Path("/x/audit.jsonl"), Path("/x") / name)


@pytest.mark.parametrize("name", OTHERS.split())
def test_what_is_something_else_is_left_alone(name: str) -> None:
    assert not is_rotated(Path("/x/audit.jsonl"), Path("/x") / name)


def test_full_files_of_nacd_are_found_once_and_the_live_one_is_the_last(file: Callable[..., Path]) -> None:
    live = file(ACCEPT)
    full = [file(ACCEPT, f"audit-20261122T19210{number}Z-00000000000{number}.jsonl") for number in (1, 2)]
    packed = file(gzip.compress(ACCEPT) * 2, f"{full[0].name}.gz")
    file(gzip.compress(ACCEPT), f"{full[1].name}.gz")
    os.utime(live, (1, 1))
    full[0].unlink()
    os.utime(packed, (2, 2))
    assert beside(live, 0.0) == (packed, full[1], live)
    assert len(read(*beside(live, 0.0))) == 4


def test_files_are_read_in_the_order_of_time_and_old_ones_are_not_opened(file: Callable[..., Path]) -> None:
    files = [file(ACCEPT, name) for name in ("audit.jsonl.2.gz", "audit.jsonl.1", "audit.jsonl")]
    for at, path in enumerate(files, 1):
        os.utime(path, (at * 1000, at * 1000))
    assert beside(files[2], 0.0) == tuple(files)
    assert beside(files[2], 1500.0) == tuple(files[1:])


def test_older_records_are_passed_over(file: Callable[..., Path]) -> None:
    older = ACCEPT.replace(b"T10", b"T09")
    foreign_order = b'{"time":"2026-11-22T09:00:00.000Z","code":"A1001I"}\n'
    reader = Reader((file(older + foreign_order + ACCEPT),), since="2026-11-22T09:30:00.000Z")
    assert len(list(reader)) == 1
    assert reader.older == 2


@pytest.mark.parametrize(
    ("octets", "cause"),
    [
        (b"hello\n", Cause.NOT_JSON),
        (b"[1, 2]\n", Cause.NOT_JSON),
        (b"\n", Cause.NOT_JSON),
        (b'{"code":"A1001I","time":"20', Cause.TORN),
        (b'{"code":"A2001I","time":"20', Cause.TORN),
        (b"\xff\xfe\n", Cause.NOT_JSON),
    ],
)
def test_what_is_no_record_is_said_to_be_none(file: Callable[..., Path], octets: bytes, cause: Cause) -> None:
    assert read(file(octets)) == [Aside(cause=cause)]


def test_a_record_at_the_end_without_its_newline_is_whole_if_it_is_json(file: Callable[..., Path]) -> None:
    ((fields, _),) = read(file(ACCEPT.rstrip()))
    assert fields["code"] == "A1001I"
    assert isinstance(decoded(ACCEPT), dict)


def test_a_line_without_end_does_not_fill_memory(file: Callable[..., Path]) -> None:
    found = read(file(b"x" * (3 << 20) + b"\n" + ACCEPT))
    assert found[:-1] == [Aside(cause=Cause.NOT_JSON)] * (len(found) - 1)
    assert isinstance(found[-1], tuple)


def test_a_text_that_may_have_been_altered_makes_its_record_suspect(file: Callable[..., Path]) -> None:
    escaped = ACCEPT.replace(b'"nas":1', b'"user":"half \\\\ud83d"')
    long = ACCEPT.replace(b'"nas":1', b'"user":"' + b"a" * 13_000 + b'"')
    assert [suspect for _, suspect in read(file(escaped + long + ACCEPT))] == [True, True, False]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "octets", "said"),
    [
        ("a.jsonl.1.gz", b"not gzip", "it is broken and cannot be unpacked to its end"),
        ("a.jsonl.1.gz", gzip.compress(ACCEPT * 100)[:-10], "it is broken and cannot be unpacked to its end"),
        ("a.jsonl.1.xz", b"not xz", "it is broken"),
        ("a.jsonl.1.zst", b"", "is packed as `zst`: unpack it first"),
    ],
)
def test_what_cannot_be_unpacked_is_told_with_its_name(
    file: Callable[..., Path], name: str, octets: bytes, said: str
) -> None:
    path = file(octets, name)
    with pytest.raises(CannotRead) as told:
        read(path)
    assert str(path) in str(told.value)
    assert said in str(told.value)
    with pytest.raises(CannotRead):
        line_of(path, 1_000)


def test_what_is_not_there_is_told(tmp_path: Path, file: Callable[..., Path]) -> None:
    with pytest.raises(CannotRead, match="no such file"):
        read(tmp_path / "nothing")
    with pytest.raises(CannotRead, match="no such file"):
        beside(tmp_path / "none" / "audit.jsonl", 0.0)
    with pytest.raises(CannotRead, match="has no line 7"):
        line_of(file(ACCEPT), 7)


def test_how_far_it_has_come_is_known(file: Callable[..., Path]) -> None:
    reader = Reader((file(ACCEPT), file(gzip.compress(STARTED), "audit.jsonl.1.gz")))
    list(reader)
    assert reader.done == reader.total > 0
