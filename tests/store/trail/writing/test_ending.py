"""What stands at the end of a file: whole lines, the last one of the trail, and the rest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nacd.audit.chain import links
from nacd.store.trail.writing import ending
from nacd.store.trail.writing.ending import Break


@pytest.fixture
def holding(tmp_path: Path) -> Iterator[Callable[[bytes], int]]:
    opened: list[int] = []

    def hold(octets: bytes) -> int:
        (tmp_path / "f").write_bytes(octets)
        opened.append(os.open(tmp_path / "f", os.O_RDONLY))
        return opened[-1]

    yield hold
    for fd in opened:
        os.close(fd)


def lines(count: int, size: int = 10) -> list[bytes]:
    text, _, _ = links.chained([b'{"n":"' + b"x" * size + b'"}\n'] * count, 0, links.FIRST)
    return text.splitlines(keepends=True)


@pytest.mark.parametrize("rest", [b"", b"half", b"\0" * 9, b"x" * 600_000])
def test_the_last_whole_line_is_found_whatever_stands_behind_it(holding: Callable[[bytes], int], rest: bytes) -> None:
    some = lines(5)
    text = b"".join(some)
    found = ending.ending(holding(text + rest))
    assert (found.size, found.whole, found.after) == (len(text) + len(rest), len(text), len(text))
    assert found.last is not None
    assert found.last.seq == 5


def test_lines_that_are_no_records_are_passed_over(holding: Callable[[bytes], int]) -> None:
    text = b"".join(lines(3))
    found = ending.ending(holding(text + b"x\n\n{}\n" + b"y" * 700_000 + b"\n"))
    assert found.after == len(text)
    assert found.last is not None
    assert found.last.seq == 3


@pytest.mark.parametrize("octets", [b"", b"x", b"x\ny", b"\n\n\n"])
def test_a_file_without_a_record_has_none(holding: Callable[[bytes], int], octets: bytes) -> None:
    found = ending.ending(holding(octets))
    assert found.last is None
    assert found.whole == octets.rfind(b"\n") + 1


@pytest.mark.parametrize("size", [10, 1_000, 100_000])
def test_backwards_and_forwards_are_the_same_lines(holding: Callable[[bytes], int], size: int) -> None:
    some = lines(40, size)
    text = b"".join(some)
    fd = holding(text)
    back = list(ending.backwards(fd, len(text)))
    assert [line for _, line in back] == some[::-1]
    assert all(text[at : at + len(line)] == line for at, line in back)
    assert list(ending.forwards(fd, 0, len(text))) == some


def test_a_line_without_end_is_bounded(holding: Callable[[bytes], int]) -> None:
    text = b"".join(lines(2))
    fd = holding(text + b"z" * 9_000_000 + b"\n")
    assert ending.ending(fd).after == len(text)


def test_records_that_do_not_follow_are_found(holding: Callable[[bytes], int]) -> None:
    some = lines(9)
    fd = holding(b"".join(some))
    start = len(b"".join(some[:2]))
    link = links.link_of(some[1])
    assert ending.stands(fd, start, link)
    assert not ending.stands(fd, start - 1, link)
    assert not ending.stands(fd, 10**9, link)
    assert ending.breaks(fd, start, os.fstat(fd).st_size, 2, link) == ()
    del some[4:6]
    fd = holding(b"".join(some))
    assert ending.breaks(fd, start, os.fstat(fd).st_size, 2, link) == (Break(after=4, following=7),)


def test_a_file_tells_its_beginning(holding: Callable[[bytes], int]) -> None:
    first = b'{"code":"A9101I","time":"2026-11-22T19:21:00.000Z","writer":"0123456789abcdef"}\n'
    text, _, _ = links.chained([first, b'{"code":"A1001I"}\n'], 4, links.FIRST)
    found = ending.first(holding(text), len(text))
    assert (found.seq, found.began, found.writer) == (5, 1_795_375_260.0, "0123456789abcdef")
    old = b'{"code":"A1001I","time":"not a time"}\n'
    found = ending.first(holding(old + text), len(old + text))
    assert (found.seq, found.began, found.writer) == (5, 0.0, "")
    assert ending.first(holding(b""), 0).seq == 0


def test_the_newest_records_tell_whose_trail_it_is_and_who_signs(holding: Callable[[bytes], int]) -> None:
    made = [
        b'{"code":"A9101I","writer":"0123456789abcdef"}\n',
        b'{"code":"A9102I","checkpoint":{"writer":"0123456789abcdef","key":"aaaa"}}\n',
        b'{"code":"A9105I","signer":{"writer":"0123456789abcdef","new":"bbbb"}}\n',
        b'{"code":"A1001I"}\n',
    ]
    for count, wanted in ((1, None), (2, "aaaa"), (3, "bbbb"), (4, "bbbb")):
        text, _, _ = links.chained(made[:count], 0, links.FIRST)
        assert ending.told(holding(text), len(text)) == ("0123456789abcdef", wanted)
    assert ending.told(holding(b"{}\n"), 3) == ("", None)
