"""How each vendor's NASes are asked to change a session, as tables for the documentation.

Knows: how a vendor's data reads in Markdown. Refuses to know: files, and what is done with the data (``dynauth``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from nacd.values import AccessKind
from nacd.vendor.dynauth_model import ClassUse, Dynauth, PacketKind, Selector, Setting, VerbRow, VoiceMark

BEGIN: Final = "<!-- from the vendor data: begin -->"
END: Final = "<!-- from the vendor data: end -->"

_PACKETS: Final = {PacketKind.COA: "CoA-Request", PacketKind.DISCONNECT: "Disconnect-Request"}
_CLASS: Final = {
    ClassUse.FREE: "a token of nacd goes in",
    ClassUse.GROUP_POLICY: "it chooses the group, no token",
    ClassUse.UNKNOWN: "no token",
}


def rewritten(page: str, dynauths: Iterable[Dynauth]) -> str:
    """The page with these tables between its two marks. Raises ValueError for a page without them."""
    before, found, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"the page has no `{BEGIN}` with `{END}` after it")
    return f"{before}{BEGIN}\n\n{tables(dynauths)}\n{END}{after}"


def tables(dynauths: Iterable[Dynauth]) -> str:
    """One row a verb, in the order in which they are tried; then one row a vendor."""
    known = sorted(dynauths, key=lambda each: each.vendor)
    lines = [
        "| vendor | verb | request | UDP port | for | the session is named by | cannot change | from |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(_verb(each.vendor, row)) for each in known for row in each.ladder),
        "",
        "| vendor | UDP port | Class | Event-Timestamp | Message-Authenticator | a phone is known by |",
        "|---|---|---|---|---|---|",
        *(_row(_vendor(each)) for each in known),
    ]
    return "\n".join(lines) + "\n"


def _verb(vendor: str, row: VerbRow) -> Iterator[str]:
    yield f"`{vendor}`"
    yield str(row.verb)
    words = [f"`{each.name} = {each.value!s}`" for each in row.attributes]
    yield "<br>".join([_PACKETS[row.packet], *words])
    yield str(row.port)
    yield "all" if row.access == frozenset(AccessKind) else ", ".join(sorted(row.access))
    named = "; ".join(_selector(each) for each in row.identify)
    more = ", ".join(f"`{name}`" for each in row.narrow for name in each.names)
    yield f"{named}<br>after 508 also: {more}" if more else named
    yield ", ".join(f"`{name}`" for name in sorted(row.unchanged)) or "-"
    yield f"{row.source} ({row.standing})"


def _selector(selector: Selector) -> str:
    """Alternatives, with `if known` where the session may lack all of them."""
    return " or ".join(f"`{name}`" for name in selector.names) + ("" if selector.required else " if known")


def _vendor(known: Dynauth) -> Iterator[str]:
    yield f"`{known.vendor}`"
    yield _setting(known.default_port.value, known.default_port)
    yield _setting(_CLASS[known.class_use], known.class_attribute)
    yield _setting(known.timestamp.value, known.timestamp)
    yield _setting(known.signature.value, known.signature)
    yield "<br>".join(_voice(mark) for mark in known.voice) or "-"


def _setting(said: str, setting: Setting) -> str:
    return f"{said} ({setting.standing}: {setting.source})"


def _voice(mark: VoiceMark) -> str:
    values = " or ".join(f"`{value}`" for value in sorted(mark.values)) or "any value"
    return f"`{mark.name}`: {values} ({mark.standing}: {mark.source})"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
