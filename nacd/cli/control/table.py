"""Columns for people, on whatever terminal they have.

Knows: which columns may be left out when there is no room, and what must never be cut. Refuses to know: what the
columns are about.

Theory. A number that is cut cannot be typed into the next command, so numbers, MACs and device ids are whole or the row
is wider than the terminal. What costs room goes in this order: columns with nothing in them, those that are named as
the least, then letters of the widest. Into a file or a pipe everything goes, whole, for there is no width.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

_GAP: Final = 2
_LEAST: Final = 8
"""Letters that a cut column keeps."""
_ENOUGH: Final = 16
"""Letters below which it is better to leave out another column than to cut this one."""


def print_table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    whole: Collection[str] = (),
    least: Sequence[str] = (),
) -> None:
    """rows: printable text. whole: titles of columns that are never cut. least: those to leave out, in this order."""
    console = Console(highlight=False)
    if console.is_terminal:
        columns = fitted(titles, rows, console.width, whole=whole, least=least)
    else:
        columns = [(at, width) for at, width in enumerate(_natural(titles, rows))]
    console.print(Text(_line(titles, columns), style="bold"), soft_wrap=True)
    for row in rows:
        print(_line(row, columns))


def fitted(
    titles: Sequence[str], rows: Sequence[Sequence[str]], room: int, *, whole: Collection[str], least: Sequence[str]
) -> list[tuple[int, int]]:
    """(place, width in letters) of the columns that there is room for. room: letters of the terminal."""
    natural = _natural(titles, rows)
    small = [width if title in whole else min(width, _ENOUGH) for title, width in zip(titles, natural, strict=True)]
    kept = list(range(len(titles)))
    empty = [at for at in kept if titles[at] not in whole and not any(row[at] for row in rows)]
    for at in empty:
        if _sum([natural[each] for each in kept]) > room:
            kept.remove(at)
    for title in least:
        at = titles.index(title)
        if at in kept and _sum([small[each] for each in kept]) > room:
            kept.remove(at)
    widths = [natural[at] for at in kept]
    while _sum(widths) > room:
        cut = [at for at, width in enumerate(widths) if titles[kept[at]] not in whole and width > _LEAST]
        if not cut:
            break
        widths[max(cut, key=lambda at: widths[at])] -= 1
    return list(zip(kept, widths, strict=True))


def _natural(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, (title, *(row[at] for row in rows)))) for at, title in enumerate(titles)]


def _sum(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * max(0, len(widths) - 1)


def _line(row: Sequence[str], columns: Sequence[tuple[int, int]]) -> str:
    return (" " * _GAP).join(_cell(row[at], width) for at, width in columns).rstrip()


def _cell(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + "…"
