"""The comments of a YAML file that are meant for nacd.

Knows: which ``#`` begins a comment, and what stands below one. Refuses to know: what such a comment says
(``allowances``).

YAML readers throw comments away, and a ``#`` may as well stand in a text. So the reader says from where to where the
scalars stand that hold one (``holding``); every other ``#`` begins a comment, and it lasts until the end of its line.
The work is one look at the text where there is no such comment, and grows with the text, never with its square.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_ADDRESSED: Final = re.compile(r"#[ \t]*nacd:")
_BREAK: Final = re.compile(r"\r\n|\r|\n")
_BLOCK: Final = ("|", ">")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment that begins with ``# nacd:``. line, column: of its ``#``, from 1. text: what follows, trimmed.

    below: for a comment alone on its line, the first line under it that is neither a comment nor a bare ``-``; 0 for
    one at the end of a line.
    """

    line: int
    column: int
    text: str
    below: int


def to_nacd(text: str, holding: Iterable[tuple[int, int]]) -> tuple[Comment, ...]:
    """All of them, in order. holding: where scalars with a ``#`` stand, from (that character) to (before that one)."""
    first = _ADDRESSED.search(text)
    if first is None:
        return ()
    page = _Page(text, holding)
    found: list[Comment] = []
    done = 0
    for match in _ADDRESSED.finditer(text, first.start()):
        start = match.start()
        if start < done or page.is_text(start):
            continue
        number = page.line(start)
        begin, done = page.starts[number], page.end(number)
        if page.has_comment(begin, start):
            continue  # a comment about such a comment
        alone = not text[begin:start].strip()
        found.append(
            Comment(
                line=number + 1,
                column=start - begin + 1,
                text=text[match.end() : done].strip(),
                below=page.below(number) + 1 if alone else 0,
            )
        )
    return tuple(found)


class _Page:
    """A text by lines (counted from 0 here), and where its scalars with a ``#`` are."""

    def __init__(self, text: str, holding: Iterable[tuple[int, int]]) -> None:
        self._text = text
        self.starts = [0, *(match.end() for match in _BREAK.finditer(text))]
        self._scalars = [self._without_header(start, end) for start, end in holding]
        self._firsts = [start for start, _ in self._scalars]
        self._below = (-1, 0)

    def _without_header(self, start: int, end: int) -> tuple[int, int]:
        """A block scalar begins on the line under its ``|``, which may have a comment behind it."""
        return (self.end(self.line(start)), end) if self._text.startswith(_BLOCK, start) else (start, end)

    def line(self, at: int) -> int:
        return bisect_right(self.starts, at) - 1

    def end(self, number: int) -> int:
        """Where a line ends, without its break."""
        if number + 1 >= len(self.starts):
            return len(self._text)
        end = self.starts[number + 1]
        return end - (2 if self._text.startswith("\r\n", end - 2) else 1)

    def is_text(self, at: int) -> bool:
        """Whether this character belongs to a scalar."""
        before = bisect_right(self._firsts, at) - 1
        return before >= 0 and at < self._scalars[before][1]

    def has_comment(self, begin: int, end: int) -> bool:
        at = self._text.find("#", begin, end)
        while at >= 0 and self.is_text(at):
            at = self._text.find("#", at + 1, end)
        return at >= 0

    def below(self, number: int) -> int:
        """The first line under this one that is neither a comment nor a bare ``-``."""
        first, last = self._below
        if first <= number < last:  # the same block of comments
            return last
        last = number + 1
        while last < len(self.starts) and self._is_passed_over(last):
            last += 1
        self._below = (number, last)
        return last

    def _is_passed_over(self, number: int) -> bool:
        line = self._text[self.starts[number] : self.end(number)].strip()
        return line.startswith("#") or line == "-"
