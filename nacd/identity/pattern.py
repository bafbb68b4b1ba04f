"""The admin's pattern that finds a GUID in User-Name or Class.

Knows: which regular expressions are cheap on every input, since the input is the peer's. Refuses to
know: what the found text means (``device_id``).

Theory: Python's matcher backtracks, so its cost is the product of the choices it has. A pattern may
therefore hold only a few choices (``*``, ``+``, ``{m,n}``, ``?``, ``|``), none of them repeated by an
outer one, and no look-around and no back-reference. The text is at most one RADIUS attribute, 253
characters, and the pattern must match the whole of it, so there is no choice of where to start.
"""

from __future__ import annotations

import re

LONGEST_TEXT = 253
"""Characters of one RADIUS attribute value (RFC 2865 section 5); longer text never matches."""

_LONGEST_PATTERN = 253
_MOST_REPEATS = 2
_MOST_OPTIONS = 4
_REPEAT = re.compile(r"\{([0-9]{1,3})?(,)?([0-9]{1,3})?\}")
_OPENINGS = ("(?P<guid>", "(?:")
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)


def check(pattern: str) -> None:
    """Refuse a pattern that could be slow or cannot name a GUID; ``""`` (none configured) is fine.

    Raises ValueError with words for the admin.
    """
    if not pattern:
        return
    if len(pattern) > _LONGEST_PATTERN:
        raise ValueError(f"a pattern has at most {_LONGEST_PATTERN} characters")
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"pattern `{pattern}` is no regular expression: {error}") from error
    if "guid" not in compiled.groupindex:
        raise ValueError(f"pattern `{pattern}` has no group `(?P<guid>...)`")
    _Choices(pattern).count()


def find(pattern: str, text: str) -> str:
    """The text of group ``guid`` when the whole of ``text`` matches, else ``""``. The pattern has passed ``check``."""
    if not pattern or len(text) > LONGEST_TEXT:
        return ""
    match = re.fullmatch(pattern, text, re.IGNORECASE)
    return (match["guid"] or "") if match else ""


class _Choices:
    """One walk over a pattern that compiles, counting what lets the matcher go back."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0
        self.repeats = 0
        self.options = 0
        self.open_groups: list[int] = []

    def count(self) -> None:
        while self.position < len(self.pattern):
            self._step(self.pattern[self.position])
        if self.repeats > _MOST_REPEATS:
            raise ValueError(f"pattern `{self.pattern}` has more than {_MOST_REPEATS} repeats of open length")
        if self.options > _MOST_OPTIONS:
            raise ValueError(f"pattern `{self.pattern}` has more than {_MOST_OPTIONS} of `?` and `|`")

    def _step(self, character: str) -> None:
        rest = self.pattern[self.position :]
        follows_group = False
        if character == "\\":
            if rest[1:2].isdigit() and rest[1:2] != "0":
                raise ValueError(f"pattern `{self.pattern}` refers back to a group, which can be slow")
            width = 2
        elif character == "[":
            found = _CLASS.match(rest)
            width = found.end() if found else 1
        elif character == "(":
            width = self._open(rest)
        elif character == ")":
            before = self.open_groups.pop()
            follows_group = self.repeats + self.options > before
            width = 1
        elif character == "|":
            self.options += 1
            self.position += 1
            return
        else:
            width = 1
        self.position += width
        if character != "(":
            self._quantifier(follows_group)

    def _open(self, rest: str) -> int:
        self.open_groups.append(self.repeats + self.options)
        for opening in _OPENINGS:
            if rest.startswith(opening):
                return len(opening)
        if rest.startswith("(?"):
            raise ValueError(f"pattern `{self.pattern}` may use only the groups `(...)`, `(?:...)` and `(?P<guid>...)`")
        return 1

    def _quantifier(self, on_varying_group: bool) -> None:
        rest = self.pattern[self.position :]
        if rest[:1] == "?":
            self.options += 1
            width = 1
        elif rest[:1] in ("*", "+"):
            self._repeat(on_varying_group)
            self.repeats += 1
            width = 1
        elif (found := _REPEAT.match(rest)) and (found[1] or found[2]):
            self._repeat(on_varying_group)
            self.repeats += 1 if found[2] else 0
            width = found.end()
        else:
            return
        self.position += width
        if self.pattern[self.position : self.position + 1] in ("?", "+"):
            self.position += 1  # lazy or possessive: the same choices in another order, or fewer

    def _repeat(self, on_varying_group: bool) -> None:
        if on_varying_group:
            raise ValueError(
                f"pattern `{self.pattern}` repeats a group that itself varies in length, which can be slow"
            )
