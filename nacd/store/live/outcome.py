"""What became of a change that was brought to the database of sessions.

Knows: these words. Refuses to know: what a change means; the rules say that.
"""

from __future__ import annotations

from dataclasses import dataclass

from nacd.session.table import NO_SESSION, Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a change.

    session: as it is now. changed: something is different from before. stored: this outcome is on the disk, so that
    an accounting record may be answered (RFC 2866 section 2); without it nothing happened. why: what kept it from
    changing anything, or from being stored, in words. ended: numbers of the sessions that a restart of their NAS has
    ended.
    """

    session: Found = NO_SESSION
    changed: bool = False
    stored: bool = True
    why: str = ""
    ended: tuple[int, ...] = ()
