"""VLANs by device, as people and spreadsheets write them down."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from nacd.config.lists.vlan_list import read

GUID = "11111111-2222-3333-4444-55555555abcd"
MAC = "AA-BB-CC-DD-EE-01"


@pytest.fixture
def listed(tmp_path: Path) -> Any:
    def build(content: str | bytes) -> Any:
        path = tmp_path / "vlans.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(path)

    return build


@pytest.mark.parametrize(
    "content",
    [
        f"device,vlan,note\n{GUID},120,Alex\n{MAC},STAFF,\n",
        f"vlan;room;MAC Address\r\n120;1;{{{GUID.upper()}}}\r\nSTAFF;;aabb.ccdd.ee01\r\n",
        f'\ufeffDevice\tVLAN\n# ours\n\n{GUID}\t120\n"{MAC}"\t"STAFF"',
        f"# by hand\nguid,vlan\n{GUID}, 120\n{MAC} ,STAFF\n",
    ],
)
def test_lists_as_people_and_spreadsheets_write_them(listed: Any, content: str) -> None:
    found = listed(content)
    assert found.problems == ()
    assert found.rows == {GUID: "120", MAC: "STAFF"}


def test_the_digest_is_that_of_the_file(listed: Any) -> None:
    content = f"device,vlan\n{MAC},120\n"
    found = listed(content)
    assert found.text == content
    assert found.digest == hashlib.sha256(content.encode()).hexdigest()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("printer,120", "`printer` is no device: write its GUID, or a MAC as in `AA-BB-CC-DD-EE-FF`"),
        (",120", "is no device"),
        ("00000000-0000-0000-0000-000000000000,120", "is no device"),
        (f"{MAC},0", "`0` is no VLAN: its number is from 1 to 4094"),
        (f"{MAC},4095", "`4095` is no VLAN"),
        (f"{MAC},", "this text is empty"),
        (f"{MAC}", "this text is empty"),
        (f"{GUID},7", f"`{GUID}` stands in line 2 already"),
    ],
)
def test_a_bad_line_is_a_problem_with_its_place_and_the_good_ones_are_kept(listed: Any, line: str, words: str) -> None:
    found = listed(f"device,vlan\n{GUID},120\n{line}\n")
    [problem] = found.problems
    assert (problem.line, problem.column) == (3, 1)
    assert problem.file.endswith("vlans.csv")
    assert words in problem.message
    assert found.rows == {GUID: "120"}


@pytest.mark.parametrize("head", ["", f"{MAC},120", "device", "device,note", "name,vlan"])
def test_without_its_columns_named_a_list_says_nothing(listed: Any, head: str) -> None:
    found = listed(f"{head}\n{MAC},120\n" if head else "")
    [problem] = found.problems
    assert "the first line must name the columns: `device,vlan,note`" in problem.message
    assert (problem.line, found.rows) == (1, {})


def test_a_list_that_is_wrong_throughout_is_not_told_line_by_line(listed: Any) -> None:
    found = listed("device,vlan\n" + "x,1\n" * 100)
    assert len(found.problems) == 21
    assert "more than 20 lines are wrong" in found.problems[-1].message


def test_a_file_that_is_not_there_and_one_that_is_no_text(listed: Any, tmp_path: Path) -> None:
    assert "cannot be read" in read(tmp_path / "nowhere.csv").problems[0].message
    assert "is not UTF-8" in listed(b"device,vlan\n\xff").problems[0].message


def test_a_quote_left_open_swallows_no_line_below(listed: Any) -> None:
    found = listed(f'device,vlan,note\n{MAC},120,"open\n{GUID},130,\n')
    assert found.rows == {MAC: "120", GUID: "130"}
