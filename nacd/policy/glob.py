"""Glob patterns over one line of text: ``*`` is any text, ``?`` one character, case does not count.

Knows: how to compile a pattern into a test that takes time linear in the text for each piece of the
pattern, and when one pattern takes in another. Refuses to know: what the text stands for.
There are no character classes and no escapes: subjects of certificates are full of backslashes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

TextTest = Callable[[str], bool]


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> TextTest:
    """A test for whole texts; the text is folded for case here."""
    folded = pattern.casefold()
    if "?" in folded:
        return _by_regex(folded)
    first, *rest = folded.split("*")
    if not rest:
        return lambda text: text.casefold() == first
    middle, last = tuple(piece for piece in rest[:-1] if piece), rest[-1]
    match (first, middle, last):
        case ("", (), ""):
            return lambda text: True
        case (_, (), ""):
            return lambda text: text.casefold().startswith(first)
        case ("", (), _):
            return lambda text: text.casefold().endswith(last)
        case ("", (only,), ""):
            return lambda text: only in text.casefold()
    return _by_search(first, middle, last)


def any_compiled(patterns: tuple[str, ...]) -> TextTest:
    """A test that holds when one of the patterns fits."""
    tests = tuple(compiled(pattern) for pattern in patterns)
    if len(tests) == 1:
        return tests[0]
    return lambda text: any(fits(text) for fits in tests)


def _by_search(first: str, middle: tuple[str, ...], last: str) -> TextTest:
    """Leftmost fit of every middle piece is the best one, so nothing is ever tried twice."""

    def test(text: str) -> bool:
        text = text.casefold()
        end = len(text) - len(last)
        if not (text.startswith(first) and text.endswith(last)):
            return False
        at = len(first)
        for piece in middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return at <= end

    return test


def _by_regex(folded: str) -> TextTest:
    """With ``?`` in play: atomic groups keep the search from coming back to an earlier piece."""
    first, *rest = ("".join("." if c == "?" else re.escape(c) for c in piece) for piece in folded.split("*"))
    text = first
    if rest:
        text += "".join(f"(?>.*?{piece})" for piece in rest[:-1] if piece) + f".*{rest[-1]}"
    match = re.compile(text, re.DOTALL).fullmatch
    return lambda subject: match(subject.casefold()) is not None


def takes_in(wide: str, narrow: str) -> bool:
    """Whether every text that fits ``narrow`` surely fits ``wide``; False also means "not sure".

    The letters of ``narrow`` are read as text: its ``*`` can then only be met by a ``*`` of ``wide``.
    """
    wide, narrow = wide.casefold(), narrow.casefold()
    if wide == narrow:
        return True
    return "*" in wide and "?" not in wide and compiled(wide)(narrow)
