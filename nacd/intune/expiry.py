"""When to say that a credential ends: 30, 7 and 1 day ahead, and when it is over. Pure.

Knows: the steps, and which of them is due. Refuses to know: clocks, credentials, who is told.
"""

from __future__ import annotations

from typing import Final

DAY_S: Final = 86_400.0
STEPS_DAYS: Final = (30, 7, 1, 0)
"""Days before the end at which it is said, each once; 0: it is over."""
NEVER: Final = -1


def due(expires_at: float, now: float, said: int = NEVER) -> int:
    """The step to say now, out of ``STEPS_DAYS``; ``NEVER`` when there is nothing new to say.

    expires_at, now: seconds since the epoch; expires_at 0.0: nobody knows. said: the step that was said last for
    this very ``expires_at`` (a new credential starts again at ``NEVER``). Whoever starts three days before the end
    is told the step of 7 at once, and not the one of 30 too.
    """
    if expires_at <= 0.0:
        return NEVER
    left_days = (expires_at - now) / DAY_S
    reached = [step for step in STEPS_DAYS if left_days <= step]
    if not reached or (said != NEVER and reached[-1] >= said):
        return NEVER
    return reached[-1]


def words(what: str, expires_at: float, now: float) -> str:
    """How long ``what`` is still good, for people: ``the certificate ends in 3 days``."""
    left_s = expires_at - now
    if left_s <= 0:
        return f"{what} has expired"
    days = int(left_s // DAY_S)
    left = f"{days} days" if days > 1 else f"{left_s / 3600:.0f} hours"
    return f"{what} ends in {left}"
