"""Orders of operators on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from nacd.session.overrides import Override, OverrideEffect
from nacd.store.live import rows
from nacd.store.live.overrides import NotKept, Overrides
from nacd.store.state_file import StateFile

NOW = 1_700_000_000.0


def order(subject: str = "guid-1", **more: Any) -> Override:
    kinds = get_type_hints(Override)
    return Override(
        id=0,
        subject_kind=kinds["subject_kind"]("device"),
        subject=subject,
        tenant="campus",
        effect=kinds["effect"]("block"),
        profile="",
        reason="stolen",
        by="root",
        at=NOW,
        until=NOW + 3600,
        **more,
    )


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def opened(tmp_path: Path, said: list[str]) -> Iterator[Callable[[], tuple[StateFile, Overrides]]]:
    files: list[StateFile] = []

    def open_it() -> tuple[StateFile, Overrides]:
        for each in files:
            each.close()
        file = StateFile(tmp_path / "sessions.sqlite", rows.SCHEMA, report=said.append)
        files.append(file)
        overrides = Overrides(lambda _, sentence: said.append(sentence))
        file.transact(overrides.read)
        return file, overrides

    yield open_it
    for each in files:
        each.close()


def kept(made: object) -> Override:
    assert isinstance(made, Override), made
    return made


def test_an_order_is_in_force_from_then_on_and_after_a_restart(
    opened: Callable[[], tuple[StateFile, Overrides]],
) -> None:
    file, overrides = opened()
    one, two = kept(overrides.put(file, order("one"))), kept(overrides.put(file, order("two")))
    assert (one, two) == (replace(order("one"), id=1), replace(order("two"), id=2))
    assert overrides.in_force() == (one, two)
    _, after = opened()
    assert after.in_force() == (one, two)


def test_a_lifted_order_is_in_force_no_more_and_says_who_lifted_it(
    opened: Callable[[], tuple[StateFile, Overrides]],
) -> None:
    file, overrides = opened()
    one, two = kept(overrides.put(file, order("one"))), kept(overrides.put(file, order("two")))
    lifted = kept(overrides.lift(file, one.id, NOW + 9, "jane"))
    assert lifted == replace(one, lifted_at=NOW + 9, lifted_by="jane")
    assert overrides.in_force() == (two,)
    assert overrides.lift(file, one.id, NOW + 99, "joe") == lifted, "the first word counts"
    file, after = opened()
    assert after.in_force() == (two,)
    assert after.page(file, 10, 0) == (lifted, two)
    assert after.page(file, 10, one.id) == (two,)


@pytest.mark.parametrize("number", [0, -1, 5, 2**70])
def test_an_order_that_is_not_there_cannot_be_lifted(
    opened: Callable[[], tuple[StateFile, Overrides]], number: int
) -> None:
    file, overrides = opened()
    assert overrides.lift(file, number, NOW, "jane") == NotKept(why=f"there is no override {number}")


def test_what_was_lifted_long_ago_is_forgotten(opened: Callable[[], tuple[StateFile, Overrides]]) -> None:
    file, overrides = opened()
    one, two, three = (kept(overrides.put(file, order(name))) for name in ("one", "two", "three"))
    overrides.lift(file, one.id, NOW, "jane")
    overrides.lift(file, two.id, NOW + 100, "jane")
    assert overrides.forget(file, NOW + 50)
    assert [each.id for each in overrides.page(file, 10, 0)] == [two.id, three.id]
    assert kept(overrides.put(file, order())).id == 4, "no number comes twice"


def rotten(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE overrides SET value = x'0011'")


@pytest.mark.parametrize("effect", ["block", "quarantine"])
def test_an_order_that_rotted_keeps_out_whom_it_was_against_and_says_so(
    opened: Callable[[], tuple[StateFile, Overrides]], said: list[str], effect: str
) -> None:
    file, overrides = opened()
    profile = "" if effect == "block" else "fix"
    put = kept(overrides.put(file, replace(order(), effect=OverrideEffect(effect), profile=profile, tenant="a b")))
    assert file.transact(rotten)
    file, after = opened()
    (left,) = after.in_force()
    about = (put.id, put.subject_kind, put.subject, put.tenant, put.at)
    assert (left.id, left.subject_kind, left.subject, left.tenant, left.at) == about
    assert (left.effect, left.profile) == (OverrideEffect.BLOCK, "")
    words = f"override {put.id} cannot be read and counts as a block of {put.subject_kind} `{put.subject}`"
    assert words in said[0]
    assert [each.startswith(words) for each in after.damaged] == [True]
    assert kept(after.lift(file, put.id, NOW, "jane")).lifted_by == "jane"
    assert (after.in_force(), after.damaged) == ((), ())


def test_an_order_that_let_somebody_in_is_over_when_it_rots(
    opened: Callable[[], tuple[StateFile, Overrides]], said: list[str]
) -> None:
    file, overrides = opened()
    put = replace(order(), effect=OverrideEffect.ALLOW, profile="guests", until=NOW + 9e9)
    assert isinstance(overrides.put(file, put), Override)
    assert file.transact(rotten)
    _, after = opened()
    assert after.in_force() == ()
    assert "override 1 cannot be read and is not in force" in said[0]
    assert len(after.damaged) == 1


@pytest.mark.parametrize("gist", ["", "block device", "block nothing a 1.0 ", "block device a b "])
def test_an_order_of_which_nothing_can_be_read_is_said_to_be_lost(
    opened: Callable[[], tuple[StateFile, Overrides]], said: list[str], gist: str
) -> None:
    file, overrides = opened()
    overrides.put(file, order())

    def rot(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE overrides SET value = x'0011', gist = ?", (gist,))

    assert file.transact(rot)
    _, after = opened()
    assert after.in_force() == ()
    assert "override 1 cannot be read and is not in force" in said[0]


def test_what_cannot_be_written_is_not_in_force(opened: Callable[[], tuple[StateFile, Overrides]]) -> None:
    file, overrides = opened()
    assert isinstance(overrides.put(file, replace(order(), until=float("inf"))), NotKept)
    file.close()
    assert isinstance(overrides.put(file, order()), NotKept)
    assert overrides.in_force() == ()


def test_a_file_that_took_the_place_of_a_bad_one_is_told_what_is_in_force(
    opened: Callable[[], tuple[StateFile, Overrides]], tmp_path: Path
) -> None:
    file, overrides = opened()
    one = kept(overrides.put(file, order()))
    other = StateFile(tmp_path / "other.sqlite", rows.SCHEMA, report=pytest.fail, when_new=overrides.held)
    after = Overrides(lambda _, sentence: pytest.fail(sentence))
    other.transact(after.read)
    assert after.in_force() == (one,)
    other.close()
