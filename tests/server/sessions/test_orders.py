"""All orders about sessions at a real socket, and the records they leave."""

from __future__ import annotations

import pwd
from pathlib import Path
from typing import Any

import pytest

from nacd.server import control
from nacd.server.people.roles import Roles
from tests.server.people.stage import Stage, within
from tests.store.live.stage import authorized, guid

ORDERS = {
    "sessions.list": "read",
    "sessions.show": "read",
    "sessions.watch": "read",
    "coa.status": "read",
    "override.list": "read",
    "coa.reauthenticate": "coa",
    "coa.disconnect": "coa",
    "coa.bounce": "coa",
    "coa.release": "coa",
    "coa.discard": "coa",
    "reassess": "coa",
    "override.put": "coa",
    "override.lift": "coa",
}
GAMES = pwd.getpwnam("games").pw_uid


def test_every_order_declares_its_role(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert {name: command.role.word for name, command in stage.commands.items()} == ORDERS

    within(tmp_path, story)


def test_an_order_leaves_a_record_with_who_gave_it_and_what_came_of_it(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        (id,) = await stage.write(authorized(1))
        await stage.answer("coa.disconnect", subject=str(id))
        await stage.refusal("coa.disconnect", subject="4711")
        first, second = (dict[str, Any](event.fields) for event in stage.events)
        assert (first["code"], first["by"]) == ("A4022I", "root (uid 0)")
        assert first["order"] == {"name": "coa.disconnect", "subject": str(id), "outcome": "1 acknowledged"}
        assert (second["order"]["name"], second["order"]["subject"]) == ("coa.disconnect", "4711")
        assert second["order"]["outcome"].startswith("there is no session 4711")

    within(tmp_path, story)


def test_an_override_leaves_its_own_record_and_no_other_and_a_refused_one_leaves_one(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        wanted: dict[str, Any] = {"effect": "block", "subject": guid(1), "reason": "stolen"}
        put = await stage.answer("override.put", **wanted)
        await stage.answer("override.lift", id=put["override"]["id"])
        await stage.refusal("override.put", **{**wanted, "reason": ""})
        assert stage.codes() == ["override.put", "override.lifted", "order.given"]
        told: Any = stage.events[-1].fields["order"]
        assert told["subject"] == guid(1)

    within(tmp_path, story)


def test_looking_leaves_no_record(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for order in ("sessions.list", "coa.status", "override.list"):
            await stage.answer(order)
        assert stage.events == []

    within(tmp_path, story)


def test_whoever_may_only_look_is_refused_and_that_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_peer", lambda _writer: GAMES)

    async def story(stage: Stage) -> None:
        (id,) = await stage.write(authorized(1))
        assert len((await stage.answer("sessions.list"))["sessions"]) == 1
        kind, words = await stage.refusal("coa.bounce", subject=str(id))
        assert (kind, "needs the role `coa`" in words) == ("role", True)
        assert stage.loop.told == []
        (event,) = stage.events
        assert event.fields["by"] == f"games (uid {GAMES})"

    within(tmp_path, story, Roles(read=("games",)))
