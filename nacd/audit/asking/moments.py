"""Moments as people write them: ``2h``, ``yesterday``, ``2026-11-01 14:00``, RFC 3339; and when a record was made.

Knows: words for times, and that a time without a zone is meant in the zone of whoever asks. Refuses to know: what time
it is, and which zone that is: both come in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

_SPAN: Final = re.compile(r"([0-9]{1,6}) ?(s|sec|m|min|h|hours?|d|days?|w|weeks?)(?: ago)?")
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DAYS: Final = {"today": 0, "yesterday": 1}
_EARLIEST_S: Final = 0.0
_LATEST_S: Final = 253_370_764_800.0  # the year 9999


class NoMoment(Exception):
    """This is no moment; the text says what would be one."""


def moment(written: str, now: datetime, local: Callable[[datetime], float]) -> float:
    """Seconds since the epoch. now: of this moment, in the zone of whoever asks, without a zone. local: such a time in
    seconds since the epoch.

    ``2h`` is two hours ago, ``14:00`` the last one, ``yesterday`` its midnight. Raises NoMoment.
    """
    text = " ".join(written.split()).lower()
    try:
        found = _read(text, now, local)
    except (ValueError, OverflowError, OSError):
        found = -1.0
    if not _EARLIEST_S <= found < _LATEST_S:
        raise NoMoment(
            f"`{written[:60]}` is no moment: write as in `2h`, `7d`, `yesterday`, `yesterday 14:00`, `14:00`, "
            "`2026-11-01 14:00` (in this machine's zone), `2026-11-01 14:00 utc`, `2026-11-01T14:00:00Z`"
        )
    return found


def _read(text: str, now: datetime, local: Callable[[datetime], float]) -> float:
    """Raises ValueError, OverflowError."""
    if text == "now":
        return local(now)
    if span := _SPAN.fullmatch(text):
        # In seconds since the epoch: two hours are two hours also in the night when the clocks are changed.
        return local(now) - int(span[1]) * _UNITS[span[2][0]]
    bare = text.removesuffix("utc").rstrip()
    zone = UTC if bare != text else None
    here = now if zone is None else datetime.fromtimestamp(local(now), UTC).replace(tzinfo=None)
    day, _, hour = bare.partition(" ")
    if day in _DAYS:
        at = datetime.combine(here - timedelta(days=_DAYS[day]), time.fromisoformat(hour) if hour else time())
    elif re.fullmatch(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?", bare):
        at = datetime.combine(here, time.fromisoformat(bare.rjust(5, "0") if len(bare) < 6 else bare))
        at -= timedelta(days=1 if at > here else 0)
    else:
        at = datetime.fromisoformat(bare.upper())
    if at.tzinfo is None and zone is None:
        return local(at)
    return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()


def made_ms(record: Mapping[str, Any]) -> int | None:
    """When a record was made, milliseconds since the epoch; None if it does not tell."""
    text = record.get("time")
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
        return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None


def shown(at: float) -> str:
    """Seconds since the epoch as people read them, UTC."""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return "a date beyond all calendars"
