"""An Intune that takes seconds, more devices than it can be asked about in time, and everybody else beside them.

Knows: two streams of requests by the clock, what each answer says, what nacd and Intune say of it afterwards. Refuses
to know: how nacd waits.
"""

from __future__ import annotations

import select
import socket
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from tools.bench import load, meter, radius, site
from tools.bench.cases import WrongAnswerError
from tools.bench.compliance import daemon, devices
from tools.bench.compliance.daemon import Place
from tools.bench.compliance.figures import DEADLINE_S, SlowIntune
from tools.bench.servers.server import Server
from tools.bench.strain import percentiles

LATENCY_S: Final = 2.0
_PROBE_PORTS: Final = 4
_CLOCKS_APART_S: Final = 0.001
_AFTER_S: Final = DEADLINE_S + 3.0
_KEPT_WITHIN_S: Final = 20.0
_SHOWN: Final = 1_000
_WARM_DEVICE: Final = 999_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """seconds: of the load; alone_s: of the probes without it before. rate, probes: a second."""

    seconds: float
    alone_s: float
    rate: float = 200.0
    probes: float = 100.0


@dataclass(slots=True)
class _Sender:
    """One source of requests: sockets that take turns, so that an Identifier comes back long after its answer."""

    sockets: list[socket.socket]
    under_way: list[dict[int, tuple[bytes, int]]] = field(init=False)
    took_ns: list[int] = field(default_factory=list)
    vlans: list[str] = field(default_factory=list)
    wrong: int = 0
    sent: int = 0

    def __post_init__(self) -> None:
        self.under_way = [{} for _ in self.sockets]

    @property
    def missing(self) -> int:
        """Requests without an answer so far."""
        return self.sent - len(self.took_ns) - self.wrong

    def identifier(self) -> int:
        """For the next request."""
        return self.sent // len(self.sockets) % 256

    def send(self, request: bytes) -> None:
        """The next socket's turn. Raises WrongAnswerError when a whole round of Identifiers is unanswered."""
        place = self.sent % len(self.sockets)
        if request[1] in self.under_way[place]:
            raise WrongAnswerError("nacd: no answer within a whole round of Identifiers")
        self.under_way[place][request[1]] = (request[4:20], time.time_ns())
        self.sockets[place].send(request)
        self.sent += 1

    def take(self, one: socket.socket) -> None:
        """Every answer that this socket has."""
        due = self.under_way[self.sockets.index(one)]
        while True:
            try:
                answer, arrived_ns = load.receive_stamped(one)
            except BlockingIOError:
                return
            authenticator, sent_ns = due.pop(answer[1], (b"", 0))
            genuine = bool(authenticator) and radius.is_genuine(answer, authenticator, site.SECRET)
            if genuine and answer[0] == radius.ACCESS_ACCEPT:
                self.took_ns.append(arrived_ns - sent_ns)
                self.vlans.append(devices.vlan(answer))
            else:
                self.wrong += 1


def _sockets(stack: ExitStack, sources: Sequence[str], port: int) -> list[socket.socket]:
    made = []
    for source in sources:
        one = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        one.setblocking(False)
        load.stamp_arrivals(one)
        one.bind((source, 0))
        one.connect(("127.0.0.1", port))
        made.append(one)
    return made


class Streams:
    """Probes, and devices that nobody knows yet, each by the clock."""

    def __init__(self, stack: ExitStack, port: int) -> None:
        self._stack = stack
        self._port = port
        self.probes = self._new_probes()
        vpns = [devices.concentrator(number) for number in range(devices.CONCENTRATORS)]
        self.devices = _Sender(_sockets(stack, vpns, port))
        self.late_ns = 0
        self._probe = self._device = 0

    def _new_probes(self) -> _Sender:
        return _Sender(_sockets(self._stack, ["127.0.0.1"] * _PROBE_PORTS, self._port))

    def forget_probes(self) -> None:
        """Count them anew."""
        self.probes = self._new_probes()

    def run(self, seconds: float, probes: float, rate: float) -> None:
        """Send for so long, at so many a second of each; take answers meanwhile."""
        began = time.time_ns() + 2_000_000
        due = [(int(turn * 1e9 / probes), False) for turn in range(int(seconds * probes))]
        due += [(int(turn * 1e9 / rate), True) for turn in range(int(seconds * rate))] if rate else []
        for after_ns, is_device in sorted(due):
            self._listen_until(began + after_ns)
            self.late_ns = max(self.late_ns, time.time_ns() - began - after_ns)
            self._send_device() if is_device else self._send_probe()

    def drain(self, seconds: float) -> None:
        """Take answers until there are all, for so long at most."""
        until = time.time_ns() + int(seconds * 1e9)
        while (self.probes.missing or self.devices.missing) and time.time_ns() < until:
            self._listen_until(time.time_ns() + 20_000_000)

    def _send_probe(self) -> None:
        self._probe += 1
        self.probes.send(devices.mab_request(self.probes.identifier(), devices.listed_mac(self._probe)))

    def _send_device(self) -> None:
        self._device += 1
        self.devices.send(devices.vpn_request(self.devices.identifier(), self._device))

    def _listen_until(self, until_ns: int) -> None:
        senders = {one: sender for sender in (self.probes, self.devices) for one in sender.sockets}
        while (left_ns := until_ns - time.time_ns()) > 0:
            for one in select.select(list(senders), (), (), left_ns / 1e9)[0]:
                senders[one].take(one)


def enrolled(count: int) -> list[dict[str, object]]:
    """The devices that will come, for the simulated Intune: all compliant."""
    return [{"guid": devices.guid(number), "compliant": True} for number in (*range(1, count + 1), _WARM_DEVICE)]


def measure(stack: ExitStack, place: Place, plan: Plan) -> SlowIntune:
    """Probes alone, then both; then everybody is asked what became of it. Raises WrongAnswerError, NotUpError."""
    server = daemon.start(stack, place)
    microsoft = place.microsoft
    _warm(server)
    streams = Streams(stack, server.auth_port)
    streams.run(plan.alone_s, plan.probes, 0.0)
    streams.drain(_AFTER_S)
    alone = percentiles(streams.probes.took_ns, streams.probes.missing)
    streams.forget_probes()
    asked_before = set(microsoft.questions("guid"))
    before = _status(place)["counts"]
    microsoft.order("POST", "/faults", kind="latency", ms=int(LATENCY_S * 1000))
    streams.late_ns, cpu, began = 0, meter.cpu_ns(server.pids), time.monotonic_ns()
    streams.run(plan.seconds, plan.probes, plan.rate)
    cpu_share = (meter.cpu_ns(server.pids) - cpu) / (time.monotonic_ns() - began)
    streams.drain(_AFTER_S)
    # From here on Intune is asked for nobody's login: only about those who are on the network now, which has no end.
    counts = _status(place)["counts"]
    begun = counts["asked"] - counts["polled"] - before["asked"] + before["polled"]
    late = _late(place, before["late"], begun)
    asked = set(microsoft.questions("guid")) - asked_before
    known = _known(place, asked)
    records = [line["compliance"] for line in place.records() if line["compliance"]["state"] == "unavailable"]
    came, probes = streams.devices, streams.probes
    answered = sorted(ns / 1e9 for ns in came.took_ns) or [float("inf")]
    return SlowIntune(
        rate=plan.rate,
        seconds=plan.seconds,
        latency_s=LATENCY_S,
        devices=came.sent,
        probes=probes.sent,
        alone_ms=alone,
        beside_ms=percentiles(probes.took_ns, probes.missing),
        answered_s=(answered[0], statistics.median(answered), answered[-1]),
        unavailable=came.vlans.count(daemon.QUARANTINE),
        compliant=came.vlans.count(daemon.CORPORATE),
        at_deadline=sum(
            ns / 1e9 >= DEADLINE_S - _CLOCKS_APART_S and vlan == daemon.QUARANTINE
            for ns, vlan in zip(came.took_ns, came.vlans, strict=True)
        ),
        refused=sum("the limit `" in line["detail"] for line in records),
        missing=came.missing + probes.missing,
        wrong=came.wrong + probes.wrong,
        asked=begun,
        late=late,
        known=len(asked & known),
        forgotten=len(asked - known),
        cpu=cpu_share,
        own_late_ms=streams.late_ns / 1e6,
    )


def _warm(server: Server) -> None:
    """One device while Intune is well: token, address and connection are there. Raises WrongAnswerError."""
    with ExitStack() as stack:
        first = _Sender(_sockets(stack, [devices.concentrator(0)], server.auth_port))
        first.send(devices.vpn_request(0, _WARM_DEVICE))
        if not select.select(first.sockets, (), (), load.SILENCE_S)[0]:
            raise WrongAnswerError(f"nacd does not answer\n{server.log.read_text(errors='replace')[-1500:]}")
        first.take(first.sockets[0])
    if first.vlans != [daemon.CORPORATE]:
        raise WrongAnswerError("nacd: the first device was not let in by its verdict")


def _status(place: Place) -> Any:
    return place.order("cache", "status")[daemon.TENANT]


def _late(place: Place, before: int, wanted: int) -> int:
    """Late answers kept since: once there are as many as wanted, or after a while."""
    until = time.monotonic() + _KEPT_WITHIN_S
    while True:
        late = int(_status(place)["counts"]["late"]) - before
        if late >= wanted or time.monotonic() > until:
            return late
        time.sleep(0.1)


def _known(place: Place, wanted: set[str]) -> set[str]:
    """Devices that nacd says it knows, by their id: once all that are wanted are among them, or after a while."""
    until = time.monotonic() + _KEPT_WITHIN_S
    while True:
        shown = place.order("cache", "show", "--limit", str(_SHOWN))
        known = {str(entry["key"]).removeprefix("guid:") for entry in shown if entry["known"]}
        if wanted <= known or time.monotonic() > until:
            return known
        time.sleep(0.1)
