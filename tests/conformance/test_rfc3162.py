"""RFC 3162, RADIUS and IPv6."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

import pytest

from nacd.radius.admission import Role
from nacd.radius.clients import Client, ClientTable
from nacd.radius.dictionary import Dictionary, load
from nacd.server import sockets
from nacd.values import Attribute, Nas, Secret
from tests.conformance.octets import STATUS, answer, mab, request
from tests.conformance.wire import Wire
from tests.conftest import unavailable
from tests.server.house import House, Site

EIGHT_SIXTEENS = bytes.fromhex("20010db8000000000000000000000007")


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load()


def table(*networks: str) -> ClientTable:
    return ClientTable(
        Client(nas=Nas(name=text, vendor="generic"), networks=(ipaddress.ip_network(text),), secret=Secret(b"x"))
        for text in networks
    )


@pytest.mark.clause("RFC 3162 section 2.1", "NAS-IPv6-Address: sixteen octets")
@pytest.mark.parametrize(("value", "read"), [(EIGHT_SIXTEENS, "2001:db8::7"), (EIGHT_SIXTEENS[1:], ""), (b"", "")])
def test_the_ipv6_address_of_the_nas_is_recorded(house: House, wire: Wire, value: bytes, read: str) -> None:
    user = f"six-{len(value)}"
    wire.ask(request((1, user.encode()), (95, value)))
    (record,) = [r for r in house.records() if r.get("endpoint", {}).get("user_name") == user]
    assert record["nas"]["address"] == read


@pytest.mark.clause("RFC 3162 section 1", "RADIUS runs over IPv6: a client is found by its IPv6 source address")
def test_a_request_over_ipv6_is_answered(site: Site, build: Callable[..., House], has_ipv6: bool) -> None:
    if not has_ipv6:
        unavailable("this machine has no ::1")
    site.change("network: 127.0.0.1,", 'network: ["::1", 127.0.0.1],')
    house = build()
    six = sockets.bind("::1", 0)
    port = six.getsockname()[1]
    house.do(lambda: house.listener.listen(six, Role.AUTH))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as nas:
        nas.settimeout(5)
        nas.connect(("::1", port))
        for octets in (mab(), request(code=STATUS)):
            nas.send(octets)
            assert answer(nas.recv(4096), octets).code == 2


@pytest.mark.clause("RFC 3162 section 1", "a link-local source is the same client on whatever link it is seen")
def test_the_scope_of_a_source_address_is_ignored() -> None:
    found = table("fe80::1/128").find("fe80::1%eth0")
    assert found is not None
    assert found.nas.name == "fe80::1/128"


@pytest.mark.clause("RFC 3162 section 1", "an IPv4 address mapped into IPv6 is that IPv4 client")
def test_a_mapped_source_is_found_by_its_ipv4_network() -> None:
    clients = table("192.0.2.0/24", "2001:db8::/32")
    found = clients.find("::ffff:192.0.2.9")
    assert found is not None
    assert found.nas.name == "192.0.2.0/24"
    assert clients.find("2001:db9::1") is None


@pytest.mark.clause("RFC 3162 section 2.2", "Framed-Interface-Id: eight octets")
def test_an_interface_id_is_written_with_eight_octets(dictionary: Dictionary) -> None:
    wanted = Attribute(name="Framed-Interface-Id", value="0211:22ff:fe33:4455")
    assert dictionary.encode(wanted) == bytes.fromhex("600a021122fffe334455")


@pytest.mark.clause("RFC 3162 section 2.3", "Framed-IPv6-Prefix: a zero, the prefix length, up to sixteen octets")
def test_a_prefix_is_written_with_its_length(dictionary: Dictionary) -> None:
    wanted = Attribute(name="Framed-IPv6-Prefix", value="2001:db8::/48")
    assert dictionary.encode(wanted) == bytes.fromhex("6114003020010db8000000000000000000000000")


@pytest.mark.clause("RFC 3162 section 2.3", "bits past the prefix length are zero, and the length is at most 128")
@pytest.mark.parametrize("octets", [b"\0\x81" + bytes(16), b"\0\x20" + EIGHT_SIXTEENS, b"\0", bytes(19)])
def test_a_prefix_that_cannot_be_one_stays_octets(dictionary: Dictionary, octets: bytes) -> None:
    assert dictionary.describe(97, octets).value == octets
