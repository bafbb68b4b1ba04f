"""Switches with endpoints that log in by EAP-TLS, in a process of their own: their work takes no time from the daemon.

``python -m tools.bench.sessions.switches FOLDER COUNT``; ``Switches`` is the other end of its pipes. Knows: the
simulated switches, a quick supplicant, when each endpoint was let in and into which VLAN. Refuses to know: what the
daemon decides, and when anything begins.

An order is a line of JSON, and so is its answer. Times are of the machine's monotonic clock, the same in all processes.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from OpenSSL import SSL

from nacd.sim.das import Endpoint, Switch
from nacd.sim.nas import Nas
from nacd.sim.nas_reply import Reply
from tools.bench import logins, radius, site
from tools.bench.compliance.devices import vlan
from tools.bench.servers.server import HOME

NASES: Final = 20
_TLS: Final[logins.TlsVersion] = "1.3"
_CISCO: Final = (9).to_bytes(4)
_TRIES: Final = 3
_TIMEOUT_S: Final = 3.0
_ANSWERED_WITHIN_S: Final = 180.0


def address(number: int) -> str:
    """Where the n-th switch is."""
    return f"127.2.0.{number + 1}"


def name(number: int) -> str:
    """What the n-th switch is called."""
    return f"bench-switch-{number + 1:02d}"


def mac(number: int) -> str:
    """Of the n-th endpoint."""
    return f"00-11-85-03-{number >> 8 & 0xFF:02X}-{number & 0xFF:02X}"


class Switches:
    """The running process. ports: of each switch, where it takes requests."""

    def __init__(self, folder: Path, endpoints: int) -> None:
        words = [sys.executable, "-m", "tools.bench.sessions.switches", str(folder), str(endpoints)]
        self.running = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HOME, text=True)
        self.ports = [int(port) for port in self.told()["ports"]]

    def tell(self, **order: object) -> None:
        """Give an order; ``told`` waits for its answer."""
        assert self.running.stdin is not None
        self.running.stdin.write(json.dumps(order) + "\n")
        self.running.stdin.flush()

    def told(self) -> dict[str, Any]:
        """The next line it says. Raises ValueError when it has ended."""
        assert self.running.stdout is not None
        said: dict[str, Any] = json.loads(self.running.stdout.readline())
        return said

    def stop(self) -> None:
        """End the process."""
        assert self.running.stdin is not None
        assert self.running.stdout is not None
        self.running.stdin.close()
        try:
            self.running.wait(20)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait(5)
        self.running.stdout.close()


class Seen:
    """The last VLAN of each endpoint, and when it got it; ``""`` when it was refused."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[str, float]] = {}
        self._news = threading.Condition()

    def put(self, number: int, vlan: str) -> None:
        """It has logged in just now."""
        with self._news:
            self._last[number] = (vlan, time.monotonic())
            self._news.notify_all()

    def wait(self, wanted: str, count: int, within_s: float) -> dict[int, float]:
        """When each of those came into this VLAN that are there: as soon as there are so many, or time is up."""
        with self._news:
            self._news.wait_for(lambda: len(self._in(wanted)) >= count, within_s)
            return self._in(wanted)

    def _in(self, wanted: str) -> dict[int, float]:
        return {number: at for number, (vlan, at) in self._last.items() if vlan == wanted}


class Supplicants:
    """Whoever is plugged into one switch, one login after the other."""

    def __init__(self, folder: Path, number: int, seen: Seen) -> None:
        self._folder = folder
        self._seen = seen
        self._contexts: dict[int, SSL.Context] = {}
        self._identifiers = itertools.count(1)
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((address(number), 0))
        self._sock.settimeout(_TIMEOUT_S)

    def endpoint(self, number: int) -> Endpoint:
        """The n-th of all."""
        return Endpoint(mac=mac(number), login=partial(self._log_in, number), user=f"host/{number}")

    def _log_in(self, number: int, nas: Nas) -> Reply:
        """EAP-TLS from beginning to end. Raises TimeoutError, SSL.Error, ValueError."""
        if number not in self._contexts:
            self._contexts[number] = logins.client_context(credentials(self._folder, number), _TLS)
        peer = logins.Peer(self._contexts[number], _TLS)
        said = b"host/%d" % number
        fixed = radius.attribute(1, said) + radius.number(6, 2) + _at(nas, mac(number))
        eap, state = logins.identity(said), b""
        while True:
            answer = self._ask(nas, fixed + radius.eap_message(eap) + state)
            if answer[0] != radius.ACCESS_CHALLENGE:
                break
            offered, kept = logins.take_apart(answer)
            eap, state = peer.answer(offered), radius.attribute(radius.STATE, kept)
        is_in = answer[0] == radius.ACCESS_ACCEPT
        self._seen.put(number, vlan(answer) if is_in else "")
        classes = [("Class", value) for code, value in radius.attributes(answer) if code == 25]
        return Reply(code=answer[0], attributes=tuple(classes), octets=answer)

    def _ask(self, nas: Nas, body: bytes) -> bytes:
        authenticator = os.urandom(16)
        request = radius.access_request(next(self._identifiers) & 0xFF, authenticator, body, site.SECRET)
        for _ in range(_TRIES):
            self._sock.sendto(request, (nas.server, nas.port))
            try:
                while True:
                    answer = self._sock.recv(4096)
                    if answer[1] == request[1] and radius.is_genuine(answer, authenticator, site.SECRET):
                        return answer
            except TimeoutError:
                continue
        raise TimeoutError(f"no answer to {_TRIES} requests")


def credentials(folder: Path, number: int) -> site.Credentials:
    """The files of the n-th endpoint's certificate; see ``flip``."""
    return site.Credentials(
        server_chain=folder / "server.pem",
        server_key=folder / "server.key",
        server_ca=folder / "server-ca.pem",
        client_chain=folder / f"client-{number}.pem",
        client_key=folder / f"client-{number}.key",
        client_ca=folder / "devices-ca.pem",
    )


def _at(nas: Nas, mac: str) -> bytes:
    """Where the endpoint is and what its session is called, in the words of its switch."""
    octets = (
        radius.attribute(32, nas.name.encode())
        + radius.number(5, nas.nas_port)
        + radius.attribute(87, nas.nas_port_id.encode())
        + radius.number(61, 15)
        + radius.attribute(30, b"02-00-5E-00-00-01")
        + radius.attribute(31, mac.encode())
    )
    for key, value in nas.extra:
        text = str(value).encode()
        if key == "Acct-Session-Id":
            octets += radius.attribute(44, text)
        elif key == "Cisco-AVPair":
            octets += radius.attribute(radius.VENDOR_SPECIFIC, _CISCO + radius.attribute(1, text))
    return octets


# -- in the process ------------------------------------------------------------------------------


def serve(folder: Path, count: int) -> None:
    """Until standard input ends."""
    seen = Seen()
    with ExitStack() as stack:
        switches = [
            Switch(Nas("127.0.0.1", site.SECRET, name=name(number), source=address(number)), host=address(number))
            for number in range(NASES)
        ]
        for switch in switches:
            stack.enter_context(switch)
        plugs = [Supplicants(folder, number, seen) for number in range(NASES)]
        _say(ports=[switch.das.port for switch in switches])
        orders: dict[str, Callable[..., None]] = {
            "log_in": partial(_log_in, switches, plugs, seen, count),
            "wait": partial(_wait, switches, seen),
        }
        for line in sys.stdin:
            order = json.loads(line)
            orders[order.pop("order")](**order)


def _log_in(
    switches: list[Switch], plugs: list[Supplicants], seen: Seen, count: int, *, auth: int, acct: int, vlan: str
) -> None:
    """All endpoints, each switch one after the other."""
    for switch in switches:
        switch.nas.port, switch.nas.accounting_port = auth, acct
    waiting = [switches[number % NASES].plug_in(plugs[number % NASES].endpoint(number)) for number in range(count)]
    for each in waiting:
        each.result(_ANSWERED_WITHIN_S)
    _say(there=len(seen.wait(vlan, count, 0.0)))


def _wait(switches: list[Switch], seen: Seen, *, vlan: str, count: int, within_s: float) -> None:
    """Until so many are in this VLAN."""
    came = seen.wait(vlan, count, within_s)
    heard = [each for switch in switches for each in switch.das.heard]
    _say(
        came=came,
        asked=sum(1 for each in heard if not each.faults),
        again=sum(1 for each in heard if each.transmission > 1),
        unbelieved=sum(1 for each in heard if each.faults),
        troubles=_words(trouble for switch in switches for trouble in switch.troubles),
    )


def _words(troubles: Iterable[BaseException]) -> list[str]:
    return [f"{type(each).__name__}: {each}" for each in itertools.islice(troubles, 5)]


def _say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
