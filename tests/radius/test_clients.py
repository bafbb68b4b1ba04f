import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.radius.clients import Client, ClientTable
from nacd.values import Nas, Secret

MakeClient = Callable[..., Client]


def named(name: str, *networks: str) -> Client:
    return Client(
        nas=Nas(name=name, vendor="generic"),
        networks=tuple(ipaddress.ip_network(text) for text in networks),
        secret=Secret(b"one"),
    )


def found(table: ClientTable, address: str) -> str:
    client = table.find(address)
    return client.nas.name if client else ""


def test_the_longest_prefix_wins_in_both_families() -> None:
    table = ClientTable(
        [
            named("campus", "10.0.0.0/8", "2001:db8::/32"),
            named("building", "10.20.0.0/16", "2001:db8:1::/48"),
            named("switch", "10.20.30.40/32", "2001:db8:1::7/128"),
        ]
    )
    assert found(table, "10.1.1.1") == "campus"
    assert found(table, "10.20.1.1") == "building"
    assert found(table, "10.20.30.40") == "switch"
    assert found(table, "2001:db8:2::1") == "campus"
    assert found(table, "2001:db8:1::8") == "building"
    assert found(table, "2001:db8:1::7") == "switch"
    assert found(table, "192.0.2.1") == ""
    assert found(table, "::1") == ""


def test_ipv4_inside_ipv6_is_ipv4_on_both_sides() -> None:
    table = ClientTable([named("plain", "10.0.0.0/24"), named("mapped", "::ffff:10.1.0.0/112")])
    assert found(table, "::ffff:10.0.0.9") == "plain"
    assert found(table, "10.1.0.9") == "mapped"


def test_an_ipv6_default_does_not_claim_ipv4() -> None:
    table = ClientTable([named("six", "::/0")])
    assert found(table, "::ffff:10.0.0.9") == ""
    assert found(table, "2001:db8::1") == "six"


def test_a_scope_is_no_part_of_the_address() -> None:
    assert found(ClientTable([named("link", "fe80::/10")]), "fe80::1%eth0") == "link"


def test_what_is_no_address_is_nobody() -> None:
    assert found(ClientTable([named("all", "0.0.0.0/0")]), "not-an-address") == ""


@pytest.mark.parametrize("again", ["10.0.0.0/24", "::ffff:10.0.0.0/120"])
def test_a_network_claimed_twice_names_both_clients(again: str) -> None:
    with pytest.raises(ValueError, match="`one` and to client `two`"):
        ClientTable([named("one", "10.0.0.0/24"), named("two", again)])


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="`bare` has an empty secret"):
        Client(nas=Nas(name="bare", vendor="generic"), networks=(), secret=Secret(b""))


def test_a_client_does_not_show_its_secret(make_client: MakeClient, secret: bytes) -> None:
    assert secret.decode() not in repr(make_client())


def test_unknown_addresses_are_not_remembered_and_known_ones_within_bounds() -> None:
    table = ClientTable([named("campus", "10.0.0.0/8")], memo_capacity=10)
    for last in range(200):
        assert found(table, f"192.0.2.{last}") == ""
    assert len(table._memo) == 0
    for last in range(200):
        assert found(table, f"10.0.0.{last}") == "campus"
        assert found(table, f"10.0.0.{last}") == "campus"
    assert len(table._memo) <= 10


networks = st.builds(
    lambda number, prefix: ipaddress.ip_network((number, prefix), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


@given(st.lists(networks, min_size=1, max_size=12, unique=True), st.integers(0, 2**32 - 1))
def test_the_search_agrees_with_looking_at_every_network(claimed: list[ipaddress.IPv4Network], number: int) -> None:
    table = ClientTable([named(str(network), str(network)) for network in claimed])
    address = ipaddress.IPv4Address(number)
    matching = [network for network in claimed if address in network]
    expected = str(max(matching, key=lambda network: network.prefixlen)) if matching else ""
    assert found(table, str(address)) == expected
