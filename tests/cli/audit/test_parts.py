"""Parts together are the whole file, whoever walks them."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from hashlib import sha256
from pathlib import Path

import pytest

from nacd.cli.audit import parts
from nacd.store.trail.reading import files
from tests.store.trail.written import Written


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_OCTETS", 1000)


def test_files_are_cut_between_lines_and_compressed_ones_not_at_all(tmp_path: Path, made: Written) -> None:
    live = made.lay(tmp_path, packed=[made.files[0][0]])
    cut = parts.cut(files(live))
    assert [part.number for part in cut if part.last] == [0, 1, 2]
    assert sum(part.number == 0 for part in cut) == 1
    assert sum(part.number == 1 for part in cut) > 2
    for one, other in itertools.pairwise(cut):
        if one.number == other.number:
            assert one.end == other.start
            assert one.file.path.read_bytes()[one.end - 1 : one.end] == b"\n"


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("packed", [False, True])
def test_every_record_is_walked_once_in_its_order(tmp_path: Path, made: Written, processes: int, packed: bool) -> None:
    live = made.lay(tmp_path, packed=[name for name, _ in made.files] if packed else ())
    cut = parts.cut(files(live))
    found = list(parts.walked(cut, {}, {20: (b"x",)}, processes))
    assert [part for part, _ in found] == cut
    assert sum(walked.records for _, walked in found) == made.seq
    assert [at.seq for _, walked in found for at, _ in walked.unlike] == [20]
    ends = [walked.steps.seq for _, walked in found]
    assert ends == sorted(ends)


def test_an_interrupt_is_for_whoever_waits_and_not_for_the_processes(tmp_path: Path, made: Written) -> None:
    cut = parts.cut(files(made.lay(tmp_path)))
    walking = parts.walked(cut, {}, {}, 2)
    found = [next(walking)]
    children = multiprocessing.active_children()
    for child in children:
        assert child.pid is not None
        os.kill(child.pid, signal.SIGINT)
    found += walking
    assert [part for part, _ in found] == cut
    assert len(children) == 2
    assert [child.exitcode for child in children] == [0, 0]


def test_what_is_written_after_the_cut_belongs_to_the_last_part(tmp_path: Path, made: Written) -> None:
    live = made.lay(tmp_path)
    cut = parts.cut(files(live))
    with live.open("ab") as file:
        file.write(made.record(why="later"))
    assert sum(parts.walk(part).records for part in cut) == made.seq


def test_a_digest_is_over_the_text_of_a_file_whatever_its_form(tmp_path: Path, made: Written) -> None:
    name, lines = made.files[1]
    text = b"".join(lines)
    for packed in ((), (name,)):
        folder = tmp_path / str(len(packed))
        folder.mkdir()
        file = files(made.lay(folder, packed=packed))[1]
        for start, end in ((0, len(text)), (5, 2000), (1500, 1501), (0, 0)):
            assert parts.digest(file, start, end) == sha256(text[start:end]).hexdigest()


def test_a_file_that_gets_another_name_meanwhile_is_cut_between_its_own_lines(tmp_path: Path, made: Written) -> None:
    for _ in range(40):
        made.some(1)
    live = made.lay(tmp_path)
    found = files(live)
    live.rename(live.with_name("audit-20261122T192135Z-000000000035.jsonl"))
    live.write_bytes(b"x\n" * 10_000)  # another file has its name now
    walked = [parts.walk(part) for part in parts.cut(found)]
    assert sum(each.records for each in walked) == made.seq
    assert not any(each.odd for each in walked)
