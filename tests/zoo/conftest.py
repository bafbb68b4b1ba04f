"""The client zoo: RADIUS clients that others wrote, each behind one small driver in ``clients/``.

Knows: how a driver is run and what it says. The drivers take KIND HOST PORT SECRET SOURCE SIGNED NAME SESSION, wait
PATIENCE_S seconds (an environment variable) for one answer, and print ``key=value`` lines: ``reply`` is the code that
the client itself believed, ``none`` if it believed nothing.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from tests.conftest import PEERS, unavailable
from tests.peers.conftest import (  # noqa: F401  fixtures
    certificates,
    launch,
    may_capture,
    microsoft,
    tap,
)
from tests.peers.wire import SECRET

CLIENTS = Path(__file__).parent / "clients"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One implementation, in one way of using it.

    source: the address it sends from; LOOPBACK where it cannot be told. checks: it verifies the Response
    Authenticator; checks_ma: also a Message-Authenticator that comes. reads: what it can read of an Accept.
    """

    name: str
    program: str
    driver: str
    source: str = LOOPBACK
    signs: bool = False
    checks: bool = True
    checks_ma: bool = False
    reads: frozenset[str] = frozenset({"vlan", "session_timeout"})
    vpn: bool = False

    @property
    def known(self) -> str:
        """Whom the policy lets in."""
        return "alice" if self.vpn else "00-1B-A9-12-34-56"

    @property
    def unknown(self) -> str:
        """Somebody else for each client: refusals that are alike are recorded once."""
        octet = crc32(self.name.encode()) & 0xFF
        return "bob" if self.vpn else f"00-1B-A9-65-43-{octet:02X}"

    @property
    def nas(self) -> str:
        """The name of its entry in nacd's configuration."""
        return "loopback" if self.source == LOOPBACK else self.name


def pam_module() -> Path:
    """Where Debian's or Ubuntu's package put pam_radius_auth.so."""
    for root in (PEERS / "root", Path("/")):
        for found in (
            *root.glob("lib/*/security/pam_radius_auth.so"),
            *root.glob("usr/lib/*/security/pam_radius_auth.so"),
        ):
            return found
    unavailable("no `pam_radius_auth.so`: run `make peers` first")


class Zoo:
    """Runs the drivers."""

    def __init__(self, peer: Callable[[str], Any]) -> None:
        self._programs = {name: peer(name) for name in ("perl", "php", "node", "with-libraries")}

    def ask(
        self,
        client: Client,
        address: tuple[str, int],
        kind: str,
        name: str,
        *,
        secret: str = SECRET,
        session: str = "none",
        patience_s: int = 8,
    ) -> Mapping[str, str]:
        """One exchange. ``kind``: login or start. The driver must end well, and what it believes without complaint."""
        words: list[object] = [CLIENTS / client.driver, kind, *address, secret, client.source]
        words += ["signed" if client.signs else "unsigned", name, session]
        if client.program == "with-libraries":
            words.insert(0, sys.executable)
        if client.driver == "pam_radius.py":
            words.append(pam_module())
        done = self._programs[client.program].run(words, timeout=60, env={**os.environ, "PATIENCE_S": str(patience_s)})
        said = {key: value for key, _, value in (line.partition("=") for line in done.stdout.splitlines())}
        said["reply"], _, said["why"] = said.get("reply", "").partition(" why=")
        assert done.returncode == 0, f"{client.name}: {done.stdout}{done.stderr}"
        assert said["reply"] == "none" or not done.stderr, f"{client.name}: {done.stdout}{done.stderr}"
        return said


@pytest.fixture
def zoo(peer: Callable[[str], Any]) -> Zoo:
    return Zoo(peer)


# -- somebody in the middle ---------------------------------------------------------------------


def spoil_authenticator(answer: bytes, request: bytes) -> bytes:
    """The same answer with a Response Authenticator of zeros."""
    del request
    return answer[:4] + bytes(16) + answer[20:]


def spoil_message_authenticator(answer: bytes, request: bytes) -> bytes:
    """A Message-Authenticator of zeros (the first attribute), under a Response Authenticator that is right."""
    assert answer[20:22] == b"\x50\x12", "Message-Authenticator does not come first"
    changed = answer[:22] + bytes(16) + answer[38:]
    right = hashlib.md5(changed[:4] + request[4:20] + changed[20:] + SECRET.encode()).digest()
    return changed[:4] + right + changed[20:]


class Relay:
    """Carries datagrams from a client to nacd, from the client's own address, and spoils what comes back."""

    def __init__(self, server: tuple[str, int], source: str, spoil: Callable[[bytes, bytes], bytes]) -> None:
        self._spoil = spoil
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind((LOOPBACK, 0))
        self._back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._back.bind((source, 0))
        self._back.connect(server)
        self.answers: list[int] = []
        self._running = threading.Thread(target=self._carry)
        self._running.start()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._front.getsockname()
        return host, port

    def _carry(self) -> None:
        while True:
            request, client = self._front.recvfrom(4096)
            if not request:
                return
            self._back.send(request)
            answer = self._back.recv(4096)
            self.answers.append(answer[0])
            self._front.sendto(self._spoil(answer, request), client)

    def close(self) -> None:
        """An empty datagram ends the carrier."""
        self._back.settimeout(5.0)
        self._front.sendto(b"", self.address)
        self._running.join(10.0)
        assert not self._running.is_alive()
        self._front.close()
        self._back.close()


@pytest.fixture
def relay() -> Iterator[Callable[..., Relay]]:
    made: list[Relay] = []

    def make(*given: Any) -> Relay:
        made.append(Relay(*given))
        return made[-1]

    yield make
    for each in made:
        each.close()
