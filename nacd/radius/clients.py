"""The NASes nacd answers, found by source address.

Knows: networks, shared secrets, and what each NAS must prove. Refuses to know: what a NAS says of
itself; only the source address selects the secret (RFC 3579 section 3.3). An unknown address leaves no trace.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from nacd.values import NO_SECRET, Nas, Secret

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
MEMO_CAPACITY: Final = 65_536
"""Addresses of known NASes remembered, so that their networks are searched once."""


class MessageAuthenticatorRule(StrEnum):
    """What an Access-Request without Message-Authenticator is worth (CVE-2024-3596).

    ``require``: nothing. ``auto``: something until its sender has shown that it can. ``accept``: something.
    """

    REQUIRE = "require"
    AUTO = "auto"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A NAS with its secret. Stays inside ``radius/`` and the shells; rooms see ``nas`` alone.

    probe_users: names that monitoring sends; a probe without Message-Authenticator is counted apart.
    timeout_s: how long it waits for an answer before it asks again.
    next_secret: valid beside ``secret`` while NASes are changed over, ``NO_SECRET`` at other times. Of a request that
    was let in, ``secret`` is the one that it was made with.
    Raises ValueError for an empty secret, which would prove nothing.
    """

    nas: Nas
    networks: tuple[Network, ...]
    secret: Secret
    message_authenticator: MessageAuthenticatorRule = MessageAuthenticatorRule.REQUIRE
    probe_users: frozenset[str] = frozenset()
    timeout_s: float = 5.0
    next_secret: Secret = NO_SECRET

    def __post_init__(self) -> None:
        if not self.secret.reveal() or (self.next_secret is not NO_SECRET and not self.next_secret.reveal()):
            raise ValueError(f"client `{self.nas.name}` has an empty secret")

    def turned(self) -> Client:
        """The same NAS with its other secret in front."""
        return replace(self, secret=self.next_secret, next_secret=self.secret)


class ClientTable:
    """Longest-prefix search over IPv4 and IPv6 networks."""

    def __init__(self, clients: Iterable[Client], memo_capacity: int = MEMO_CAPACITY) -> None:
        """Raises ValueError naming both clients when two claim the same network."""
        self.clients = tuple(clients)
        self._memo: dict[str, Client] = {}
        self._memo_capacity = memo_capacity
        owners: dict[Network, Client] = {}
        for client in self.clients:
            for network in client.networks:
                network = _unmapped(network)
                if network in owners:
                    raise ValueError(
                        f"network `{network}` belongs to client `{owners[network].nas.name}`"
                        f" and to client `{client.nas.name}`"
                    )
                owners[network] = client
        self._v4 = _by_prefix(owners, 4)
        self._v6 = _by_prefix(owners, 6)

    def find(self, address: str) -> Client | None:
        """The client with the longest matching network; None when nobody claims the address.

        IPv4 in IPv6 (``::ffff:192.0.2.1``) counts as IPv4, a scope (``%eth0``) is ignored.
        """
        client = self._memo.get(address)
        if client is not None:
            return client
        client = self._search(address)
        if client is not None:
            # Known NASes only: spoofed addresses outside every network leave nothing behind.
            if len(self._memo) >= self._memo_capacity:
                self._memo.clear()
            self._memo[address] = client
        return client

    def _search(self, address: str) -> Client | None:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return None
        number = int(parsed)
        tables = self._v4 if parsed.version == 4 else self._v6
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            number = int(parsed.ipv4_mapped)
            tables = self._v4
        for mask, clients in tables:
            client = clients.get(number & mask)
            if client is not None:
                return client
        return None


_Tables: TypeAlias = tuple[tuple[int, dict[int, Client]], ...]


def _by_prefix(owners: dict[Network, Client], version: int) -> _Tables:
    """(mask, network number -> client), longest prefix first."""
    tables: dict[int, dict[int, Client]] = {}
    for network, client in owners.items():
        if network.version == version:
            tables.setdefault(int(network.netmask), {})[int(network.network_address)] = client
    return tuple(sorted(tables.items(), key=lambda item: item[0], reverse=True))


def _unmapped(network: Network) -> Network:
    """An IPv4 network written as IPv6 (``::ffff:10.0.0.0/104``), in its own family."""
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        low = int(network.network_address) & 0xFFFFFFFF
        return ipaddress.IPv4Network((low, network.prefixlen - 96))
    return network
