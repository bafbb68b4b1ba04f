"""The Dynamic Authorization Client against servers of other people, and against a double that does everything wrong.

FreeRADIUS, hostapd and strongSwan each judge our requests by rules of their own; pyrad judges and lies; radclient
judges the double.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.radius.dynauth.errors import CAUSES
from nacd.radius.dynauth.schedule import Timing
from nacd.radius.packet import attribute
from nacd.server.dac.sender import Target
from nacd.sessions import Meaning, Outcome
from nacd.sim.das import ACK, BARE_ACK, BARE_NAK, SILENCE, Answer, Das, always, nak, one_by_one
from nacd.values import Secret
from tests.labs import hostapd_site, strongswan, vpn_site
from tests.labs.unpacked import unpacked
from tests.peers.wire import SECRET, Radclient
from tests.server.dac.box import COA, DISCONNECT, OFTEN, QUICK, Client, with_client
from tests.server.dac.test_sender_peers import CONFIG, user

pytestmark = [pytest.mark.peer, pytest.mark.slow]

USER_NAME, SESSION_TIMEOUT, CALLING_STATION_ID, NAS_IDENTIFIER, ACCT_SESSION_ID = 1, 27, 31, 32, 44
KEY = SECRET.encode()


def ask(target: Target, *requests: tuple[int, bytes], timing: Timing = OFTEN, key: bytes = KEY) -> list[Outcome]:
    """Each after the other's outcome."""
    outcomes: list[Outcome] = []

    async def story(client: Client) -> None:
        for code, attributes in requests:
            outcomes.append(await client.sender.ask(target, code, attributes, Secret(key), "session"))

    with_client(story, timing=timing)
    return outcomes


# -- FreeRADIUS ---------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CoaServer:
    """FreeRADIUS with ``listen { type = coa }``: the name of a user is the Error-Cause, or ``fits``."""

    target: Target
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")


@pytest.fixture
def freeradius(peer: Callable[[str], Any], tmp_path: Path, free_udp_port: Callable[[str], int]) -> CoaServer:
    """It takes nothing without a Message-Authenticator."""
    host = "127.77.1.7"
    port, folder, libraries = free_udp_port(host), tmp_path / "coa-server", unpacked("usr/lib/freeradius")
    folder.mkdir()
    config = CONFIG.format(libdir=libraries, folder=folder, host=host, port=port, secret=SECRET)
    strict = config.replace(f"secret = {SECRET}", f"secret = {SECRET}\n    require_message_authenticator = yes")
    (folder / "radiusd.conf").write_text(strict, encoding="utf-8")
    (folder / "dictionary").write_text("", encoding="utf-8")
    running = CoaServer(target=Target(nas="freeradius", host=host, port=port), log_file=folder / "log")
    with running.log_file.open("w") as output:
        process = peer("freeradius").popen(["-d", folder, "-fX"], stdout=output)
    deadline = time.monotonic() + 20
    while "Ready to process requests" not in running.log:
        assert process.poll() is None, running.log[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return running


def test_every_error_cause_that_freeradius_can_write_is_read_as_what_it_is(freeradius: CoaServer) -> None:
    requests = [(code, user(str(cause))) for code in (DISCONNECT, COA) for cause in CAUSES]
    outcomes = ask(freeradius.target, *requests)
    wanted = [(number, cause.meaning, cause.name) for number, cause in CAUSES.items()] * 2
    assert [(one.error_cause, one.meaning, one.detail) for one in outcomes] == wanted
    assert freeradius.log.count("Received Disconnect-Request") == len(CAUSES)


def test_freeradius_drops_what_is_not_signed_twice(freeradius: CoaServer) -> None:
    unsigned = dataclasses.replace(freeradius.target, omit_message_authenticator=True)
    (dropped,) = ask(unsigned, (COA, user("fits")), timing=QUICK)
    assert dropped.meaning is Meaning.UNANSWERED
    assert re.search("(?i)message-authenticator", freeradius.log), freeradius.log[-2000:]
    (foreign,) = ask(freeradius.target, (COA, user("fits")), timing=QUICK, key=b"another secret")
    assert foreign.meaning is Meaning.UNANSWERED
    # Nothing came that far.
    assert "recv-coa {" not in freeradius.log.partition("Ready to process requests")[2]
    (taken,) = ask(freeradius.target, (COA, user("fits")))
    assert taken.meaning is Meaning.ACKNOWLEDGED


# -- hostapd ------------------------------------------------------------------------------------


@pytest.mark.netns
def test_hostapd_takes_a_disconnect_that_names_the_session_and_says_what_it_does_not_take(
    netns: Any, launch: Any, peer: Callable[[str], Any], certificates: Any, tmp_path: Path
) -> None:
    """A real session on a real port; hostapd demands Event-Timestamp and Message-Authenticator."""
    on = hostapd_site.ground(netns)
    nacd = launch(change=on.uplink.only_client("port", lambda config, policy: None, vendor="hostapd"))
    port, _ = hostapd_site.Lab(peer, tmp_path, certificates).open_port(on, nacd)
    session_id = nacd.recorded({"code": "A2001I"})["session"]["acct_session_id"]
    target = Target(nas="port", host=on.uplink.its, port=hostapd_site.DAS_PORT, source=on.uplink.own)
    mac = attribute(CALLING_STATION_ID, port.mac.encode())
    refused = [
        (DISCONNECT, mac + attribute(SESSION_TIMEOUT, bytes(4)), 401),
        (COA, mac, 402),
        (DISCONNECT, mac + attribute(NAS_IDENTIFIER, b"another"), 403),
        (DISCONNECT, attribute(CALLING_STATION_ID, b"no mac"), 407),
        (DISCONNECT, attribute(CALLING_STATION_ID, b"02-00-00-00-00-01"), 503),
        (DISCONNECT, mac + attribute(USER_NAME, b"nobody"), 503),
        (DISCONNECT, mac + attribute(ACCT_SESSION_ID, b"0123456789ABCDEF"), 503),
        (DISCONNECT, attribute(NAS_IDENTIFIER, b"lab-port"), 503),
    ]
    outcomes = ask(target, *((code, attributes) for code, attributes, _ in refused))
    assert [one.error_cause for one in outcomes] == [cause for *_, cause in refused]
    for lacking in ("omit_event_timestamp", "omit_message_authenticator"):
        (dropped,) = ask(dataclasses.replace(target, **{lacking: True}), (DISCONNECT, mac), timing=QUICK)
        assert dropped.meaning is Meaning.UNANSWERED
    assert "Missing Event-Timestamp" in port.said.text
    assert "Invalid authenticator or Message-Authenticator" in port.said.text
    assert port.is_open()
    (taken,) = ask(target, (DISCONNECT, mac + attribute(ACCT_SESSION_ID, session_id.encode())))
    assert (taken.meaning, taken.error_cause) == (Meaning.ACKNOWLEDGED, 0)
    nacd.recorded({"code": "A2003I", "session.acct_session_id": session_id})
    assert not port.is_open()


# -- strongSwan ---------------------------------------------------------------------------------


@pytest.mark.netns
def test_strongswan_answers_with_twenty_octets_and_ends_the_tunnel(
    netns: Any, launch: Any, peer: Callable[[str], Any], certificates: Any, tmp_path: Path, tap: Any
) -> None:
    def vpn(config: dict[str, Any], policy: dict[str, Any]) -> None:
        del config
        policy["profiles"]["remote"] = {"session_timeout": "8h", "attributes": {"Class": "corp"}}
        policy["rules"].insert(
            0, {"name": "vpn", "when": {"access": "vpn", "compliance": "compliant"}, "then": "remote"}
        )

    site = vpn_site.build(netns, launch, vpn)
    lab = strongswan.Lab(peer, tmp_path, certificates)
    gateway = lab.gateway(site)
    laptop = lab.laptop(site, certificates.client("compliant-p256"), "CN=laptop-one")
    assert "initiate completed" in laptop.tell("--initiate", "--child", "home").stdout
    name = site.nacd.recorded({"code": "A2001I"})["endpoint"]["user_name"].encode()
    target = Target(nas="gateway", host=site.gateway_address, port=strongswan.DAE_PORT, source=site.own_address)
    wire, running = tap.start([strongswan.DAE_PORT], site.cable)
    nobody, its = attribute(USER_NAME, b"CN=nobody"), attribute(USER_NAME, name)
    outcomes = ask(target, (DISCONNECT, nobody), (COA, nobody), (DISCONNECT, its))
    tap.stop(running)
    assert [one.meaning for one in outcomes] == [Meaning.NEXT_VERB, Meaning.NEXT_VERB, Meaning.ACKNOWLEDGED]
    assert [one.detail for one in outcomes[:2]] == ["no Error-Cause"] * 2
    assert wire.fields("radius.code in {41, 42, 44, 45}", "radius.code", "radius.length") == [
        ["42", "20"],
        ["45", "20"],
        ["41", "20"],
    ]
    assert wire.faults() == []
    site.nacd.recorded({"code": "A2003I"})
    assert "ESTABLISHED" not in gateway.tell("--list-sas").stdout


# -- the double ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "answers", "said"),
    [
        ("disconnect", [ACK], "ACK"),
        ("coa", [Answer(message_authenticator="last")], "ACK"),
        ("disconnect", [BARE_ACK], "ACK"),
        ("coa", [BARE_NAK], "NAK"),
        ("disconnect", [nak(503)], "NAK"),
        ("coa", [Answer(authenticator="wrong")], ""),
        ("disconnect", [Answer(message_authenticator="wrong")], ""),
        ("coa", [Answer(elsewhere=True)], ""),
    ],
    ids=["ack", "signed last", "bare", "bare nak", "nak", "wrong authenticator", "wrong signature", "elsewhere"],
)
def test_radclient_believes_the_double_where_it_is_right_and_only_there(
    radclient: Radclient, verb: str, answers: list[Answer], said: str
) -> None:
    """What the double's answers are worth as a measure of us."""
    with Das(KEY, always(*answers)) as das:
        attributes = [
            ("Message-Authenticator", "0x00"),
            ("User-Name", "nemo"),
            ("Event-Timestamp", str(int(time.time()))),
        ]
        answer = radclient.ask((das.host, das.port), verb, attributes, wait_s=0.5 if not said else 5.0)
        assert [heard.faults for heard in das.heard] == [()]
    name = {"disconnect": "Disconnect", "coa": "CoA"}[verb]
    assert answer.code == (f"{name}-{said}" if said else "")
    if answers == [nak(503)]:
        assert answer.values("Error-Cause") == ["Session-Context-Not-Found"]


BAD = {
    "authenticator": (Answer(authenticator="wrong"), "coa_response_authenticator"),
    "signature": (Answer(message_authenticator="wrong"), "coa_message_authenticator"),
    "old": (Answer(timestamp_off_s=-3600), "coa_event_timestamp"),
    "future": (Answer(timestamp_off_s=3600), "coa_event_timestamp"),
    "elsewhere": (Answer(elsewhere=True), "coa_other_address"),
    "cut": (Answer(cut=19), "coa_malformed"),
    "accept": (Answer(code=2), "coa_code"),
}


@pytest.mark.parametrize("code", [DISCONNECT, COA])
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_answer_is_counted_and_the_good_one_that_comes_later_is_taken(bad: str, code: int) -> None:
    wrong, reason = BAD[bad]

    async def story(client: Client) -> None:
        target = Target(nas="bad", host=das.host, port=das.port)
        outcome = await client.sender.ask(target, code, user("nemo"), Secret(KEY), "session")
        assert (outcome.meaning, outcome.error_cause, outcome.tries) == (Meaning.GONE, 503, 1)

    with Das(KEY, always(wrong, Answer(nak=True, cause=503, after_s=0.05))) as das:
        counted = with_client(story)
        assert [(heard.faults, heard.transmission) for heard in das.heard] == [((), 1)]
    assert counted.rows == [("bad", reason)]


def test_a_nas_that_is_late_or_loses_requests_is_asked_again_with_the_same_octets_and_then_believed() -> None:
    script = one_by_one(Answer(silent_tries=2), Answer(after_s=0.5, nak=True, cause=506), [ACK, ACK], BARE_NAK)
    with Das(KEY, script) as das:
        outcomes = ask(Target(nas="late", host=das.host, port=das.port), *[(DISCONNECT, user("nemo"))] * 4)
        heard = das.heard
    assert [(one.meaning, one.error_cause) for one in outcomes] == [
        (Meaning.ACKNOWLEDGED, 0),
        (Meaning.LATER, 506),
        (Meaning.ACKNOWLEDGED, 0),
        (Meaning.NEXT_VERB, 0),
    ]
    assert outcomes[0].tries == 3
    assert {one.faults for one in heard} == {()}
    assert len({one.octets for one in heard}) == 4


def test_of_hundreds_of_requests_the_strictest_server_takes_none_for_another_ones_repetition() -> None:
    """More than one port's Identifiers, half of the requests lost the first time, a tenth answered twice."""
    script = one_by_one(*[Answer(silent_tries=n % 2, copies=1 + (n % 10 == 0)) for n in range(700)])

    async def story(client: Client) -> None:
        target = Target(nas="strict", host=das.host, port=das.port, rate_per_s=5_000.0, concurrent=64)
        asked = [client.sender.ask(target, DISCONNECT, user(f"{n}"), Secret(KEY), f"session-{n}") for n in range(700)]
        assert {one.meaning for one in await asyncio.gather(*asked)} == {Meaning.ACKNOWLEDGED}

    with Das(KEY, script) as das:
        with_client(story, timing=Timing(irt_s=0.2, mrt_s=0.4, mrc=20, mrd_s=20.0))
        assert {heard.faults for heard in das.heard} == {()}
        assert len(das.asked) == 700
        assert len({heard.peer for heard in das.heard}) >= 3


def test_a_silent_nas_costs_one_schedule_and_says_so() -> None:
    with Das(KEY, always(*SILENCE)) as das:
        (outcome,) = ask(Target(nas="dead", host=das.host, port=das.port), (COA, user("nemo")), timing=QUICK)
        heard = das.heard
    assert outcome.meaning is Meaning.UNANSWERED
    assert f"no answer to {outcome.tries} transmissions" in outcome.detail
    assert [one.transmission for one in heard] == list(range(1, outcome.tries + 1))
