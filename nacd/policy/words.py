"""What all conditions share: the shape of a test, and how choices, absent facts and spans of time are worded.

Refuses to know: any condition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TypeAlias

from nacd.values import Facts

Predicate: TypeAlias = Callable[[Facts], bool]


def any_of(values: Iterable[str]) -> str:
    """```a`, `b` or `c```: words for a list of which one is wanted."""
    words = [f"`{value}`" for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def or_nothing(text: str, name: str) -> str:
    """What a fact is, or that there is none."""
    return f"{name} is `{text}`" if text else f"there is no {name}"


def span(seconds: float) -> str:
    """Seconds as an admin would write them (``4h15m``). A part of a second counts as a whole one: what is over a
    limit must not look as if it were the limit."""
    rest = math.ceil(seconds)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
