"""``--at``: the moment that a question is answered for.

Knows: how people write a moment. Refuses to know: what it is wanted for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Final

from nacd.config.fields import duration

_EARLIEST_S: Final = 1.0
_LATEST_S: Final = 253_370_764_800.0  # the year 9999


class NoMoment(Exception):
    """This is no moment; the text says what would be one."""


def moment(written: str, now: float) -> float:
    """Seconds since the epoch. now: of this moment, likewise.

    ``2h`` is in two hours, ``18:00`` the next one, and a time without a zone is meant in this machine's. Raises
    NoMoment.
    """
    found = next(_readings(written, now), 0.0)
    if not _EARLIEST_S < found < _LATEST_S:
        raise NoMoment(
            f"--at `{written[:60]}` is no moment: write as in `2026-11-23 18:30`, `2026-11-23T18:30Z`, `18:30` or `2h`"
        )
    return found


def _readings(written: str, now: float) -> Iterator[float]:
    with contextlib.suppress(ValueError):  # a time, then
        yield now + duration(written).total_seconds()
    with contextlib.suppress(ValueError, OverflowError, OSError):
        yield _day_and_time(written, datetime.fromtimestamp(now)).timestamp()


def _day_and_time(written: str, here: datetime) -> datetime:
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        at = datetime.combine(here, time.fromisoformat(written))
        return at + timedelta(days=1) if at.tzinfo is None and at <= here else at
