"""Who may give which order: the kernel says who knocks, a role says what he may."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from nacd.server import control
from nacd.server.people.roles import NOBODY_UID, Roles
from tests.conftest import unavailable
from tests.server.door import GAMES, Street, order, within

PROGRAM = """
import os, socket, sys
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
with socket.socket(socket.AF_UNIX) as sock:
    sock.connect(sys.argv[2])
    sock.sendall(sys.argv[3].encode() + bytes([10]))
    while octets := sock.recv(1 << 16):
        os.write(1, octets)
"""
"""Knocks as another user."""


@pytest.fixture
def as_games(monkeypatch: pytest.MonkeyPatch) -> int:
    """The kernel says that it is another user who knocks."""
    monkeypatch.setattr(control, "_peer", lambda _writer: GAMES)
    return GAMES


# -- who may what ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("as_games")
def test_whoever_has_no_role_is_told_where_roles_are_given(tmp_path: Path, said: Any) -> None:
    async def story(street: Street) -> None:
        refused = await order(street.path, b'{"order": "look"}\n')
        assert refused["kind"] == "role"
        assert refused["error"].startswith(f"games (uid {GAMES}) has no role here")
        assert "`control.read`" in refused["error"]

    within(tmp_path, story)
    assert "order refused" in said.getvalue()


@pytest.mark.usefixtures("as_games")
def test_an_order_above_ones_role_is_refused_with_the_role_and_recorded(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        assert await order(street.path, b'{"order": "look", "say": 1}\n') == {"answer": {"said": 1}}
        refused = await order(street.path, b'{"order": "change", "subject": "17"}\n')
        assert refused["kind"] == "role"
        assert refused["error"] == (
            f"this needs the role `coa`, and games (uid {GAMES}) has `read`: whoever may do it is named under"
            " `control.coa` in nacd's configuration"
        )
        (given,) = street.given
        assert (given.order, given.by.user, given.fields) == ("change", "games", {"subject": "17"})
        assert given.outcome == refused["error"]

    within(tmp_path, story, roles=Roles(read=("@games",)))


@pytest.mark.usefixtures("as_games")
def test_a_part_of_an_order_may_need_more_than_the_rest(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        assert await order(street.path, b'{"order": "change"}\n') == {"answer": f"games (uid {GAMES})"}
        refused = await order(street.path, b'{"order": "change", "deep": 1}\n')
        assert "this needs the role `config`" in refused["error"]

    within(tmp_path, story, roles=Roles(coa=("games",)))


@pytest.mark.usefixtures("as_games")
def test_an_order_that_declares_no_role_is_for_the_highest(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        assert (await order(street.path, b'{"order": "echo"}\n'))["kind"] == "role"

    within(tmp_path, story, roles=Roles(coa=("games",)))


def test_a_user_hidden_by_the_kernel_hears_what_hides_him(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_peer", lambda _writer: NOBODY_UID)

    async def story(street: Street) -> None:
        assert "PrivateUsers=no" in (await order(street.path, b'{"order": "look"}\n'))["error"]

    within(tmp_path, story, roles=Roles(config=("nobody",)))


def test_orders_above_read_are_told_of_and_looking_is_not(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        await order(street.path, b'{"order": "look"}\n')
        assert street.given == []
        await order(street.path, b'{"order": "change", "subject": "17"}\n')
        (given,) = street.given
        assert (given.order, given.fields, given.outcome) == ("change", {"subject": "17"}, "2 of 2 done")
        assert given.by.uid == os.getuid()

    within(tmp_path, story)


def test_a_directory_that_does_not_answer_keeps_root_out_of_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = asyncio.Event()
    monkeypatch.setattr(control, "_NAMES_S", 0.05)

    class Down:
        """A directory service that never comes back."""

        def run(self, _work: Any) -> Any:
            return asyncio.ensure_future(hanging.wait())

        def close(self) -> None:
            """It is not waited for."""

    monkeypatch.setattr(control, "Threads", lambda *_: Down())

    async def story(street: Street) -> None:
        assert "answer" in await order(street.path, b'{"order": "change"}\n')
        monkeypatch.setattr(control, "_peer", lambda _writer: GAMES)
        assert (await order(street.path, b'{"order": "look"}\n'))["kind"] == "role"

    within(tmp_path, story)


def test_the_kernel_names_another_program_and_its_role_decides() -> None:
    """No stand-in here: a program of another user at a real socket."""
    if os.getuid() != 0:
        unavailable("only root can run a program as another user")
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)

    async def ask(street: Street, **wanted: Any) -> Any:
        words = [sys.executable, "-I", "-c", PROGRAM, str(GAMES), str(street.path), json.dumps(wanted)]
        done = await asyncio.to_thread(subprocess.run, words, stdout=subprocess.PIPE, text=True, check=True, timeout=30)
        return json.loads(done.stdout)

    async def story(street: Street) -> None:
        assert await ask(street, order="look", say="hello") == {"answer": {"said": "hello"}}
        refused = await ask(street, order="change", subject="17")
        assert f"games (uid {GAMES}) has `read`" in refused["error"]
        assert [given.by.uid for given in street.given] == [GAMES]

    try:
        within(folder, story, roles=Roles(read=("@games",)))
    finally:
        shutil.rmtree(folder)
