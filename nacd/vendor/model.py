"""What one vendor has words for: attribute templates per intention, parsed from plain mappings.

Knows: the shape of the vendor rows and every mistake they can hold; the template language is a
fixed set of placeholders, filled in one pass, never evaluated. Refuses to know: where the rows
come from (``config/``), attribute numbers (``radius/``), any vendor by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from typing import Final

from nacd.vendor.download import RESERVED
from nacd.vendor.filter_lines import LANGUAGES
from nacd.vendor.profile import INTENTIONS

PLACEHOLDERS: Final[Mapping[str, frozenset[str]]] = {
    "vlan": frozenset({"value"}),
    "voice_vlan": frozenset({"value", "tagged"}),
    "acl": frozenset({"value"}),
    "dacl": frozenset({"index", "line", "called"}),
    "redirect": frozenset({"url", "acl"}),
    "sgt": frozenset({"value", "hex4"}),
    "role": frozenset({"value"}),
    "group_policy": frozenset({"value"}),
    "session_timeout": frozenset(),
}
"""What a template may hold: decimal ``{index}`` counts from 1, ``{hex4}`` is four hexadecimal digits, ``{tagged}``
the number that RFC 4675 section 2.1 makes of a tagged VLAN."""

STANDARD_OCTETS: Final = 253
"""Room for the value of one attribute (RFC 2865 section 5)."""
TAGGED_OCTETS: Final = 252
"""The same beside a tag (RFC 2868 section 3.6)."""
VENDOR_OCTETS: Final = 247
"""The same inside a Vendor-Specific attribute (RFC 2865 section 5.26)."""

_SLOT = re.compile(r"\{([a-z0-9]+)\}")


class Standing(StrEnum):
    """How sure a row is: read in the vendor's own pages, or taken to work by analogy or hearsay."""

    DOCUMENTED = "documented"
    ASSUMED = "assumed"


class Characters(StrEnum):
    """Which characters a name may have at this vendor."""

    WORD = "word"
    """Letters, digits, ``_ . -``."""
    NAME = "name"
    """Printable ASCII without spaces and quotes."""
    TEXT = "text"
    """Anything printable, spaces inside too."""


class RedirectAcl(StrEnum):
    """What this vendor makes of the access list that a redirect names."""

    REQUIRED = "required"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeTemplate:
    """One reply attribute to be. octets: room for the value. number: the value is an integer."""

    name: str
    value: str
    tag: int = 0
    octets: int = STANDARD_OCTETS
    number: bool = False

    @property
    def slots(self) -> frozenset[str]:
        """Names of the placeholders in the value."""
        return frozenset(_SLOT.findall(self.value))

    @property
    def prefix(self) -> str:
        """What stands before the first placeholder."""
        return _SLOT.split(self.value)[0]

    @property
    def suffix(self) -> str:
        """What stands behind the last placeholder, ``""`` if there is none."""
        return _SLOT.split(self.value)[-1] if self.slots else ""

    def fill(self, values: Mapping[str, str]) -> str:
        """The value with every placeholder replaced, once: braces in the values stay as they are."""
        return _SLOT.sub(lambda slot: values[slot.group(1)], self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """How a NAS is told the name of a list, which it then asks for. called: that name, out of the admin's and a hash.

    asked_with: pairs that such a request carries. lines: at most. inline: they can stand in the answer as well.
    """

    attribute: AttributeTemplate
    called: str
    asked_with: frozenset[str]
    lines: int
    inline: bool
    source: str
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How one vendor says one intention.

    own: of a voice VLAN that is set on the port. excludes: intentions that cannot go into the same reply.
    characters, longest: of the name (of ``redirect`` its acl). names: VLANs may be named, not only
    numbered. language, lines, wildcards, nul_between, download (one or none): of a dacl. redirect_acl,
    default_acl: of a redirect.
    """

    intention: str
    attributes: tuple[AttributeTemplate, ...]
    source: str
    standing: Standing
    own: tuple[AttributeTemplate, ...] = ()
    excludes: frozenset[str] = frozenset()
    characters: Characters = Characters.NAME
    longest: int = VENDOR_OCTETS
    names: bool = False
    language: str = ""
    lines: int = 0
    wildcards: bool = False
    nul_between: bool = False
    download: tuple[Download, ...] = ()
    redirect_acl: RedirectAcl = RedirectAcl.UNUSED
    default_acl: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorData:
    """One vendor. Each intention stands in ``wordings`` or, with a reason for people, in ``cannot``."""

    name: str
    title: str
    wordings: Mapping[str, Wording] = field(hash=False)
    cannot: Mapping[str, str] = field(hash=False)


_COMMON = {"attributes": list, "source": str, "standing": str}
_NAMED = _COMMON | {"excludes": list, "characters": str, "longest": int}
_KEYS: Mapping[str, Mapping[str, type]] = {
    "vlan": _NAMED | {"names": bool},
    "voice_vlan": _NAMED | {"names": bool, "own": list},
    "acl": _NAMED,
    "dacl": _COMMON
    | {"excludes": list, "longest": int, "language": str, "lines": int}
    | {"wildcards": bool, "nul_between": bool, "download": dict},
    "redirect": _NAMED | {"acl": str, "default_acl": str},
    "sgt": _COMMON | {"excludes": list},
    "role": _NAMED,
    "group_policy": _NAMED,
    "session_timeout": {"source": str, "standing": str},
}
_DOWNLOAD_KEYS: Mapping[str, type] = {
    "attribute": dict,
    "called": str,
    "asked_with": list,
    "lines": int,
    "inline": bool,
    "source": str,
    "standing": str,
}
_TEMPLATE_KEYS: Mapping[str, type] = {"name": str, "value": str, "tag": int, "octets": int, "number": bool}
_NEEDED = {"vlan": "value", "acl": "value", "dacl": "line", "redirect": "url", "role": "value", "group_policy": "value"}


def parse(name: str, mapping: Mapping[str, object]) -> VendorData:
    """One vendor's rows as values.

    Raises ValueError naming the vendor, with one line for each thing that is wrong.
    """
    reader = _Reader(name)
    vendor = reader.vendor(mapping)
    if reader.problems:
        raise ValueError("\n".join(f"vendor `{name}`: {problem}" for problem in reader.problems))
    return vendor


class _Reader:
    """Collects every problem of one vendor's rows; what it returns counts only when there is none."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[str] = []

    def vendor(self, mapping: Mapping[str, object]) -> VendorData:
        top = self._row("the vendor", mapping, {"title": str, "intentions": dict, "cannot": dict, "dynauth": dict})
        rows, reasons = _mapping(top.get("intentions")), _mapping(top.get("cannot"))
        for intention in sorted({*rows, *reasons} - set(INTENTIONS)):
            self.problems.append(f"there is no intention `{intention}`")
        for intention in INTENTIONS:
            if (intention in rows) == (intention in reasons):
                self.problems.append(f"`{intention}` must stand once, under `intentions` or under `cannot`")
        for intention, reason in reasons.items():
            if not isinstance(reason, str) or not reason:
                self.problems.append(f"`cannot.{intention}` needs a reason in words")
        wordings = {
            intention: self._wording(intention, rows[intention]) for intention in INTENTIONS if intention in rows
        }
        self.problems.extend(_clashes(wordings))
        title = str(top.get("title") or "")
        if not title:
            self.problems.append("`title` is missing")
        cannot = {intention: str(reason) for intention, reason in reasons.items()}
        return VendorData(name=self.name, title=title, wordings=wordings, cannot=cannot)

    def _row(self, where: str, value: object, keys: Mapping[str, type]) -> Mapping[str, object]:
        if not isinstance(value, Mapping):
            self.problems.append(f"{where} must be a mapping")
            return {}
        for key, content in value.items():
            if key not in keys:
                self.problems.append(f"{where} has an unknown key `{key}`")
            elif not isinstance(content, keys[key]) or (keys[key] is int and isinstance(content, bool)):
                self.problems.append(f"`{key}` in {where} must be of type {keys[key].__name__}")
        return {key: content for key, content in value.items() if key in keys and isinstance(content, keys[key])}

    def _word(self, where: str, word: object, words: type[StrEnum], default: StrEnum) -> StrEnum:
        if word is None:
            return default
        try:
            return words(str(word))
        except ValueError:
            self.problems.append(f"`{word}` in {where} is none of {', '.join(words)}")
            return default

    def _wording(self, intention: str, value: object) -> Wording:
        where = f"`{intention}`"
        row = self._row(where, value, _KEYS[intention])
        if not row.get("source") or "standing" not in row:
            self.problems.append(f"{where} needs `source` and `standing`")
        templates = tuple(self._template(intention, each) for each in _list(row.get("attributes")))
        excludes = frozenset(str(each) for each in _list(row.get("excludes")))
        if excludes - set(INTENTIONS) or intention in excludes:
            self.problems.append(f"`excludes` in {where} must name other intentions")
        wording = Wording(
            intention=intention,
            attributes=templates,
            own=tuple(self._template(intention, each) for each in _list(row.get("own"))),
            source=str(row.get("source", "")),
            standing=Standing(self._word(where, row.get("standing"), Standing, Standing.ASSUMED)),
            excludes=excludes,
            characters=Characters(self._word(where, row.get("characters"), Characters, Characters.NAME)),
            longest=_number(row.get("longest"), VENDOR_OCTETS),
            names=bool(row.get("names", False)),
            language=str(row.get("language", "")),
            lines=_number(row.get("lines"), 0),
            wildcards=bool(row.get("wildcards", False)),
            nul_between=bool(row.get("nul_between", False)),
            download=(self._download(row["download"]),) if "download" in row else (),
            redirect_acl=RedirectAcl(self._word(where, row.get("acl"), RedirectAcl, RedirectAcl.UNUSED)),
            default_acl=str(row.get("default_acl", "")),
        )
        self.problems.extend(_unsound(wording))
        return wording

    def _download(self, value: object) -> Download:
        where = "`download` of `dacl`"
        row = self._row(where, value, _DOWNLOAD_KEYS)
        if not row.get("source") or "standing" not in row:
            self.problems.append(f"{where} needs `source` and `standing`")
        called = str(row.get("called", ""))
        if not called.startswith(RESERVED) or "{name}" not in called or "{hash}" not in called:
            self.problems.append(f"`called` in {where} begins with `{RESERVED}` and holds {{name}} and {{hash}}")
        asked_with = frozenset(str(each) for each in _list(row.get("asked_with")))
        lines = _number(row.get("lines"), 0)
        if not asked_with or lines < 1:
            self.problems.append(f"{where} needs `lines` and `asked_with`")
        template = self._template("dacl", row.get("attribute"))
        if template.slots != {"called"}:
            self.problems.append(f"`attribute` in {where} must hold {{called}}")
        return Download(
            attribute=template,
            called=called,
            asked_with=asked_with,
            lines=lines,
            inline=bool(row.get("inline", True)),
            source=str(row.get("source", "")),
            standing=Standing(self._word(where, row.get("standing"), Standing, Standing.ASSUMED)),
        )

    def _template(self, intention: str, value: object) -> AttributeTemplate:
        where = f"an attribute of `{intention}`"
        row = self._row(where, value, _TEMPLATE_KEYS)
        tag = _number(row.get("tag"), 0)
        room = TAGGED_OCTETS if tag else STANDARD_OCTETS
        template = AttributeTemplate(
            name=str(row.get("name", "")),
            value=str(row.get("value", "")),
            tag=tag,
            octets=_number(row.get("octets"), room),
            number=bool(row.get("number", False)),
        )
        if not template.name or not template.value:
            self.problems.append(f"{where} needs `name` and `value`")
        if tag not in range(32) or template.octets not in range(1, room + 1):
            self.problems.append(f"`{template.name}` of `{intention}` has a tag or octets out of range")
        if re.search(r"[{}]", _SLOT.sub("", template.value)) or template.slots - PLACEHOLDERS[intention]:
            known = ", ".join(f"{{{slot}}}" for slot in sorted(PLACEHOLDERS[intention]))
            self.problems.append(f"`{template.value}` of `{intention}` has braces other than {known}")
        return template


def _unsound(wording: Wording) -> Iterator[str]:
    """What is wrong with one wording as a whole."""
    where = f"`{wording.intention}`"
    slots = frozenset[str]().union(*(template.slots for template in wording.attributes))
    if wording.intention == "session_timeout":
        return
    if any(template.slots for template in wording.own):
        yield f"`own` of {where} is the same for everybody: it cannot hold braces"
    if "tagged" in slots and wording.names:
        yield f"{where} says {{tagged}}, which there is of numbers only, and `names`"
    if wording.own and not wording.attributes:
        return
    if not wording.attributes:
        yield f"{where} needs `attributes`"
    needed = _NEEDED.get(wording.intention, "")
    if (needed and needed not in slots) or not slots:
        yield f"no attribute of {where} says what the profile wants"
    if wording.longest < 1:
        yield f"`longest` in {where} must be at least 1"
    if wording.intention == "dacl" and (wording.language not in LANGUAGES or wording.lines < 1):
        yield f"{where} needs `lines` and a `language` out of {', '.join(LANGUAGES)}"
    uses_acl = wording.redirect_acl is RedirectAcl.REQUIRED or bool(wording.default_acl)
    if wording.intention == "redirect" and uses_acl != ("acl" in slots):
        yield f"{where} must use {{acl}} exactly when `acl: required` or `default_acl` is given"


def _clashes(wordings: Mapping[str, Wording]) -> Iterator[str]:
    """Two intentions in the same words, which the NAS could not tell apart, unless one excludes the other."""
    for one, other in combinations(wordings.values(), 2):
        if other.intention in one.excludes or one.intention in other.excludes:
            continue
        shared = _words(one) & _words(other)
        for name, _ in sorted(shared):
            yield f"`{one.intention}` and `{other.intention}` both use {name}: one must exclude the other"


def _words(wording: Wording) -> set[tuple[str, str]]:
    return {(template.name, template.prefix) for template in (*wording.attributes, *wording.own)}


def _mapping(value: object) -> Mapping[str, object]:
    return {str(key): content for key, content in value.items()} if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) else default
