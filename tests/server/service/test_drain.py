"""A stop under load: what was received is answered, and what comes later finds the next daemon."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.nas import Nas
from nacd.sim.supplicant import LoginResult, login
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, SECRET, House, Pki, Site, soon

ACCEPT, CHALLENGE = 2, 11


class SlowNas(Nas):
    """Between two rounds of EAP it takes its time. rounds: how many there were."""

    rounds = 0

    def eap(self, *words: Any, **more: Any) -> Any:
        self.rounds += 1
        time.sleep(0.03)
        return super().eap(*words, **more)


class Counting:
    """A socket. sent: how much each of its datagrams was, once it is on its way."""

    def __init__(self, there: socket.socket, sent: list[int]) -> None:
        self._there = there
        self._sent = sent

    def send(self, octets: bytes) -> None:
        self._sent.append(self._there.send(octets))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._there, name)


def closing(house: House, patience_s: float, unfinished: Callable[[], int]) -> Any:
    return asyncio.run_coroutine_threadsafe(house.listener.close(patience_s, unfinished), house._loop)


def test_a_login_under_way_is_finished_before_the_end(house: House, pki: Pki) -> None:
    slow = SlowNas(server="127.0.0.1", secret=SECRET, port=house.ports[0], source="127.0.0.1", timeout_s=2, tries=1)
    with slow, ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(login, slow, pki.supplicant(), mac=LAPTOP_MAC)
        assert soon(lambda: slow.rounds >= 2, 5)
        ended = closing(house, 5.0, lambda: house.in_force.conversations)
        result: LoginResult = under_way.result(10)
        ended.result(10)
    assert result.code == ACCEPT


def test_no_conversation_begins_that_could_not_be_finished(house: House, pki: Pki) -> None:
    going_on = threading.Event()
    going_on.set()
    ended = closing(house, 8.0, lambda: int(going_on.is_set()))
    assert soon(lambda: house.worker.leaving, 5)
    assert house.login(pki.supplicant(), timeout_s=0.3).code == 0
    assert house.nas().mab(PRINTER_MAC).code == ACCEPT  # what is one packet is answered as long as there is time
    going_on.clear()
    ended.result(10)
    house.tick()
    reasons = {count.reason for count in house.recorder._drops.report()} | {
        record["packets"]["reason"] for record in house.records("packets.dropped")
    }
    assert "stopping" in reasons


def test_peers_that_went_away_are_not_waited_for(house: House) -> None:
    began = time.monotonic()
    closing(house, 60.0, lambda: 1).result(20)
    assert time.monotonic() - began < 20  # half of the patience would have been longer


def test_what_had_arrived_when_the_end_came_is_answered(house: House) -> None:
    """The event loop is held while datagrams pile up in the kernel; then the first it hears of is the end."""
    nases = [house.nas(timeout_s=10.0) for _ in range(40)]
    sent: list[int] = []
    for nas in nases:
        nas._sockets[nas.port] = Counting(nas._socket(nas.port), sent)  # type: ignore[assignment]
    hold = threading.Event()
    house._loop.call_soon_threadsafe(partial(hold.wait, 10))
    with ThreadPoolExecutor(len(nases)) as pool:
        asked = [pool.submit(nas.mab, PRINTER_MAC) for nas in nases]
        assert soon(lambda: len(sent) == len(nases), 8)
        ended = closing(house, 3.0, int)
        hold.set()
        ended.result(10)
        assert [each.result(10).code for each in asked] == [ACCEPT] * len(nases)


# -- whole daemons ---------------------------------------------------------------------------------


@pytest.fixture
def started(site: Site) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a daemon on the site's ports, which are the same each time."""
    with ExitStack() as opened:
        ports = []
        for _ in range(2):
            probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
            opened.callback(probe.close)
    for role, port in zip(("auth", "accounting"), ports, strict=True):
        site.change(f'{role}: "127.0.0.1:0"', f'{role}: "127.0.0.1:{port}"')
    running: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        ready = site.folder / "ready.json"
        ready.unlink(missing_ok=True)
        with (site.folder / "nacd.log").open("ab") as out:
            each = subprocess.Popen(
                [sys.executable, "-m", "nacd", "serve", "--demo", "--config", str(site.config)],
                env={**os.environ, "NACD_READY_FILE": str(ready)},
                stdout=out,
                stderr=out,
            )
        running.append(each)
        assert soon(lambda: ready.exists() or each.poll() is not None, 30)
        assert each.poll() is None, (site.folder / "nacd.log").read_text()
        return each

    yield start
    for each in running:
        if each.poll() is None:
            each.kill()
        each.wait(10)


def auth_port(site: Site) -> int:
    return int(json.loads((site.folder / "ready.json").read_text())["auth"][0][1])


@pytest.mark.slow
def test_a_restart_under_load_leaves_no_request_without_an_answer(
    site: Site, started: Callable[[], subprocess.Popen[bytes]]
) -> None:
    """Eight NASes ask one question after the other and repeat what is not answered, through a stop and a start."""
    with site.config.open("a") as config:
        config.write("overload: {port_rate: 10000, port_burst: 10000}\n")
    first = started()
    port = auth_port(site)
    over = threading.Event()
    codes: list[int] = []

    def ask() -> int:
        asked = 0
        with Nas("127.0.0.1", SECRET, port, source="127.0.0.1", timeout_s=0.5, tries=10_000) as nas:
            while not over.is_set():
                codes.append(nas.mab(PRINTER_MAC).code)
                asked += 1
        return asked

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask) for _ in range(8)]
        assert soon(lambda: len(codes) > 200, 30)
        first.send_signal(signal.SIGTERM)
        assert first.wait(20) == 0
        at_the_end = len(codes)
        records = [json.loads(line) for line in site.audit.read_text().splitlines()]
        assert [each["event"] for each in records].count("service.stopped") == 1
        second = started()
        assert soon(lambda: len(codes) > at_the_end + 200, 30)
        over.set()
        assert all(each.result(40) for each in asking)
    second.terminate()
    assert second.wait(20) == 0
    assert set(codes) == {ACCEPT}


def test_a_second_signal_ends_it_at_once(site: Site, started: Callable[[], subprocess.Popen[bytes]]) -> None:
    """The first waits for a conversation that is going on; the second does not."""
    daemon = started()
    with Nas("127.0.0.1", SECRET, auth_port(site), source="127.0.0.1", timeout_s=5, tries=1) as nas:
        eap_identity = bytes((2, 1, 0, 9, 1)) + b"host"
        assert nas.eap(eap_identity, user="host", mac=LAPTOP_MAC).code == CHALLENGE  # a conversation that is going on
        daemon.send_signal(signal.SIGTERM)
        assert soon(lambda: "stopping" in (site.folder / "nacd.log").read_text(), 10)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == -signal.SIGTERM


def test_a_supervisor_hears_ready_and_stopping(
    site: Site, started: Callable[[], subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    where = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(where))
        ear.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(where))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        daemon = started()
        heard = ""
        while "WATCHDOG=1" not in heard:
            heard += ear.recv(4096).decode() + "\n"
        assert "READY=1\nSTATUS=serving: configuration 1, 2 NASes" in heard
        daemon.send_signal(signal.SIGHUP)
        while "RELOADING=1" not in heard or "configuration 2" not in heard:
            heard += ear.recv(4096).decode() + "\n"
        daemon.terminate()
        while "STOPPING=1" not in heard:
            heard += ear.recv(4096).decode() + "\n"
    assert daemon.wait(20) == 0
