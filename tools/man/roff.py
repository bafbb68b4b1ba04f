"""Text as troff's man macros (man(7)).

Knows: escapes, and the little of Markdown that our pages use. Refuses to know: what the text says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

_ESCAPES: Final = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
_TAGS: Final = re.compile(r"<a id=[^>]*></a>|</?(?:b|i|sub|sup)>")
_LINK: Final = re.compile(r"\[(`[^`]*`|[^\]]*)\]\([^)]*\)")
_CODE: Final = re.compile(r"`([^`]+)`")
_BOLD: Final = re.compile(r"\*\*([^*]+)\*\*")
_RICH: Final = re.compile(r"\[(/?)(?:b|bold)?\]")


def escaped(text: str) -> str:
    """As it is, whatever it begins with."""
    text = "".join(_ESCAPES.get(char, char) for char in text)
    return f"\\&{text}" if text.startswith((".", "\\(aq")) else text


def inline(markdown: str) -> str:
    """A paragraph of Markdown: code and what is stressed in bold, links as their words."""
    text = _TAGS.sub("", markdown).replace("<br>", ", ")
    text = _LINK.sub(r"\1", text)
    pieces = re.split(r"(`[^`]+`|\*\*[^*]+\*\*)", text)
    made = "".join(
        f"\\fB{escaped(piece.strip('`*'))}\\fR" if _CODE.fullmatch(piece) or _BOLD.fullmatch(piece) else escaped(piece)
        for piece in pieces
    )
    return f"\\&{made}" if made.startswith(".") else made


def of_rich(help_text: str) -> str:
    """A paragraph of a command's help, with rich's ``[b]...[/]``."""
    text = " ".join(help_text.split())
    made, at, bold = "", 0, False
    for tag in _RICH.finditer(text):
        made += escaped(text[at : tag.start()])
        made, bold, at = made + ("\\fR" if tag[1] else "\\fB"), not tag[1], tag.end()
    made += escaped(text[at:]) + ("\\fR" if bold else "")
    return f"\\&{made}" if made.startswith(".") else made


def title(name: str, section: int, date: str, version: str) -> Iterator[str]:
    """The first lines of a page."""
    yield f'.TH "{escaped(name.upper())}" {section} "{date}" "nacd {version}" "nacd"'
    yield ".nh"
    yield ".ad l"


def of_markdown(lines: Iterable[str]) -> Iterator[str]:
    """Headings from the second level on, paragraphs, lists, code and tables. A row of a table becomes an entry: its
    first cell, and below it the others by the names of their columns."""
    block: list[str] = []
    columns: list[str] = []
    in_code = False

    def flush() -> Iterator[str]:
        if block:
            yield ".PP"
            yield inline(" ".join(block))
            block.clear()

    for line in lines:
        if line.startswith("```"):
            yield from flush()
            in_code = not in_code
            yield ".nf" if in_code else ".fi"
        elif in_code:
            yield escaped(line)
        elif line.startswith("|"):
            yield from flush()
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if set("".join(cells)) <= set("-: "):
                continue
            if not columns:
                columns = cells
                continue
            yield from _entry(columns, cells)
        else:
            columns = []
            yield from _plain(line, block, flush)
    yield from flush()


def _plain(line: str, block: list[str], flush: object) -> Iterator[str]:
    assert callable(flush)
    if line.startswith("#"):
        yield from flush()
        depth = len(line) - len(line.lstrip("#"))
        yield f"{'.SH' if depth == 2 else '.SS'} {_quoted(line.lstrip('# '))}"
    elif re.match(r"\s*- ", line):
        yield from flush()
        yield ".IP \\(bu 2"
        yield inline(line.strip()[2:])
    elif not line.strip():
        yield from flush()
    else:
        block.append(line.strip())


def _quoted(heading: str) -> str:
    text = escaped(_LINK.sub(r"\1", _TAGS.sub("", heading)).replace("`", ""))
    return '"' + text.replace('"', "\\(dq") + '"'


def _entry(columns: list[str], cells: list[str]) -> Iterator[str]:
    yield ".TP"
    yield inline(cells[0]) or "\\&"
    meaning = cells[1] if len(cells) > 1 else ""
    told = [
        f"{name}: {inline(cell)}" for name, cell in zip(columns[2:], cells[2:], strict=False) if cell not in ("", "-")
    ]
    yield inline(meaning) or "\\&"
    if told:
        yield ".br"
        yield escaped("(") + "; ".join(told) + ")"
