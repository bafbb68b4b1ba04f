from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from nacd.config.mac_list import DEVICES, read

ONE, TWO = "AA-BB-CC-DD-EE-01", "AA-BB-CC-DD-EE-02"


@pytest.fixture
def listed(tmp_path: Path):
    def build(content: str | bytes):
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(path)

    return build


@pytest.mark.parametrize(
    "content",
    [
        f"{ONE}\n{TWO}\n",
        f"# ours\n\n{ONE}   # lobby\r\n{TWO}",
        f"mac\n{ONE}\n{TWO}\n",
        f"name,mac,room\nHP,{ONE},1\nBrother,aabb.ccdd.ee02,\n",
        f'\ufeff"Name";"MAC Address"\n"HP; big";"{ONE}"\n"Canon";"{TWO}"\n',
        f"mac\tname\n{ONE}\tx\n{TWO}\n",
    ],
)
def test_lists_as_people_and_spreadsheets_write_them(listed, content: str) -> None:
    found = listed(content)
    assert found.problems == ()
    assert found.macs == {ONE, TWO}


def test_a_bad_line_is_a_problem_with_its_place_and_the_good_ones_are_kept(listed) -> None:
    found = listed(f"mac,name\n{ONE},a\nfoo,b\n\n,c\n{TWO},d\n")
    assert [(p.line, p.column) for p in found.problems] == [(3, 1), (5, 1)]
    assert "`foo` is no MAC address" in found.problems[0].message
    assert found.macs == {ONE, TWO}


def test_csv_without_a_header_is_told_what_is_missing(listed) -> None:
    (problem,) = listed(f"{ONE},printer\n").problems
    assert "begin the list with a header line" in problem.message


def test_a_quote_left_open_does_not_swallow_the_lines_below(listed) -> None:
    found = listed(f'mac,name\n"{ONE},x\n{TWO},y\n')
    assert [p.line for p in found.problems] == [2]
    assert found.macs == {TWO}


def test_patterns_do_not_belong_in_a_list(listed) -> None:
    assert listed("AA-BB-CC-*\n").problems


def test_a_flood_of_bad_lines_is_cut_short(listed) -> None:
    problems = listed("foo\n" * 1000).problems
    assert len(problems) == 21
    assert "the rest was not read" in problems[-1].message


def test_octets_that_are_no_text_are_pointed_out(listed) -> None:
    (problem,) = listed(b"# a\n\xfc\n").problems
    assert (problem.line, problem.message[:10]) == (2, "octet 0xfc")


def test_an_absent_file_is_a_problem_without_a_line(tmp_path) -> None:
    (problem,) = read(tmp_path / "none").problems
    assert problem.line == 0
    assert "no such file" in problem.message


def test_a_huge_cell_is_a_problem_and_not_a_crash(listed) -> None:
    assert listed("mac," + "x" * 200_000 + "\n").problems


def test_text_and_digest_are_those_of_the_file(listed) -> None:
    found = listed(f"{ONE}\r\n")
    assert found.text == f"{ONE}\r\n"
    assert found.digest == hashlib.sha256(f"{ONE}\r\n".encode()).hexdigest()


def test_a_row_counts_until_its_last_day(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text(
        "Owner;MAC;note;Expires\nann;AA-BB-CC-00-00-01;x;2027-05-31\nbob;aabb.cc00.0002;;\n"
        "ann;AABBCC000001;again;2027-06-30\neve;AA-BB-CC-00-00-03;;2027-01-01\neve;AA-BB-CC-00-00-03;for ever;\n"
    )
    found = read(path)
    assert found.problems == ()
    assert found.macs == {f"AA-BB-CC-00-00-0{number}" for number in (1, 2, 3)}
    assert found.ends == {"AA-BB-CC-00-00-01": date(2027, 6, 30)}


@pytest.mark.parametrize("day", ["31.05.2027", "2027-02-30", "soon", "20270531", "0001-01-01"])
def test_a_day_that_is_none_is_told_with_line_and_column(tmp_path: Path, day: str) -> None:
    path = tmp_path / "l.csv"
    path.write_text(f"mac,expires\nAA-BB-CC-00-00-01,\nAA-BB-CC-00-00-02, {day}\n")
    (problem,) = read(path).problems
    assert (problem.line, problem.column) == (3, 20)
    assert problem.message == f"`{day}` is no day: write as in `2027-05-31`"


def test_a_list_of_devices(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("device_id,owner\n{6B4B9F4E-7A0D-4A63-9A39-5D5E7C7A1C11},ann\n,bob\nPC-1,eve\n")
    found = read(path, DEVICES)
    assert found.macs == {"6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"}
    assert [(each.line, each.column) for each in found.problems] == [(3, 1), (4, 1)]
    assert "`PC-1` is no device id" in found.problems[1].message
    path.write_text("6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11  # a loaner\n\n# end\n")
    assert len(read(path, DEVICES).macs) == 1
