"""FreeRADIUS in front of nacd: as proxy, as two proxies in a row, and as a server that sends accounting by itself."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.pki import COMPLIANT_GUID
from tests.labs.freeradius import KEPT, PROBE, REPLICATED, STATUS_SERVER, Freeradii
from tests.peers.wire import PRINTER, SECRET

pytestmark = [pytest.mark.peer, pytest.mark.slow]

FRONT, BACK = "127.77.0.5", "127.77.0.6"
SIGNED = ("Message-Authenticator", "0x00")
OWN_STATES = [("Proxy-State", "0x0102030405"), ("Proxy-State", "0xff00"), ("Proxy-State", "0x0102030405")]


@pytest.fixture
def freeradius(peer: Callable[[str], Any], tmp_path: Path, free_udp_port: Callable[[str], int]) -> Freeradii:
    return Freeradii(peer("freeradius"), tmp_path, free_udp_port)


@pytest.fixture(scope="module")
def nacd(launch: Any) -> Any:
    """One that knows both proxies."""

    def proxies(config: dict[str, Any], policy: dict[str, Any]) -> None:
        del policy
        nas = {**config["clients"][0], "probe_users": ["probe"]}
        config["clients"].append({**nas, "name": "front", "network": f"{FRONT}/32"})
        config["clients"].append({**nas, "name": "back", "network": f"{BACK}/32"})

    return launch(change=proxies)


def mab(mac: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
    name = mac.replace("-", "").lower()
    named = [("User-Name", f'"{name}"'), ("User-Password", f'"{name}"'), ("Service-Type", "Call-Check")]
    return [*named, ("NAS-Port-Type", "Ethernet"), ("NAS-Port", "7"), ("Calling-Station-Id", f'"{mac}"'), *more]


def start(session: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
    named = [("Acct-Status-Type", "Start"), ("Acct-Session-Id", f'"{session}"'), ("User-Name", '"host/laptop-one"')]
    return [*named, ("NAS-Identifier", '"lab-switch"'), ("NAS-Port", "7"), *more]


def forwarded(front: Any, nacd: Any) -> Any:
    return front(FRONT, nacd.address(), nacd.address(accounting=True))


def proxy_states(wire: Any, port: int) -> list[tuple[list[str], list[str]]]:
    """What every request to that port carried, and what came back with its answer, both in order."""
    asked: dict[tuple[str, str], list[str]] = {}
    found: list[tuple[list[str], list[str]]] = []
    fields = ("radius.req", "radius.id", "udp.srcport", "udp.dstport", "radius.Proxy_State")
    for _, identifier, source, target, states in wire.fields(f"radius && udp.port == {port}", *fields):
        if target == str(port):
            asked[identifier, source] = states.split(",") if states else []
        else:
            found.append((asked.pop((identifier, target)), states.split(",") if states else []))
    assert asked == {}, "a request without an answer"
    return found


# -- as a proxy ---------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", ["TLSv1.2", "TLSv1.3"])
def test_a_laptop_logs_in_through_a_proxy_and_both_ends_have_the_same_keys(
    nacd: Any, freeradius: Any, supplicant: Any, certificates: Any, tap: Any, tls: str
) -> None:
    """RFC 2548 section 2.4.2: the proxy decrypts the MPPE keys and encrypts them anew for its own client."""
    seen = len(nacd.audit())
    proxy = forwarded(freeradius, nacd)
    wire, running = tap.start([*nacd.ports, *proxy.ports], hosts=[FRONT])
    credential = certificates.client("compliant-p256")
    done = supplicant.login(proxy.auth, supplicant.network(credential, tls))
    tap.stop(running)
    assert done.accepted, done.output[-3000:]
    assert done.keys == (1, 0)
    assert done.versions == {tls}
    wanted = {"nas.name": "front", "identity.id": COMPLIANT_GUID, "decision.profile": "corporate"}
    record = nacd.recorded({"code": "A1001I", **wanted}, since=seen)
    assert record["eap"]["tls_version"] == tls
    exchanges = proxy_states(wire, nacd.address()[1])
    assert len(exchanges) >= 4
    assert all(asked == answered and len(asked) == 1 for asked, answered in exchanges), exchanges
    assert wire.faults() == []


def test_a_laptop_with_an_expired_certificate_is_refused_through_a_proxy(
    nacd: Any, freeradius: Any, supplicant: Any, certificates: Any, tap: Any
) -> None:
    seen = len(nacd.audit())
    proxy = forwarded(freeradius, nacd)
    wire, running = tap.start([*nacd.ports, *proxy.ports], hosts=[FRONT])
    done = supplicant.login(proxy.auth, supplicant.network(certificates.client("expired")))
    tap.stop(running)
    assert not done.accepted
    assert "CTRL-EVENT-EAP-FAILURE" in done.output, done.output[-3000:]
    nacd.recorded({"code": "A1003W", "nas.name": "front", "eap.failure": "certificate_expired"}, since=seen)
    # Both legs end in a Reject, and both carry the EAP-Failure for the supplicant (RFC 3579 section 2.6.5).
    assert wire.fields("radius.code == 3", "eap.code") == [["4"], ["4"]]
    assert wire.faults() == []


def test_mab_through_a_proxy_keeps_every_proxy_state_and_every_attribute_has_its_name_there(
    nacd: Any, freeradius: Any, radclient: Any, tap: Any
) -> None:
    """RFC 2865 section 5.33. The proxy puts its own Proxy-State last and takes only that one off."""
    seen = len(nacd.audit())
    proxy = forwarded(freeradius, nacd)
    wire, running = tap.start([*nacd.ports, *proxy.ports], hosts=[FRONT])
    printer = radclient.ask(proxy.auth, "auth", mab(PRINTER, *OWN_STATES, SIGNED))
    stranger = radclient.ask(proxy.auth, "auth", mab("00-1B-A9-65-43-21", *OWN_STATES, SIGNED))
    tap.stop(running)
    assert (printer.code, stranger.code) == ("Access-Accept", "Access-Reject"), printer.output + stranger.output
    assert printer.values("Tunnel-Private-Group-Id") == ["140"]
    ours = [value for _, value in OWN_STATES]
    assert printer.values("Proxy-State") == ours
    assert stranger.values("Proxy-State") == ours
    plain = [value.removeprefix("0x") for value in ours]
    inner = proxy_states(wire, nacd.address()[1])
    assert len(inner) == 2
    for asked, answered in inner:
        assert answered == asked
        assert asked[:3] == plain
        assert len(asked) == 4
    assert wire.faults() == []
    wanted = {"nas.name": "front", "decision.rule": "known printers"}
    record = nacd.recorded({"code": "A1001I", **wanted}, since=seen)
    assert record["endpoint"]["mac"] == PRINTER
    received = proxy.log.partition("Received Access-Accept")[2].partition("Waking up")[0]
    for name in ("Message-Authenticator", "Tunnel-Type:1 = VLAN", "Tunnel-Medium-Type:1 = IEEE-802"):
        assert name in received
    assert "Attr-" not in received, "an attribute that FreeRADIUS's dictionary has no name for"


def test_two_proxies_in_a_row_both_find_their_own_proxy_state(
    nacd: Any, freeradius: Any, radclient: Any, supplicant: Any, certificates: Any, tap: Any
) -> None:
    back = freeradius(BACK, nacd.address(), nacd.address(accounting=True))
    front = freeradius(FRONT, back.auth, back.accounting)
    wire, running = tap.start([*nacd.ports, *front.ports, *back.ports], hosts=[FRONT, BACK])
    printer = radclient.ask(front.auth, "auth", mab(PRINTER, ("Proxy-State", "0xaa"), SIGNED))
    answer = radclient.ask(front.accounting, "acct", start("two-proxies", ("Proxy-State", "0xbb")))
    done = supplicant.login(front.auth, supplicant.network(certificates.client("compliant-p256")))
    tap.stop(running)
    assert printer.code == "Access-Accept", printer.output
    assert printer.values("Proxy-State") == ["0xaa"]
    assert answer.values("Proxy-State") == ["0xbb"], answer.output
    assert done.accepted, done.output[-3000:]
    assert done.keys == (1, 0)
    auth, accounting = (proxy_states(wire, port) for port in (nacd.address()[1], nacd.address(accounting=True)[1]))
    assert all(asked == answered for asked, answered in (*auth, *accounting))
    assert (auth[0][0][0], len(auth[0][0])) == ("aa", 3)
    assert (accounting[0][0][0], len(accounting[0][0])) == ("bb", 3)
    assert all(len(asked) == 2 for asked, _ in auth[1:])
    assert wire.faults() == []


def test_accounting_through_a_proxy_is_answered_and_written_down_once(
    nacd: Any, freeradius: Any, radclient: Any, tap: Any
) -> None:
    seen = len(nacd.audit())
    proxy = forwarded(freeradius, nacd)
    wire, running = tap.start([*nacd.ports, *proxy.ports], hosts=[FRONT])
    answer = radclient.ask(proxy.accounting, "acct", start("through-a-proxy", *OWN_STATES))
    tap.stop(running)
    assert answer.code == "Accounting-Response", answer.output
    assert answer.values("Proxy-State") == [value for _, value in OWN_STATES]
    nacd.recorded({"code": "A2001I", "session.acct_session_id": "through-a-proxy", "nas.name": "front"}, since=seen)
    assert len([each for each in nacd.audit("A2001I") if each["session"]["acct_session_id"] == "through-a-proxy"]) == 1
    assert [len(asked) for asked, answered in proxy_states(wire, nacd.address(accounting=True)[1])] == [4]
    assert wire.faults() == []


@pytest.mark.parametrize(
    ("check", "sent", "answer_code"),
    [(STATUS_SERVER, "Sent Status-Server", 2), (PROBE, "Are you alive?", 3)],
    ids=["status-server", "login"],
)
def test_a_proxy_that_doubts_nacd_asks_whether_it_is_back_and_is_answered(
    nacd: Any, freeradius: Any, radclient: Any, tap: Any, check: str, sent: str, answer_code: int
) -> None:
    """RFC 5997 asks by Status-Server; the older way is a login that the proxy makes up, for which a Reject will do."""
    proxy = freeradius(FRONT, nacd.address(), nacd.address(accounting=True), patience_s=1, check=check)
    wire, running = tap.start([*nacd.ports, *proxy.ports], hosts=[FRONT])
    nacd.process.send_signal(signal.SIGSTOP)
    try:
        answer = radclient.ask(proxy.auth, "auth", mab(PRINTER, SIGNED), wait_s=0.5)
        assert answer.code == "", answer.output
        proxy.wait_for(sent)
    finally:
        nacd.process.send_signal(signal.SIGCONT)
    proxy.wait_for("Received response to status check")
    again = radclient.ask(proxy.auth, "auth", mab(PRINTER, SIGNED))
    tap.stop(running)
    assert again.code == "Access-Accept", again.output
    ours = f'udp.dstport == {nacd.address()[1]} && radius.NAS_Identifier contains "Are you alive"'
    asked = wire.fields(ours, "udp.dstport", "radius.id", "udp.srcport")
    assert asked
    for port, identifier, source in asked:
        theirs = f"udp.srcport == {port} && udp.dstport == {source} && radius.id == {identifier}"
        assert wire.fields(theirs, "radius.code") == [[str(answer_code)]]
    assert wire.faults() == []


# -- signatures ---------------------------------------------------------------------------------


def test_a_request_that_the_switch_left_unsigned_arrives_signed_by_the_proxy(
    nacd: Any, freeradius: Any, radclient: Any, tap: Any
) -> None:
    """A Proxy-State without Message-Authenticator is what BlastRADIUS needs; FreeRADIUS signs what it passes on."""
    seen = len(nacd.audit())
    proxy = freeradius(FRONT, nacd.address(), nacd.address(accounting=True), signed_only=False)
    wire, running = tap.start([*nacd.ports, *proxy.ports], hosts=[FRONT])
    answer = radclient.ask(proxy.auth, "auth", mab(PRINTER))
    tap.stop(running)
    assert answer.code == "Access-Accept", answer.output
    nacd.recorded({"code": "A1001I", "nas.name": "front", "decision.rule": "known printers"}, since=seen)
    unsigned = wire.fields("radius.code == 1 && !radius.Message_Authenticator", "udp.dstport")
    signed = wire.fields("radius.code == 1 && radius.Message_Authenticator", "udp.dstport")
    assert (unsigned, signed) == ([[str(proxy.auth[1])]], [[str(nacd.address()[1])]])
    assert wire.faults() == []


def test_a_proxy_that_knows_another_secret_is_not_answered(nacd: Any, freeradius: Any, radclient: Any) -> None:
    proxy = forwarded(freeradius, nacd)
    assert radclient.ask(proxy.auth, "auth", mab(PRINTER, SIGNED), secret=SECRET[::-1], wait_s=0.5).code == ""
    assert radclient.ask(proxy.auth, "auth", mab(PRINTER, SIGNED)).code == "Access-Accept"


# -- as a sender --------------------------------------------------------------------------------


def test_copies_of_accounting_that_nobody_waits_for_are_written_down(
    nacd: Any, freeradius: Any, radclient: Any, tap: Any
) -> None:
    """rlm_replicate: a packet of FreeRADIUS's own making, without Proxy-State, its answer thrown away."""
    seen = len(nacd.audit())
    proxy = freeradius(FRONT, nacd.address(), nacd.address(accounting=True), does=REPLICATED)
    wire, running = tap.start([*nacd.ports, *proxy.ports], hosts=[FRONT])
    answer = radclient.ask(proxy.accounting, "acct", start("a-copy"))
    assert answer.code == "Accounting-Response", answer.output
    nacd.recorded({"code": "A2001I", "session.acct_session_id": "a-copy", "nas.name": "front"}, since=seen)
    tap.stop(running)
    assert [asked for asked, _ in proxy_states(wire, nacd.address(accounting=True)[1])] == [[]]
    assert wire.faults() == []


def test_accounting_kept_in_a_file_arrives_once_when_nacd_is_back(
    nacd: Any, freeradius: Any, radclient: Any, tap: Any
) -> None:
    """FreeRADIUS answers for itself, writes to its detail file, and sends from there what is nobody's request."""
    seen = len(nacd.audit())
    proxy = freeradius(FRONT, nacd.address(), nacd.address(accounting=True), does=KEPT)
    wire, running = tap.start([*nacd.ports, *proxy.ports], hosts=[FRONT])
    nacd.process.send_signal(signal.SIGSTOP)
    try:
        answer = radclient.ask(proxy.accounting, "acct", start("kept-for-later"))
        assert answer.code == "Accounting-Response", answer.output
        proxy.wait_for("Proxying request to home server")
    finally:
        nacd.process.send_signal(signal.SIGCONT)
    nacd.recorded({"code": "A2001I", "session.acct_session_id": "kept-for-later"}, since=seen, within_s=15.0)
    proxy.wait_for("Unlinking")  # it is content, and forgets the entry
    tap.stop(running)
    assert len([each for each in nacd.audit("A2001I") if each["session"]["acct_session_id"] == "kept-for-later"]) == 1
    assert wire.faults() == []
