"""A person's word above the policy: on the disk, in memory, and on live sessions, in this order."""

from __future__ import annotations

import pwd
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nacd.server import control
from nacd.server.people.command import OrderRefused
from nacd.server.people.overriding import end_of
from nacd.server.people.roles import Roles
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.store.sessions import SessionStore
from nacd.values import AccessKind, Assurance, Device, DeviceId, IdentitySource, Instant
from tests.server.people.stage import Stage, within
from tests.store.live.stage import NOW, authorized, guid, mac

GAMES = pwd.getpwnam("games").pw_uid
AT = Instant(wall=NOW, monotonic=0.0)
BLOCK: dict[str, Any] = {"effect": "block", "subject": mac(1), "reason": "stolen"}


def test_an_override_is_kept_known_and_told_to_the_loop(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        (id,) = await stage.write(authorized(1))
        wanted = {"effect": "quarantine", "subject": guid(1).upper(), "reason": "malware found", "until": "4h"}
        answer = await stage.answer("override.put", **wanted)
        order = answer["override"]
        assert order.items() >= {"subject_kind": "device", "subject": guid(1), "profile": "quarantine"}.items()
        assert order.items() >= {"reason": "malware found", "by": "root (uid 0)", "in_force": True}.items()
        assert order["until"] == order["at"] + 4 * 3600
        assert answer["sessions"] == [id]
        assert [each.id for each in stage.orders] == [order["id"]]
        assert [each.id for each in stage.store.overrides()] == [order["id"]]
        assert stage.loop.told == [("overridden", order["id"], False)]
        assert stage.codes() == ["override.put"]

    within(tmp_path, story)


def test_a_block_names_the_macs_that_it_covers_and_a_permission_covers_none(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        device = Device(id=DeviceId(guid=guid(1)), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)
        for each in (1, 2):
            stage.orders.machines.learn(AccessKind.DOT1X, device, mac(each), "campus", NOW)
        said = {effect: {"effect": effect, "subject": guid(1), "reason": "a test"} for effect in ("block", "allow")}
        said["allow"] |= {"profile": "guests", "until": "4h"}
        assert (await stage.answer("override.put", **said["block"]))["macs"] == [mac(1), mac(2)]
        assert (await stage.answer("override.put", **said["allow"]))["macs"] == []
        assert (await stage.answer("override.put", **BLOCK))["macs"] == []

    within(tmp_path, story)


def test_an_order_that_has_rotted_is_told_with_the_state_of_things(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.answer("override.put", **BLOCK)
        assert (await stage.answer("coa.status"))["damaged_overrides"] == []
        assert stage.store._file.write([("UPDATE overrides SET value = x'0011'", [()])])
        (order,) = (await stage.answer("override.list", all=True))["overrides"]
        assert (order["subject"], order["effect"], order["by"]) == (mac(1), "block", "nacd")
        (words,) = (await stage.answer("coa.status"))["damaged_overrides"]
        assert f"counts as a block of mac `{mac(1)}` until it is lifted" in words

    within(tmp_path, story)


@pytest.mark.parametrize("order", ["override.list", "override.lift"])
def test_orders_that_nobody_could_read_yet_are_not_said_to_be_none(tmp_path: Path, order: str) -> None:
    async def story(stage: Stage) -> None:
        kind, words = await stage.refusal(order, id=1)
        assert (kind, "another nacd has it" in words) == ("not_done", True), words

    with closing(SessionStore(tmp_path / "sessions.sqlite", apply=apply, tie=tie, report=print)):
        within(tmp_path, story)


def test_a_mac_is_overridden_in_its_one_spelling(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        wanted = {**BLOCK, "subject": mac(1).replace("-", ".").lower()}
        order = (await stage.answer("override.put", **wanted))["override"]
        assert order.items() >= {"subject_kind": "mac", "subject": mac(1), "profile": "", "until": 0.0}.items()

    within(tmp_path, story)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"effect": "ban"}, "`ban` is none of quarantine, block, allow"),
        ({"subject": "laptop"}, "neither an intune device id"),
        ({"subject": "17"}, "neither an intune device id"),
        ({"subject": f"entra:{guid(1)}"}, "not about an entra device id"),
        ({"reason": ""}, "say why"),
        ({"reason": " "}, "say why"),
        ({"reason": "a\x1b[31m"}, "`reason` is one line of text"),
        ({"reason": "x" * 254}, "`reason` is one line of text"),
        ({"tenant": "elsewhere"}, "there is no tenant `elsewhere`; there are: campus"),
        ({"profile": "guests"}, "`block` gives no access, so it has no profile"),
        ({"until": "soon"}, "`soon` is neither a duration"),
        ({"until": "0s"}, "is over already"),
        ({"effect": "allow", "profile": "guests"}, "an override that allows needs an end"),
        ({"effect": "allow", "until": "4h"}, "name a profile, or set `sessions.overrides.allow`"),
        ({"effect": "quarantine", "profile": "nowhere"}, "the policy has no profile `nowhere`; it has: corporate, gu"),
    ],
)
def test_an_override_that_is_not_whole_is_refused_and_nothing_is_kept(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    async def story(stage: Stage) -> None:
        kind, said = await stage.refusal("override.put", **{**BLOCK, **change})
        assert (kind, words in said) == ("usage", True), said
        assert (len(stage.orders), stage.store.overrides(), stage.loop.told) == (0, (), [])

    within(tmp_path, story)


def test_letting_in_against_the_policy_needs_the_highest_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_peer", lambda _writer: GAMES)
    allow = {**BLOCK, "effect": "allow", "profile": "guests", "until": "4h"}

    async def story(stage: Stage) -> None:
        order = (await stage.answer("override.put", **BLOCK))["override"]
        assert order["by"] == f"games (uid {GAMES})"
        kind, words = await stage.refusal("override.put", **allow)
        assert (kind, "`control.config`" in words) == ("role", True)
        monkeypatch.setattr(control, "_peer", lambda _writer: 0)
        assert (await stage.answer("override.put", **allow))["override"]["profile"] == "guests"

    within(tmp_path, story, Roles(coa=("games",)))


def test_a_lifted_override_is_forgotten_in_memory_and_told_to_the_loop(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        id = (await stage.answer("override.put", **BLOCK))["override"]["id"]
        lifted = (await stage.answer("override.lift", id=id))["override"]
        assert (lifted["lifted_by"], lifted["in_force"]) == ("root (uid 0)", False)
        assert (len(stage.orders), stage.store.overrides()) == (0, ())
        assert stage.loop.told == [("overridden", id, False), ("overridden", id, True)]
        assert stage.codes() == ["override.put", "override.lifted"]

    within(tmp_path, story)


def test_what_was_lifted_before_or_never_was_there_is_said(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        id = (await stage.answer("override.put", **BLOCK))["override"]["id"]
        await stage.answer("override.lift", id=id)
        stage.now = Instant(wall=stage.now.wall + 5.0, monotonic=stage.now.monotonic + 5.0)
        assert await stage.refusal("override.lift", id=id) == (
            "not_done",
            f"override {id} was lifted before, by `root (uid 0)`",
        )
        assert await stage.refusal("override.lift", id=99) == ("not_done", "there is no override 99")
        assert (await stage.refusal("override.lift"))[0] == "usage"
        assert len(stage.loop.told) == 2

    within(tmp_path, story)


def test_those_in_force_are_listed_and_all_of_them_when_asked(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        first = (await stage.answer("override.put", **BLOCK))["override"]["id"]
        second = (await stage.answer("override.put", **{**BLOCK, "subject": mac(2), "until": "1h"}))["override"]["id"]
        third = (await stage.answer("override.put", **{**BLOCK, "subject": mac(3)}))["override"]["id"]
        await stage.answer("override.lift", id=first)
        stage.now = Instant(wall=stage.now.wall + 7200.0, monotonic=stage.now.monotonic + 7200.0)
        assert [each["id"] for each in (await stage.answer("override.list"))["overrides"]] == [third]
        every = (await stage.answer("override.list", all=True))["overrides"]
        assert [(each["id"], each["in_force"]) for each in every] == [(first, False), (second, False), (third, True)]
        page = await stage.answer("override.list", all=True, limit=2)
        assert (len(page["overrides"]), page["next"]) == (2, second)

    within(tmp_path, story)


def test_an_override_that_the_disk_does_not_take_is_not_in_force(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.store.close()
        kind, words = await stage.refusal("override.put", **BLOCK)
        assert (kind, bool(words)) == ("not_done", True)
        assert (len(stage.orders), stage.loop.told) == (0, [])
        assert stage.codes() == ["order.given"]

    within(tmp_path, story)


@pytest.mark.parametrize(
    ("written", "after_s"),
    [("", None), ("4h", 14_400.0), ("1d12h", 129_600.0), ("90s", 90.0)],
)
def test_an_end_is_a_duration(written: str, after_s: float | None) -> None:
    assert end_of(written, AT) == (NOW + after_s if after_s else 0.0)


def test_an_end_is_a_time_with_its_zone() -> None:
    assert end_of("2023-11-15T00:00:00Z", AT) == 1_700_006_400.0
    assert end_of("2023-11-15T01:00+01:00", AT) == 1_700_006_400.0


@pytest.mark.parametrize("written", ["2023-11-15T00:00", "2023-11-15", "90", "-4h", "4h or so", "9999-12-31T00:00Z"])
def test_what_is_no_sensible_end_is_refused(written: str) -> None:
    with pytest.raises(OrderRefused):
        end_of(written, AT)


def test_an_end_in_the_past_is_refused() -> None:
    with pytest.raises(OrderRefused, match="is over already"):
        end_of("2020-01-01T00:00Z", AT)
