"""The service's socket: its mode, its senders' names by the kernel's word, and its place in the file system."""

from __future__ import annotations

import array
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nacd.actions.door import NOBODY, Door, DoorError, Senders
from tests.actions.stage import Stage
from tests.conftest import unavailable


@pytest.fixture
def door(stage: Stage) -> Iterator[Door]:
    made = Door(stage.socket, None)
    yield made
    made.close()


def send(path: Path, octets: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(octets, str(path))


def test_the_socket_is_for_owner_and_group(stage: Stage, door: Door) -> None:
    mode = stage.socket.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660


def test_the_group_of_the_socket_can_be_named(stage: Stage) -> None:
    Door(stage.socket, os.getgid()).close()
    with pytest.raises(DoorError, match="there is no group `no-such-group`"):
        Door(stage.socket, "no-such-group")


def test_a_datagram_comes_with_its_senders_number(stage: Stage, door: Door) -> None:
    send(stage.socket, b"hello")
    arrival = door.receive()
    assert arrival is not None
    assert (arrival.octets, arrival.uid, arrival.whole) == (b"hello", os.getuid(), True)
    assert door.receive() is None


def test_a_datagram_that_is_too_long_is_known_to_be_cut(stage: Stage, door: Door) -> None:
    send(stage.socket, b"x" * 512)
    send(stage.socket, b"x" * 513)
    arrivals = [door.receive(), door.receive()]
    assert [arrival.whole for arrival in arrivals if arrival] == [True, False]


def test_files_that_come_along_are_not_taken(stage: Stage, door: Door) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 20).tobytes())
        sender.connect(str(stage.socket))
        sender.sendmsg([b"files"], [rights])
    arrival = door.receive()
    assert arrival is not None
    assert arrival.uid == os.getuid()
    assert len(os.listdir("/proc/self/fd")) == before


_AS_SOMEBODY_ELSE = """
import os, socket, sys
os.setuid(12345)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"mine", sys.argv[1])
"""


def test_another_account_has_another_number(stage: Stage, door: Door) -> None:
    if os.geteuid() != 0:
        unavailable("another account needs root")
    stage.folder.chmod(0o711)
    stage.socket.chmod(0o666)
    subprocess.run([sys.executable, "-c", _AS_SOMEBODY_ELSE, str(stage.socket)], check=True, timeout=30)
    arrival = door.receive()
    assert arrival is not None
    assert arrival.uid == 12_345


_AS_THE_DAEMON = """
import os, socket, sys
os.setgroups([int(group) for group in sys.argv[2:]])
os.setgid(12346)
os.setuid(12345)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"mine", sys.argv[1])
"""


def test_who_is_in_the_group_reaches_the_socket_and_nobody_else(stage: Stage) -> None:
    if os.geteuid() != 0:
        unavailable("another account needs root")
    stage.folder.chmod(0o711)
    door = Door(stage.socket, 23_456)
    command = [sys.executable, "-c", _AS_THE_DAEMON, str(stage.socket)]
    subprocess.run([*command, "23456"], check=True, timeout=30)
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert "PermissionError" in refused.stderr
    arrival = door.receive()
    assert arrival is not None
    assert arrival.uid == 12_345
    assert door.receive() is None
    door.close()


def test_a_socket_left_by_a_crash_is_taken_over(stage: Stage) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(str(stage.socket))
    left.close()
    Door(stage.socket, None).close()


def test_two_services_at_one_place_are_refused(stage: Stage, door: Door) -> None:
    with pytest.raises(DoorError, match="another service listens there"):
        Door(stage.socket, None)
    send(stage.socket, b"still mine")
    assert door.receive() is not None


def test_a_file_in_the_way_is_left_alone(stage: Stage) -> None:
    stage.socket.write_text("precious")
    with pytest.raises(DoorError, match="something else than a socket"):
        Door(stage.socket, None)
    assert stage.socket.read_text() == "precious"


def test_a_folder_that_is_not_there_is_said(stage: Stage) -> None:
    with pytest.raises(DoorError, match=r"cannot listen on .*no such file"):
        Door(stage.folder / "nowhere" / "s", None)


def test_the_end_takes_the_socket_away_but_not_somebody_elses(stage: Stage) -> None:
    first = Door(stage.socket, None)
    stage.socket.unlink()
    second = Door(stage.socket, None)
    first.close()
    assert stage.socket.exists()
    second.close()
    assert not stage.socket.exists()


def test_senders_are_known_by_name_or_number() -> None:
    senders = Senders(["root", 4711, "no-such-account"])
    assert senders.allow(0, 1.0)
    assert senders.allow(4711, 2.0)
    assert not senders.allow(4712, 3.0)
    assert not senders.allow(NOBODY, 4.0)


def test_an_account_that_appears_later_is_found_then(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    senders = Senders(["nacd-of-this-test"])
    assert not senders.allow(61_234, 100.0)
    root = list(pwd.getpwnam("root"))
    made = pwd.struct_passwd([*root[:2], 61_234, *root[3:]])
    monkeypatch.setattr("pwd.getpwnam", lambda name: made)
    assert not senders.allow(61_234, 104.0), "not looked up for every stranger"
    assert senders.allow(61_234, 106.0)
