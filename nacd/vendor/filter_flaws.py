"""What is wrong in one line of a downloadable access list that has the right form.

Knows: addresses, masks, protocols and ports as each language writes them. Refuses to know: names that only the NAS can
look up (ports, objects, time ranges), and whatever follows the destination: of those it says nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from nacd.vendor.filter_lines import EXAMPLES, LANGUAGES

_KNOWN: Final = """
    ip ipv4 ipv6 tcp udp icmp icmp6 icmpv6 igmp igrp gre esp esp-v6 ah ahp ah-v6 eigrp ospf pim sctp ipinip nos pcp snp
    vrrp rsvp l2tp
"""
_PROTOCOLS: Final = frozenset(_KNOWN.split())
_WITH_PORTS: Final = frozenset({"tcp", "udp", "sctp", "6", "17", "132"})
_OPERATORS: Final = frozenset({"eq", "neq", "gt", "lt", "range"})
_ANY: Final = frozenset({"any", "any4", "any6"})
_OBJECTS: Final = frozenset({"object", "object-group", "interface", "addrgroup", "portgroup", "object-group-user"})
_PORTS: Final = range(65_536)


def complaint(line: str) -> str:
    """What is wrong with a line whatever NAS it is for, a clause; ``""`` if some language takes it."""
    readers = [language for language, pattern in LANGUAGES.items() if pattern.fullmatch(line)]
    if not readers:
        forms = "`, `".join(dict.fromkeys(EXAMPLES.values()))
        return f"it is no line of an access list that nacd knows: they look like `{forms}`"
    return flaw(line, readers[0])


def flaw(line: str, language: str, *, wildcards: bool = False) -> str:
    """What is wrong with a line of this language, a clause; ``""`` if nothing can be told against it.

    wildcards: the NAS counts the bits that do not matter, so that a netmask would match something else.
    """
    tokens = line.split()
    try:
        _FLAWS[language](tokens, wildcards)
    except _Flaw as found:
        return str(found)
    return ""


class _Flaw(Exception):
    """What stands in the way of reading on."""


def _protocol(word: str) -> None:
    if word.isdecimal() and int(word) > 255:
        raise _Flaw(f"`{word}` is no protocol: its number is from 0 to 255")
    if not word.isdecimal() and word.lower() not in _PROTOCOLS:
        raise _Flaw(f"`{word}` is no protocol that nacd knows: write `ip`, `tcp`, `udp`, `icmp` or its number")


def _port(word: str) -> int:
    """Its number, -1 for a name."""
    if not word.isdecimal():
        return -1
    if int(word) not in _PORTS:
        raise _Flaw(f"`{word}` is no port: they end at {_PORTS.stop - 1}")
    return int(word)


def _between(first: str, last: str) -> None:
    if -1 < _port(last) < _port(first):
        raise _Flaw(f"the ports `{first}` to `{last}` run backwards")


# -- extended access list entries -------------------------------------------------------------------


def _cisco(tokens: Sequence[str], wildcards: bool) -> None:
    if tokens[0] == "remark" or _OBJECTS & set(tokens):
        return  # what an object holds is known to the NAS alone
    _protocol(tokens[1])
    has_ports = tokens[1] in _WITH_PORTS
    rest = _cisco_ports(_cisco_address(tokens[2:], "source", wildcards), has_ports)
    rest = _cisco_address(rest, "destination", wildcards)
    if rest and rest[0] in _OPERATORS:
        _cisco_ports(rest, has_ports)


def _cisco_address(tokens: Sequence[str], what: str, wildcards: bool) -> Sequence[str]:
    """What stands behind an address."""
    if not tokens:
        raise _Flaw(f"its {what} is missing")
    first, second = tokens[0], tokens[1] if len(tokens) > 1 else ""
    if first in _ANY:
        return tokens[1:]
    if first == "host":
        if not second:
            raise _Flaw(f"the address of its {what} is missing behind `host`")
        if second[0].isdigit() or ":" in second:
            _address(second, what)
        return tokens[2:]
    if "/" in first or ":" in first:
        _network(first, what)
        return tokens[1:]
    _address(first, what)
    _mask(first, second, what, wildcards)
    return tokens[2:]


def _mask(address: str, mask: str, what: str, wildcards: bool) -> None:
    try:
        bits = int(ipaddress.IPv4Address(mask))
    except ValueError:
        said = f"`{mask}` is none" if mask else "it is missing"
        raise _Flaw(f"behind `{address}`, its {what}, a mask is wanted and {said}: or write `host {address}`") from None
    left = ~bits & 0xFFFFFFFF
    # Ones from the left alone: that is a netmask. All ones and all zeros are both kinds.
    if wildcards and bits not in (0, 0xFFFFFFFF) and left & (left + 1) == 0:
        raise _Flaw(f"`{mask}` is a netmask, and this NAS counts the other bits: write `{ipaddress.IPv4Address(left)}`")


def _cisco_ports(tokens: Sequence[str], has_ports: bool) -> Sequence[str]:
    """What stands behind the ports, if there are any."""
    if not tokens or tokens[0] not in _OPERATORS:
        return tokens
    operator = tokens[0]
    if not has_ports:
        raise _Flaw(f"`{operator}` asks for ports, which only `tcp` and `udp` have")
    end = 1
    while end < len(tokens) and not _begins_address(tokens[end]):
        end += 1
    ports = tokens[1:end]
    if len(ports) < (2 if operator == "range" else 1):
        raise _Flaw(f"`{operator}` needs {'two ports' if operator == 'range' else 'a port'}")
    if operator == "range":
        _between(ports[0], ports[1])
    else:
        _port(ports[0])
    return tokens[end:]


def _begins_address(word: str) -> bool:
    return word in _ANY or word == "host" or any(mark in word for mark in ".:/")


def _address(word: str, what: str) -> None:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        raise _Flaw(f"`{word}` is no address for its {what}: write `any`, `host 10.0.0.1` or an address") from None


def _network(word: str, what: str) -> None:
    try:
        ipaddress.ip_network(word, strict=False)
    except ValueError:
        raise _Flaw(f"`{word}` is no address or network for its {what}") from None


# -- IPFilterRule (RFC 3588 section 4.3) --------------------------------------------------------------


def _ipfilter(tokens: Sequence[str], _wildcards: bool) -> None:
    _protocol(tokens[2])
    to = tokens.index("to")
    for what, part in (("source", tokens[4:to]), ("destination", tokens[to + 1 :])):
        where = part[0].removeprefix("!")
        if where not in ("any", "assigned"):
            _network(where, what)
        if len(part) > 1 and part[1][0].isdigit():
            _ipfilter_ports(part[1])


def _ipfilter_ports(written: str) -> None:
    for each in written.split(","):
        if not re.fullmatch(r"\d+(-\d+)?", each):
            raise _Flaw(f"`{written}` is no list of ports: write them as in `80,443,8000-8080`")
        first, _, last = each.partition("-")
        _between(first, last or first)


# -- Junos -------------------------------------------------------------------------------------------

_IP = re.compile(r"\b(source|destination)-ip\s+([^\s,]+)", re.IGNORECASE)
_JUNOS_PORT = re.compile(r"\b(?:source|destination)-port\s+(\d+)", re.IGNORECASE)


def _junos(tokens: Sequence[str], _wildcards: bool) -> None:
    line = " ".join(tokens)
    for found in _IP.finditer(line):
        _network(found.group(2), found.group(1).lower())
    for found in _JUNOS_PORT.finditer(line):
        _port(found.group(1))


_FLAWS: Final[Mapping[str, Callable[[Sequence[str], bool], None]]] = {
    "cisco": _cisco,
    "ipfilter": _ipfilter,
    "ipfilter-in": _ipfilter,
    "junos": _junos,
}
