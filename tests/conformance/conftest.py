"""One whole nacd on loopback for every clause, and a wire to it."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from nacd.server import log
from nacd.sim.supplicant import Supplicant
from tests.conformance.wire import Talk, Wire
from tests.server.house import LAPTOP_MAC, House, Pki, Register, Site


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "clause(section, requirement): the clause of a standard that a test holds")


@pytest.fixture(scope="session", autouse=True)
def operational_log() -> Iterator[None]:
    """The log of the houses goes nowhere: what is asserted here is on the wire and in the audit file."""
    before = logging.getLogger().handlers[:]
    with contextlib.redirect_stderr(io.StringIO()):
        log.start(as_json=True)
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = before


@pytest.fixture(scope="session")
def pki() -> Pki:
    return Pki.make()


@pytest.fixture(scope="session")
def register() -> Register:
    """Knows every device as compliant."""
    return Register()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, pki: Pki, register: Register) -> Iterator[House]:
    """Shared by all tests that leave it as they found it."""
    site = Site(tmp_path_factory.mktemp("house"), pki)
    # One machine does 802.1X in one test and MAB in the next.
    made = House(site.change("policy: policy.yaml", "policy: policy.yaml\nmab: {managed_devices: allow}"), register)
    yield made
    made.close()


@pytest.fixture
def site(tmp_path: Path, pki: Pki) -> Site:
    """A configuration of this test's own."""
    return Site(tmp_path, pki)


@pytest.fixture
def build(site: Site) -> Iterator[Callable[..., House]]:
    """A house of this test's own."""
    built: list[House] = []

    def make(register: Register | None = None, **how: Any) -> House:
        built.append(House(site, register or Register(), **how))
        return built[-1]

    yield make
    for each in built:
        each.close()


@pytest.fixture
def plug() -> Iterator[Callable[..., Wire]]:
    """``plug(house)``: a wire to its authentication port; ``accounting=True``: to the other one."""
    sockets: list[socket.socket] = []

    def make(to: House, *, accounting: bool = False, source: str = "127.0.0.1") -> Wire:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sockets.append(sock)
        sock.bind((source, 0))
        sock.connect(("127.0.0.1", to.ports[accounting]))
        sock.settimeout(5)
        return Wire(sock, to.settle)

    yield make
    for each in sockets:
        each.close()


@pytest.fixture
def wire(house: House, plug: Callable[..., Wire]) -> Wire:
    return plug(house)


@pytest.fixture
def acct(house: House, plug: Callable[..., Wire]) -> Wire:
    return plug(house, accounting=True)


@pytest.fixture
def talk() -> Callable[..., Talk]:
    """Carry EAP between a house and a supplicant to the end, and keep everything that was said."""

    def carry(house: House, supplicant: Supplicant, *, mac: str = LAPTOP_MAC, extra: Any = (), **nas: Any) -> Talk:
        said = Talk()
        asking, state, eap = house.nas(**nas), b"", supplicant.start()
        while eap and len(said.replies) < 300:
            said.responses.append(eap)
            reply = asking.eap(eap, user=supplicant.identity, mac=mac, state=state, extra=extra)
            said.replies.append(reply)
            state = reply.state
            eap = supplicant.receive(reply.eap)
        supplicant.close()
        return said

    return carry
