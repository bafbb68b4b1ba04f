"""A small world: one NAS, its secret, a clock that stands still, and pyrad as the other opinion."""

from __future__ import annotations

import hashlib
import hmac
import io
import ipaddress
from collections.abc import Callable
from importlib import resources

import pytest
from pyrad import dictionary as pyrad_dictionary

from nacd.radius.clients import Client, MessageAuthenticatorRule
from nacd.radius.dictionary import Dictionary, load
from nacd.values import Instant, Nas, Secret

SECRET = b"s3cret-of-the-lab"

MakeClient = Callable[..., Client]
MakeRequest = Callable[..., bytes]


@pytest.fixture(scope="session")
def secret() -> bytes:
    return SECRET


@pytest.fixture(scope="session")
def dictionary() -> Dictionary:
    return load()


@pytest.fixture(scope="session")
def oracle() -> pyrad_dictionary.Dictionary:
    """Our dictionary files as pyrad understands them."""
    parsed = pyrad_dictionary.Dictionary()
    folder = resources.files("nacd.radius").joinpath("dictionaries")
    files = [file for file in folder.iterdir() if file.name.endswith(".dict")]
    for file in sorted(files, key=lambda file: (file.name != "rfc.dict", file.name)):
        parsed.ReadDictionary(io.StringIO(file.read_text("utf-8")))
    return parsed


@pytest.fixture(scope="session")
def make_client() -> MakeClient:
    def make(
        name: str = "switch",
        *networks: str,
        rule: MessageAuthenticatorRule = MessageAuthenticatorRule.REQUIRE,
        probe_users: frozenset[str] = frozenset(),
    ) -> Client:
        return Client(
            nas=Nas(name=name, vendor="generic"),
            networks=tuple(ipaddress.ip_network(text) for text in networks or ("10.0.0.0/24",)),
            secret=Secret(SECRET),
            message_authenticator=rule,
            probe_users=probe_users,
        )

    return make


@pytest.fixture(scope="session")
def client(make_client: MakeClient) -> Client:
    return make_client()


@pytest.fixture(scope="session")
def make_request() -> MakeRequest:
    """Octets of a request, built by hand: neither our encoder nor pyrad's."""

    def make(
        *attributes: tuple[int, bytes],
        code: int = 1,
        identifier: int = 7,
        authenticator: bytes = bytes(range(16)),
        sign: bool = True,
        secret: bytes = SECRET,
    ) -> bytes:
        body = b"".join(bytes((number, len(value) + 2)) + value for number, value in attributes)
        offset = 20 + len(body) + 2
        if sign:
            body += bytes((80, 18)) + bytes(16)
        digested = code == 4
        start = bytes((code, identifier)) + (20 + len(body)).to_bytes(2)
        packet = start + (bytes(16) if digested else authenticator) + body
        if sign:
            packet = packet[:offset] + hmac.new(secret, packet, hashlib.md5).digest()
        if digested:
            packet = start + hashlib.md5(packet + secret).digest() + packet[20:]
        return packet

    return make


@pytest.fixture
def at() -> Callable[[float], Instant]:
    def moment(seconds: float) -> Instant:
        return Instant(wall=1_700_000_000.0 + seconds, monotonic=seconds)

    return moment
