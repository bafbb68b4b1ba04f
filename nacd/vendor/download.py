"""Access lists that a NAS fetches by their names, in requests of their own, page by page.

Knows: which names can only be such a name, what marks a request for one, and which page is next. Refuses to know: what
is in a list and how a NAS was told its name (``wording.py``), octets of packets.

A request for a list names no endpoint and is decided by no rule: its answer carries lines of the list and nothing else.
So nobody may come to another answer by that name, and an endpoint can call itself what it likes: a name of this kind is
never a user's, whatever NAS it comes from. The name of a page is in State, which holds nothing to be kept: a page of a
list that has changed since is of a list that is not there, because its name has changed with it.

A NAS reads what it may be told to apply, and no list of another site: whoever has got hold of one switch's secret does
not learn by it how the others are filtered. What an endpoint sends has marks of its own (a password, an address), and a
NAS that fetches a list has no endpoint to tell of. A password that is there and empty is Cisco's ASA.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from nacd.values import AccessList, AccessRequest, Nas, NoCredential, PapPassword, Rendered

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


Reach: TypeAlias = Callable[[Nas, str], bool]
"""Whether this NAS may be given the profile of that name."""


def anywhere(_nas: Nas, _profile: str) -> bool:
    """Every profile may be given to every NAS."""
    return True


class AccessLists:
    """Those of one configuration, by the vendor whose NASes are told of them. reach: who may be told of which."""

    def __init__(self, rendered: Mapping[tuple[str, str], Rendered], reach: Reach = anywhere) -> None:
        self._reach = reach
        self._lists: dict[tuple[str, str], tuple[AccessList, set[str]]] = {}
        for (profile, vendor), said in rendered.items():
            for each in said.access_lists:
                self._lists.setdefault((vendor, each.name), (each, set()))[1].add(profile)

    def page(self, request: AccessRequest, ordered: Collection[str] = ()) -> Found:
        """What a request for a list gets. ordered: profiles that people give, at any NAS. Total, raises nothing."""
        listed, profiles = self._lists.get((request.nas.vendor, request.user_name), (None, set[str]()))
        if listed is None:
            return NoPage(
                code="list_unknown",
                reason=f"no profile sends the access list `{request.user_name}` to a NAS of this vendor (any more)",
            )
        if wrong := _not_its_nas(request, listed):
            words = "the name of an access list as User-Name, and not what its NAS would send with it"
            return NoPage(code="list_not_asked_for", reason=f"{words}: {wrong}")
        if not any(each in ordered or self._reach(request.nas, each) for each in profiles):
            return NoPage(
                code="list_of_others",
                reason=f"no rule gives NAS `{request.nas.name}` a profile with the access list `{request.user_name}`",
            )
        number = _number(request.state)
        if number not in range(len(listed.pages)):
            return NoPage(code="list_page_unknown", reason="its State names no page of this list")
        is_last = number == len(listed.pages) - 1
        state = b"" if is_last else _STATE + str(number + 1).encode()
        return Page(listed=listed, octets=listed.pages[number], state=state)


def _not_its_nas(request: AccessRequest, listed: AccessList) -> str:
    """What is wrong for a NAS that fetches this list, ``""`` if nothing is."""
    if request.has_eap:
        return "it is EAP"
    if not request.signed:
        return "no Message-Authenticator"
    credential = request.credential
    empty = isinstance(credential, PapPassword) and not credential.password.reveal()
    if not empty and not isinstance(credential, NoCredential):
        return "it has a password"
    if request.calling_station_id:
        return "it tells of an endpoint (Calling-Station-Id)"
    return next(iter(sorted(listed.asked_with - set(request.cisco_av_pairs))), "")


def _number(state: bytes) -> int:
    """The page that a State asks for; -1 for one that is not ours."""
    text = state.removeprefix(_STATE)
    if not state:
        return 0
    return int(text) if state.startswith(_STATE) and text.isdigit() and len(text) <= len("9999") else -1
