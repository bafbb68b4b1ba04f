"""What all commands that talk to the daemon have in common: how trouble is told, and how things look."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nacd.cli.control.asking import ago, clean, moment, print_pairs, print_table, soon, span
from tests.cli.control.lab import Lab

AT = datetime(2026, 11, 23, 5, 0, 7, tzinfo=UTC).timestamp()


# -- trouble --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("sessions", "list"),
        ("sessions", "show", "1"),
        ("sessions", "watch"),
        ("coa", "status"),
        ("coa", "disconnect", "1"),
        ("coa", "release"),
        ("reassess", "1"),
        ("block", "02-00-00-00-00-01", "--reason", "x"),
        ("overrides", "list"),
        ("overrides", "lift", "1"),
    ],
)
def test_without_a_daemon_the_place_is_named_and_the_exit_code_is_three(
    lab: Lab, tmp_path: Path, words: tuple[str, ...]
) -> None:
    said = lab.nacd(*words, "--state", tmp_path)
    assert (said.code, said.out) == (3, "")
    assert said.err == f"no daemon runs on `{tmp_path}`: there is no `{tmp_path}/control.sock`\n"


def test_a_daemon_that_was_killed_is_told_from_one_that_never_was(lab: Lab, tmp_path: Path) -> None:
    left = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(left))
    said = lab.nacd("sessions", "list", "--socket", left)
    assert (said.code, said.err) == (3, f"nobody listens at `{left}`: the daemon has stopped\n")


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Callable[[bytes], Path]]:
    """A program that is no nacd: it says something to whoever knocks, and hangs up."""
    path = tmp_path / "stranger.sock"
    threads: list[threading.Thread] = []
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()

        def once(octets: bytes) -> None:
            sock, _ = door.accept()
            with sock:
                sock.recv(1 << 16)
                sock.sendall(octets)

        def saying(octets: bytes) -> Path:
            threads.append(threading.Thread(target=once, args=(octets,)))
            threads[-1].start()
            return path

        yield saying
        for thread in threads:
            thread.join(5)


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"220 mail.example.test ESMTP\r\n", "whoever listens there is no nacd"),
        (b"", "hung up without an answer: see its log"),
        (b'{"answer": ', "hung up without an answer: see its log"),
    ],
)
def test_whoever_listens_there_and_is_no_nacd_is_said(
    lab: Lab, stranger: Callable[[bytes], Path], octets: bytes, words: str
) -> None:
    said = lab.nacd("sessions", "list", "--socket", stranger(octets))
    assert (said.code, said.out, words in said.err) == (3, "", True), said


def test_what_is_refused_and_what_is_wrongly_said_have_codes_of_their_own(lab: Lab) -> None:
    assert lab.nacd("sessions", "show", 99999).code == 1
    assert lab.nacd("sessions", "list", "--phase", "gone").code == 2
    assert lab.nacd("sessions", "list", "--no-such-option").code == 2


@pytest.mark.parametrize(
    "words",
    ["quarantine", "block", "allow", "reassess", "sessions list", "sessions show", "sessions watch",
     "coa reauthenticate", "coa disconnect", "coa bounce", "coa release"],
)  # fmt: skip
def test_help_has_an_example_of_every_command(lab: Lab, words: str) -> None:
    said = lab.nacd(*words.split(), "--help")
    assert said.code == 0
    examples = [line.strip() for line in said.out.splitlines() if line.strip().startswith(f"nacd {words}")]
    assert examples, said.out


# -- how it looks ---------------------------------------------------------------------------------


def test_a_moment_is_in_utc_and_nothing_is_nothing() -> None:
    assert moment(AT) == "2026-11-23T05:00:07Z"
    assert (moment(0.0), ago(0.0)) == ("", "")
    assert moment(1e20) == soon(1e20) == "a date beyond all calendars"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (-5, "0 s"), (119, "119 s"), (119.6, "2 min"), (7199, "2 h"), (5400, "90 min"), (3 * 86_400, "3 d")],
)
def test_a_length_of_time_has_the_unit_that_a_person_would_take(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def of(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield of
    monkeypatch.undo()
    time.tzset()


def test_a_moment_to_come_is_told_in_the_time_of_the_machine_too(zone: Callable[[str], None]) -> None:
    at = float(int(time.time()) + 7200)
    zone("UTC")
    assert soon(at) == f"{moment(at)}, in 2 h"
    zone("IST-5:30")
    here = datetime.fromtimestamp(at + 19_800, UTC).strftime("%Y-%m-%d %H:%M")
    assert soon(at) == f"{moment(at)} ({here}+05:30 here), in 2 h"


def test_what_a_stranger_wrote_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert clean("a\x1b[31mb\x9bc\u202ed\n") == "a?[31mb?c?d?"
    print_table(("NAME",), [("a\x1b[31m",)])
    print_pairs([("name", "b\x1b[31m"), ("nothing", "")])
    assert capsys.readouterr().out == "NAME\na?[31m\n    name  b?[31m\n"
