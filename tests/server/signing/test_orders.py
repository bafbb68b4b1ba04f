"""`clients.report` at the control socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.server.clock import instant
from nacd.server.people.command import Asked, NotDone, OrderRefused
from nacd.server.people.roles import Person, Role
from nacd.server.signing.orders import commands
from tests.server.house import Site


async def _nobody(_said: object) -> None:
    """Nothing is said on the way."""


def asked_for(**fields: Any) -> Asked:
    return Asked(fields=fields, by=Person(uid=0, user="root", role=Role.CONFIG), write=_nobody)


def give(site: Site, ledger: MessageAuthenticatorLedger, order: str, asked: Asked) -> Any:
    clients = site.assemble().clients
    command = commands(lambda: clients, ledger, instant)[f"clients.{order}"]
    assert command.role is (Role.READ if order == "report" else Role.CONFIG)
    return asyncio.run(command.work(asked))  # type: ignore[arg-type]


def ask(site: Site, ledger: MessageAuthenticatorLedger, order: str = "report", **fields: Any) -> Any:
    return give(site, ledger, order, asked_for(**fields))


def test_each_client_is_judged_and_its_addresses_are_told_those_with_unsigned_requests_first(site: Site) -> None:
    ledger, now = MessageAuthenticatorLedger(), instant().wall
    ledger.signed("switch", "127.0.0.1", now - 60, eap=False)
    ledger.unsigned("switch", "127.0.0.2", now - 50, taken=True)
    ledger.unsigned("switch", "127.0.0.3", now - 40, taken=False)
    told = ask(site, ledger)["clients"]
    (switch,) = [each for each in told if each["name"] == "switch"]
    assert (switch["seen"], switch["signed"], switch["unsigned"]) == (3, 1, 2)
    assert [row["source"] for row in switch["addresses"]] == ["127.0.0.3", "127.0.0.2", "127.0.0.1"]
    assert [row["unsigned_taken"] for row in switch["addresses"]] == [0, 1, 0]
    (one,) = ask(site, ledger, nas="switch", limit=1)["clients"]
    assert (one["seen"], len(one["addresses"])) == (3, 1)


def test_a_nas_that_is_not_there_is_refused(site: Site) -> None:
    with pytest.raises(OrderRefused, match="there is no NAS `nobody`"):
        ask(site, MessageAuthenticatorLedger(), nas="nobody")


def test_a_nas_that_is_forgotten_need_not_sign_any_more(site: Site) -> None:
    ledger, now = MessageAuthenticatorLedger(), instant().wall
    ledger.signed("switch", "127.0.0.1", now, eap=False)
    assert ask(site, ledger, "forget", nas="switch") == {"forgotten": 1}
    assert not ledger.requires("switch", "127.0.0.1")
    with pytest.raises(OrderRefused, match="there is no NAS `nobody`"):
        ask(site, ledger, "forget", nas="nobody")


def test_the_record_says_which_nas_need_not_sign_any_more(site: Site) -> None:
    ledger = MessageAuthenticatorLedger()
    ledger.signed("switch", "127.0.0.1", instant().wall, eap=False)
    asked = asked_for(nas="switch", source="127.0.0.1")
    give(site, ledger, "forget", asked)
    assert asked.outcome == "1 address of NAS `switch` (127.0.0.1) forgotten"


def test_an_address_is_forgotten_however_it_is_written_and_what_is_none_is_refused(site: Site) -> None:
    ledger = MessageAuthenticatorLedger()
    ledger.signed("switch", "2001:db8::a", instant().wall, eap=False)
    assert ask(site, ledger, "forget", nas="switch", source="2001:0DB8:0::A") == {"forgotten": 1}
    with pytest.raises(OrderRefused, match=r"`10\.0\.0` is no address"):
        ask(site, ledger, "forget", nas="switch", source="10.0.0")


def test_one_address_is_not_said_to_be_forgotten_while_all_of_its_nas_must_sign(site: Site) -> None:
    ledger, now = MessageAuthenticatorLedger(capacity=1), instant().wall
    for last in (1, 2):
        ledger.signed("switch", f"127.0.0.{last}", now, eap=False)
    with pytest.raises(NotDone, match="every address of `switch` must sign"):
        ask(site, ledger, "forget", nas="switch", source="127.0.0.1")
    assert ledger.requires("switch", "127.0.0.1")
