"""Attribute names, types and named values, read from FreeRADIUS dictionary files.

Knows: how an attribute in words becomes octets and back. Refuses to know: packets, secrets, which
attribute belongs into which answer. The only door to pyrad, and only to its dictionary parser.
"""

from __future__ import annotations

import difflib
import io
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from pyrad import dictionary as pyrad_dictionary

from nacd.errors import BadPacket, BadValue, UnknownAttribute
from nacd.radius import datatypes, extended
from nacd.radius.packet import ATTRIBUTE_MAX, VENDOR_SPECIFIC, attribute
from nacd.radius.reader import vendor_walk
from nacd.values import Attribute

_VENDOR_MAX: Final = ATTRIBUTE_MAX - 6
"""Most value octets of one vendor attribute: vendor number, type and length take six (RFC 2865 section 5.26)."""

_TAG_MAX: Final = 0x1F
_SALTED: Final = 2
"""The dictionary's ``encrypt=2``: hidden with a salt (RFC 2868 section 3.5)."""

_ENCODED_KEPT: Final = 4_096
_SET_BY_NACD: Final = frozenset(
    {"CHAP-Password", "EAP-Message", "Message-Authenticator", "Proxy-State", "User-Password", "Vendor-Specific"}
)
"""What the protocol itself puts into a packet; a second one beside it would break or forge it."""

_UNSEEN: Final = frozenset({"CHAP-Password", "ARAP-Password", "MS-CHAP-Response", "MS-CHAP2-Response"})
"""Not hidden by the shared secret, yet enough to guess a password from: never described."""

_HIDDEN_TEXT: Final = "***"

Hide = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What the dictionaries say of one attribute. vendor: 0 for a standard attribute.

    hidden: the ``encrypt`` flag. concat: one value may span several attributes. within: the numbers below ``code`` for
    what lies in an extended attribute (RFC 6929), empty for everything else.
    """

    name: str
    type: str
    vendor: int
    code: int
    tagged: bool
    hidden: int
    concat: bool
    names: Mapping[int, str]
    numbers: Mapping[str, int]
    within: tuple[int, ...] = ()


class Dictionary:
    """Every attribute nacd knows by name. ``load`` makes it."""

    def __init__(self, definitions: Iterable[Definition], skipped: tuple[str, ...] = ()) -> None:
        """Earlier definitions win over later ones of the same name or number."""
        self.skipped = skipped
        """Files (and attributes in them) that could not be read, one sentence each."""
        self._by_name: dict[str, Definition] = {}
        self._by_number: dict[tuple[int, int], Definition] = {}
        self._by_path: dict[extended.Path, Definition] = {}
        for definition in definitions:
            self._by_name.setdefault(definition.name.lower(), definition)
            if definition.within:
                self._by_path.setdefault((definition.code, *definition.within), definition)
            else:
                self._by_number.setdefault((definition.vendor, definition.code), definition)
        self.tlvs = frozenset(path for path, definition in self._by_path.items() if definition.type == "tlv")
        """Paths of extended attributes whose value is a list of TLVs."""
        self._encoded: dict[tuple[str, str | int | bytes, int], bytes] = {}
        self._value_names = {definition.name: definition.names for definition in self._by_name.values()}

    def names(self) -> Collection[str]:
        """Every attribute name, as the dictionaries spell it."""
        return self._value_names.keys()

    def definition(self, name: str) -> Definition:
        """The definition of a name, in any case. Raises UnknownAttribute, with the nearest name."""
        found = self._by_name.get(name.lower())
        if found is None:
            near = difflib.get_close_matches(name.lower(), self._by_name, n=1)
            hint = f"; did you mean `{self._by_name[near[0]].name}`?" if near else ""
            raise UnknownAttribute(f"no dictionary has an attribute `{name}`{hint}")
        return found

    def value_name(self, attribute_name: str, number: int) -> str:
        """The name of an enumerated value, its decimal text when it has none."""
        return self._value_names.get(attribute_name, {}).get(number) or str(number)

    def encode(self, wanted: Attribute, hide: Hide | None = None) -> bytes:
        """The whole attribute: type, length, tag, vendor wrapping, split where the type allows.

        hide: salts and encrypts a value for one reply; without it an attribute that must be hidden
        (Tunnel-Password) is refused. Raises UnknownAttribute, BadValue.
        """
        key = (wanted.name, wanted.value, wanted.tag)
        known = self._encoded.get(key)
        if known is not None:
            return known
        definition = self.definition(wanted.name)
        if definition.name in _SET_BY_NACD:
            raise BadValue(f"`{definition.name}` is set by nacd itself")
        octets = datatypes.encode(wanted.value, definition.name, definition.type, definition.numbers)
        if not octets:
            raise BadValue(f"`{definition.name}` must not be empty")
        octets = _wrapped(definition, _with_tag(definition, wanted.tag, _hidden(definition, octets, hide)))
        if not definition.hidden:
            if len(self._encoded) >= _ENCODED_KEPT:
                self._encoded.clear()
            self._encoded[key] = octets
        return octets

    def describe(self, type_code: int, octets: bytes, vendor: int = 0) -> Attribute:
        """One attribute in words; ``Attr-26.9.250`` when no dictionary has it.

        A value that its type cannot hold stays octets; a hidden value is ``***``. A Vendor-Specific
        (26) with one sub-attribute is described as that sub-attribute.
        """
        if type_code == VENDOR_SPECIFIC and not vendor:
            try:
                number, inner = vendor_walk(octets)
            except BadPacket:
                return Attribute(name="Vendor-Specific", value=octets)
            if len(inner) == 1 and number:
                return self.describe(inner[0][0], inner[0][1], number)
            return Attribute(name="Vendor-Specific", value=octets)
        definition = self._by_number.get((vendor, type_code))
        if definition is None:
            number_text = f"{VENDOR_SPECIFIC}.{vendor}.{type_code}" if vendor else str(type_code)
            return Attribute(name=f"Attr-{number_text}", value=octets)
        if definition.hidden or definition.name in _UNSEEN:
            return Attribute(name=definition.name, value=_HIDDEN_TEXT)
        tag, bare = _without_tag(definition, octets)
        return Attribute(name=definition.name, value=datatypes.decode(bare, definition.type, definition.names), tag=tag)

    def describe_extended(self, path: extended.Path, octets: bytes) -> Attribute:
        """One value out of an extended attribute in words; ``Attr-241.5.99`` when no dictionary has it."""
        definition = self._by_path.get(path)
        if definition is None:
            return Attribute(name=f"Attr-{'.'.join(map(str, path))}", value=octets)
        return Attribute(name=definition.name, value=datatypes.decode(octets, definition.type, definition.names))


def load(extra_folders: Sequence[Path] = ()) -> Dictionary:
    """Read the dictionaries shipped with nacd, then those in ``extra_folders`` file by file.

    Ours win wherever both say something. A file of the extra folders that cannot be read is told in
    ``Dictionary.skipped``, never fatal. Raises ValueError when one of ours is broken.
    """
    texts = _shipped()
    ours = pyrad_dictionary.Dictionary()
    for name, text in texts.items():
        try:
            ours.ReadDictionary(io.StringIO(text))
        except _UNREADABLE as error:
            raise ValueError(f"dictionary `{name}`: {error}") from error
    if ours.skipped_attributes:
        raise ValueError(f"dictionaries of nacd use types that cannot be read: {sorted(ours.skipped_attributes)}")
    concat = _concat_names(texts.values())
    definitions = {found.name: found for found in (*_definitions(ours, concat), *_extended_definitions())}
    if not extra_folders:
        return Dictionary(definitions.values())
    theirs, skipped = _extra(texts.values(), extra_folders)
    for found in _definitions(theirs, concat):
        mine = definitions.get(found.name)
        definitions[found.name] = found if mine is None else _with_values(mine, found)
    return Dictionary(definitions.values(), skipped)


_UNREADABLE: Final = (pyrad_dictionary.ParseError, OSError, ValueError, LookupError, TypeError)


def _shipped() -> dict[str, str]:
    """File name -> text of our own files; the standard comes first, vendors add values to it."""
    folder = resources.files("nacd.radius").joinpath("dictionaries")
    files = [file for file in folder.iterdir() if file.name.endswith(".dict")]
    files.sort(key=lambda file: (file.name != "rfc.dict", file.name))
    return {file.name: file.read_text("utf-8") for file in files}


def _extended_definitions() -> Iterable[Definition]:
    """What we know inside the extended attributes; pyrad does not read their dotted numbers."""
    text = resources.files("nacd.radius").joinpath("dictionaries").joinpath("rfc6929.extended").read_text("utf-8")
    lines = [line.split("#", 1)[0].split() for line in text.splitlines()]
    for words in lines:
        if words[:1] != ["ATTRIBUTE"]:
            continue
        _, name, dotted, data_type = words
        code, *within = map(int, dotted.split("."))
        numbers = {line[2]: int(line[3]) for line in lines if line[:2] == ["VALUE", name]}
        yield Definition(
            name=name,
            type=data_type,
            vendor=0,
            code=code,
            within=tuple(within),
            tagged=False,
            hidden=0,
            concat=False,
            names={number: word for word, number in numbers.items()},
            numbers=numbers,
        )


def _concat_names(texts: Iterable[str]) -> frozenset[str]:
    """Attributes with the ``concat`` flag, which pyrad reads over."""
    found = set()
    for text in texts:
        for line in text.splitlines():
            words = line.split("#", 1)[0].split()
            if len(words) == 5 and words[0] == "ATTRIBUTE" and "concat" in words[4].split(","):
                found.add(words[1])
    return frozenset(found)


def _extra(texts: Iterable[str], folders: Sequence[Path]) -> tuple[pyrad_dictionary.Dictionary, tuple[str, ...]]:
    """Their files read over ours, so that they may add values to our attributes, and what was left out.

    The folder's bare ``dictionary`` only includes the others and is passed over.
    """
    theirs = pyrad_dictionary.Dictionary()
    for text in texts:
        theirs.ReadDictionary(io.StringIO(text))
    skipped: list[str] = []
    for folder in folders:
        try:
            files = sorted(file for file in folder.iterdir() if file.name.startswith("dictionary."))
            files += sorted(folder.glob("*.dict"))
        except OSError as error:
            skipped.append(f"folder `{folder}`: {error.strerror}")
            continue
        for file in files:
            before = len(theirs.skipped_attributes)
            try:
                theirs.ReadDictionary(str(file.absolute()))
            except _UNREADABLE as error:
                skipped.append(f"file `{file}`: {error}")
            left_out = len(theirs.skipped_attributes) - before
            if left_out:
                skipped.append(f"file `{file}`: {left_out} attributes of types nacd cannot encode")
    return theirs, tuple(skipped)


def _definitions(parsed: pyrad_dictionary.Dictionary, concat: frozenset[str]) -> Iterable[Definition]:
    """pyrad's findings as ours: no sub-attributes of TLVs, no numbers that do not fit the wire."""
    for found in parsed.attributes.values():
        if found.is_sub_attribute or not 0 <= found.code <= 255 or found.type == "tlv":
            continue
        numbers = {}
        if found.type in datatypes.NUMBERS:
            for name, octets in found.values.forward.items():
                numbers[name] = int.from_bytes(octets, signed=found.type == "signed")
        names: dict[int, str] = {}
        for name, number in numbers.items():
            names.setdefault(number, name)
        yield Definition(
            name=found.name,
            type=found.type,
            vendor=int(parsed.vendors.GetForward(found.vendor)),
            code=found.code,
            tagged=found.has_tag,
            hidden=found.encrypt,
            concat=found.name in concat,
            names=names,
            numbers=numbers,
        )


def _with_values(mine: Definition, theirs: Definition) -> Definition:
    """Our definition with the named values only they have."""
    if mine.type != theirs.type:
        return mine
    return Definition(
        name=mine.name,
        type=mine.type,
        vendor=mine.vendor,
        code=mine.code,
        tagged=mine.tagged,
        hidden=mine.hidden,
        concat=mine.concat,
        within=mine.within,
        names={**theirs.names, **mine.names},
        numbers={**theirs.numbers, **mine.numbers},
    )


def _hidden(definition: Definition, octets: bytes, hide: Hide | None) -> bytes:
    if not definition.hidden:
        return octets
    if definition.hidden != _SALTED:
        raise BadValue(f"`{definition.name}` is hidden in a way that no answer uses")
    if hide is None:
        raise BadValue(f"`{definition.name}` is hidden anew in each answer and cannot be encoded ahead")
    return hide(octets)


def _with_tag(definition: Definition, tag: int, octets: bytes) -> bytes:
    """The value behind its tag (RFC 2868 section 3.1): numbers lend their top octet, text without a tag
    gets one only when its first octet would be taken for one, a hidden value always has one."""
    if not definition.tagged:
        if tag:
            raise BadValue(f"`{definition.name}` takes no tag")
        return octets
    if not 0 <= tag <= _TAG_MAX:
        raise BadValue(f"tag `{tag}` of `{definition.name}` is not within 0 and {_TAG_MAX}")
    if definition.type == "integer":
        if octets[0]:
            raise BadValue(f"a tagged `{definition.name}` holds three octets, at most {0xFFFFFF}")
        return bytes((tag,)) + octets[1:]
    if tag or definition.hidden or octets[0] <= _TAG_MAX:
        return bytes((tag,)) + octets
    return octets


def _without_tag(definition: Definition, octets: bytes) -> tuple[int, bytes]:
    if not definition.tagged or not octets or octets[0] > _TAG_MAX:
        return 0, octets
    if definition.type == "integer":
        return octets[0], b"\x00" + octets[1:]
    return octets[0], octets[1:]


def _wrapped(definition: Definition, octets: bytes) -> bytes:
    if definition.within:
        return extended.wrap(definition.name, (definition.code, *definition.within), octets)
    limit = _VENDOR_MAX if definition.vendor else ATTRIBUTE_MAX
    if len(octets) > limit and not definition.concat:
        raise BadValue(f"`{definition.name}` of {len(octets)} octets is too long, {limit} fit")
    pieces = [octets[start : start + limit] for start in range(0, len(octets), limit)]
    if not definition.vendor:
        return b"".join(attribute(definition.code, piece) for piece in pieces)
    vendor = definition.vendor.to_bytes(4)
    return b"".join(attribute(VENDOR_SPECIFIC, vendor + attribute(definition.code, piece)) for piece in pieces)
