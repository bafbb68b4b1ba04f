"""One whole nacd for all of these tests, and what must hold after each: an honest device gets in, nothing is left."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog

from nacd.eap.limits import Counters
from nacd.server import log
from tests.hostile.certificates import Paper, device, issue, key_of
from tests.hostile.wire import ACCEPT, REJECT, Answer, Box, Client, Talk
from tests.server.house import SECRET, House, Pki, Register, Site

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
EXPIRY_S = 31.0


@dataclass(slots=True, kw_only=True)
class Lab:
    """The house, a CA it trusts, one good laptop, and everything that was opened for one test."""

    house: House
    root: Paper
    rsa_root: Paper
    laptop: Paper
    folder: Path
    opened: list[Box | Client] = field(default_factory=list)
    _count: Iterator[int] = field(default_factory=itertools.count)
    _lines: list[str] = field(default_factory=list)
    _read_to: int = 0

    def talk(self, *, identity: bytes = b"host/laptop", **box: Any) -> Talk:
        made = Box(self.house.ports[0], SECRET, **box)
        self.opened.append(made)
        return Talk(made, identity)

    def context(self, paper: Paper | None, version: str = "1.3") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        low, high = version.split("-") if "-" in version else (version, version)
        context.minimum_version, context.maximum_version = VERSIONS[low], VERSIONS[high]
        if paper is not None:
            file = self.folder / f"{next(self._count)}.pem"
            file.write_bytes(paper.key_pem + paper.chain_pem)
            context.load_cert_chain(file)
        return context

    def client(
        self, paper: Paper | None, version: str = "1.3", *, context: ssl.SSLContext | None = None, **how: Any
    ) -> Client:
        made = Client(context or self.context(paper, version), **how)
        self.opened.append(made)
        return made

    def honest(self, version: str = "1.3") -> Client:
        return self.client(self.laptop, version)

    def outcome(self, paper: Paper | None, version: str = "1.3", **how: Any) -> str:
        """A whole login: ``accept``, or the code of the refusal."""
        talk = self.talk()
        return self.verdict(talk, talk.login(self.client(paper, version), **how))

    def verdict(self, talk: Talk, answer: Answer) -> str:
        """What this last answer was, by the audit file: ``accept``, or the code of the refusal."""
        record = self.record(talk)
        if answer.code == ACCEPT:
            assert record["event"] == "access.accept"
            return "accept"
        assert answer.code == REJECT, f"answer of code {answer.code}"
        assert answer.is_failure, "a Reject inside EAP carries EAP-Failure"
        assert record["event"] == "access.eap_failed"
        return str(record["eap"]["failure"])

    def record(self, talk: Talk) -> dict[str, Any]:
        """The newest audit record about this endpoint."""
        mac = f'"calling_station_id":"{talk.box.mac}"'
        return json.loads(next(line for line in reversed(self.lines()) if mac in line))

    def lines(self) -> list[str]:
        """Every line of the audit file; what was read before is not read again."""
        with self.house.site.audit.open(encoding="utf-8") as file:
            file.seek(self._read_to)
            self._lines += file.readlines()
            self._read_to = file.tell()
        return self._lines

    def cpu(self, work: Callable[[], Any]) -> float:
        """Seconds of CPU the server's own thread spends while this is done."""
        before = self.house.do(time.thread_time)
        work()
        return self.house.do(time.thread_time) - before

    @property
    def books(self) -> Counters:
        conversations = self.house.in_force.current.authorizer._conversations
        assert conversations is not None
        return self.house.do(lambda: conversations.counters)

    @property
    def held(self) -> tuple[int, int, int]:
        books = self.books
        return books.waiting, books.handshaking, books.held_octets

    def let_expire(self) -> None:
        """Half a minute passes, and the daemon's tick comes."""
        self.house.clock.ahead_s += EXPIRY_S

        def tick() -> None:
            now = self.house.clock()
            for event in self.house.in_force.current.authorizer.expire(now):
                self.house.recorder.take((event,), now)

        self.house.do(tick)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("hostile")
    root = issue("hostile root", ca=True, key=key_of("p256"))
    rsa_root = issue("hostile rsa root", ca=True, key=key_of("rsa2048"))
    site = Site(folder, Pki.make())
    site.write("devices-ca.pem", root.pem + rsa_root.pem)
    before = logging.getLogger().handlers[:]
    with contextlib.redirect_stderr(io.StringIO()):
        log.start(as_json=True)
    house = House(site, Register())
    yield Lab(house=house, root=root, rsa_root=rsa_root, laptop=device(root), folder=folder)
    house.close()
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = before


@pytest.fixture
def lab(whole: Lab) -> Iterator[Lab]:
    """After every test: nobody else got in, an honest device does, and nothing is held any more."""
    yield whole
    assert whole.talk().login(whole.honest()).code == ACCEPT
    whole.let_expire()
    assert whole.held == (0, 0, 0)
    assert not [line for line in whole.lines() if '"service.bug"' in line]
    for one in whole.opened:
        one.close()
    whole.opened.clear()
