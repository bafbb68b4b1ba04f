"""One configuration at work, as one value."""

from __future__ import annotations

import dataclasses
import weakref

import pytest

from nacd.eap.conversation import Ongoing
from nacd.server.clock import random_octets
from nacd.server.reload.generation import Generation, Shared, build, marks
from tests.server.house import Site


def made(site: Site, number: int = 1) -> Generation:
    return build(site.assemble(), Shared(ongoing=Ongoing(), random=random_octets), number)


def test_a_generation_is_never_changed(site: Site) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        made(site).number = 2  # type: ignore[misc]


def test_it_decides_by_the_policy_and_the_clients_of_its_files(site: Site) -> None:
    one = made(site, 7)
    assert one.number == 7
    assert one.policy_digest == one.assembled.loaded.digest
    assert one.table is one.assembled.table
    assert one.table.find("127.0.0.1") is not None


def test_that_it_can_begin_conversations_does_not_keep_it_alive(site: Site) -> None:
    one = made(site)
    conversations = one.authorizer._conversations
    assert conversations is not None
    assert conversations.owner() is one
    gone = weakref.ref(one)
    del one
    assert gone() is None


def test_voice_and_tokens_are_those_of_the_vendors_in_use(site: Site) -> None:
    known = marks(site.assemble())
    assert "cisco-ios" in known.tokens
    assert known.voice == frozenset()
