"""The door for people on this machine: one order a connection, in lines of JSON, and nobody holds it for long."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from nacd.server import control
from nacd.server.control import SOCKET_NAME, Control
from nacd.server.people.command import Asked, Command
from nacd.server.people.roles import Role, Roles
from tests.server.door import GAMES, Hanging, Street, lines, order, until, within

# -- one line each way ----------------------------------------------------------------------------


def test_an_order_is_a_line_and_so_is_its_answer(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        assert await order(street.path, b'{"order": "echo", "say": "hello"}\n') == {"answer": {"said": "hello"}}

    within(tmp_path, story)


@pytest.mark.parametrize(
    ("octets", "kind", "words"),
    [
        (b"{", "usage", "one line of JSON"),
        (b"", "usage", "one line of JSON"),
        (b"[]\n", "usage", "there is no such order; there are change, echo, look"),
        (b'{"order": "rm"}\n', "usage", "there is no such order"),
        (b'{"order": ["echo"]}\n', "usage", "there is no such order"),
        (b'{"order": "echo", "say": "' + b"x" * 5000 + b'"}\n', "usage", "one line of JSON, at most 4096 octets"),
        (b'{"order": "echo", "bad": 1}\n', "usage", "`bad` is bad"),
        (b'{"order": "change", "vain": 1}\n', "not_done", "nobody is there"),
        (b'{"order": "echo", "bug": 1}\n', "bug", "an error in nacd itself, see its log"),
    ],
)
def test_what_is_no_order_is_answered_in_words(tmp_path: Path, octets: bytes, kind: str, words: str) -> None:
    async def story(street: Street) -> None:
        said = await order(street.path, octets)
        assert said["kind"] == kind
        assert words in said["error"]

    within(tmp_path, story)


def test_a_long_order_tells_how_far_it_is_before_its_answer(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        *steps, answer = await lines(street.path, b'{"order": "change", "steps": 3}\n')
        assert steps == [{"progress": {"step": number}} for number in range(3)]
        assert "answer" in answer

    within(tmp_path, story)


def test_an_order_is_carried_out_though_whoever_gave_it_has_left(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        _, writer = await asyncio.open_unix_connection(str(street.path))
        writer.write(b'{"order": "change", "steps": 50}\n')
        await writer.drain()
        writer.close()
        await until(lambda: bool(street.given))
        assert street.given[0].outcome == "2 of 2 done"

    within(tmp_path, story)


def test_an_order_that_takes_too_long_is_broken_off(tmp_path: Path) -> None:
    async def slow(asked: Asked) -> Any:
        await asyncio.Event().wait()

    async def story(street: Street) -> None:
        said = await order(street.path, b'{"order": "slow"}\n')
        assert said == {"error": "not done within 0.05 s", "kind": "not_done"}
        assert street.given[0].outcome == "not done within 0.05 s"

    within(tmp_path, story, orders={"slow": Command(role=Role.COA, work=slow, within_s=0.05)})


def test_half_a_surrogate_pair_in_an_answer_is_a_question_mark(tmp_path: Path) -> None:
    async def odd(_: Asked) -> Any:
        return {"nas": "sw\ud800é"}

    async def story(street: Street) -> None:
        assert await order(street.path, b'{"order": "odd"}\n') == {"answer": {"nas": "sw?é"}}

    within(tmp_path, story, orders={"odd": Command(role=Role.READ, work=odd)})


# -- the socket -----------------------------------------------------------------------------------


def test_only_the_daemons_user_may_knock_while_nobody_is_named(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        assert stat.S_IMODE(os.stat(street.path).st_mode) == 0o600

    within(tmp_path, story)


def test_anybody_may_knock_once_somebody_is_named_for_the_kernel_says_who_it_is(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        assert stat.S_IMODE(os.stat(street.path).st_mode) == 0o666

    within(tmp_path, story, roles=Roles(read=("games",)))


def test_the_socket_may_be_elsewhere_and_is_taken_away_at_the_end(tmp_path: Path) -> None:
    elsewhere = tmp_path / "run" / "nacd.sock"
    elsewhere.parent.mkdir()

    async def story(street: Street) -> None:
        assert not street.path.exists()
        assert await order(elsewhere, b'{"order": "echo"}\n') == {"answer": {"said": None}}

    within(tmp_path, story, socket=elsewhere)
    assert not elsewhere.exists()


def test_a_socket_left_behind_by_a_crash_is_no_obstacle_and_a_missing_folder_is_named(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / SOCKET_NAME))

    async def story(street: Street) -> None:
        assert (await order(street.path, b'{"order": "echo"}\n'))["answer"] == {"said": None}

    within(tmp_path, story)
    with pytest.raises(OSError, match="cannot listen on"):
        asyncio.run(Control(tmp_path / "none", {}).open())


def test_a_file_that_is_no_socket_is_somebodys_and_stays(tmp_path: Path) -> None:
    mine = tmp_path / "notes.txt"
    mine.write_text("mine")
    with pytest.raises(OSError, match=r"cannot listen on `.*notes.txt`: it is there, and no socket"):
        asyncio.run(Control(tmp_path, {}, socket=mine).open())
    assert mine.read_text() == "mine"


def test_a_folder_that_nobody_can_enter_and_names_that_nobody_has_are_said(tmp_path: Path, said: Any) -> None:
    tmp_path.chmod(0o700)

    async def story(street: Street) -> None:
        await until(lambda: "this machine does not know" in said.getvalue())

    within(tmp_path, story, roles=Roles(read=("games", "jane.nobody")))
    assert f"only root and the owner can enter `{tmp_path}`" in said.getvalue()
    assert "this machine does not know `jane.nobody` of `control.read`" in said.getvalue()


# -- how many, how long ---------------------------------------------------------------------------


def test_one_user_cannot_take_all_places_and_nobody_those_of_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = [GAMES]
    monkeypatch.setattr(control, "_peer", lambda _writer: who[0])
    hanging = Hanging()

    async def story(street: Street) -> None:
        asked = b'{"order": "hang"}\n'
        first = [asyncio.create_task(order(street.path, asked)) for _ in range(control._MOST_OF_ONE)]
        await hanging.until(control._MOST_OF_ONE)
        assert await order(street.path, asked) == {"error": "too many orders at once", "kind": "not_done"}
        who[0] = pwd.getpwnam("daemon").pw_uid
        assert "answer" in await order(street.path, b'{"order": "look"}\n')
        who[0] = 0
        assert "answer" in await order(street.path, b'{"order": "look"}\n')
        hanging.go.set()
        assert await asyncio.gather(*first) == [{"answer": "gone"}] * control._MOST_OF_ONE
        who[0] = GAMES
        assert "answer" in await order(street.path, b'{"order": "look"}\n')

    orders = {"hang": Command(role=Role.READ, work=hanging)}
    within(tmp_path, story, roles=Roles(read=("games", "daemon")), orders=orders)


def test_whoever_says_nothing_holds_his_place_for_a_while_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_READ_S", 0.05)

    async def story(street: Street) -> None:
        (said,) = await lines(street.path, b"", hang_up=False)
        assert said == {"error": "no order came within 0.05 s", "kind": "usage"}

    within(tmp_path, story)


def test_an_answer_that_nobody_reads_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_READ_S", 0.1)
    monkeypatch.setattr(control, "_MOST_OF_OURS", 1)

    async def much(_: Asked) -> Any:
        return "x" * 10_000_000

    async def story(street: Street) -> None:
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.setblocking(False)
            await asyncio.get_running_loop().sock_connect(deaf, str(street.path))
            await asyncio.get_running_loop().sock_sendall(deaf, b'{"order": "much"}\n')
            for _ in range(500):
                if "answer" in await order(street.path, b'{"order": "look"}\n'):
                    return
                await asyncio.sleep(0.01)
            pytest.fail("its place is held")

    within(tmp_path, story, orders={"much": Command(role=Role.READ, work=much)})
