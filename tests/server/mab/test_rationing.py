"""What a helpdesk may change in an hour."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nacd.server import control
from nacd.server.mab.rationing import Ration
from nacd.server.people.command import NotDone
from nacd.server.people.roles import Role, Roles
from nacd.values import Instant
from tests.server.people.test_inventorying import ADD, GAMES, Desk, row, within


def at(seconds: float) -> Instant:
    return Instant(wall=1_800_000_000.0, monotonic=seconds)


def by(role: Role) -> Any:
    return SimpleNamespace(by=SimpleNamespace(may=lambda wanted: wanted is role))


def test_an_hours_ration_is_given_once_an_hour() -> None:
    ration, desk = Ration(per_hour=10), by(Role.HELPDESK)
    ration.take(desk, 4, at(0))
    ration.take(desk, 6, at(1_800))
    with pytest.raises(NotDone, match=r"these are 1 and 0 are left"):
        ration.take(desk, 1, at(3_599))
    ration.take(desk, 4, at(3_600))
    with pytest.raises(NotDone, match=r"these are 1 and 0 are left"):
        ration.take(desk, 1, at(5_399))
    ration.take(desk, 6, at(5_400))


def test_what_does_not_fit_takes_nothing() -> None:
    ration, desk = Ration(per_hour=10), by(Role.HELPDESK)
    with pytest.raises(NotDone, match="these are 11 and 10 are left"):
        ration.take(desk, 11, at(0))
    ration.take(desk, 10, at(0))
    ration.take(desk, 0, at(0))


def test_whoever_may_configure_needs_none() -> None:
    ration = Ration(per_hour=1)
    for _ in range(3):
        ration.take(by(Role.CONFIG), 1_000_000, at(0))
    ration.take(by(Role.HELPDESK), 1, at(0))


def test_a_helpdesk_cannot_fill_the_audit_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def told(desk: Desk, first: int, count: int) -> Any:
        return (await desk.send((row(number) for number in range(first, first + count)), at_once=40))[-1]

    async def story(desk: Desk) -> None:
        monkeypatch.setattr(control, "_peer", lambda _writer: GAMES)
        assert (await told(desk, 0, 5_000))["answer"]["added"] == 5_000
        assert (await told(desk, 0, 5_000))["answer"]["left"] == 5_000, "what changes nothing costs nothing"
        kind, words = await desk.refusal("mab.add", **ADD)
        assert (kind, "0 are left" in words) == ("not_done", True), (kind, words)
        before = len(desk.events)
        assert "a helpdesk changes 5,000 entries an hour" in str(await told(desk, 5_000, 600))
        assert len(desk.events) == before + 1, "the order, and none of what it asked for"
        monkeypatch.undo()
        assert (await told(desk, 5_000, 6_000))["answer"]["added"] == 6_000, "root needs no ration"

    within(tmp_path, story, Roles(helpdesk=("games",)))
