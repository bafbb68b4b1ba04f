from __future__ import annotations

import ipaddress

import pytest

from nacd.config.fields import ListenAddress
from nacd.config.settings import Client, Server

CLIENT = "name: a\nnetwork: [10.0.0.0/8, '2001:db8::1']\nsecret: env:S\nvendor: generic\n"


def test_a_client_with_everything_left_out_is_careful(section) -> None:
    client = section(Client, CLIENT, {"S": "s3cr3t"})
    assert client.network == (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::1/128"))
    assert client.secret.reveal() == b"s3cr3t"
    assert (client.message_authenticator, client.authentication, client.mab_password) == ("require", "eap", "mac")
    assert client.dynauth is None
    assert "s3cr3t" not in repr(client)


def test_dynauth_may_have_a_secret_and_an_address_of_its_own(section) -> None:
    client = section(Client, CLIENT + "dynauth: {port: 1700, secret: env:D, address: 10.0.0.9}\n", {"S": "s", "D": "d"})
    assert client.dynauth.port == 1700
    assert client.dynauth.secret.reveal() == b"d"
    assert client.dynauth.address == "10.0.0.9"


def test_dynauth_alone_means_where_this_vendor_is_asked(section) -> None:
    dynauth = section(Client, CLIENT + "dynauth: {}\n", {"S": "s"}).dynauth
    assert (dynauth.port, dynauth.secret, dynauth.address, dynauth.source) == (None, None, None, None)
    assert (dynauth.rate, dynauth.concurrent) == (50, 8)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("rate: 0", "5:17: `0` is too small: at least 1"),
        ("concurrent: 257", "5:23: `257` is too large: at most 256"),
        ("address: nas1.example", "5:20: `nas1.example` is no IP address"),
        ("address: 10.0.0.0/24", "5:20: `10.0.0.0/24` is no IP address"),
        ("address: 0.0.0.0", "5:20: `0.0.0.0` is no address of one machine"),
        ("source: 224.0.0.1", "5:19: `224.0.0.1` is no address of one machine"),
        (
            'source: "::ffff:10.0.0.1"',
            "5:19: `::ffff:10.0.0.1` is an address with an interface, or IPv4 in IPv6 clothes: write it plain",
        ),
        (
            'address: 10.0.0.1, source: "2001:db8::1"',
            "5:10: `address` and `source` are of two families: one is IPv4, one is IPv6",
        ),
    ],
)
def test_what_cannot_be_asked_is_told(section, written: str, said: str) -> None:
    assert section(Client, CLIENT + f"dynauth: {{{written}}}\n", {"S": "s"}) == [said]


def test_our_own_address_is_of_the_family_of_its_network(section) -> None:
    one = "name: a\nnetwork: 10.0.0.0/8\nsecret: env:S\nvendor: generic\ndynauth: {source: '2001:db8::1'%s}\n"
    (said,) = section(Client, one % "", {"S": "s"})
    assert said == "1:1: `dynauth.source` and `network` are of two families: IPv4 and IPv6"
    assert section(Client, one % ", address: '2001:db8::9'", {"S": "s"}).dynauth.source == "2001:db8::1"
    assert section(Client, CLIENT + "dynauth: {source: '2001:db8::1'}\n", {"S": "s"}).dynauth.source == "2001:db8::1"


def test_one_group_or_a_list_of_them(section) -> None:
    assert section(Client, CLIENT + "groups: wired\n", {"S": "s"}).groups == ("wired",)
    assert section(Client, CLIENT + "groups: []\n", {"S": "s"}).groups == ()


def test_listening_on_one_address_or_several(section) -> None:
    server = section(Server, 'auth: ["0.0.0.0:1812", "[::]:1812"]\naccounting: 127.0.0.1:0\n')
    assert server.auth == (ListenAddress("0.0.0.0", 1812), ListenAddress("::", 1812))
    assert server.accounting == (ListenAddress("127.0.0.1", 0),)
    assert section(Server, "workers: 1\n").auth == (ListenAddress("0.0.0.0", 1812),)


def test_metrics_are_off_unless_an_address_is_given(section) -> None:
    assert section(Server, "workers: 1\n").metrics is None
    assert section(Server, "metrics: 127.0.0.1:9812\n").metrics == ListenAddress("127.0.0.1", 9812)
    assert section(Server, 'metrics: "[::1]:9812"\n').metrics == ListenAddress("::1", 9812)
    for wrong in ("localhost:9812", "9812", "127.0.0.1", '["127.0.0.1:9812"]'):
        (said,) = section(Server, f"metrics: {wrong}\n")
        assert "IP:PORT" in said


def test_listening_twice_on_one_address_is_refused(section) -> None:
    (said,) = section(Server, "auth: 10.0.0.1:1812\naccounting: 10.0.0.1:1812\n")
    assert "`10.0.0.1:1812` is listened on twice" in said


@pytest.mark.parametrize("count", [0, 2, -1])
def test_more_than_one_worker_is_refused_in_words(section, count: int) -> None:
    (said,) = section(Server, f"workers: {count}\n")
    assert "one process for now" in said
