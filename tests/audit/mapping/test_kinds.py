"""Every event has a class and categories that belong together."""

from __future__ import annotations

import pytest

from nacd.audit.catalogue import EVENTS
from nacd.audit.mapping import kinds
from nacd.audit.mapping.kinds import kind


@pytest.mark.parametrize("code", EVENTS)
def test_every_event_of_the_table_has_a_class_with_a_name(code: str) -> None:
    known = kind(EVENTS[code].name)
    assert known.ocsf in kinds.CLASSES
    assert known.ocsf // 1000 in kinds.CATEGORIES
    assert known.activity_name


def test_decisions_are_authentications_and_say_how_they_ended() -> None:
    assert (kind("access.accept").ocsf, kind("access.accept").outcome) == (kinds.AUTHENTICATION, "success")
    for name in ("access.reject", "access.eap_failed", "access.refused", "access.managed", "access.repeated"):
        assert (kind(name).ocsf, kind(name).outcome) == (kinds.AUTHENTICATION, "failure")


def test_an_event_that_nobody_knows_yet_is_a_base_event() -> None:
    assert (kind("tomorrow.new").ocsf, kind("").ocsf) == (kinds.BASE, kinds.BASE)
    assert kind("access.tomorrow").ocsf == kinds.AUTHENTICATION
