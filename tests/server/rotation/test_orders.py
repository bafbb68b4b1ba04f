"""`clients.secrets` at the control socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from nacd.radius.overlap.seen import SecretsSeen
from nacd.server.clock import instant
from nacd.server.people.command import Asked, OrderRefused
from nacd.server.people.roles import Person, Role
from nacd.server.rotation.orders import commands
from nacd.values import Secret
from tests.server.house import Site


async def _nobody(_said: object) -> None:
    """Nothing is said on the way."""


def ask(site: Site, seen: SecretsSeen, **fields: Any) -> Any:
    assembled = site.assemble()
    command = commands(lambda: assembled, seen, instant)["clients.secrets"]
    assert command.role is Role.READ
    by = Person(uid=0, user="root", role=Role.CONFIG)
    return asyncio.run(command.work(Asked(fields=fields, by=by, write=_nobody)))  # type: ignore[arg-type]


def two(site: Site) -> None:
    site.write("secrets/next", "the-next-secret-of-the-nas", 0o600)
    site.change('secret: "file:secrets/nas"', 'secret: "file:secrets/nas", next_secret: "file:secrets/next"')


def test_without_two_secrets_there_is_nothing_to_tell(site: Site) -> None:
    assert ask(site, SecretsSeen()) == {"clients": [], "forgotten": 0}
    with pytest.raises(OrderRefused, match="there is no NAS `nobody`"):
        ask(site, SecretsSeen(), nas="nobody")


def test_an_address_that_answers_with_the_old_one_still_needs_it(site: Site) -> None:
    two(site)
    seen, client = SecretsSeen(), site.assemble().clients[0]
    new = Secret(b"the-next-secret-of-the-nas")
    seen.saw(client, new, "127.0.0.1", 5.0)
    (told,) = ask(site, seen)["clients"]
    assert (told["name"], told["seen"], told["old"], told["old_at"]) == ("switch", 1, 0, 0.0)
    assert told["since"] > 0
    seen.answered("switch", "127.0.0.1", client.secret)
    (told,) = ask(site, seen)["clients"]
    assert told["old"] == 1
    assert told["addresses"] == [
        {
            "source": "127.0.0.1",
            "comes_with": "next_secret",
            "answers_with": "secret",
            "old_at": 0.0,
            "next_at": 5.0,
        }
    ]
    assert "next-secret-of" not in str(told)
