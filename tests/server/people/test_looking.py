"""Sessions as people ask for them: lists, one in full, changes as they happen."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from nacd.server.people import looking
from nacd.server.people.command import OrderRefused
from nacd.server.people.looking import filter_of
from nacd.server.people.surroundings import Site
from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from nacd.sessions import AccountingKind, Gone, Pending, Phase, Settled, Wished
from nacd.store.live.filters import Filter
from tests.server.people.stage import Intune, Stage, within
from tests.store.live.stage import NOW, accounted, authorized, guid, mac, place, restarted, standing

SITE = Site(profiles=(), defaults={}, tenants={"campus": Intune()})


def ids(found: Any) -> list[int]:
    return [each["id"] for each in found["sessions"]]


# -- lists ------------------------------------------------------------------------------------------


def test_a_session_is_listed_with_where_who_and_under_which_decision(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        (id,) = await stage.write(authorized(1))
        (row,) = (await stage.answer("sessions.list"))["sessions"]
        shown = {"nas": "sw-1", "port": "1", "mac": mac(1), "user": "jane@example.org", "device": f"guid:{guid(1)}"}
        assert row.items() >= {"id": id, "phase": "authorized", "tenant": "campus", **shown}.items()
        assert row.items() >= {"profile": "corporate", "rule": "laptops", "compliance": "compliant"}.items()
        assert (row["authorized_at"], row["pending"], row["ours"]) == (NOW, None, True)

    within(tmp_path, story)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"device": guid(1)}, [1]),
        ({"device": "{" + guid(1).upper() + "}"}, [1]),
        ({"device": mac(2)}, [2]),
        ({"mac": mac(2).replace("-", ":").lower()}, [2]),
        ({"user": "jane@example.org"}, [1, 2, 3]),
        ({"user": "joe"}, []),
        ({"nas": "sw-2"}, [3]),
        ({"phase": "live"}, [2]),
        ({"phase": "ended"}, [4]),
        ({"all": True}, [1, 2, 3, 4]),
        ({"profile": "corporate", "nas": "sw-1"}, [1, 2]),
        ({"profile": "quarantine"}, []),
        ({"pending": True}, [1]),
        ({"tenant": "campus"}, [1, 2, 3]),
    ],
)
def test_sessions_are_found_by_what_is_named(tmp_path: Path, wanted: dict[str, Any], found: list[int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.write(authorized(1), authorized(2), authorized(3, where=place(3, nas="sw-2")), authorized(4))
        await stage.write(
            accounted(2, AccountingKind.START),
            accounted(4, AccountingKind.STOP),
            Wished(id=1, wish=Pending(wanted=standing("quarantine"), since=NOW), at=NOW),
        )
        assert ids(await stage.answer("sessions.list", **wanted)) == found

    within(tmp_path, story)


def test_pages_follow_one_another(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.write(*(authorized(number) for number in range(1, 6)))
        first = await stage.answer("sessions.list", limit=2)
        second = await stage.answer("sessions.list", limit=2, after=first["next"])
        third = await stage.answer("sessions.list", limit=2, after=second["next"])
        assert [ids(page) for page in (first, second, third)] == [[1, 2], [3, 4], [5]]
        assert third["next"] == 0

    within(tmp_path, story)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"device": "laptop-7"}, "neither an intune device id"),
        ({"mac": "laptop-7"}, "`laptop-7` is no mac"),
        ({"phase": "gone"}, "there is no phase `gone`; there are authorized, live, ended, aged"),
        ({"user": 7}, "`user` is one line of text"),
        ({"nas": "a\nb"}, "`nas` is one line of text"),
        ({"limit": 0}, "`limit` is a number from 1 to 1000"),
        ({"limit": True}, "`limit` is a number"),
        ({"after": -1}, "`after` is a number"),
        ({"tenant": "elsewhere"}, "there is no tenant `elsewhere`; there are: campus"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_words(tmp_path: Path, wanted: dict[str, Any], words: str) -> None:
    async def story(stage: Stage) -> None:
        kind, said = await stage.refusal("sessions.list", **wanted)
        assert (kind, words in said) == ("usage", True), said

    within(tmp_path, story)


def test_a_filter_names_devices_by_the_key_of_their_verdict() -> None:
    assert filter_of({"device": f"entra:{guid(1)}"}, SITE) == Filter(device=f"entra:{guid(1)}")
    assert filter_of({}, SITE) == Filter()
    with pytest.raises(OrderRefused):
        filter_of({"device": "entra:laptop"}, SITE)


# -- one session ------------------------------------------------------------------------------------


def test_one_session_is_shown_with_every_fact_and_the_override_in_force(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        (id,) = await stage.write(authorized(1))
        shown = await stage.answer("sessions.show", id=id)
        assert shown["full"]["grounds"]["certificate"]["subject"] == "CN=laptop-1"
        assert shown["full"]["grounds"]["nas"]["groups"] == ["campus"]
        assert shown["full"]["grounds"]["identity"]["assurance"] == "certificate"
        assert shown["full"]["wish"] is None
        assert shown["override"] is None
        stage.orders.put(
            Override(
                id=9,
                subject_kind=SubjectKind.MAC,
                subject=mac(1),
                tenant="",
                effect=OverrideEffect.BLOCK,
                profile="",
                reason="stolen",
                by="jane",
                at=NOW,
            )
        )
        assert (await stage.answer("sessions.show", id=id))["override"]["reason"] == "stolen"

    within(tmp_path, story)


def test_a_session_that_was_never_ours_is_shown_too(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        (id,) = await stage.write(accounted(1, AccountingKind.START, acct_session_id="A1", user_name="joe"))
        shown = await stage.answer("sessions.show", id=id)
        assert (shown["ours"], shown["user"], shown["full"]["standing"]) == (False, "joe", None)

    within(tmp_path, story)


def test_a_number_that_no_session_has_is_said_so(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert await stage.refusal("sessions.show", id=7) == (
            "not_done",
            "there is no session 7: `nacd sessions list --all` shows those that there were",
        )
        assert (await stage.refusal("sessions.show"))[0] == "usage"

    within(tmp_path, story)


# -- watching ---------------------------------------------------------------------------------------


class Watch:
    """Reads along."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def line(self) -> Any:
        said = json.loads(await asyncio.wait_for(self.reader.readline(), 5))
        return said["line"]


async def watching(stage: Stage, **wanted: Any) -> Watch:
    """Begins to watch; what is written after this is seen."""
    reader, writer = await asyncio.open_unix_connection(str(stage.path))
    writer.write(orjson.dumps({"order": "sessions.watch", **wanted}) + b"\n")
    watch = Watch(reader, writer)
    for number in range(900, 1000):  # until the watch is there
        await stage.write(authorized(number, where=place(number, nas=wanted.get("nas", "sw-1"))))
        try:
            line = json.loads(await asyncio.wait_for(reader.readline(), 0.1))["line"]
        except TimeoutError:
            continue
        while line["session"]["mac"] != mac(number):
            line = await watch.line()
        return watch
    pytest.fail("nothing is told")


def test_changes_are_told_as_they_happen(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        watch = await watching(stage)
        (id,) = await stage.write(authorized(1))
        await stage.write(accounted(1, AccountingKind.START), accounted(1, AccountingKind.INTERIM, at=NOW + 20.0))
        wanted = Pending(wanted=standing("quarantine"), since=NOW)
        await stage.write(Wished(id=id, wish=wanted, at=NOW + 30.0))
        await stage.write(Wished(id=id, wish=Settled(), at=NOW + 40.0))
        await stage.write(Gone(id=id, phase=Phase.ENDED, at=NOW + 50.0, cause="its NAS knows no such session"))
        told = [await watch.line() for _ in range(5)]
        watch.writer.close()
        assert [each["what"] for each in told] == ["authorized", "start", "wanted", "settled", "ended"]
        assert {each["session"]["id"] for each in told} == {id}
        assert told[2]["words"] == "profile quarantine"
        assert told[-1]["words"] == "its NAS knows no such session"

    within(tmp_path, story)


def test_a_watch_hears_of_what_it_asked_for_only(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        watch = await watching(stage, nas="sw-2", interims=True)
        await stage.write(authorized(1), authorized(2, where=place(2, nas="sw-2")))
        await stage.write(
            accounted(2, AccountingKind.INTERIM, where=place(2, nas="sw-2")),
            restarted(at=NOW + 99.0, nas="sw-2"),
        )
        told = [await watch.line() for _ in range(3)]
        watch.writer.close()
        assert [each["what"] for each in told] == ["authorized", "interim", "nas_restarted"]
        assert told[-1]["session"] is None
        assert told[-1]["words"].startswith("sw-2: ")

    within(tmp_path, story)


def test_what_is_asked_and_what_is_held_is_told_in_words(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        watch = await watching(stage)
        (id,) = await stage.write(authorized(1))
        for wish in (
            Pending(wanted=standing("quarantine"), since=NOW, held="many sessions change at once"),
            Pending(wanted=standing("quarantine"), since=NOW, verb="disconnect", tries=2, detail="busy"),
        ):
            await stage.write(Wished(id=id, wish=wish, at=NOW + 1.0))
        told = [await watch.line() for _ in range(3)][1:]
        watch.writer.close()
        assert [each["words"] for each in told] == [
            "profile quarantine: many sessions change at once",
            "profile quarantine: disconnect, try 2: busy",
        ]
        assert [each["what"] for each in told] == ["held", "asked"]

    within(tmp_path, story)


def test_whoever_falls_behind_is_told_what_he_misses_and_hears_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_MOST_BEHIND", 3)

    async def story(stage: Stage) -> None:
        watch = await watching(stage)
        await stage.write(*(authorized(number) for number in range(1, 8)))  # one commit, told in one go
        said = [json.loads(line) for line in (await asyncio.wait_for(watch.reader.read(), 5)).splitlines()]
        watch.writer.close()
        assert len(said) == 4
        assert said[-1]["error"].startswith("more than 3 changes were not read in time")

    within(tmp_path, story)


def test_a_watch_with_a_filter_that_makes_no_sense_is_refused_at_once(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert (await stage.refusal("sessions.watch", phase="gone"))[0] == "usage"

    within(tmp_path, story)
