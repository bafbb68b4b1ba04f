"""With any shadow, and with one that only raises: the octets of all answers and the records of all decisions are those
without it."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nacd.policy.model import Policy
from nacd.radius.admission import Role
from nacd.replay.candidate import Candidate
from nacd.server import daemon
from nacd.server.control import SOCKET_NAME
from nacd.server.shadow import building
from nacd.server.shadow.beside import Shadow
from nacd.server.shadow.loading import NO_SHADOW, Found, Ready, find
from nacd.sim.nas import Nas
from nacd.values import ComplianceState
from tests.policy.test_evaluate_properties import policies
from tests.server import house as houses
from tests.server.conftest import pki, said
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, House, Pki, Register, Site, mab_datagram, soon
from tests.server.test_daemon import serve

__all__ = ["pki", "said"]
STRANGER = "00-1B-44-00-00-01"
ACCEPT, REJECT = 2, 3
TIMES = ("time", "latency_ms")


@dataclass(slots=True)
class Way:
    """The way back."""

    source: str = "127.0.0.1"
    port: int = 40_000
    sent: list[bytes] = field(default_factory=list)

    def send(self, octets: bytes) -> None:
        self.sent.append(octets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two that are alike, and the shadow of the second."""

    plain: House
    shadowed: House
    shadow: Shadow
    identifiers: Iterator[int] = field(default_factory=itertools.count)

    def both(self, datagrams: list[bytes]) -> None:
        """The same to both: the same comes back, and the same is written of it."""
        answers = [self._answers(house, datagrams) for house in (self.plain, self.shadowed)]
        assert answers[0] == answers[1]
        assert len(answers[0]) == len(datagrams)
        assert decisions(self.plain) == decisions(self.shadowed)

    def settled(self) -> None:
        assert soon(lambda: not self.shadowed.do(lambda: self.shadow.waiting))

    @staticmethod
    def _answers(house: House, datagrams: list[bytes]) -> list[bytes]:
        way = Way()

        async def slice_of_work() -> None:
            rest = []
            for datagram in datagrams:
                house.worker.receive(datagram, way, Role.AUTH)
            while house.worker.waiting:
                rest.append(house.worker.answer(house.worker.next()))
            house.worker.flush()
            for each in rest:
                if each is not None:
                    await each

        asyncio.run_coroutine_threadsafe(slice_of_work(), house._loop).result(10)
        return way.sent


def decisions(house: House) -> list[Any]:
    found = [record for record in house.records() if record["code"][:2] == "A1"]
    for record in found:
        for name in (*TIMES, "seq", "link"):
            record.pop(name, None)
        record.get("compliance", {}).update(as_of="", age_s=0)
        record.get("identity", {}).pop("attempts", None)
    return found


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Pair]:
    with pytest.MonkeyPatch.context() as patched:
        made = []
        for name in ("plain", "shadowed"):
            # What is random is the same for both, as long as both take as much of it.
            numbers = itertools.count()

            def octets(length: int, numbers: Iterator[int] = numbers) -> bytes:
                return next(numbers).to_bytes(length, "big") if length > 3 else os.urandom(length)

            for module in (houses, daemon):
                patched.setattr(module, "random_octets", octets, raising=False)
            site = Site(tmp_path_factory.mktemp(name), pki)
            (site.folder / "state").mkdir()
            (site.folder / "state" / "chargeable.key").write_bytes(bytes(32))
            made.append(House(site, Register(), deadline_s=10.0))
    plain, shadowed = made
    shadow = building.build(shadowed.recorder, shadowed.lookup, shadowed.orders.machines, shadowed.clock)
    shadowed.worker._decided = shadow.take
    yield Pair(plain=plain, shadowed=shadowed, shadow=shadow)
    for house in made:
        house.close()


class Broken:
    """Raises whatever it is asked."""

    def compare(self, *_: object) -> None:
        raise ZeroDivisionError


class Greedy:
    """Takes a while, and all that memory knows."""

    def compare(self, fields: Any, learn: Callable[[Any], Any]) -> None:
        sum(range(100_000))
        raise KeyError(learn)


def found(pair: Pair, candidate: Any, digest: str) -> Ready:
    live = pair.shadowed.site.assemble().loaded.digest
    return Ready(file="next.yaml", digest=digest, live_digest=live, rules=1, profiles=1, candidate=candidate)


def requests(*macs: str) -> list[bytes]:
    """Each at a port of its own, so that nobody has too many of them."""
    return [mab_datagram(mac, identifier=at, more=(("NAS-Port", str(next(PORTS))),)) for at, mac in enumerate(macs)]


PORTS = itertools.count(1)
strangers = st.integers(0, 65_535).map(lambda at: f"00-1B-44-00-{at >> 8:02X}-{at & 255:02X}")
# Not `unavailable`: for how long Intune is left alone then goes by the clock, and by each house's own.
states = st.sampled_from([ComplianceState.COMPLIANT, ComplianceState.NONCOMPLIANT, ComplianceState.UNKNOWN])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    candidate=policies(),
    drawn=st.lists(st.just(PRINTER_MAC) | strangers, max_size=5, unique=True),
    state=states,
    rendered=st.booleans(),
)
def test_with_any_shadow_every_answer_and_every_record_is_the_same(
    pair: Pair, candidate: Policy, drawn: list[str], state: ComplianceState, rendered: bool
) -> None:
    for house in (pair.plain, pair.shadowed):
        house.register.state = state
    assembled = pair.shadowed.site.assemble()
    words = assembled.rendered if rendered else {}
    made = Candidate(candidate, words, live_digest=assembled.loaded.digest)
    pair.shadowed.do(lambda: pair.shadow.adopt(found(pair, made, candidate.digest)))
    before = sum(pair.shadow.totals.values())
    pair.both(requests(*drawn))
    pair.settled()
    assert sum(pair.shadow.totals.values()) - before == len(drawn)
    assert pair.shadow.totals["error"] == 0


@pytest.mark.parametrize("candidate", [Broken(), Greedy()])
def test_with_one_that_only_raises_every_answer_and_every_record_is_the_same(pair: Pair, candidate: object) -> None:
    pair.shadowed.do(lambda: pair.shadow.adopt(found(pair, candidate, repr(candidate))))
    for _ in range(5):
        pair.both(requests(PRINTER_MAC, LAPTOP_MAC, STRANGER))
        pair.settled()
    assert not pair.shadow.is_on
    pair.both(requests(PRINTER_MAC))
    assert pair.shadowed.records("service.bug") == []
    pair.shadow.totals.clear()


def test_intune_is_not_asked_for_a_shadow(pair: Pair) -> None:
    everybody = Policy(rules=tuple(pair.shadowed.site.assemble().loaded.policy.rules[::-1]), digest="asks first")
    words = pair.shadowed.site.assemble().rendered
    live = pair.shadowed.site.assemble().loaded.digest
    made = Candidate(everybody, words, live_digest=live)
    pair.shadowed.do(lambda: pair.shadow.adopt(found(pair, made, "asks first")))
    asked = len(pair.shadowed.register.calls)
    pair.both(requests(PRINTER_MAC))
    pair.settled()
    assert len(pair.shadowed.register.calls) == asked == len(pair.plain.register.calls)
    assert pair.shadow.counts.undecidable == {"managed by mac": 1}


def test_a_login_by_certificate_is_compared_with_the_verdict_that_it_was_given(pair: Pair, pki: Pki) -> None:
    assembled = pair.shadowed.site.assemble()
    pair.shadowed.register.state = ComplianceState.COMPLIANT
    strict = [rule for rule in assembled.loaded.policy.rules if rule.name != "compliant device"]
    policy = Policy(rules=tuple(strict), digest="strict")
    made = Candidate(policy, assembled.rendered, live_digest=assembled.loaded.digest)
    pair.shadowed.do(lambda: pair.shadow.adopt(found(pair, made, "strict")))
    asked = len(pair.shadowed.register.calls)
    assert pair.shadowed.login(pki.supplicant()).succeeded
    pair.settled()
    ((kind, row),) = pair.shadow.counts.by_rule.rows()
    assert kind == ("compliant device", "default-deny", "`corporate`", "refused")
    assert row.example.facts.compliance.state is ComplianceState.COMPLIANT
    assert len(pair.shadowed.register.calls) - asked <= 1


def test_no_answer_waits_for_a_shadow(pair: Pair) -> None:
    """The answers of a slice have left when the first of its decisions is looked at."""
    seen: list[int] = []
    way = Way()

    class Watching:
        def compare(self, *_: object) -> None:
            seen.append(len(way.sent))
            raise ZeroDivisionError

    pair.shadowed.do(lambda: pair.shadow.adopt(found(pair, Watching(), "watching")))

    def slice_of_work() -> None:
        for datagram in requests(PRINTER_MAC, PRINTER_MAC, PRINTER_MAC):
            pair.shadowed.worker.receive(datagram, way, Role.AUTH)
        while pair.shadowed.worker.waiting:
            pair.shadowed.worker.answer(pair.shadowed.worker.next())
        pair.shadowed.worker.flush()

    pair.shadowed.do(slice_of_work)
    pair.settled()
    assert seen == [3, 3, 3]
    pair.shadow.totals.clear()
    pair.shadowed.do(lambda: pair.shadow.adopt(NO_SHADOW))


def test_a_full_disk_is_not_found_by_a_shadow(site_of: Callable[[str], Site]) -> None:
    """A record of the shadow that the file does not take stops no Accept and is not counted as lost."""
    site = site_of("full")
    site.audit.symlink_to("/dev/full")
    house = House(site, Register())
    try:
        shadow = building.build(house.recorder, house.lookup, house.orders.machines, house.clock)
        adopted: Found = find(site.change("policy: policy.yaml", "policy: policy.yaml\nshadow: policy.yaml").assemble())
        assert isinstance(adopted, Ready)
        house.do(lambda: shadow.adopt(adopted))
        assert house.do(lambda: house.recorder.refusing) is False
    finally:
        house.close()


@pytest.fixture
def site_of(tmp_path: Path, pki: Pki) -> Callable[[str], Site]:
    def build(name: str) -> Site:
        (tmp_path / name).mkdir()
        return Site(tmp_path / name, pki)

    return build


# -- a whole daemon -------------------------------------------------------------------------------


NEXT = """\
profiles:
  corporate: {vlan: 120, session_timeout: 8h}
  printers:  {vlan: 150}
rules:
  - {name: printers of ours, when: {access: mab, mac_in: printers.csv}, then: printers}
"""


def test_a_daemon_compares_and_reports(site_of: Callable[[str], Site], monkeypatch: pytest.MonkeyPatch) -> None:
    site = site_of("daemon")
    site.change("policy: policy.yaml", "policy: policy.yaml\nshadow: next.yaml").write("next.yaml", NEXT)
    told: dict[str, Any] = {}

    def story(nas: Nas) -> None:
        assert nas.mab(PRINTER_MAC).code == ACCEPT
        assert soon(lambda: ask(site, "shadow.report")["compared"] == 1)
        told.update(ask(site, "shadow.report"))

    serve(site, monkeypatch, story)
    assert (told["state"], told["different"]) == ("on", 1)
    (row,) = told["by_rule"]
    assert (row["live_rule"], row["shadow_rule"]) == ("known printers", "printers of ours")
    assert (row["before"], row["after"]) == ("printers", "printers with other attributes")
    events = [record["event"] for record in site.records()]
    assert events[:3] == ["service.started", "configuration.loaded", "shadow.loaded"]
    (differs,) = (record for record in site.records() if record["event"] == "shadow.differs")
    assert differs["shadow"]["digest"] == told["digest"]
    assert "Tunnel-Private-Group-Id" in differs["shadow"]["attributes"]


@pytest.mark.parametrize("text", ["rules: [", "", NEXT.replace("then: printers", "then: nowhere")])
def test_a_daemon_serves_with_a_faulty_shadow_and_says_so(
    site_of: Callable[[str], Site], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    site = site_of("faulty")
    site.change("policy: policy.yaml", "policy: policy.yaml\nshadow: next.yaml").write("next.yaml", text)

    def story(nas: Nas) -> None:
        assert nas.mab(PRINTER_MAC).code == ACCEPT
        assert ask(site, "shadow.report")["state"] == "faulty"

    serve(site, monkeypatch, story)
    (record,) = (record for record in site.records() if record["event"] == "shadow.faulty")
    assert "next.yaml" in record["why"]


def ask(site: Site, order: str) -> Any:
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(5)
        door.connect(str(site.folder / "state" / SOCKET_NAME))
        door.sendall(json.dumps({"order": order}).encode() + b"\n")
        return json.loads(door.makefile("rb").readline())["answer"]


def test_another_shadow_comes_with_a_reload_and_is_counted_anew(
    site_of: Callable[[str], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "run", partial(daemon.run, allow_demo=True))  # its CA is one of the simulator
    site = site_of("reload")
    site.change("policy: policy.yaml", "policy: policy.yaml\nshadow: next.yaml").write("next.yaml", NEXT)
    told: list[Any] = []

    def story(nas: Nas) -> None:
        assert nas.mab(PRINTER_MAC).code == ACCEPT
        assert soon(lambda: ask(site, "shadow.report")["compared"] == 1)
        told.append(ask(site, "shadow.report"))
        for text in (NEXT, NEXT.replace("then: printers", "then: corporate"), "rules: ["):
            site.write("next.yaml", text)
            loaded = ask(site, "reload")
            assert loaded["loaded"], loaded
            told.append(ask(site, "shadow.report"))

    serve(site, monkeypatch, story)
    assert [each["state"] for each in told] == ["on", "on", "on", "faulty"]
    assert [each["compared"] for each in told] == [1, 1, 0, 0]
    assert told[0]["digest"] == told[1]["digest"] != told[2]["digest"]
