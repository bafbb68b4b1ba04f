"""How a MAC stands in the inventory, for a question that no login asks.

Knows: the file in the state folder, and that a policy that never asks for the inventory needs none of it. Refuses to
know: what follows from it.
"""

from __future__ import annotations

from pathlib import Path

from nacd.cli.explain.sheet import Sheet, moment_text
from nacd.policy.requested import InventoryHas
from nacd.server.assembly import Assembled
from nacd.store.live.inventory import NAME, entry_of


def words(assembled: Assembled, sheet: Sheet, mac: str, at: float) -> tuple[str, ...]:
    """As in ``Facts``, said on the sheet. at: seconds since the epoch. What cannot be read counts as nothing."""
    asked = any(isinstance(each, InventoryHas) for rule in assembled.loaded.policy.rules for each in rule.asked)
    if not mac or not asked:
        return ()
    try:
        found = entry_of(Path(assembled.loaded.settings.state) / NAME, mac)
    except (OSError, ValueError) as cannot:
        sheet.field("inventory", f"cannot be read, so nothing stands in it here: {cannot}")
        return ()
    if found is None:
        sheet.field("inventory", "it is not there (`nacd mab add`)")
        return ()
    end = moment_text(found.until)
    tagged = f"tagged {', '.join(found.tags)}" if found.tags else "without a tag"
    over = "" if found.is_in_force(at) else ", and its time is over"
    sheet.field("inventory", f"of {found.owner}, {tagged}{f', until {end}' if end else ''}{over}: {found.reason}")
    return found.words if found.is_in_force(at) else ()
