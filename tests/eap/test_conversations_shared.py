"""Two that stand side by side while one takes the other's place, and share what is ongoing."""

from __future__ import annotations

import os

from nacd.eap.conversation import Ongoing
from nacd.eap.conversations import Conversations
from nacd.eap.limits import EapOptions
from nacd.values import Challenge


def test_two_that_share_what_is_ongoing_go_on_with_their_own_and_count_together(kit, site):
    ongoing = Ongoing(EapOptions(max_waiting=2))
    context = kit.tls_context(site.server, {"devices": [site.root]})
    old, new = (Conversations(context, EapOptions(), os.urandom, ongoing=ongoing) for _ in range(2))
    owners = [object(), object()]
    old.owner, new.owner = (lambda: owners[0]), (lambda: owners[1])
    begun = old.receive(kit.access_request(kit.response(1, 1)), kit.instant())
    assert ongoing.owner("10.20.0.1", begun.state) is owners[0]
    answer = kit.response(begun.eap[1], 3, b"\x19")
    assert new.receive(kit.access_request(answer, begun.state), kit.instant()).code == "conversation_unknown"
    assert old.receive(kit.access_request(answer, begun.state), kit.instant()).code == "method_refused"
    for number, each in enumerate((old, new)):
        station = f"02-00-00-00-00-0{number + 5}"
        each.receive(kit.access_request(kit.response(1, 1), calling_station_id=station), kit.instant())
    third = kit.access_request(kit.response(1, 1), calling_station_id="02-00-00-00-00-09")
    assert new.receive(third, kit.instant()).code == "overloaded"
    assert ongoing.drop(owners[0]) == 1
    assert isinstance(new.receive(third, kit.instant()), Challenge)


def test_a_station_that_begins_with_the_new_one_ends_what_it_had_begun_with_the_old(kit, site):
    ongoing = Ongoing()
    context = kit.tls_context(site.server, {"devices": [site.root]})
    old, new = (Conversations(context, EapOptions(), os.urandom, ongoing=ongoing) for _ in range(2))
    new.owner = lambda: ongoing
    old.receive(kit.access_request(kit.response(1, 1)), kit.instant())
    new.receive(kit.access_request(kit.response(1, 1)), kit.instant())
    assert len(ongoing.live) == 1
    assert old.counters.waiting == new.counters.waiting == 1
