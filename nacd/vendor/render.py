"""A profile and a vendor, compiled to reply attributes once when the configuration is loaded.

Knows: which intentions are promises and which may be left out, what cannot stand together, and
how much of a packet a profile may fill. Refuses to know: attribute numbers and octets (the
encoder is handed in), sessions and requests (Session-Timeout is added to each reply elsewhere).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from nacd.errors import BadValue, CannotExpress, UnknownAttribute
from nacd.values import AccessList, Attribute, Rendered
from nacd.vendor.fill import widest
from nacd.vendor.model import VendorData
from nacd.vendor.profile import INTENTIONS, Profile
from nacd.vendor.wording import NoWords, Said, say

FIXED_OCTETS: Final = 3072
"""What a profile may fill of the 4,096 octets of a packet (RFC 2865 section 3). The rest is for what a
request adds: header, Message-Authenticator, EAP-Success, two keys, EAP-Key-Name, Class, Proxy-State."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What stands against one intention (or ``attributes``). why: a clause for people."""

    intention: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """A profile in one vendor's words, before it is encoded. said: in reply order, by intention.

    left_out: optional intentions that give way. problems: promises that cannot be kept, and values it cannot take.
    """

    said: Mapping[str, Said]
    left_out: tuple[Remark, ...]
    problems: tuple[Remark, ...]


@dataclass(slots=True, kw_only=True)
class _Draft:
    """What has been said so far of one profile for one vendor."""

    profile: Profile
    vendor: VendorData
    said: dict[str, Said] = field(default_factory=dict)
    left_out: list[Remark] = field(default_factory=list)
    problems: list[Remark] = field(default_factory=list)

    def complain(self, intention: str, why: str) -> None:
        self.problems.append(Remark(intention=intention, why=why))

    def leave_out(self, intention: str, reason: str) -> None:
        """Leave an optional intention out; a promise that cannot be kept is a problem."""
        if intention in self.profile.optional:
            self.left_out.append(Remark(intention=intention, why=f"{self.vendor.title} {reason}"))
        else:
            self.complain(
                intention,
                f"{intention} cannot be expressed: {self.vendor.title} {reason}; move it under `optional:`, "
                "or give the attribute itself under `attributes:`",
            )


def spell(profile: Profile, vendor: VendorData) -> Spelling:
    """The profile in this vendor's words, with whatever stands against that. Total, raises nothing."""
    draft = _Draft(profile=profile, vendor=vendor)
    for intention in profile.wanted:
        _say(draft, intention)
    for intention, other in _quarrels(draft):
        _settle(draft, intention, other)
    taken = {(row.name.lower(), row.tag) for said in draft.said.values() for row in said.rows}
    for raw in profile.raw:
        if raw.tag and (raw.name.lower(), raw.tag) in taken:
            why = f"`{raw.name}` with tag {raw.tag} is already set by an intention: use another tag"
            draft.complain("attributes", why)
    draft.left_out.sort(key=lambda remark: INTENTIONS.index(remark.intention))
    return Spelling(said=draft.said, left_out=tuple(draft.left_out), problems=tuple(draft.problems))


def render(profile: Profile, vendor: VendorData, encode: Callable[[Attribute], bytes]) -> Rendered:
    """The profile in this vendor's words.

    encode: one attribute to its whole octets; may raise UnknownAttribute and BadValue.
    Raises CannotExpress with one line for each promise that this vendor cannot keep, each value it
    cannot take, and a profile that leaves too little room in the packet.
    """
    spelling = spell(profile, vendor)
    problems = [remark.why for remark in spelling.problems]
    attributes = _attributes(spelling.said) + profile.raw
    octets = b"".join(_encode(attribute, encode, problems) for attribute in attributes)
    blanks = tuple(blank for said in spelling.said.values() for blank in said.blanks)
    vlan = max((profile.vlan, *profile.vlans.rows.values()), key=len)
    room = len(octets) + sum(len(_encode(widest(blank, vlan), encode, problems)) for blank in blanks)
    if room > FIXED_OCTETS:
        problems.append(f"it fills {room} octets of the reply, at most {FIXED_OCTETS} are possible")
    lists = tuple(_access_list(said, encode, problems) for said in spelling.said.values() if said.listed)
    if problems:
        raise CannotExpress(
            "\n".join(f"profile `{profile.name}` for vendor `{vendor.name}`: {why}" for why in problems)
        )
    unused = (said.unused for said in spelling.said.values() if said.unused)
    return Rendered(
        profile=profile.name,
        vendor=vendor.name,
        attributes=attributes,
        octets=octets,
        omitted=(*(remark.intention for remark in spelling.left_out), *unused),
        session_timeout_s=profile.session_timeout_s if "session_timeout" in spelling.said else 0,
        reauthenticate=profile.reauthenticate,
        on_quarantine=profile.on_quarantine,
        blanks=blanks,
        vlans=profile.vlans,
        access_lists=lists,
    )


def _attributes(said: Mapping[str, Said]) -> tuple[Attribute, ...]:
    return tuple(attribute for each in said.values() for attribute in each.attributes)


def _say(draft: _Draft, intention: str) -> None:
    wording = draft.vendor.wordings.get(intention)
    if wording is None:
        draft.leave_out(intention, draft.vendor.cannot[intention])
        return
    saying = say(draft.profile, wording)
    if isinstance(saying, Said):
        draft.said[intention] = saying
    elif isinstance(saying, NoWords):
        draft.leave_out(intention, saying.reason)
    else:
        draft.complain(intention, f"{intention}: {saying.reason}")


def _quarrels(draft: _Draft) -> Iterator[tuple[str, str]]:
    """Pairs of intentions that one reply cannot hold, in reply order."""
    wordings = draft.vendor.wordings
    said = tuple(draft.said)
    for place, intention in enumerate(said):
        for other in said[place + 1 :]:
            if other in wordings[intention].excludes or intention in wordings[other].excludes:
                yield intention, other


def _settle(draft: _Draft, intention: str, other: str) -> None:
    """The optional one gives way; between two optional ones the later; two promises are a problem."""
    if intention not in draft.said or other not in draft.said:
        return
    optional = draft.profile.optional
    loser = intention if intention in optional and other not in optional else other
    winner = other if loser == intention else intention
    draft.leave_out(loser, f"cannot have it beside {winner} in one reply")
    draft.said.pop(loser)


def _access_list(said: Said, encode: Callable[[Attribute], bytes], problems: list[str]) -> AccessList:
    """As few pages as there can be, each with room for what a request adds."""
    pages = [b""]
    for attribute in said.listed:
        octets = _encode(attribute, encode, problems)
        if len(pages[-1]) + len(octets) > FIXED_OCTETS:
            pages.append(b"")
        pages[-1] += octets
    return AccessList(name=said.list_name, lines=len(said.listed), pages=tuple(pages), asked_with=said.asked_with)


def _encode(attribute: Attribute, encode: Callable[[Attribute], bytes], problems: list[str]) -> bytes:
    try:
        return encode(attribute)
    except (UnknownAttribute, BadValue) as wrong:
        problems.append(f"attribute `{attribute.name}`: {wrong}")
        return b""
