"""One intention of one profile in one vendor's words.

Knows: how values go into templates and which values a vendor cannot take. Refuses to know:
octets (the encoder is ``radius/``), whether an intention was a promise or optional (``render.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from nacd.values import Attribute
from nacd.vendor.filter_lines import EXAMPLES, first_foreign, other_language
from nacd.vendor.model import AttributeTemplate, Characters, RedirectAcl, Wording
from nacd.vendor.profile import Profile, Redirect

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The intention as attributes. unused: a part of it that this vendor has no use for."""

    attributes: tuple[Attribute, ...]
    unused: str = ""


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
            return _say_vlan(profile.vlan, wording)
        case "dacl":
            return _say_dacl(profile.dacl, wording)
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
            return Said(attributes=())


def _say_vlan(vlan: str, wording: Wording) -> Saying:
    if not vlan.isdecimal() and not wording.names:
        return NoWords(reason=f"takes VLAN numbers only, not the name `{vlan}`")
    return _say_name(vlan, wording)


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


def _say_dacl(lines: Sequence[str], wording: Wording) -> Saying:
    if number := first_foreign(lines, wording.language):
        if other := other_language(lines, wording.language):
            return NoWords(reason=f"does not read lines in the `{other}` form")
        form = EXAMPLES[wording.language]
        return BadValue(reason=f"line {number} `{lines[number - 1]}` is not in this vendor's form, such as `{form}`")
    if len(lines) > wording.lines:
        return BadValue(reason=f"it has {len(lines)} lines, at most {wording.lines} are possible")
    attributes: list[Attribute] = []
    for index, line in enumerate(lines, start=1):
        if (octets := len(line.encode())) > wording.longest:
            return BadValue(reason=f"line {index} has {octets} octets, at most {wording.longest} are possible")
        # RFC 4849 section 2: one NUL between rules. Ending each attribute but the last with it keeps
        # one rule in one attribute, which also suits a NAS that does not join them.
        end = "\0" if wording.nul_between and index < len(lines) else ""
        said = _fill(wording, {"index": str(index), "line": line + end})
        if not isinstance(said, Said):
            return BadValue(reason=f"line {index}: {said.reason}")
        attributes.extend(said.attributes)
    return Said(attributes=tuple(attributes))


def _say_redirect(redirect: Redirect, wording: Wording) -> Saying:
    acl = redirect.acl or wording.default_acl
    if wording.redirect_acl is RedirectAcl.REQUIRED and not acl:
        return BadValue(reason="it needs `acl:`, the name of the list on the NAS that says what is redirected")
    takes_acl = wording.redirect_acl is RedirectAcl.REQUIRED or bool(wording.default_acl)
    if takes_acl and (reason := _bad_name(acl, wording)):
        return BadValue(reason=f"its acl {reason}")
    said = _fill(wording, {"url": redirect.url, "acl": acl})
    if isinstance(said, Said) and redirect.acl and not takes_acl:
        return Said(attributes=said.attributes, unused="redirect.acl")
    return said


def _fill(wording: Wording, values: Mapping[str, str]) -> Said | BadValue:
    attributes: list[Attribute] = []
    for template in wording.attributes:
        value = template.fill(values)
        if (octets := len(value.encode())) > template.octets:
            return BadValue(
                reason=f"it makes {template.name} {octets} octets long, at most {template.octets} are possible"
            )
        attributes.append(_attribute(template, value))
    return Said(attributes=tuple(attributes))


def _attribute(template: AttributeTemplate, value: str) -> Attribute:
    return Attribute(name=template.name, value=int(value) if template.number else value, tag=template.tag)
