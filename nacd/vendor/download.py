"""Access lists that a NAS fetches by their names, in requests of their own, page by page.

Knows: which names can only be such a name, what marks a request for one, and which page is next. Refuses to know: what
is in a list and how a NAS was told its name (``wording.py``), octets of packets.

A request for a list names no endpoint and is decided by no rule: its answer carries lines of the list and nothing else.
So nobody may come to another answer by that name, and an endpoint can call itself what it likes: a name of this kind is
never a user's, whatever NAS it comes from. The name of a page is in State, which holds nothing to be kept: a page of a
list that has changed since is of a list that is not there, because its name has changed with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from nacd.values import AccessList, AccessRequest, Rendered

RESERVED: Final = "#ACSACL#"
"""What the name of a list begins with."""
_STATE: Final = b"nacd-list:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list. octets: its lines, encoded. state: what asks for the next part, ``b""`` if it is the last."""

    listed: AccessList
    octets: bytes
    state: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPage:
    """There is nothing to be had. code: a stable word; reason: a sentence for people."""

    code: str
    reason: str


Found: TypeAlias = Page | NoPage


def is_list_name(user_name: str) -> bool:
    """Whether this can only be the name of a list."""
    return user_name.lstrip().upper().startswith(RESERVED)


class AccessLists:
    """Those of one configuration, by the vendor whose NASes are told of them."""

    def __init__(self, rendered: Mapping[tuple[str, str], Rendered]) -> None:
        self._lists = {
            (vendor, each.name): each for (_, vendor), said in rendered.items() for each in said.access_lists
        }

    def page(self, request: AccessRequest) -> Found:
        """What a request for a list gets. Total, raises nothing."""
        listed = self._lists.get((request.nas.vendor, request.user_name))
        if listed is None:
            return NoPage(
                code="list_unknown",
                reason=f"no profile sends the access list `{request.user_name}` to a NAS of this vendor (any more)",
            )
        missing = sorted(listed.asked_with - set(request.cisco_av_pairs))
        if request.has_eap or not request.signed or missing:
            return NoPage(
                code="list_not_asked_for",
                reason="the name of an access list as User-Name, and none of the marks that its NAS would send: "
                + ("it is EAP" if request.has_eap else "no Message-Authenticator" if not missing else missing[0]),
            )
        number = _number(request.state)
        if number not in range(len(listed.pages)):
            return NoPage(code="list_page_unknown", reason="its State names no page of this list")
        is_last = number == len(listed.pages) - 1
        state = b"" if is_last else _STATE + str(number + 1).encode()
        return Page(listed=listed, octets=listed.pages[number], state=state)


def _number(state: bytes) -> int:
    """The page that a State asks for; -1 for one that is not ours."""
    text = state.removeprefix(_STATE)
    if not state:
        return 0
    return int(text) if state.startswith(_STATE) and text.isdigit() and len(text) <= len("9999") else -1
