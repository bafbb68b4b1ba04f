"""Endpoints on switch ports: MAB by PAP and 802.1X by EAP-TLS, each with the answer it must get.

Knows: what a login sends, and which answer is right, wrong or missing. Refuses to know: when logins
happen (the scenarios), and retransmissions (``nas``).
"""

from __future__ import annotations

import random
import ssl
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tools.scenarios import wire
from tools.scenarios.loop import Loop
from tools.scenarios.nas import Retries, Switch, Traffic
from tools.scenarios.stage import CORPORATE, MANAGED, PRINTERS, SECRET, SWITCHES, Stage, mac, switch_address
from tools.scenarios.supplicant import Supplicant, identity_response

_MAX_ROUNDS = 40


@dataclass(slots=True)
class Outcomes:
    """Ends of logins of one kind. access_s: from the time it was due to the believed answer.

    lost: the NAS gave up. wrong: an answer that this endpoint must not get, by what it was.
    """

    served: int = 0
    lost: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    access_s: array[float] = field(default_factory=lambda: array("d"))
    accounted: int = 0
    accounting_lost: int = 0

    @property
    def wrong_count(self) -> int:
        """Wrong answers of every kind."""
        return sum(self.wrong.values())

    @property
    def wrong_words(self) -> str:
        """Which they were, most frequent first."""
        return ", ".join(f"{count} {words}" for words, count in self.wrong.most_common()) or "none"


@dataclass(slots=True, kw_only=True)
class Endpoint:
    """One machine on one port. context None: MAB. vlan: what it must be put in; ``""``: it must be refused."""

    mac: str
    switch: Switch
    accounting: Switch | None
    port: int
    vlan: str
    context: ssl.SSLContext | None = None
    identity: str = ""
    attributes: bytes = b""
    user: bytes = b""
    sessions: int = 0

    def __post_init__(self) -> None:
        name = f"switch-{self.switch.source}"
        self.user = (self.identity or self.mac.replace("-", "").lower()).encode()
        self.attributes = b"".join(
            (
                wire.attribute(wire.USER_NAME, self.user),
                wire.text(wire.NAS_IDENTIFIER, name),
                wire.integer(wire.NAS_PORT, 50_000 + self.port),
                wire.text(wire.NAS_PORT_ID, f"GigabitEthernet1/0/{self.port}"),
                wire.integer(wire.NAS_PORT_TYPE, 15),
                wire.text(wire.CALLED_STATION_ID, "02-00-5E-00-00-01"),
                wire.text(wire.CALLING_STATION_ID, self.mac),
            )
        )


class Login:
    """One login of one endpoint; ``done(login)`` is called once, with ``end`` served, lost or wrong.

    due: when its link came up, from which its time to access counts; again: that was an earlier attempt.
    """

    __slots__ = ("_done", "_rounds", "_supplicant", "due", "end", "endpoint", "outcomes")

    def __init__(
        self,
        endpoint: Endpoint,
        due: float,
        outcomes: Outcomes,
        done: Callable[[Login], None] | None = None,
        *,
        again: bool = False,
    ) -> None:
        self.endpoint = endpoint
        self.due = due
        self.outcomes = outcomes
        self.end = ""
        self._done = done
        self._rounds = 0
        self._supplicant: Supplicant | None = None
        first_due = 0.0 if again else due
        if endpoint.context is None:
            attributes = endpoint.attributes + wire.integer(wire.SERVICE_TYPE, 10)
            endpoint.switch.ask(wire.ACCESS_REQUEST, attributes, self._mab, endpoint.user, first_due)
            return
        self._supplicant = Supplicant(endpoint.context)
        self._send_eap(identity_response(endpoint.identity), b"", first_due)

    def _mab(self, answer: bytes | None) -> None:
        self._judge(answer)

    def _send_eap(self, eap: bytes, state: bytes, due: float = 0.0) -> None:
        self._rounds += 1
        endpoint = self.endpoint
        attributes = endpoint.attributes + wire.integer(wire.SERVICE_TYPE, 2) + wire.integer(wire.FRAMED_MTU, 1500)
        attributes += wire.eap_message(eap)
        if state:
            attributes += wire.attribute(wire.STATE, state)
        endpoint.switch.ask(wire.ACCESS_REQUEST, attributes, self._eap, due=due)

    def _eap(self, answer: bytes | None) -> None:
        supplicant = self._supplicant
        if answer is None or answer[0] != wire.CHALLENGE or supplicant is None:
            self._judge(answer)
            return
        eap, state = wire.eap_of(answer)
        response = supplicant.answer(eap)
        if supplicant.problem or not state or self._rounds > _MAX_ROUNDS:
            self._wrong(supplicant.problem or "a challenge without State, or no end of them")
            return
        self._send_eap(response, state)

    def _judge(self, answer: bytes | None) -> None:
        """Whether this last answer is the one the endpoint must get."""
        endpoint, outcomes = self.endpoint, self.outcomes
        if answer is None:
            outcomes.lost += 1
            self._finish("lost")
            return
        if (answer[0] == wire.ACCEPT) != bool(endpoint.vlan):
            self._wrong("rejected" if answer[0] == wire.REJECT else f"code {answer[0]}")
            return
        if endpoint.vlan and (vlan := wire.vlan_of(answer)) != endpoint.vlan:
            self._wrong(f"put in VLAN `{vlan}` instead of `{endpoint.vlan}`")
            return
        supplicant = self._supplicant
        if supplicant is not None and not (supplicant.believes(wire.eap_of(answer)[0]) and wire.has_mppe_keys(answer)):
            self._wrong("an Accept that no supplicant may believe")
            return
        outcomes.served += 1
        outcomes.access_s.append(time.monotonic() - self.due)
        if endpoint.accounting is not None and endpoint.vlan:
            self._account(endpoint, endpoint.accounting)
        self._finish("served")

    def _account(self, endpoint: Endpoint, switch: Switch) -> None:
        endpoint.sessions += 1
        session = f"{endpoint.mac}-{endpoint.sessions}"
        attributes = wire.integer(wire.ACCT_STATUS_TYPE, 1) + wire.text(wire.ACCT_SESSION_ID, session)
        switch.ask(wire.ACCOUNTING_REQUEST, attributes + endpoint.attributes, self._accounted)

    def _accounted(self, answer: bytes | None) -> None:
        if answer is None:
            self.outcomes.accounting_lost += 1
        else:
            self.outcomes.accounted += 1

    def _wrong(self, what: str) -> None:
        self.outcomes.wrong[what] += 1
        self._finish("wrong")

    def _finish(self, end: str) -> None:
        self.end = end
        self._supplicant = None
        if self._done is not None:
            self._done(self)


# -- a site full of them --------------------------------------------------------------------


class Site:
    """Fifty switches and whatever is plugged in. tries: 1 = no retransmissions."""

    def __init__(self, loop: Loop, stage: Stage, *, timeout_s: float = 5.0, tries: int = 3) -> None:
        self.stage = stage
        self.loop = loop
        self.traffic, self.accounting_traffic = Traffic(), Traffic()
        retries = Retries(loop, timeout_s)

        def switch(number: int, server: tuple[str, int], traffic: Traffic) -> Switch:
            source = switch_address(number)
            return Switch(loop, retries, source=source, server=server, secret=SECRET, traffic=traffic, tries=tries)

        self.switches = [switch(number, stage.auth, self.traffic) for number in range(SWITCHES)]
        self._accounting = [switch(number, stage.accounting, self.accounting_traffic) for number in range(SWITCHES)]

    def printer(self, number: int, *, accounting: bool = True) -> Endpoint:
        """MAB that a list in the policy allows."""
        return self._endpoint(number, 2, mac(0, number), PRINTERS, accounting)

    def managed(self, number: int, *, accounting: bool = True) -> Endpoint:
        """MAB that Intune's word on the MAC allows."""
        return self._endpoint(number, 3, mac(2, number), MANAGED, accounting)

    def stranger(self, number: int) -> Endpoint:
        """MAB that is refused, whether Intune answers or not: nobody enrolled this MAC."""
        return self._endpoint(number, 3, mac(5, number), "", False)

    def laptop(self, number: int, certificate: int, vlan: str = CORPORATE, *, accounting: bool = True) -> Endpoint:
        """EAP-TLS with that certificate of the stage."""
        context = self.stage.contexts[certificate]
        return self._endpoint(number, 1, mac(1, number), vlan, accounting, context, f"host/laptop-{certificate}")

    def close(self) -> None:
        """Close every socket."""
        for switch in (*self.switches, *self._accounting):
            switch.close()

    def _endpoint(
        self,
        number: int,
        kind: int,
        address: str,
        vlan: str,
        accounting: bool,
        context: ssl.SSLContext | None = None,
        identity: str = "",
    ) -> Endpoint:
        place = number % SWITCHES
        return Endpoint(
            mac=address,
            switch=self.switches[place],
            accounting=self._accounting[place] if accounting else None,
            # one endpoint a port: those of another kind stand beside it
            port=3 * (number // SWITCHES) + kind,
            vlan=vlan,
            context=context,
            identity=identity,
        )


class Stream:
    """Logins at random intervals, ``rate`` a second, begun whether earlier ones have ended or not (open loop).

    A login that begins late because this process is slow counts from when it was due.
    """

    def __init__(
        self, loop: Loop, endpoints: Iterator[tuple[Endpoint, Outcomes]], rate: float, begin: float, end: float
    ) -> None:
        self._loop = loop
        self._endpoints = endpoints
        self._rate = rate
        self._end = end
        self._random = random.Random(int(rate * 1000))
        self.begun = 0
        self.open = 0
        self._schedule(begin)

    def _schedule(self, after: float) -> None:
        due = after + self._random.expovariate(self._rate)
        if due < self._end:
            self._loop.at(due, lambda: self._begin(due))

    def _begin(self, due: float) -> None:
        self._schedule(due)
        endpoint, outcomes = next(self._endpoints)
        self.begun += 1
        self.open += 1
        Login(endpoint, due, outcomes, self._ended)

    def _ended(self, login: Login) -> None:
        self.open -= 1


def capacity(loop: Loop, endpoints: Iterator[tuple[Endpoint, Outcomes]], *, window: int, seconds: float) -> float:
    """Logins a second with ``window`` of them always under way (closed loop)."""
    ended = under_way = 0
    begin = time.monotonic()
    until = begin + seconds

    def start() -> None:
        nonlocal under_way
        under_way += 1
        endpoint, outcomes = next(endpoints)
        Login(endpoint, time.monotonic(), outcomes, again)

    def again(login: Login) -> None:
        nonlocal ended, under_way
        under_way -= 1
        now = time.monotonic()
        if now < until:
            ended += 1
            loop.at(now, start)
        elif not under_way:
            loop.end()

    for _ in range(window):
        start()
    loop.run(until)
    if under_way:
        loop.run(time.monotonic() + 10.0)
    return ended / seconds


def drain(loop: Loop, streams: Sequence[Stream], within_s: float) -> None:
    """Work until every login of these streams has ended, or the time is over."""
    until = time.monotonic() + within_s
    while any(stream.open for stream in streams) and time.monotonic() < until:
        loop.run(min(until, time.monotonic() + 0.2))


def warm(loop: Loop, endpoints: Sequence[Endpoint]) -> None:
    """One login of each, a few at a time, so that nacd knows them. Raises RuntimeError when one is not let in."""
    outcomes = Outcomes()
    waiting = list(endpoints)

    def start() -> None:
        if waiting:
            Login(waiting.pop(), time.monotonic(), outcomes, lambda login: loop.at(time.monotonic(), start))
        elif outcomes.served + outcomes.lost + outcomes.wrong_count == len(endpoints):
            loop.end()

    for _ in range(8):
        start()
    loop.run(time.monotonic() + 120)
    if outcomes.served != len(endpoints):
        raise RuntimeError(f"{outcomes.served} of {len(endpoints)} let in at first, the others: {dict(outcomes.wrong)}")
