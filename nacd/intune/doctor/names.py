"""Whether a name has addresses, and what kind of trouble it is when it has none.

Knows: the resolver's errors in words, addresses that no server of Microsoft has. Refuses to know: who lives there.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any

from nacd.errors import SourceError
from nacd.intune.doctor.step import Finding, failed, good, warning
from nacd.intune.doctor.together import together

Resolver = Callable[..., list[tuple[Any, ...]]]
_SHOWN = 6
_FIX = "look at /etc/resolv.conf, then try `getent ahosts {host}` as nacd's user; must a `proxy` be configured?"


class _Unresolved(SourceError):
    """The resolver's own word, as a number."""

    def __init__(self, number: int, words: str) -> None:
        super().__init__(words)
        self.number = number


def addresses(hosts: Sequence[str], until: float, *, public: bool, resolver: Resolver = socket.getaddrinfo) -> Finding:
    """The addresses of every host, asked for at the same time. public: a private address is remarkable there.

    until: monotonic seconds. resolver: ``socket.getaddrinfo``, or one like it.
    """
    lines, bad, odd = [], "", ""
    for host, found in together(hosts, lambda host: _ask(host, resolver), until):
        if isinstance(found, SourceError):
            lines.append(_in_words(host, found))
            bad = bad or host
            continue
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        lines.append(f"{host}  {', '.join(found[:_SHOWN])}{more}")
        if public and not any(ipaddress.ip_address(address.partition("%")[0]).is_global for address in found):
            odd = odd or host
    if bad:
        return failed("\n".join(lines), _FIX.format(host=bad))
    if odd:
        fix = (
            f"`{odd}` has no public address: a dns filter or a local proxy answers for Microsoft; ask whoever runs dns"
        )
        return warning("\n".join(lines), fix)
    return good("\n".join(lines))


def _ask(host: str, resolver: Resolver) -> list[str]:
    try:
        rows = resolver(host, 443, type=socket.SOCK_STREAM)
    except OSError as trouble:
        raise _Unresolved(trouble.errno or 0, (trouble.strerror or type(trouble).__name__).lower()) from trouble
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def _in_words(host: str, trouble: SourceError) -> str:
    if not isinstance(trouble, _Unresolved):
        return f"{host}  {trouble.detail}"
    words = {
        socket.EAI_NONAME: "there is no such name",
        socket.EAI_AGAIN: "no name server answers",
    }.get(trouble.number, trouble.detail)
    return f"{host}  {words}"
