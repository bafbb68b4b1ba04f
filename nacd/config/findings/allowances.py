"""``# nacd: allow CODE reason``: what people have accepted, and what is left to be told.

Knows: which findings a comment accepts: those of its code on its own line; and, where it stands alone, those on the
item or setting directly under it. Refuses to know: how a finding is found. What is refused (an error) cannot be
accepted, and neither can what is said of comments themselves.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nacd.config.findings.comments import Comment
from nacd.config.yaml import Document, PathTo, shown
from nacd.errors import Problem
from nacd.findings import FINDINGS, Code

_ALLOW: Final = re.compile(r"allow\s+(\S+)(?:\s+(.*))?")
_LIKE: Final = frozenset({"accept", "disable", "ignore", "noqa", "permit", "skip", "suppress"})
"""What other programs, or people, write for it."""
_CODES: Final = {code.value: row for code, row in FINDINGS.items()}
MAX_SHOWN: Final = 200
"""As many findings are told one by one."""
_WHOLE_SECTION: Final = 1
"""How long the path of a section is: a comment above one accepts nothing that is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A finding that somebody has accepted. reason: in his words; line: of his comment, in the same file."""

    finding: Problem
    reason: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What is left to be told, and what is not: both in the order of the files."""

    findings: tuple[Problem, ...]
    accepted: tuple[Accepted, ...]


def settle(findings: Iterable[Problem], documents: Sequence[Document]) -> Settled:
    """Take away what comments accept, and add what is wrong with these."""
    left = dict.fromkeys(findings)
    accepted: list[Accepted] = []
    for document in documents:
        if not document.comments:
            continue
        flawed, allowances = _read(document)
        used: set[Comment] = set()
        for finding, comment, reason in _matches(document, list(left), allowances):
            used.add(comment)
            if finding in left:
                del left[finding]
                accepted.append(Accepted(finding=finding, reason=reason, line=comment.line))
        flawed += [
            _said(document, comment, Code.ALLOWANCE_UNUSED, f"there is no `{code}` here to accept (any more)")
            for comment, code, _ in allowances
            if comment not in used
        ]
        left |= dict.fromkeys(flawed)
    order = {document.file: number for number, document in enumerate(documents)}

    def place(found: Problem) -> tuple[int, str, int, int]:
        return order.get(found.file, len(order)), found.file, found.line, found.column

    return Settled(
        findings=_shortened(sorted(left, key=place), documents),
        accepted=tuple(sorted(accepted, key=lambda each: place(each.finding))),
    )


def _shortened(findings: list[Problem], documents: Sequence[Document]) -> tuple[Problem, ...]:
    if len(findings) <= MAX_SHOWN:
        return tuple(findings)
    message = f"{len(findings) - MAX_SHOWN:,} more findings are not shown"
    more = Problem(file=documents[0].file, line=1, column=1, message=message, code=Code.TOO_MANY)
    return (*findings[:MAX_SHOWN], more)


_Allowance = tuple[Comment, str, str]
"""A comment, its code and its reason."""


def _read(document: Document) -> tuple[list[Problem], list[_Allowance]]:
    """What is wrong with the comments of a file, and those that are good."""
    flawed: list[Problem] = []
    good: list[_Allowance] = []
    for comment in document.comments:
        match = _ALLOW.fullmatch(comment.text)
        if match is None:
            if not _is_meant(comment.text):
                continue
            message = f"{shown(comment.text)} is not understood: write `# nacd: allow CODE reason`"
            flawed.append(_said(document, comment, Code.ALLOWANCE_UNREADABLE, message))
            continue
        code, reason = match.group(1), (match.group(2) or "").strip()
        if code not in _CODES:
            near = difflib.get_close_matches(code.lower(), _CODES, n=1, cutoff=0.6)
            hint = f", did you mean `{near[0]}`?" if near else ": docs/lint.md has them all"
            flawed.append(
                _said(document, comment, Code.ALLOWANCE_UNKNOWN_CODE, f"there is no finding {shown(code)}{hint}")
            )
        elif not _CODES[code].acceptable:
            message = f"`{code}` cannot be accepted: mend the comment that it is about"
            if code == Code.TOO_MANY:
                message = f"`{code}` cannot be accepted: mend or accept the findings one by one"
            flawed.append(_said(document, comment, Code.ALLOWANCE_UNKNOWN_CODE, message))
        elif not any(each.isalnum() for each in reason):
            message = f"say why `{code}` is accepted here: `# nacd: allow {code} reason`"
            flawed.append(_said(document, comment, Code.ALLOWANCE_WITHOUT_REASON, message))
        else:
            good.append((comment, code, reason))
    return flawed, good


def _is_meant(text: str) -> bool:
    """Whether a comment not understood was to accept something; others begin so too (``# nacd: our RADIUS``)."""
    first = text.split(maxsplit=1)[0].lower() if text else ""
    return first in _LIKE or bool(difflib.get_close_matches(first, ["allow"], cutoff=0.8))


def _said(document: Document, comment: Comment, code: Code, message: str) -> Problem:
    return Problem(file=document.file, line=comment.line, column=comment.column, message=message, code=code)


def _matches(
    document: Document, findings: Sequence[Problem], allowances: Sequence[_Allowance]
) -> Iterator[tuple[Problem, Comment, str]]:
    """Every finding of this file with every comment that accepts it."""
    here: dict[tuple[str, int], list[tuple[Comment, str]]] = {}
    for comment, code, reason in allowances:
        here.setdefault((code, comment.below or comment.line), []).append((comment, reason))
    codes = {code for _, code, _ in allowances}
    wanted = [each for each in findings if each.file == document.file and each.code in codes]
    paths = _paths(document, {(each.line, each.column) for each in wanted})
    for finding in wanted:
        own = finding.line
        for comment, reason in here.get((finding.code, own), ()):
            yield finding, comment, reason
        for line in _around(document, paths.get((own, finding.column), ())) - {own}:
            for comment, reason in here.get((finding.code, line), ()):
                if comment.below:  # what stands behind something speaks of that line alone
                    yield finding, comment, reason


def _paths(document: Document, spots: set[tuple[int, int]]) -> dict[tuple[int, int], PathTo]:
    """What stands at each of these places: the innermost."""
    found: dict[tuple[int, int], PathTo] = {}
    for places in (document.values, document.keys):
        for path, spot in places.items():
            if spot in spots and len(path) >= len(found.get(spot, ())):
                found[spot] = path
    return found


def _around(document: Document, path: PathTo) -> set[int]:
    """The lines on which the items and settings begin that hold this one, sections left out."""
    return {
        min(document.values[outer].line, document.keys.get(outer, document.values[outer]).line)
        for length in range(_WHOLE_SECTION + 1, len(path) + 1)
        if (outer := path[:length]) in document.values
    }
