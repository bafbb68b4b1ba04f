"""Sizes and times in the ``audit:`` section that may also be none.

Knows: `256MiB`, `1d`, and `never`. Refuses to know: what is limited.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final, TypeAlias

from pydantic import PlainValidator

from nacd.config.fields import DURATION_PATTERN, duration, size, told, written

NEVER: Final = "never"


def size_or_never(value: object) -> int | None:
    """``256MiB`` in octets; None for ``never``. Raises ValueError, in words."""
    return None if value == NEVER else size(value)


def duration_or_never(value: object) -> timedelta | None:
    """``1d``; None for ``never``. Raises ValueError, in words."""
    return None if value == NEVER else duration(value)


def size_in_words(octets: int | None) -> str:
    """As an admin would write it; the reverse of ``size_or_never``."""
    if octets is None:
        return NEVER
    for unit, many in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if octets % many == 0:
            return f"{octets // many}{unit}"
    return f"{octets // 1024}KiB"


def duration_in_words(value: timedelta | None) -> str:
    """As an admin would write it; the reverse of ``duration_or_never``."""
    return NEVER if value is None else written(value)


SizeOrNever: TypeAlias = Annotated[
    int | None, PlainValidator(size_or_never), told("size, or `never`", pattern=r"^([1-9]\d{0,8}(KiB|MiB|GiB)|never)$")
]
DurationOrNever: TypeAlias = Annotated[
    timedelta | None,
    PlainValidator(duration_or_never),
    told("time, or `never`", "1d", NEVER, pattern=f"^never$|{DURATION_PATTERN}"),
]
