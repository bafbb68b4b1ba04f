"""Syslog over UDP: one datagram a message, cut where it is too long."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any

import pytest

from nacd.keeper.forward.building import door
from nacd.keeper.forward.doors.door import Trouble
from tests.keeper.forward.lab import Rsyslog, Trail, free_port, serving, until


def test_each_record_is_a_datagram_and_a_long_one_is_cut_with_a_word(
    trail: Trail, to: Callable[..., Any], courier: Callable[..., Any]
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(10)
        trail.grow(1, long="x" * 20_000)
        trail.grow(3)
        with serving(courier(to(f"syslog+udp://127.0.0.1:{listening.getsockname()[1]}"))):
            got = [listening.recv(65_536) for _ in range(trail.seq)]
    assert [re.findall(rb'seq="(\d+)"', each)[0] for each in got] == [b"1", b"2", b"3", b"4", b"5"]
    assert 8_180 < len(got[1]) <= 8_192
    assert b'cut="20' in got[1]
    assert [b"cut=" in each for each in got] == [False, True, False, False, False]


def test_that_nobody_listens_is_noticed_when_the_machine_says_so(to: Callable[..., Any], trail: Trail) -> None:
    from nacd.keeper.forward.doors.door import Event
    from nacd.keeper.forward.following import Follower

    taken = Follower(trail.live, None).take(1, 1)
    events = [Event(each.record.line, each.record, each.place) for each in taken if each.record]
    way = door(to(f"syslog+udp://127.0.0.1:{free_port()}"))
    way.send(events)
    with pytest.raises(Trouble, match="refuses"):
        until(lambda: way.send(events))


@pytest.mark.peer
def test_rsyslog_takes_datagrams_too(
    rsyslog: Callable[..., Rsyslog], trail: Trail, to: Callable[..., Any], courier: Callable[..., Any]
) -> None:
    collector = rsyslog()
    trail.grow(50)
    with serving(courier(to(f"syslog+udp://127.0.0.1:{collector.port}", format="cef", pace=1_000))):
        until(lambda: len(collector.seqs) >= trail.seq)
    assert "CEF:0|nacd|nacd|" in collector.lines[-1]
