"""What generations have answered, collected each second."""

from __future__ import annotations

from nacd.audit import events
from nacd.server.clock import instant
from nacd.server.reload import generation
from nacd.server.reload.measuring import Measuring, unfinished
from nacd.server.reload.outcomes import GONE
from tests.server.house import PRINTER_MAC, House


def test_answers_are_counted_for_every_group_of_the_nas_and_forgotten_by_the_generation(house: House) -> None:
    measuring = Measuring()
    house.nas().mab(PRINTER_MAC)
    house.nas().mab("02-00-00-00-00-01")
    now = instant()
    assert not house.do(lambda: measuring.collect(house.in_force, now))
    assert measuring.windows.last("wired", 600, now.monotonic) == {"profile printers": 1, "rejected": 1}
    assert not house.in_force.current.outcomes


def test_what_is_tried_out_is_counted_apart(house: House) -> None:
    measuring = Measuring()
    new = generation.build(house.site.assemble(), house.shared, 2)
    house.do(lambda: house.in_force.try_out(new, "wired"))
    house.nas().mab(PRINTER_MAC)
    now = instant()
    assert house.do(lambda: measuring.collect(house.in_force, now)) == {"profile printers": 1}
    assert not measuring.windows.last("wired", 600, now.monotonic)


def test_peers_that_went_silent_count_where_their_nas_is_now(house: House) -> None:
    gone = events.bug(kind="any", where="any", nas="switch", source="127.0.0.1", now=instant())
    unfinished((gone,), house.in_force)
    assert dict(house.in_force.current.outcomes) == {("switch", GONE): 1}
    unfinished((events.started(version="1", detail="", now=instant()),), house.in_force)
    assert sum(house.in_force.current.outcomes.values()) == 1
