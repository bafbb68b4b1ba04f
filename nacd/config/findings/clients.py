"""What is lawful among NASes and yet dangerous: networks within networks, wide ones, and shared secrets.

Knows: networks and secrets of all clients, side by side. Refuses to know: what one client alone has wrong (``load``).
No message says anything of a secret but who else has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from nacd.config.fields import Network
from nacd.config.findings import secrets
from nacd.config.settings import Client
from nacd.config.yaml import PathTo
from nacd.findings import Code

WIDE: Final = {4: 24, 6: 64}
"""Prefix lengths, by IP version: as many addresses, or more, are wide."""
MANY_ADDRESSES: Final = 256
"""As many are wide too, however many networks they are in."""

Found = tuple[Code, PathTo, str]
"""Code, path in ``nacd.yaml``, message."""


def remarks(clients: Sequence[Client], noted: frozenset[PathTo]) -> Iterator[Found]:
    """All of them. noted: networks that are known to be wide."""
    yield from _overlaps(clients)
    for number, client in enumerate(clients):
        yield from _wide(client, ("clients", number, "network"), noted)
    yield from _shared(clients)


# -- networks -------------------------------------------------------------------------------


class _Claim(NamedTuple):
    network: Network
    owner: str
    path: PathTo


def _overlaps(clients: Sequence[Client]) -> Iterator[Found]:
    """Networks of one client within another's. Two networks never cross, so a walk in order meets the outer first."""
    claims = [
        _Claim(network, client.name, ("clients", number, "network", index))
        for number, client in enumerate(clients)
        for index, network in enumerate(client.network)
    ]
    claims.sort(key=lambda claim: (claim.network.version, int(claim.network.network_address), claim.network.prefixlen))
    around: list[_Claim] = []
    for claim in claims:
        while around and not _holds(around[-1].network, claim.network):
            around.pop()
        if around and around[-1].owner != claim.owner:
            outer = around[-1]
            message = (
                f"`{claim.network}` lies within `{outer.network}` of client `{outer.owner}`: here the narrower one,"
                f" `{claim.owner}`, counts"
            )
            yield Code.NETWORKS_OVERLAP, claim.path, message
        around.append(claim)


def _holds(outer: Network, inner: Network) -> bool:
    return outer.version == inner.version and inner.network_address in outer


def _wide(client: Client, path: PathTo, noted: frozenset[PathTo]) -> Iterator[Found]:
    wide = False
    for index, network in enumerate(client.network):
        if network.prefixlen <= WIDE[network.version]:
            wide = True
            if (*path, index) not in noted:
                message = f"all of `{network}` ({_addresses(network)}) share one secret"
                yield Code.NETWORK_WIDE, (*path, index), message
    addresses = sum(network.num_addresses for network in client.network)
    if not wide and addresses >= MANY_ADDRESSES:
        yield Code.NETWORK_WIDE, path, f"{addresses:,} addresses share one secret"


def _addresses(network: Network) -> str:
    return f"{network.num_addresses:,} addresses" if network.version == 4 else f"a /{network.prefixlen}"


# -- secrets --------------------------------------------------------------------------------


def _shared(clients: Sequence[Client]) -> Iterator[Found]:
    """Secrets of one client that another one has too, be it for changing sessions."""
    first: dict[bytes, tuple[int, str]] = {}
    for number, client in enumerate(clients):
        for where, secret in secrets.of_client(client):
            path = ("clients", number, *where)
            owner, name = first.setdefault(secret.reveal(), (number, client.name))
            if owner != number:
                yield Code.SECRET_REUSED, path, f"client `{name}` has the same secret: make one of its own"
        yield from _no_change(client, ("clients", number))


def _no_change(client: Client, path: PathTo) -> Iterator[Found]:
    """Two secrets that are one: nothing is changed over."""
    words = "`next_secret` is the same as `secret`: there is nothing to change to, take it away or make a new one"
    if client.next_secret is not None and client.next_secret == client.secret:
        yield Code.SECRET_REUSED, (*path, "next_secret"), words
    own = client.dynauth
    if own is not None and own.next_secret is not None and own.next_secret == own.secret:
        yield Code.SECRET_REUSED, (*path, "dynauth", "next_secret"), words
