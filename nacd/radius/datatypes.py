"""Values of the dictionary's data types, as a person types them and as octets (RFC 8044).

Knows: ranges, sizes and spellings of each type. Refuses to know: attributes, tags and lengths on the
wire. What is typed wrongly is refused in words; what comes from the wire wrongly stays octets.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from nacd.errors import BadValue

NUMBERS: Final[Mapping[str, tuple[int, bool]]] = {
    "byte": (1, False),
    "short": (2, False),
    "integer": (4, False),
    "signed": (4, True),
    "date": (4, False),
    "integer64": (8, False),
}
"""Type -> (octets, signed)."""

_DECIMAL: Final = re.compile(r"-?[0-9]{1,20}")
_HEX_NUMBER: Final = re.compile(r"0[xX][0-9A-Fa-f]{1,16}")
_ETHER: Final = re.compile(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}")
_IFID: Final = re.compile(r"[0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4}){3}")
_SHOWN: Final = 60
"""Characters of a refused value that an error repeats."""


def encode(value: str | int | bytes, name: str, data_type: str, numbers: Mapping[str, int]) -> bytes:
    """Octets of a typed value. numbers: the attribute's named values. Raises BadValue."""
    if data_type in NUMBERS:
        return _encode_number(value, name, data_type, numbers)
    encoder = _ENCODERS.get(data_type)
    if encoder is None:
        raise BadValue(f"`{name}` has the type `{data_type}`, which nacd cannot encode")
    try:
        return encoder(value)
    except ValueError as error:
        raise BadValue(f"`{_shown(value)}` is no {_WORDS[data_type]} for `{name}`") from error


def decode(octets: bytes, data_type: str, names: Mapping[int, str]) -> str | int | bytes:
    """The value of octets; the octets themselves when they do not fit the type."""
    if data_type in NUMBERS:
        size, signed = NUMBERS[data_type]
        if len(octets) != size:
            return octets
        number = int.from_bytes(octets, signed=signed)
        return names.get(number, number)
    decoder = _DECODERS.get(data_type)
    if decoder is None:
        return octets
    try:
        return decoder(octets)
    except ValueError:
        return octets


def text(octets: bytes) -> str:
    """UTF-8 text; octets that are none survive as ``\\xNN``."""
    return octets.decode("utf-8", "backslashreplace")


@lru_cache(maxsize=4_096)
def ipv4_text(octets: bytes) -> str:
    """Dotted text of 4 octets, ``""`` for any other size."""
    return ".".join(map(str, octets)) if len(octets) == 4 else ""


def ipv6_text(octets: bytes) -> str:
    """Text of 16 octets, ``""`` for any other size."""
    return str(ipaddress.IPv6Address(octets)) if len(octets) == 16 else ""


def _encode_number(value: str | int | bytes, name: str, data_type: str, numbers: Mapping[str, int]) -> bytes:
    if isinstance(value, bytes):
        raise BadValue(f"`{name}` takes a number, not octets")
    if isinstance(value, int):
        number = value
    elif value in numbers:
        number = numbers[value]
    elif _DECIMAL.fullmatch(value):
        number = int(value)
    elif _HEX_NUMBER.fullmatch(value):
        number = int(value, 16)
    else:
        known = f"; it has {', '.join(f'`{word}`' for word in list(numbers)[:12])}" if numbers else ""
        raise BadValue(f"`{_shown(value)}` is neither a number nor a named value of `{name}`{known}")
    size, signed = NUMBERS[data_type]
    try:
        return number.to_bytes(size, signed=signed)
    except OverflowError as error:
        raise BadValue(f"`{number}` does not fit `{name}`, which has {size} octets") from error


def _shown(value: str | int | bytes) -> str:
    words = value.hex() if isinstance(value, bytes) else str(value)
    return words if len(words) <= _SHOWN else words[:_SHOWN] + "..."


def _encode_string(value: str | int | bytes) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8")


def _encode_octets(value: str | int | bytes) -> bytes:
    """Octets as they are, ``0x`` and hex digits, else the text itself. A bare number is ambiguous."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        raise ValueError("a number")  # noqa: TRY004 every refusal of a value takes one road
    if value[:2] in {"0x", "0X"}:
        return bytes.fromhex(value[2:])
    return value.encode("utf-8")


def _sized(size: int, parse: Callable[[str], bytes]) -> Callable[[str | int | bytes], bytes]:
    """Octets of one size, or text that ``parse`` understands."""

    def encode_sized(value: str | int | bytes) -> bytes:
        octets = value if isinstance(value, bytes) else parse(str(value))
        if len(octets) != size:
            raise ValueError("wrong size")
        return octets

    return encode_sized


def _parse_ipv6(value: str) -> bytes:
    address = ipaddress.IPv6Address(value)
    if address.scope_id:
        raise ValueError("a scope has no place on the wire")
    return address.packed


def _parse_ether(value: str) -> bytes:
    if not _ETHER.fullmatch(value):
        raise ValueError("not six octets")
    return bytes.fromhex(value.replace(":", "").replace("-", ""))


def _parse_ifid(value: str) -> bytes:
    if not _IFID.fullmatch(value):
        raise ValueError("not four groups")
    return b"".join(int(group, 16).to_bytes(2) for group in value.split(":"))


def _encode_ipv6_prefix(value: str | int | bytes) -> bytes:
    """Reserved octet, prefix length, all sixteen octets (RFC 3162 section 2.3): the form every NAS reads."""
    if isinstance(value, bytes):
        _decode_ipv6_prefix(value)
        return value
    network = ipaddress.IPv6Network(str(value))
    return bytes((0, network.prefixlen)) + network.network_address.packed


def _decode_ipv6_prefix(octets: bytes) -> str:
    if not 2 <= len(octets) <= 18 or octets[1] > 128:
        raise ValueError("not a prefix")
    return str(ipaddress.IPv6Network((octets[2:].ljust(16, b"\x00"), octets[1])))


def _encode_ipv4_prefix(value: str | int | bytes) -> bytes:
    """Reserved octet, prefix length, all four octets (RFC 8044 section 3.11)."""
    if isinstance(value, bytes):
        _decode_ipv4_prefix(value)
        return value
    network = ipaddress.IPv4Network(str(value))
    return bytes((0, network.prefixlen)) + network.network_address.packed


def _decode_ipv4_prefix(octets: bytes) -> str:
    if len(octets) != 6 or octets[1] > 32:
        raise ValueError("not a prefix")
    return str(ipaddress.IPv4Network((octets[2:], octets[1])))


def _decode_sized(size: int, render: Callable[[bytes], str]) -> Callable[[bytes], str]:
    def decode_sized(octets: bytes) -> str:
        if len(octets) != size:
            raise ValueError("wrong size")
        return render(octets)

    return decode_sized


_ENCODERS: Final[Mapping[str, Callable[[str | int | bytes], bytes]]] = {
    "string": _encode_string,
    "octets": _encode_octets,
    "ipaddr": _sized(4, lambda value: ipaddress.IPv4Address(value).packed),
    "ipv6addr": _sized(16, _parse_ipv6),
    "ipv4prefix": _encode_ipv4_prefix,
    "ipv6prefix": _encode_ipv6_prefix,
    "ifid": _sized(8, _parse_ifid),
    "ether": _sized(6, _parse_ether),
}

_DECODERS: Final[Mapping[str, Callable[[bytes], str]]] = {
    "string": text,
    "ipaddr": _decode_sized(4, ipv4_text),
    "ipv6addr": _decode_sized(16, ipv6_text),
    "ipv4prefix": _decode_ipv4_prefix,
    "ipv6prefix": _decode_ipv6_prefix,
    "ifid": _decode_sized(8, lambda octets: octets.hex(":", 2)),
    "ether": _decode_sized(6, lambda octets: octets.hex(":")),
}

_WORDS: Final[Mapping[str, str]] = {
    "string": "text",
    "octets": "text or `0x` with hex digits",
    "ipaddr": "IPv4 address",
    "ipv6addr": "IPv6 address",
    "ipv4prefix": "IPv4 prefix",
    "ipv6prefix": "IPv6 prefix",
    "ifid": "interface identifier",
    "ether": "MAC address",
}
