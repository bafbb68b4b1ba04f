"""Whether nacd serves, and what is not as it should be, each in a word and a sentence.

Knows: what keeps it from serving, and what it serves in spite of. Refuses to know: HTTP, and how any of it is mended.

Whether Microsoft answers is no reason to say that nacd is not there: another server would fare no better, and devices
are let in by what is known of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

WEDGED_S: Final = 15.0
"""Housekeeping that has not been done for so long will not be done by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """check: a stable word. says: a sentence for people. serves: whether requests are answered in spite of it."""

    check: str
    says: str
    serves: bool = True


Look: TypeAlias = Callable[[], Iterable[Finding]]


@dataclass(slots=True, kw_only=True)
class Health:
    """tick_age_s: since housekeeping was done last. looks: whoever may find something."""

    tick_age_s: Callable[[], float] = float
    looks: tuple[Look, ...] = ()

    def live(self) -> tuple[Finding, ...]:
        """What only a restart would mend; empty while all is well. Whoever asks over the event loop knows that it
        turns."""
        age_s = self.tick_age_s()
        if age_s <= WEDGED_S:
            return ()
        says = f"housekeeping was last done {age_s:.0f} s ago: the operational log says what broke"
        return (Finding(check="tick", says=says, serves=False),)

    def ready(self) -> tuple[Finding, ...]:
        """Everything that was found; nacd serves unless one says that it does not."""
        return (*self.live(), *(found for look in self.looks for found in look()))


def serves(findings: Iterable[Finding]) -> bool:
    """Whether requests are answered."""
    return all(found.serves for found in findings)
