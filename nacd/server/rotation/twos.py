"""The NASes of a configuration that have two secrets, for what they send or for what they are asked with. Pure.

Knows: which NASes these are. Refuses to know: which of the two anybody uses (``radius/overlap``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from nacd.radius.clients import Client
from nacd.server.assembly import Assembled
from nacd.server.sessions.targets import secrets_asked_with
from nacd.values import NO_SECRET, Secret


class Two(NamedTuple):
    """One NAS. requests, asked_with: the secret in force and the next one, ``NO_SECRET`` for none."""

    client: Client
    requests: tuple[Secret, Secret]
    asked_with: tuple[Secret, Secret]

    @property
    def all(self) -> tuple[Secret, ...]:
        """What makes this change that one and no other."""
        return (*self.requests, *self.asked_with)


def twos(assembled: Assembled) -> Iterator[Two]:
    """In the order of the file."""
    clients = {client.nas.name: client for client in assembled.clients}
    for written in assembled.loaded.settings.clients:
        client = clients[written.name]
        requests = (client.secret, client.next_secret)
        asked_with = secrets_asked_with(written.dynauth, client) if written.dynauth is not None else requests
        if NO_SECRET in (requests[1], asked_with[1]) and requests[1] == asked_with[1]:
            continue
        yield Two(client, requests, asked_with)
