"""A list for the inventory, as spreadsheets make it; what is wrong is told with line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from nacd.config.lists import inventory_list
from nacd.config.lists.inventory_list import Found, Row, read

USUAL = Row(owner="it", reason="first list")


def listed(folder: Path, text: str | bytes, usual: Row = USUAL, **options: bool) -> Found:
    path = folder / "list.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, usual, **options)


def test_a_list_in_full(tmp_path: Path) -> None:
    text = (
        "\ufeffMAC;Owner;Reason;Until;Tags\r\n"
        "# beds\r\n"
        "00:11:85:aa:bb:cc;ward 3;ticket 4711;2027-05-31;beds printers\r\n"
        "\r\n"
        '0011.85aa.bbcd;"Röntgen, north";;;\r\n'
    )
    found = listed(tmp_path, text)
    assert found.problems == ()
    assert found.rows == (
        Row(mac="00-11-85-AA-BB-CC", owner="ward 3", reason="ticket 4711", until="2027-05-31",
            tags=("beds", "printers"), line=3),
        Row(mac="00-11-85-AA-BB-CD", owner="Röntgen, north", reason="first list", line=5),
    )  # fmt: skip


def test_a_column_alone_takes_the_rest_from_what_was_given_for_all(tmp_path: Path) -> None:
    usual = Row(owner="it", reason="r", until="90d", tags=("printers",))
    (row,) = listed(tmp_path, "mac\n001185AABBCC\n", usual).rows
    assert row == Row(mac="00-11-85-AA-BB-CC", owner="it", reason="r", until="90d", tags=("printers",), line=2)


@pytest.mark.parametrize(
    ("text", "usual", "told"),
    [
        ("mac,owner\nprinter,it\n", USUAL, "2:1: `printer` is no MAC: not twelve hexadecimal digits"),
        ("owner,mac\nit,00-00-00-00-00-00\n", USUAL, "2:4: `00-00-00-00-00-00` is no MAC: a placeholder"),
        ("owner,mac\nit,01-00-5e-00-00-01\n", USUAL, "2:4: `01-00-5E-00-00-01` is a group address"),
        ("mac\nda-a1-19-00-00-01\n", USUAL, "2:1: `DA-A1-19-00-00-01` is locally administered"),
        ("mac\n001185AABBCC\n00-11-85-aa-bb-cc\n", USUAL, "3:1: `00-11-85-AA-BB-CC` stands in line 2 already"),
        ("mac\n001185AABBCC\n", Row(reason="r"), "2:1: this line has no owner: write one, or give all of them one"),
        ("mac\n001185AABBCC\n", Row(owner="o"), "2:1: this line has no reason"),
        ("mac,tags\n001185AABBCC,a.b\n", USUAL, "2:14: `a.b` is no tag"),
        ("mac,tag\n001185AABBCC,any\n", USUAL, "2:14: `any` is no tag"),
        ("001185AABBCC\n", USUAL, "1:1: begin the list with a header line"),
        ("mac\n", USUAL, "1:1: the list names no MAC"),
        (b"mac\n\xff\n", USUAL, "2:1: octet 0xff is not UTF-8"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str | bytes, usual: Row, told: str) -> None:
    found = listed(tmp_path, text, usual)
    assert str(found.problems[0]).startswith(f"{tmp_path}/list.csv:{told}"), found.problems[0]


def test_a_randomised_mac_can_be_insisted_upon(tmp_path: Path) -> None:
    assert len(listed(tmp_path, "mac\nda-a1-19-00-00-01\n", allow_randomised=True).rows) == 1


def test_all_problems_are_told_at_once_up_to_a_bound(tmp_path: Path) -> None:
    found = listed(tmp_path, "mac\n" + "x\n" * 100)
    assert len(found.problems) == inventory_list.MAX_PROBLEMS + 1
    assert "the rest was not read" in found.problems[-1].message
