"""Sessions of which nothing is wanted any more since a moment ago."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nacd.server.sessions.loop import lately
from nacd.server.sessions.loop.lately import Lately
from nacd.sessions import Accounted, AccountingKind, Change, Gone, Names, Phase, Session, Settled, Wished
from tests.server.sessions.nases import NOW, pending, place, session

SETTLED = session("cisco-ios")
WANTED = replace(SETTLED, wish=pending("fix"))


def wished(of: Session) -> Change:
    return Wished(id=of.id, wish=of.wish, at=NOW)


def interim() -> Change:
    return Accounted(
        kind=AccountingKind.INTERIM,
        place=place("cisco-ios"),
        names=Names(),
        at=NOW,
        happened_at=NOW,
        record="",
    )


def test_a_page_that_shows_a_wish_which_has_settled_is_old() -> None:
    known = Lately()
    known.applied(wished(WANTED), WANTED)
    assert not known.has_settled(WANTED)
    known.applied(wished(SETTLED), SETTLED)
    assert known.has_settled(WANTED)
    assert not known.has_settled(SETTLED)
    assert not known.has_settled(replace(WANTED, id=2))


def test_what_is_wanted_again_since_is_not_settled() -> None:
    known = Lately()
    known.applied(wished(SETTLED), SETTLED)
    known.applied(interim(), WANTED)
    assert not known.has_settled(WANTED)


def test_an_end_settles_whoever_told_of_it() -> None:
    ended = replace(SETTLED, phase=Phase.ENDED, wish=Settled())
    for change in (interim(), Gone(id=1, phase=Phase.ENDED, at=NOW, cause="")):
        known = Lately()
        known.applied(change, ended)
        assert known.has_settled(WANTED)
    known = Lately()
    known.settled(1)
    assert known.has_settled(WANTED)


def test_an_interim_settles_nothing_and_takes_no_room() -> None:
    known = Lately()
    known.applied(interim(), SETTLED)
    assert len(known) == 0


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lately, "MOST", 2)
    known = Lately()
    for id in (1, 2, 1, 3):
        known.settled(id)
    assert [known.has_settled(replace(WANTED, id=id)) for id in (1, 2, 3)] == [True, False, True]
