"""A running simulator, an empty scene for every test, and a plain HTTP client to ask it with."""

from __future__ import annotations

import contextlib
import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL
from OpenSSL.crypto import X509

from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.state import CLIENT_ID, CLIENT_SECRET, TENANT, App
from nacd.sim.pki import Authority, DemoPki, Issued, write_demo_pki
from nacd.sim.supplicant import Supplicant

INTUNE_SCOPE = "https://api.manage.microsoft.com//.default"
GRAPH_SCOPE = "https://graph.microsoft.com/.default"


class Clock:
    """The wall clock, which a test may put forward by ``seconds``."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return time.time() + self.seconds


@dataclass
class Client:
    """Asks the simulator as any HTTP client would; ``requests`` knows nothing of the simulator."""

    simulator: IntuneSimulator
    session: requests.Session

    def get(self, url: str, token: str = "", **more: object) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.session.get(
            url, headers=headers, verify=self.simulator.ca_file, timeout=5, allow_redirects=False, **more
        )

    def ask_token(self, tenant: str = TENANT, **changes: str) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "scope": INTUNE_SCOPE,
        }
        url = f"{self.simulator.base_url}/{tenant}/oauth2/v2.0/token"
        return self.session.post(url, data=form | changes, verify=self.simulator.ca_file, timeout=5)

    def token(self, scope: str = INTUNE_SCOPE) -> str:
        return str(self.ask_token(scope=scope).json()["access_token"])

    def graph(self, path: str) -> requests.Response:
        return self.get(f"{self.simulator.base_url}/v1.0/{path}", self.token(GRAPH_SCOPE))

    def devices(self, token: str, **query: str) -> requests.Response:
        question = {"paging": "0", "filter": "all", **query}
        return self.get(f"{self.simulator.compliance_url}/cisco/devices/?{urlencode(question)}", token)

    def by_guid(self, guid: str, token: str = "") -> requests.Response:
        return self.devices(token or self.token(), querycriteria="guid", value=guid)

    def order(self, method: str, path: str, body: object = None, **headers: str) -> requests.Response:
        url = self.simulator.management_url + path
        octets = json.dumps(body) if body is not None else None
        return self.session.request(method, url, data=octets, headers=headers, timeout=5)


@pytest.fixture(scope="session")
def demo_pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return write_demo_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def running(demo_pki: DemoPki, clock: Clock) -> Iterator[IntuneSimulator]:
    app = App(certificates=(demo_pki.app.read_bytes(),))
    with IntuneSimulator(demo_pki.folder, app=app, clock=clock) as simulator:
        yield simulator


@pytest.fixture
def simulator(running: IntuneSimulator, clock: Clock) -> Iterator[IntuneSimulator]:
    yield running
    running.reset()
    clock.seconds = 0.0


@pytest.fixture
def client(simulator: IntuneSimulator) -> Iterator[Client]:
    session = requests.Session()
    session.trust_env = False
    yield Client(simulator, session)
    session.close()


class EapServer:
    """An EAP-TLS server of a few lines on pyOpenSSL: another engine than the supplicant's, with a real exporter."""

    def __init__(
        self,
        chain_pem: bytes,
        key_pem: bytes,
        client_ca_pem: bytes,
        *,
        fragment: int = 1000,
        tls: str = "any",
        commit: bool = True,
        length_always: bool = False,
    ) -> None:
        certificates = x509.load_pem_x509_certificates(chain_pem)
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.use_certificate(certificates[0])
        for above in certificates[1:]:
            context.add_extra_chain_cert(above)
        context.use_privatekey(load_pem_private_key(key_pem, None))
        context.get_cert_store().add_cert(X509.from_cryptography(x509.load_pem_x509_certificate(client_ca_pem)))
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *result: bool(result[-1]))
        context.set_options(SSL.OP_NO_TICKET)
        if tls != "any":
            version = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}[tls]
            context.set_min_proto_version(version)
            context.set_max_proto_version(version)
        self.connection = SSL.Connection(context, None)
        self.connection.set_accept_state()
        self.fragment, self.commit, self.length_always = fragment, commit, length_always
        self.identifier = 0
        self.to_send = b""
        self.flight = 0
        self.gathered = b""
        self.state = "handshaking"
        self.received: list[bytes] = []
        self.identity = b""

    def receive(self, eap: bytes) -> bytes:
        """One EAP-Response in, one EAP packet out."""
        self.received.append(eap)
        code, identifier, length, method = struct.unpack("!BBHB", eap[:5])
        assert (code, length) == (2, len(eap))
        if method == 1:
            self.identity = eap[5:]
            return self._request(b"\x20")
        if method != 13 or identifier != self.identifier:
            return self._end(4)
        flags, octets = eap[5], eap[6:]
        if flags & 0x80:
            octets = octets[4:]
        self.gathered += octets
        if flags & 0x40:
            return self._request(b"\0")
        if self.to_send:
            return self._fragment()
        if self.gathered:
            self._feed()
        if self.to_send:
            return self._fragment(first=True)
        return self._end(3 if self.state == "done" else 4)

    def _feed(self) -> None:
        self.connection.bio_write(self.gathered)
        self.gathered = b""
        try:
            self.connection.do_handshake()
            self.state = "done"
            if self.version == "TLSv1.3" and self.commit:
                self.connection.send(b"\0")
        except SSL.WantReadError:
            pass
        except SSL.Error:
            self.state = "failed"
        with contextlib.suppress(SSL.WantReadError):
            while True:
                self.to_send += self.connection.bio_read(65_536)
        self.flight = len(self.to_send)

    def _fragment(self, *, first: bool = False) -> bytes:
        part, self.to_send = self.to_send[: self.fragment], self.to_send[self.fragment :]
        flags = 0x40 if self.to_send else 0
        if (first and self.to_send) or self.length_always:
            return self._request(struct.pack("!BI", flags | 0x80, self.flight) + part)
        return self._request(bytes([flags]) + part)

    def _request(self, body: bytes) -> bytes:
        self.identifier = (self.identifier + 1) % 256
        return struct.pack("!BBHB", 1, self.identifier, 5 + len(body), 13) + body

    def _end(self, code: int) -> bytes:
        return struct.pack("!BBH", code, self.identifier, 4)

    @property
    def version(self) -> str:
        return self.connection.get_protocol_version_name()

    def keys(self) -> tuple[bytes, bytes]:
        """(MSK with EMSK, Session-Id) by OpenSSL's own exporter."""
        if self.version == "TLSv1.3":
            material = self.connection.export_keying_material(b"EXPORTER_EAP_TLS_Key_Material", 128, b"\x0d")
            return material, b"\x0d" + self.connection.export_keying_material(
                b"EXPORTER_EAP_TLS_Method-Id", 64, b"\x0d"
            )
        material = self.connection.export_keying_material(b"client EAP encryption", 128)
        return material, b"\x0d" + self.connection.client_random() + self.connection.server_random()


@dataclass
class Lan:
    """Authorities, and the makings of an EAP server and of a laptop."""

    server_root: Authority
    devices: Authority
    server: Issued
    laptop: Issued

    def eap_server(self, **more: Any) -> EapServer:
        issued = more.pop("issued", self.server)
        return EapServer(issued.chain_pem, issued.key_pem, self.devices.root_pem, **more)

    def supplicant(self, **more: Any) -> Supplicant:
        values = {
            "identity": "host/laptop",
            "ca_pem": self.server_root.root_pem,
            "certificate_pem": self.laptop.chain_pem,
            "key_pem": self.laptop.key_pem,
            "server_name": "radius.example.test",
        }
        return Supplicant(**(values | more))


@pytest.fixture(scope="session")
def lan() -> Lan:
    server_root, devices = Authority.root("server root"), Authority.root("devices root")
    return Lan(
        server_root=server_root,
        devices=devices,
        server=server_root.intermediate().issue_server("radius.example.test"),
        laptop=devices.intermediate().issue_client("laptop"),
    )
