"""A daemon as a process of its own, its keeper beside it, and records by the thousand: nothing is lost."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.nas import Nas
from tests.keeper.trails import check, texts
from tests.server.house import PRINTER_MAC, SECRET, Site, soon

HOME = Path(__file__).resolve().parents[3]
ACCEPT = 2


class Daemon:
    """One that serves a site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.ready = site.folder / "ready.json"
        self.ready.unlink(missing_ok=True)
        words = [sys.executable, "-m", "nacd", "serve", "--config", str(site.config), "--demo", "--log-format", "json"]
        self.log = (site.folder / "nacd.log").open("ab")
        environment = {**os.environ, "NACD_READY_FILE": str(self.ready)}
        self.process = subprocess.Popen(
            words, cwd=HOME, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        assert soon(self.ready.exists, 30), self.said
        self.where = json.loads(self.ready.read_text())

    @property
    def said(self) -> str:
        return (self.site.folder / "nacd.log").read_text()

    def nas(self) -> Nas:
        (host, auth), (_, accounting) = self.where["auth"][0], self.where["accounting"][0]
        return Nas(host, SECRET, auth, accounting, source="127.0.0.1", timeout_s=5, tries=2)

    def children(self) -> list[int]:
        """Keepers that are there, stopped ones too."""
        found = []
        for each in Path("/proc").iterdir():
            try:
                status = (each / "stat").read_text().rpartition(")")[2].split() if each.name.isdecimal() else []
            except OSError:
                continue
            if status and int(status[1]) == self.process.pid and status[0] != "Z":
                found.append(int(each.name))
        return found

    def keeper(self) -> int:
        """The one that is there now."""
        assert soon(lambda: len(self.children()) == 1, 20), self.said
        return self.children()[0]

    def records(self, *events: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for _, text in texts(self.site.audit) for line in text.splitlines()]
        return [record for record in found if record["event"] in events]

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait(20)
        self.log.close()
        return code


Launch = Callable[[str], Daemon]


@pytest.fixture
def launch(site: Site) -> Iterator[Launch]:
    """``launch("rotate: {size: 1MiB}")``: a daemon with these words in its audit section."""
    running: list[Daemon] = []

    def start(more: str) -> Daemon:
        if "audit: {file: audit.jsonl}" in site.config.read_text():
            site.change("audit: {file: audit.jsonl}", f"audit: {{file: audit.jsonl, {more}}}")
            site.change("policy: policy.yaml", "overload: {port_rate: 10000, port_burst: 100000}\npolicy: policy.yaml")
        running.append(Daemon(site))
        return running[-1]

    yield start
    for each in running:
        if each.process.poll() is None:
            keepers = each.children()
            each.process.kill()
            for keeper in keepers:  # one that was stopped would not notice
                os.kill(keeper, signal.SIGKILL)
            each.process.wait(10)
        each.log.close()


def full_ones(site: Site) -> list[str]:
    return sorted(path.name for path in site.folder.iterdir() if path.name.startswith("audit-"))


def load(nas: Nas, until: Callable[[], Any], within_s: float = 90.0) -> int:
    """Logins, one after the other, each with its Accept; how many."""
    deadline, count = time.monotonic() + within_s, 0
    while not until():
        for _ in range(50):
            assert nas.mab(PRINTER_MAC).code == ACCEPT
            count += 1
        assert time.monotonic() < deadline
    return count


@contextmanager
def loaded(daemon: Daemon) -> Iterator[list[int]]:
    """Logins go on meanwhile; how many there were so far."""
    counted, end = [0], threading.Event()
    trouble: list[BaseException] = []

    def go_on() -> None:
        try:
            with daemon.nas() as nas:
                while not end.is_set():
                    assert nas.mab(PRINTER_MAC).code == ACCEPT
                    counted[0] += 1
        except BaseException as wrong:
            trouble.append(wrong)

    sender = threading.Thread(target=go_on)
    sender.start()
    try:
        yield counted
    finally:
        end.set()
        sender.join(20)
    for wrong in trouble:
        raise wrong


@pytest.mark.slow
def test_full_files_are_sealed_and_the_trail_stands(launch: Launch, site: Site) -> None:
    daemon = launch("rotate: {size: 1MiB}")
    with daemon.nas() as nas:
        sent = load(nas, lambda: len(full_ones(site)) >= 3)
    assert soon(lambda: not [name for name in full_ones(site) if name.endswith(".jsonl")], 30), full_ones(site)
    assert soon(lambda: len([name for name in full_ones(site) if name.endswith(".idx")]) >= 2, 30)
    assert daemon.stop() == 0
    assert check(site.audit) >= sent
    assert len(daemon.records("access.accept")) == sent
    sealed = daemon.records("audit.sealed")
    assert len(sealed) >= 2
    for record in sealed:
        packed = (site.folder / f"{record['kept']['file']}.gz").read_bytes()
        assert len(packed) == record["kept"]["packed_octets"]
        assert len(gzip.decompress(packed)) == record["kept"]["octets"]


@pytest.mark.slow
def test_a_reload_reaches_the_keeper(launch: Launch, site: Site) -> None:
    daemon = launch("rotate: {size: 1MiB}, compress: false")
    keeper = daemon.keeper()
    with daemon.nas() as nas:
        load(nas, lambda: len([name for name in full_ones(site) if name.endswith(".jsonl")]) >= 1)
    assert soon(lambda: [name for name in full_ones(site) if name.endswith(".idx")], 30)
    assert not [name for name in full_ones(site) if name.endswith(".gz")]
    site.change("compress: false", "compress: true")
    daemon.process.send_signal(signal.SIGHUP)
    assert soon(lambda: [name for name in full_ones(site) if name.endswith(".gz")], 30), daemon.said
    assert daemon.keeper() == keeper
    assert daemon.stop() == 0
    check(site.audit)


@pytest.mark.slow
def test_what_is_too_much_is_deleted_and_the_trail_says_so(launch: Launch, site: Site) -> None:
    daemon = launch("rotate: {size: 1MiB}, keep: {size: 2MiB}, compress: false")
    with daemon.nas() as nas:
        load(nas, lambda: daemon.records("audit.retired"))
    gone = [site.folder / record["retired"]["file"] for record in daemon.records("audit.retired")]
    assert soon(lambda: not [path for path in gone if path.exists()], 20)  # on record first, and deleted after that
    assert daemon.stop() == 0
    told = [record["retired"] for record in daemon.records("audit.retired")]
    assert [each["first_seq"] for each in told[:1]] == [1]
    assert told[0]["why"] == "audit.keep.size: 2MiB"
    first = told[-1]["last_seq"] + 1
    check(site.audit, first=first)
    (name, text), *_ = texts(site.audit)
    assert json.loads(text.splitlines()[0])["previous"]["link"] == told[-1]["last_link"], name
    assert not [each for each in told if (site.folder / each["file"]).exists()]


@pytest.mark.slow
def test_a_keeper_that_is_killed_again_and_again_loses_nothing(launch: Launch, site: Site) -> None:
    daemon = launch("rotate: {size: 1MiB}")
    chance = random.Random(4711)
    with loaded(daemon) as counted:
        for _ in range(3):  # each is waited for twice as long as the one before
            os.kill(daemon.keeper(), signal.SIGKILL)
            before = counted[0]
            time.sleep(chance.uniform(0.0, 1.0))
            assert soon(lambda before=before: counted[0] > before, 10)
    assert soon(lambda: daemon.records("keeper.resumed"), 60), daemon.said
    assert soon(lambda: not [name for name in full_ones(site) if name.endswith(".jsonl")], 60), full_ones(site)
    assert daemon.stop() == 0
    assert check(site.audit) >= counted[0]
    assert len(daemon.records("access.accept")) == counted[0]
    assert daemon.records("keeper.failed")[0]["keeper"]["reason"] == "it was ended by signal 9"


@pytest.mark.slow
def test_a_keeper_that_stands_still_holds_up_no_answer_and_no_end(launch: Launch) -> None:
    daemon = launch("rotate: {size: 1MiB}")
    keeper = daemon.keeper()
    os.kill(keeper, signal.SIGSTOP)
    with daemon.nas() as nas:
        load(nas, lambda: len(full_ones(daemon.site)) >= 2)
    assert [name for name in full_ones(daemon.site) if name.endswith(".jsonl")]
    assert daemon.stop() == 0
    assert not Path(f"/proc/{keeper}").exists()
    check(daemon.site.audit)


def test_no_keeper_outlives_its_daemon(launch: Launch) -> None:
    for by in (signal.SIGTERM, signal.SIGKILL):
        daemon = launch("sync: batch")
        keeper = daemon.keeper()
        daemon.process.send_signal(by)
        daemon.process.wait(20)
        assert soon(lambda keeper=keeper: not Path(f"/proc/{keeper}").exists(), 10)


def test_a_daemon_whose_log_is_no_file_has_no_keeper(launch: Launch, site: Site) -> None:
    site.audit.symlink_to("/dev/null")
    daemon = launch("sync: batch")
    with daemon.nas() as nas:
        assert nas.mab(PRINTER_MAC).code == ACCEPT
    assert daemon.children() == []
    assert daemon.stop() == 0
