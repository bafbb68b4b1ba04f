"""The vocabulary of sessions: frozen, and absence has a name."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from nacd.sessions import Names, NotOurs, Phase, Place, Session, Settled


def test_a_session_that_we_never_authorized_says_so_and_wants_nothing() -> None:
    session = Session(
        id=0,
        place=Place(nas="switch", source="10.0.0.1"),
        names=Names(acct_session_id="1"),
        phase=Phase.LIVE,
        authorized_at=0.0,
        standing=NotOurs(),
        grounds=NotOurs(),
    )
    assert session.wish == Settled()
    with pytest.raises(FrozenInstanceError):
        session.phase = Phase.ENDED  # type: ignore[misc]
