"""MAB, accounting, Status-Server and the rules of RFC 2865 and 2869 against FreeRADIUS's radclient."""

from __future__ import annotations

from typing import Any

import pytest

from tests.peers.wire import PRINTER

pytestmark = [pytest.mark.peer, pytest.mark.slow]

SIGNED = ("Message-Authenticator", "0x00")


def mab(mac: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
    """What a switch sends for an endpoint that speaks no 802.1X."""
    name = mac.replace("-", "").lower()
    return [
        ("User-Name", f'"{name}"'),
        ("User-Password", f'"{name}"'),
        ("Service-Type", "Call-Check"),
        ("NAS-Port-Type", "Ethernet"),
        ("NAS-Port", "7"),
        ("NAS-Identifier", '"lab-switch"'),
        ("Calling-Station-Id", f'"{mac}"'),
        *more,
    ]


# -- MAB ----------------------------------------------------------------------------------------


def test_a_printer_on_the_list_is_accepted_into_its_vlan(nacd: Any, radclient: Any) -> None:
    seen = len(nacd.audit())
    answer = radclient.ask(nacd.address(), "auth", mab(PRINTER, SIGNED))
    assert answer.code == "Access-Accept", answer.output
    assert answer.values("Tunnel-Private-Group-Id") == ["140"]
    assert answer.values("Tunnel-Type") == ["VLAN"]
    assert answer.values("Tunnel-Medium-Type") == ["IEEE-802"]
    assert answer.attributes[0][0] == "Message-Authenticator"
    wanted = {"access": "mab", "endpoint.mac": PRINTER, "decision.rule": "known printers"}
    nacd.recorded({"code": "A1001I", **wanted, "decision.profile": "printers"}, since=seen)


def test_a_mac_that_no_rule_knows_is_refused_by_default(nacd: Any, radclient: Any) -> None:
    seen = len(nacd.audit())
    answer = radclient.ask(nacd.address(), "auth", mab("00-1B-A9-65-43-21", SIGNED))
    assert answer.code == "Access-Reject", answer.output
    assert answer.attributes[0][0] == "Message-Authenticator"
    wanted = {"access": "mab", "endpoint.mac": "00-1B-A9-65-43-21", "decision.rule": "default-deny"}
    nacd.recorded({"code": "A1002I", **wanted, "decision.effect": "deny"}, since=seen)


def test_a_user_password_is_not_checked_but_refused(nacd: Any, radclient: Any) -> None:
    wanted = [("User-Name", '"alice"'), ("User-Password", '"open sesame"'), ("NAS-Port", "7"), SIGNED]
    seen = len(nacd.audit())
    answer = radclient.ask(nacd.address(), "auth", wanted)
    assert answer.code == "Access-Reject", answer.output
    nacd.recorded({"code": "A1004W", "endpoint.user_name": "alice", "refusal": "no_access_kind"}, since=seen)
    everything = nacd.log_text + str(nacd.audit())
    assert "open sesame" not in everything


def test_proxy_state_comes_back_untouched_and_in_order(nacd: Any, radclient: Any) -> None:
    """RFC 2865 section 5.33."""
    states = [("Proxy-State", "0x0102030405"), ("Proxy-State", "0xff00"), ("Proxy-State", "0x0102030405")]
    answer = radclient.ask(nacd.address(), "auth", mab(PRINTER, *states, SIGNED))
    assert answer.code == "Access-Accept", answer.output
    assert answer.values("Proxy-State") == ["0x0102030405", "0xff00", "0x0102030405"]


def test_ipv6_is_served_alike(nacd: Any, radclient: Any, need_ipv6: None) -> None:
    address = nacd.address(ipv6=True)
    assert radclient.ask(address, "auth", mab(PRINTER, SIGNED)).code == "Access-Accept"
    assert radclient.ask(nacd.address(accounting=True, ipv6=True), "acct", start("six")).code == "Accounting-Response"


def test_the_answer_leaves_from_the_address_that_was_asked(launch: Any, radclient: Any, tap: Any) -> None:
    """Bound to every address, the kernel alone would answer from the first one, and the NAS would throw it away."""

    def everywhere(config: dict[str, Any], policy: dict[str, Any]) -> None:
        del policy
        config["server"] = {"auth": "0.0.0.0:0", "accounting": "0.0.0.0:0"}

    nacd = launch(change=everywhere)
    (_, auth), (_, accounting) = nacd.address(), nacd.address(accounting=True)
    source = ("Packet-Src-IP-Address", "127.0.0.1")
    wire, running = tap.start(nacd.ports)
    assert radclient.ask(("127.0.0.9", auth), "auth", mab(PRINTER, SIGNED, source)).code == "Access-Accept"
    assert radclient.ask(("127.0.0.9", auth), "status", [SIGNED, source]).code == "Access-Accept"
    answer = radclient.ask(("127.0.0.9", accounting), "acct", start("nine", source))
    assert answer.code == "Accounting-Response", answer.output
    tap.stop(running)
    assert wire.fields("radius.code in {2, 5}", "ip.src", "ip.dst") == [["127.0.0.9", "127.0.0.1"]] * 3


# -- silence ------------------------------------------------------------------------------------


def test_without_a_message_authenticator_there_is_no_answer_and_one_warning(launch: Any, radclient: Any) -> None:
    nacd = launch()
    for _ in range(3):
        answer = radclient.ask(nacd.address(), "auth", mab(PRINTER), wait_s=0.5)
        assert answer.code == "", answer.output
    # It lives, and has nothing against the same request when it is signed.
    assert radclient.ask(nacd.address(), "auth", mab(PRINTER, SIGNED)).code == "Access-Accept"
    warnings = nacd.log("sent an Access-Request without Message-Authenticator")
    assert [(line["level"], line["nas"]) for line in warnings] == [("warning", "lab")], nacd.log_text
    # The rest is counted, to the packet, by the time it stops.
    nacd.stop()
    dropped = nacd.audit("A3001W")
    assert {(each["nas"]["name"], each["packets"]["reason"]) for each in dropped} == {
        ("lab", "no_message_authenticator")
    }
    assert sum(each["count"] for each in dropped) == 3
    assert len(nacd.audit("A1001I")) == 1


def test_with_a_wrong_secret_there_is_no_answer(nacd: Any, radclient: Any) -> None:
    answer = radclient.ask(nacd.address(), "auth", mab(PRINTER, SIGNED), secret="not the secret", wait_s=0.5)
    assert answer.code == "", answer.output
    wrong = radclient.ask(nacd.address(accounting=True), "acct", start("w"), secret="not the secret", wait_s=0.5)
    assert wrong.code == "", wrong.output


def test_a_nas_that_is_not_in_the_configuration_gets_no_answer(nacd: Any, radclient: Any) -> None:
    stranger = ("Packet-Src-IP-Address", "127.0.0.77")
    answer = radclient.ask(nacd.address(), "auth", mab(PRINTER, SIGNED, stranger), wait_s=0.5)
    assert answer.code == "", answer.output


def test_a_legacy_nas_may_do_without_message_authenticator_but_not_behind_a_proxy(nacd: Any, radclient: Any) -> None:
    """RFC 3579 section 3.2 asks for one; BlastRADIUS needs Proxy-State, so that much is never given."""
    legacy = ("Packet-Src-IP-Address", "127.0.0.2")
    answer = radclient.ask(nacd.address(), "auth", mab(PRINTER, legacy))
    assert answer.code == "Access-Accept", answer.output
    assert answer.attributes[0][0] == "Message-Authenticator"
    proxied = radclient.ask(nacd.address(), "auth", mab(PRINTER, legacy, ("Proxy-State", "0x01")), wait_s=0.5)
    assert proxied.code == "", proxied.output


# -- Status-Server ------------------------------------------------------------------------------


def test_status_server_is_answered_on_both_ports(nacd: Any, radclient: Any) -> None:
    """RFC 5997 section 3: Access-Accept on the one, Accounting-Response on the other."""
    assert radclient.ask(nacd.address(), "status", [SIGNED]).code == "Access-Accept"
    assert radclient.ask(nacd.address(accounting=True), "status", [SIGNED]).code == "Accounting-Response"


def test_status_server_with_a_wrong_secret_is_not_answered(nacd: Any, radclient: Any) -> None:
    assert radclient.ask(nacd.address(), "status", [SIGNED], secret="not the secret", wait_s=0.5).code == ""


# -- accounting ---------------------------------------------------------------------------------


def start(session: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [
        ("Acct-Status-Type", "Start"),
        ("Acct-Session-Id", f'"{session}"'),
        ("User-Name", '"host/laptop-one"'),
        ("NAS-Identifier", '"lab-switch"'),
        ("NAS-Port", "7"),
        ("Calling-Station-Id", '"00-16-3E-11-22-33"'),
        ("Framed-IP-Address", "192.0.2.17"),
        *more,
    ]


def test_accounting_start_is_answered_and_written_down(nacd: Any, radclient: Any) -> None:
    seen = len(nacd.audit())
    answer = radclient.ask(nacd.address(accounting=True), "acct", start("session-0815"))
    assert answer.code == "Accounting-Response", answer.output
    wanted = {"session.acct_session_id": "session-0815", "endpoint.framed_address": "192.0.2.17", "nas.port": "7"}
    nacd.recorded({"code": "A2001I", "event": "accounting.start", **wanted}, since=seen, within_s=0.0)


def test_accounting_stop_is_answered_and_written_down(nacd: Any, radclient: Any) -> None:
    seen = len(nacd.audit())
    stop = [("Acct-Status-Type", "Stop"), *start("session-0816")[1:], ("Acct-Session-Time", "77")]
    answer = radclient.ask(nacd.address(accounting=True), "acct", [*stop, ("Acct-Terminate-Cause", "User-Request")])
    assert answer.code == "Accounting-Response", answer.output
    wanted = {
        "session.acct_session_id": "session-0816",
        "session.time_s": 77,
        "session.terminate_cause": "User-Request",
    }
    nacd.recorded({"code": "A2003I", "event": "accounting.stop", **wanted}, since=seen, within_s=0.0)


def test_proxy_state_comes_back_in_accounting_too(nacd: Any, radclient: Any) -> None:
    states = [("Proxy-State", "0xaa"), ("Proxy-State", "0xbb")]
    answer = radclient.ask(nacd.address(accounting=True), "acct", start("session-0817", *states))
    assert answer.values("Proxy-State") == ["0xaa", "0xbb"], answer.output


# -- the end ------------------------------------------------------------------------------------


def test_sigterm_ends_the_daemon_well(launch: Any, radclient: Any) -> None:
    nacd = launch()
    assert radclient.ask(nacd.address(), "auth", mab(PRINTER, SIGNED)).code == "Access-Accept"
    assert nacd.stop() == 0, nacd.log_text
    nacd.recorded({"code": "A1001I", "decision.rule": "known printers"})
    assert nacd.audit()[-1]["event"] == "service.stopped"
    assert "Traceback" not in nacd.log_text
