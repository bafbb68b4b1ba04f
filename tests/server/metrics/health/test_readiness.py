"""Whether nacd serves, and what is not as it should be."""

from __future__ import annotations

from nacd.server.metrics.health.readiness import WEDGED_S, Finding, Health, serves

HELD = Finding(check="guard", says="it holds")
FULL = Finding(check="audit", says="the disk is full", serves=False)


def test_all_is_well_while_nobody_finds_anything() -> None:
    health = Health(tick_age_s=lambda: 1.0, looks=(tuple, list))
    assert (health.live(), health.ready()) == ((), ())
    assert serves(())


def test_what_is_found_is_told_and_some_of_it_stops_nothing() -> None:
    health = Health(tick_age_s=lambda: 1.0, looks=(lambda: [HELD],))
    assert health.ready() == (HELD,)
    assert serves(health.ready())
    health.looks = (lambda: [HELD], lambda: [FULL])
    assert not serves(health.ready())
    assert health.live() == ()  # a restart would mend neither


def test_housekeeping_that_stands_still_needs_a_restart() -> None:
    health = Health(tick_age_s=lambda: WEDGED_S + 3)
    (found,) = health.live()
    assert "18 s ago" in found.says
    assert not serves(health.ready())
