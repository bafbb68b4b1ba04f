"""One intention of one profile in one vendor's words.

Knows: how values go into templates and which values a vendor cannot take. Refuses to know:
octets (the encoder is ``radius/``), whether an intention was a promise or optional (``render.py``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from nacd.values import Attribute, Blank
from nacd.vendor.fill import VLAN, widest
from nacd.vendor.filter_flaws import flaw
from nacd.vendor.filter_lines import EXAMPLES, first_foreign, other_language
from nacd.vendor.model import AttributeTemplate, Characters, RedirectAcl, Wording
from nacd.vendor.profile import PORTS_OWN, Profile, Redirect

_CHARACTERS: Final[Mapping[Characters, re.Pattern[str]]] = {
    Characters.WORD: re.compile(r"[A-Za-z0-9_.-]+"),
    Characters.NAME: re.compile(r"[!#-&(-_a-~]+"),
    Characters.TEXT: re.compile(r".+"),
}
_ALLOWED: Final[Mapping[Characters, str]] = {
    Characters.WORD: "letters, digits and `_` `.` `-`",
    Characters.NAME: "printable ASCII characters without spaces and quotes",
    Characters.TEXT: "printable characters",
}

_HASH_DIGITS: Final = 8
_TAGGED: Final = 0x31000000
"""RFC 4675 section 2.1: the first octet says that frames are tagged, the last twelve bits are the VLAN's number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The intention as attributes, one for each template of the vendor (of a dacl: for each of every line).

    unused: a part of it that this vendor has no use for.
    """

    rows: tuple[Attribute | Blank, ...]
    unused: str = ""
    listed: tuple[Attribute, ...] = ()
    """Lines of the list that ``rows`` names as ``list_name``; whoever asks for it sends these pairs."""
    list_name: str = ""
    asked_with: frozenset[str] = frozenset()

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """Those that are the same for everybody."""
        return tuple(row for row in self.rows if isinstance(row, Attribute))

    @property
    def blanks(self) -> tuple[Blank, ...]:
        """Those that are filled in for each request."""
        return tuple(row for row in self.rows if isinstance(row, Blank))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoWords:
    """This vendor cannot say it, whatever the admin writes differently here. reason: a clause."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BadValue:
    """This vendor says it, but not with this value: a mistake to mend, optional or not."""

    reason: str


Saying: TypeAlias = Said | NoWords | BadValue


def say(profile: Profile, wording: Wording) -> Saying:
    """The intention of this wording, taken from the profile, which sets it."""
    match wording.intention:
        case "vlan":
            return _say_vlans(profile, wording) if profile.vlans.rows else _say_vlan(profile.vlan, wording)
        case "voice_vlan":
            return _say_voice_vlan(profile.voice_vlan, wording)
        case "dacl":
            return _say_list(profile, wording)
        case "redirect" if isinstance(profile.redirect, Redirect):
            return _say_redirect(profile.redirect, wording)
        case "sgt":
            return _fill(wording, {"value": str(profile.sgt), "hex4": f"{profile.sgt:04x}"})
        case "acl":
            return _say_name(profile.acl, wording)
        case "role":
            return _say_name(profile.role, wording)
        case "group_policy":
            return _say_name(profile.group_policy, wording)
        case _:
            return Said(rows=())


def _say_vlans(profile: Profile, wording: Wording) -> Saying:
    """A VLAN by device: each that can come of it must be one that this vendor can be told."""
    for vlan in (profile.vlan, *sorted(set(profile.vlans.rows.values()))):
        said = _say_vlan(vlan, wording)
        if not isinstance(said, Said):
            return said
    return _fill(wording, {}, {"value": ("", VLAN, "")})


def _say_vlan(vlan: str, wording: Wording) -> Saying:
    if not vlan.isdecimal() and not wording.names:
        return NoWords(reason=f"takes VLAN numbers only, not the name `{vlan}`")
    return _say_name(vlan, wording)


def _say_voice_vlan(vlan: str, wording: Wording) -> Saying:
    if vlan == PORTS_OWN:
        if not wording.own:
            return NoWords(reason="must be told which voice VLAN: write its number, not `true`")
        return Said(rows=tuple(_attribute(template, template.value) for template in wording.own))
    if not wording.attributes:
        return NoWords(reason=f"knows the voice VLAN of the port alone, not `{vlan}`: write `true`")
    if not vlan.isdecimal():
        return _say_vlan(vlan, wording)
    if reason := _bad_name(vlan, wording):
        return BadValue(reason=reason)
    return _fill(wording, {"value": vlan, "tagged": str(_TAGGED + int(vlan))})


def _say_name(name: str, wording: Wording) -> Saying:
    if reason := _bad_name(name, wording):
        return BadValue(reason=reason)
    for template in wording.attributes:
        for affix, found in ((template.prefix, name.startswith), (template.suffix, name.endswith)):
            if template.slots and affix and found(affix):
                return BadValue(reason=f"`{affix}` is added for this vendor: write `{name}` without it")
    return _fill(wording, {"value": name})


def _bad_name(name: str, wording: Wording) -> str:
    """What this vendor has against a name, ``""`` if nothing."""
    if not _CHARACTERS[wording.characters].fullmatch(name):
        return f"`{name}` may hold only {_ALLOWED[wording.characters]}"
    if (octets := len(name.encode())) > wording.longest:
        return f"`{name}` has {octets} octets, at most {wording.longest} are possible"
    return ""


def _say_list(profile: Profile, wording: Wording) -> Saying:
    """Lines in the answer; or a name in it, and the lines for whoever asks by that name."""
    for download in wording.download:
        if not profile.dacl_name and not download.inline:
            return NoWords(reason="downloads its lists by name: write `dacl: {name: GUESTS, lines: [...]}`")
        if profile.dacl_name:
            lines = _say_dacl(profile.dacl, replace(wording, lines=download.lines))
            if not isinstance(lines, Said):
                return lines
            # With its content its name changes: a NAS keeps what it has downloaded by the name.
            digest = hashlib.sha256("\n".join(profile.dacl).encode()).hexdigest()[:_HASH_DIGITS]
            name = download.called.replace("{hash}", digest).replace("{name}", profile.dacl_name)
            told = replace(wording, attributes=(download.attribute,))
            said = _fill(told, {"called": name})
            if not isinstance(said, Said):
                return said
            return replace(said, listed=lines.attributes, list_name=name, asked_with=download.asked_with)
    return _say_dacl(profile.dacl, wording)


def _say_dacl(lines: Sequence[str], wording: Wording) -> Saying:
    if number := first_foreign(lines, wording.language):
        if other := other_language(lines, wording.language):
            return NoWords(reason=f"does not read lines in the `{other}` form")
        form = EXAMPLES[wording.language]
        return BadValue(reason=f"line {number} `{lines[number - 1]}` is not in this vendor's form, such as `{form}`")
    if len(lines) > wording.lines:
        return BadValue(reason=f"it has {len(lines)} lines, at most {wording.lines} are possible")
    rows: list[Attribute | Blank] = []
    for index, line in enumerate(lines, start=1):
        if (octets := len(line.encode())) > wording.longest:
            return BadValue(reason=f"line {index} has {octets} octets, at most {wording.longest} are possible")
        if wrong := flaw(line, wording.language, wildcards=wording.wildcards):
            return BadValue(reason=f"line {index} `{line}`: {wrong}")
        # RFC 4849 section 2: one NUL between rules. Ending each attribute but the last with it keeps
        # one rule in one attribute, which also suits a NAS that does not join them.
        end = "\0" if wording.nul_between and index < len(lines) else ""
        said = _fill(wording, {"index": str(index), "line": line + end})
        if not isinstance(said, Said):
            return BadValue(reason=f"line {index}: {said.reason}")
        rows.extend(said.rows)
    return Said(rows=tuple(rows))


def _say_redirect(redirect: Redirect, wording: Wording) -> Saying:
    acl = redirect.acl or wording.default_acl
    if wording.redirect_acl is RedirectAcl.REQUIRED and not acl:
        return BadValue(reason="it needs `acl:`, the name of the list on the NAS that says what is redirected")
    takes_acl = wording.redirect_acl is RedirectAcl.REQUIRED or bool(wording.default_acl)
    if takes_acl and (reason := _bad_name(acl, wording)):
        return BadValue(reason=f"its acl {reason}")
    if len(redirect.pieces) > 1:
        said = _fill(wording, {"acl": acl}, {"url": redirect.pieces})
    else:
        said = _fill(wording, {"url": redirect.url, "acl": acl})
    if isinstance(said, Said) and redirect.acl and not takes_acl:
        return Said(rows=said.rows, unused="redirect.acl")
    return said


def _fill(
    wording: Wording, values: Mapping[str, str], open_values: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> Said | BadValue:
    """open_values: by slot, the pieces of a value whose facts are known when a request is answered."""
    rows: list[Attribute | Blank] = []
    for template in wording.attributes:
        row: Attribute | Blank
        if slots := template.slots & open_values.keys():
            (slot,) = slots
            row = _blank(template, values, slot, open_values[slot])
            value = "" if template.number else str(widest(row, "").value)
        else:
            value = template.fill(values)
            row = _attribute(template, value)
        if not template.number and (octets := len(value.encode())) > template.octets:
            most = " when all is filled in" if isinstance(row, Blank) else ""
            return BadValue(
                reason=f"it makes {template.name} {octets} octets long{most}, at most {template.octets} are possible"
            )
        rows.append(row)
    return Said(rows=tuple(rows))


def _blank(template: AttributeTemplate, values: Mapping[str, str], slot: str, pieces: tuple[str, ...]) -> Blank:
    # No value holds a control character, so this one marks the place and nothing else.
    before, _, after = template.fill({**values, slot: "\0"}).partition("\0")
    whole = (before + pieces[0], *pieces[1:-1], pieces[-1] + after)
    return Blank(name=template.name, pieces=whole, tag=template.tag, number=template.number)


def _attribute(template: AttributeTemplate, value: str) -> Attribute:
    return Attribute(name=template.name, value=int(value) if template.number else value, tag=template.tag)
