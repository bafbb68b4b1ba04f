"""Syslog over TCP and TLS to the real rsyslog: everything arrives, also when it dies in the middle."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.keeper.forward.lab import Pki, Rsyslog, Trail, serving, until

_PRI_AUTHPRIV_INFO = "86"


def everything(collector: Rsyslog, trail: Trail) -> bool:
    return set(collector.seqs) == set(range(1, trail.seq + 1))


@pytest.mark.peer
@pytest.mark.slow
def test_twenty_thousand_records_outlive_a_collector_that_is_killed_twice(
    rsyslog: Callable[..., Rsyslog],
    trail: Trail,
    to: Callable[..., Any],
    courier: Callable[..., Any],
    pki: Pki,
    said: Any,
) -> None:
    collector = rsyslog(pki)
    keys: dict[str, Any] = {"syslog": {"confirm": "1s", "resend": "3s"}, "pace": 6_000}
    trail.grow(5_000)
    with serving(courier(to(f"syslog+tls://127.0.0.1:{collector.port}", **keys))):
        until(lambda: len(collector.seqs) > 1_000)
        collector.kill()
        trail.grow(7_000)
        trail.checkpoint()
        trail.turn_over()
        collector.start()
        until(lambda: len(set(collector.seqs)) > 9_000)
        collector.kill()
        trail.grow(8_000 - 3)
        trail.checkpoint()
        collector.start()
        until(lambda: everything(collector, trail), 60)
    assert trail.seq >= 20_000
    counted = Counter(collector.seqs)
    duplicates = sum(counted.values()) - len(counted)
    print(f"{len(counted)} records, {duplicates} of them came twice or more")
    assert duplicates < 6 * len(counted)
    assert not said.of("forward.lost")
    anchors = [line for line in collector.lines if '"code":"A9102I"' in line]
    assert {json.loads(line[line.index('{"code"') :])["seq"] for line in anchors} >= {12_002}


@pytest.mark.peer
def test_what_rsyslog_writes_is_the_record_octet_for_octet_under_its_own_header(
    rsyslog: Callable[..., Rsyslog], trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], pki: Pki
) -> None:
    collector = rsyslog(pki)
    trail.grow(3, endpoint={"user_name": 'ev"il]\\ user \u2028 <13>1 - - - - - - forged', "mac": "é"})
    with serving(courier(to(f"syslog+tls://127.0.0.1:{collector.port}", syslog={"hostname": "nac1"}))):
        until(lambda: everything(collector, trail))
    lines = [line for line in collector.out.read_bytes().split(b"\n") if line]
    assert len(lines) == trail.seq
    for line, record in zip(lines, trail.live.read_bytes().splitlines(), strict=True):
        pri, at, host, app, msgid, rest = line.decode().split("|", 5)
        assert (pri, host, app) == (_PRI_AUTHPRIV_INFO, "nac1", "nacd")
        assert msgid == json.loads(record)["code"]
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", at)
        assert rest.split("|", 1)[1].strip().encode() == record


@pytest.mark.peer
def test_lines_over_tcp_arrive_when_the_collector_is_ended_in_good_order(
    rsyslog: Callable[..., Rsyslog], trail: Trail, to: Callable[..., Any], courier: Callable[..., Any]
) -> None:
    collector = rsyslog()
    keys: dict[str, Any] = {"syslog": {"confirm": "1s", "resend": "2s", "framing": "lines"}, "format": "ecs"}
    trail.grow(2_000)
    with serving(courier(to(f"syslog+tcp://127.0.0.1:{collector.port}", **keys))):
        until(lambda: len(collector.seqs) > 300)
        collector.terminate()
        trail.grow(500)
        collector.start()
        until(lambda: everything(collector, trail), 30)
    assert json.loads(collector.lines[-1].split("|", 6)[-1])["ecs"] == {"version": "8.11.0"}


@pytest.mark.peer
def test_rsyslog_that_asks_for_a_certificate_gets_ours(
    rsyslog: Callable[..., Rsyslog], trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], pki: Pki
) -> None:
    collector = rsyslog(pki, mode="x509/certvalid")
    url = f"syslog+tls://127.0.0.1:{collector.port}"
    without = courier(to(url, syslog={"confirm": "1s"}))
    with serving(without):
        until(lambda: without.standing().kept.problem)
    assert collector.seqs == []
    keys = {"certificate": str(pki.client[0]), "private_key": f"file:{pki.client[1]}"}
    with serving(courier(to(url, **keys))):
        until(lambda: everything(collector, trail))


# -- collectors that are no rsyslog ---------------------------------------------------------------


class Collector:
    """Takes connections one after the other and does with each what ``treat`` does; keeps what was read."""

    def __init__(self, treat: Callable[[Collector, Any], None], pki: Pki | None = None) -> None:
        self.read = b""
        self.taken = 0
        self._context: ssl.SSLContext | None = None
        if pki is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*pki.server)
        self._treat = treat
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.taken += 1
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            self._treat(self, connection)

    def take(self, connection: Any, most: int = 1 << 60) -> None:
        """Read to the end, or so many octets."""
        while most > 0 and (octets := connection.recv(min(most, 65_536))):
            self.read += octets
            most -= len(octets)

    @property
    def seqs(self) -> set[int]:
        return {int(each) for each in re.findall(rb'nacd@32473 seq="(\d+)"', self.read)}

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)  # else the thread waits on, and may take another test's connections
        self._listening.close()


@pytest.fixture
def collector() -> Iterator[Callable[..., Collector]]:
    made: list[Collector] = []

    def make(treat: Callable[[Collector, Any], None], pki: Pki | None = None) -> Collector:
        made.append(Collector(treat, pki))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("encrypted", [False, True])
def test_what_lay_unread_in_the_far_ends_kernel_is_sent_again(
    encrypted: bool,
    collector: Callable[..., Collector],
    trail: Trail,
    to: Callable[..., Any],
    courier: Callable[..., Any],
    pki: Pki,
) -> None:
    """Its kernel has acknowledged every octet; the program has read a few and dies."""
    trail.grow(400)

    def treat(self: Collector, connection: Any) -> None:
        if self.taken == 1:
            self.take(connection, 5_000)
            died.wait(10)
            connection.close()
            return
        self.take(connection)
        connection.close()

    died = threading.Event()
    far = collector(treat, pki if encrypted else None)
    url = f"syslog+{'tls' if encrypted else 'tcp'}://127.0.0.1:{far.port}"
    one = courier(to(url, syslog={"confirm": "1h", "resend": "0s"}))
    with serving(one):
        until(lambda: one.standing().kept.sent >= 401)
        assert len(far.seqs) < 100
        assert one.standing().kept.place is None or one.standing().kept.place.seq == 0
        died.set()
        until(lambda: far.seqs == set(range(1, trail.seq + 1)))


@pytest.mark.parametrize("encrypted", [False, True])
def test_the_place_moves_only_when_everything_was_read(
    encrypted: bool,
    collector: Callable[..., Collector],
    trail: Trail,
    to: Callable[..., Any],
    courier: Callable[..., Any],
    pki: Pki,
) -> None:
    def treat(self: Collector, connection: Any) -> None:
        ready.wait(60)
        self.take(connection)
        connection.close()

    ready = threading.Event()
    far = collector(treat, pki if encrypted else None)
    trail.grow(50)
    url = f"syslog+{'tls' if encrypted else 'tcp'}://127.0.0.1:{far.port}"
    one = courier(to(url, timeout="5s", syslog={"confirm": "1s", "resend": "0s"}))

    def place() -> int:
        found = one.standing().kept.place
        return found.seq if found else 0

    with serving(one):
        until(lambda: far.taken == 2)
        assert place() == 0
        ready.set()
        until(lambda: place() == trail.seq)
        assert len(re.findall(rb"nacd@32473", far.read)) == trail.seq


def test_what_was_read_a_short_time_ago_is_sent_again_when_the_connection_breaks(
    collector: Callable[..., Collector], trail: Trail, to: Callable[..., Any], courier: Callable[..., Any]
) -> None:
    """The collector has read it and dies with it in its memory."""

    def treat(self: Collector, connection: Any) -> None:
        if self.taken == 2:
            breaks.wait(60)
            connection.close()
            return
        self.take(connection)
        connection.close()

    breaks = threading.Event()
    far = collector(treat)
    trail.grow(50)
    one = courier(to(f"syslog+tcp://127.0.0.1:{far.port}", syslog={"confirm": "1s", "resend": "1h"}))
    with serving(one):
        until(lambda: far.taken == 2)
        until(lambda: far.seqs == set(range(1, trail.seq + 1)))
        far.read = b""
        breaks.set()
        until(lambda: far.seqs == set(range(1, trail.seq + 1)))


def test_a_collector_that_reads_nothing_or_never_ends_is_trouble_and_not_a_wait_for_ever(
    collector: Callable[..., Collector], trail: Trail, to: Callable[..., Any], courier: Callable[..., Any]
) -> None:
    held = threading.Event()
    far = collector(lambda _self, _connection: held.wait(20) and None)
    trail.grow(10)
    one = courier(to(f"syslog+tcp://127.0.0.1:{far.port}", timeout="1s", syslog={"confirm": "1s"}))
    try:
        with serving(one):
            until(lambda: "it has not read everything yet" in one.standing().kept.problem)
            trail.grow(30_000, pad="x" * 300)
            until(lambda: "does not read, in time" in one.standing().kept.problem, 30)
    finally:
        held.set()
    assert one.standing().kept.place is None or one.standing().kept.place.seq == 0


@pytest.mark.parametrize("which", ["stranger", "misnamed"])
def test_a_collector_that_is_somebody_else_gets_no_record(
    which: str,
    collector: Callable[..., Collector],
    trail: Trail,
    to: Callable[..., Any],
    courier: Callable[..., Any],
    pki: Pki,
) -> None:
    far = collector(
        lambda self, connection: self.take(connection), dataclasses.replace(pki, server=getattr(pki, which))
    )
    one = courier(to(f"syslog+tls://127.0.0.1:{far.port}"))
    with serving(one):
        until(lambda: "is not trusted" in one.standing().kept.problem)
    assert far.read == b""
    assert "it presents" in one.standing().kept.problem
