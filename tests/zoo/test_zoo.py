"""Eight clients that others wrote, in five languages: a login, a refusal and an accounting record each.

What a client reports is what it believed after its own checks; what nacd did is read in its audit log and, for all of
them at once, on the wire by tshark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.zoo.conftest import LOOPBACK, Client, spoil_authenticator, spoil_message_authenticator

pytestmark = [pytest.mark.peer, pytest.mark.slow]

C = "with-libraries"
SIGNING = (
    Client(name="perl", program="perl", driver="authen_radius.pl", source="127.0.0.11", signs=True, checks_ma=True),
    Client(name="node", program="node", driver="node_radius.js", source="127.0.0.12", signs=True, checks_ma=True),
    Client(name="pyrad", program=C, driver="pyrad_client.py", source="127.0.0.13", signs=True, checks_ma=True),
    Client(name="php", program="php", driver="dapphp.php", signs=True, reads=frozenset({"session_timeout"})),
    Client(name="libradsec", program=C, driver="libradsec_client.py", signs=True, checks_ma=True),
)
UNSIGNED = (
    Client(name="perl-as-it-comes", program="perl", driver="authen_radius.pl", source="127.0.0.21", checks_ma=True),
    Client(name="node-as-it-comes", program="node", driver="node_radius.js", source="127.0.0.22"),
    Client(name="perl-old", program="perl", driver="net_radius.pl", source="127.0.0.23"),
    Client(name="radcli", program=C, driver="radcli_client.py", source="127.0.0.24", checks=False),
    Client(name="pam", program=C, driver="pam_radius.py", source="127.0.0.25", reads=frozenset(), vpn=True),
)
ALL = SIGNING + UNSIGNED
every_client = pytest.mark.parametrize("client", ALL, ids=lambda client: client.name)


def entries(clients: tuple[Client, ...], rule: str) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """A configuration with one NAS for each of these clients; those that cannot choose their address share one."""

    def change(config: dict[str, Any], policy: dict[str, Any]) -> None:
        alike = {"secret": config["clients"][0]["secret"], "vendor": "generic", "message_authenticator": rule}
        config["clients"] = [{"name": "loopback", "network": f"{LOOPBACK}/32", **alike}]
        for client in clients:
            if client.source != LOOPBACK:
                kind = {"authentication": "done_by_nas"} if client.vpn else {}
                config["clients"].append({"name": client.nas, "network": f"{client.source}/32", **alike, **kind})
        policy["profiles"]["printers"]["session_timeout"] = "1h"
        policy["rules"].append({"name": "vpn users", "when": {"access": "vpn", "user": "alice"}, "then": "corporate"})

    return change


@pytest.fixture(scope="module")
def strict(launch: Any) -> Any:
    """A nacd that wants every Access-Request signed."""
    return launch(change=entries(ALL, "require"))


@pytest.fixture(scope="module")
def lenient(launch: Any) -> Any:
    """A nacd for what cannot sign."""
    return launch(change=entries(UNSIGNED, "accept"))


@pytest.fixture
def home(strict: Any, lenient: Any) -> Callable[[Client], Any]:
    """The nacd whose configuration suits a client."""
    return lambda client: strict if client.signs else lenient


def together(clients: tuple[Client, ...], ask: Callable[[Client], Mapping[str, str]]) -> dict[str, str]:
    """Ask all at once, for most of the time goes into waiting: what each believed."""
    with ThreadPoolExecutor(len(clients)) as pool:
        return {client.name: said["reply"] for client, said in zip(clients, pool.map(ask, clients), strict=True)}


# -- one by one ---------------------------------------------------------------------------------


@every_client
def test_a_known_device_is_accepted_and_the_client_believes_it(client: Client, home: Any, zoo: Any) -> None:
    nacd = home(client)
    seen = len(nacd.audit())
    said = zoo.ask(client, nacd.address(), "login", client.known)
    assert said["reply"] == "Access-Accept"
    if "session_timeout" in client.reads:
        assert said["session_timeout"] == "3600"
    if "vlan" in client.reads:  # with its tag in front (RFC 2868 section 3.6) where the client knows of no tags
        assert said["vlan"].removeprefix("\x01") == "140"
    rule, access = ("vpn users", "vpn") if client.vpn else ("known printers", "mab")
    nacd.recorded({"code": "A1001I", "nas.name": client.nas, "access": access, "decision.rule": rule}, since=seen)


@every_client
def test_an_unknown_device_is_refused_and_the_client_believes_it(client: Client, home: Any, zoo: Any) -> None:
    nacd = home(client)
    seen = len(nacd.audit())
    assert zoo.ask(client, nacd.address(), "login", client.unknown)["reply"] == "Access-Reject"
    nacd.recorded({"code": "A1002I", "nas.name": client.nas, "decision.rule": "default-deny"}, since=seen)


@every_client
def test_an_accounting_start_is_written_down_and_the_client_believes_it(client: Client, home: Any, zoo: Any) -> None:
    nacd = home(client)
    seen = len(nacd.audit())
    session = f"session-of-{client.name}"
    said = zoo.ask(client, nacd.address(accounting=True), "start", client.known, session=session)
    assert said["reply"] == "Accounting-Response"
    record = nacd.recorded({"code": "A2001I", "event": "accounting.start", "nas.name": client.nas}, since=seen)
    if client.vpn:  # pam_radius_auth makes up its own session id
        assert record["endpoint"]["user_name"] == client.known
    else:
        assert record["session"]["acct_session_id"] == session


# -- what they must not believe -----------------------------------------------------------------


def test_under_require_an_unsigned_client_gets_silence_and_one_warning(strict: Any, zoo: Any) -> None:
    again = tuple(client for client in UNSIGNED if not client.vpn)  # pam_radius_auth would wait for 3 s once more
    for clients in (UNSIGNED, again):
        believed = together(
            clients, lambda client: zoo.ask(client, strict.address(), "login", client.known, patience_s=1)
        )
        assert set(believed.values()) == {"none"}, believed
    warnings = strict.log("sent an Access-Request without Message-Authenticator")
    assert sorted(line["nas"] for line in warnings) == sorted(client.nas for client in UNSIGNED)
    for line in warnings:
        assert line["level"] == "warning"
        assert f"NAS `{line['nas']}`" in line["event"]
        assert "`message_authenticator: auto`" in line["event"]
    # It has nothing against their accounting, which carries a signature of its own (RFC 2866 section 3).
    address = strict.address(accounting=True)
    believed = together(UNSIGNED, lambda client: zoo.ask(client, address, "start", client.known))
    assert set(believed.values()) == {"Accounting-Response"}, believed


def test_with_another_secret_nobody_believes_anything(home: Any, zoo: Any) -> None:
    """nacd is silent where a signature tells it; where there is none, the client finds the answer signed wrongly."""

    def login(client: Client) -> Mapping[str, str]:
        return zoo.ask(
            client, home(client).address(), "login", client.known, secret="not the secret of nacd", patience_s=1
        )

    def start(client: Client) -> Mapping[str, str]:
        address = home(client).address(accounting=True)
        return zoo.ask(client, address, "start", client.known, secret="not the secret of nacd", patience_s=1)

    believed = together(ALL, login)
    # nacd refuses a password that comes out garbled; one client does not see that the refusal is not for it.
    assert {believed[client.name] for client in ALL if client.checks} == {"none"}, believed
    assert "Access-Accept" not in believed.values(), believed
    believed = together(ALL, start)
    assert set(believed.values()) == {"none"}, believed


@pytest.mark.parametrize(
    ("spoil", "checkers"),
    [
        (spoil_authenticator, tuple(client for client in ALL if client.checks)),
        (spoil_message_authenticator, tuple(client for client in ALL if client.checks_ma)),
    ],
    ids=["response-authenticator", "message-authenticator"],
)
def test_a_client_that_checks_a_signature_believes_no_answer_with_another(
    spoil: Any, checkers: tuple[Client, ...], home: Any, zoo: Any, relay: Any
) -> None:
    """Else the Access-Accepts above would not show that what nacd signs is right."""

    def ask(client: Client) -> Mapping[str, str]:
        middle = relay(home(client).address(), client.source, spoil)
        said = zoo.ask(client, middle.address, "login", client.known, patience_s=2)
        assert set(middle.answers) == {2}, client
        return said

    believed = together(checkers, ask)
    assert set(believed.values()) == {"none"}, believed


# -- all on the wire ----------------------------------------------------------------------------


def test_tshark_finds_every_packet_of_the_zoo_right(home: Any, strict: Any, lenient: Any, zoo: Any, tap: Any) -> None:
    wire, running = tap.start((*strict.ports, *lenient.ports))
    together(ALL, lambda client: zoo.ask(client, home(client).address(), "login", client.known))
    together(ALL, lambda client: zoo.ask(client, home(client).address(), "login", client.unknown))
    together(ALL, lambda client: zoo.ask(client, home(client).address(accounting=True), "start", client.known))
    tap.stop(running)
    replies = wire.fields("radius.code in {2, 3, 5}", "radius.code", "radius.authenticator.valid", "radius.avp.type")
    codes = sorted(code for code, _, _ in replies)
    assert codes == sorted("235" * len(ALL))
    assert {valid for _, valid, _ in replies} == {"1"}
    assert wire.faults() == []
    assert {attributes.split(",")[0] for code, _, attributes in replies if code != "5"} == {"80"}

    # The spread: who signs its Access-Requests, and who does not.
    logins = wire.fields("radius.code == 1", "udp.dstport", "ip.src", "radius.avp.type")
    signed = {(port, source): "80" in attributes.split(",") for port, source, attributes in logins}
    assert signed == {(str(home(client).address()[1]), client.source): client.signs for client in ALL}
