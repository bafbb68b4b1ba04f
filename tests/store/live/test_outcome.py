"""What became of a change: nothing is said to be so by default but that it is stored."""

from __future__ import annotations

from nacd.session.table import NO_SESSION
from nacd.store.live.outcome import Applied


def test_by_default_a_change_is_stored_and_has_changed_nothing() -> None:
    assert Applied() == Applied(session=NO_SESSION, changed=False, stored=True, why="", ended=())
