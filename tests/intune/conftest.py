"""A small Microsoft on localhost: login, Graph and Compliance Retrieval behind one TLS port."""

from __future__ import annotations

import datetime
import json
import ssl
import sys
import threading
import time
from base64 import urlsafe_b64encode
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from nacd.intune.cloud import cloud
from nacd.intune.options import IntuneOptions, SecretCredential
from nacd.values import Secret

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
SERVICE = "/fef/TrafficGateway/TrafficRoutingService/ResourceAccess/ComplianceRetrievalService"
API_PATH = SERVICE + "/cisco"


def device_xml(guid: str = GUID, registered: str = "true", compliant: str = "true") -> str:
    return (
        f"<device><guid>{guid}</guid><Attributes><guid>{guid}</guid><register_status>{registered}</register_status>"
        f"<Compliance><status>{compliant}</status></Compliance></Attributes></device>"
    )


def list_xml(*devices: str, extra: str = "") -> bytes:
    return (
        '<ise_api xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
        ' xmlns="http://schemas.datacontract.org/2004/07/Microsoft.Intune.ResourceAccess'
        '.ComplianceRetrievalService.Model">'
        f"<name>attributes</name><api_version>3</api_version>{extra}<deviceList>{''.join(devices)}</deviceList>"
        "</ise_api>"
    ).encode()


def service_xml(api_path: str = API_PATH) -> bytes:
    return (
        f"<ise_api><name>mdminfo</name><api_version>3</api_version><api_path>{api_path}</api_path>"
        "<redirect_url>https://portal.manage.microsoft.com/networkaccesscontrol/index</redirect_url>"
        "<query_max_size>100</query_max_size><messaging_support>false</messaging_support><vendor>Microsoft</vendor>"
        "<product_name>Microsoft Intune</product_name><product_version>5.0</product_version></ise_api>"
    ).encode()


def jwt(**claims: Any) -> str:
    body = urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJub25lIn0.{body}.x"


def token_body() -> dict[str, Any]:
    token = jwt(roles=["get_device_compliance"])
    return {"token_type": "Bearer", "expires_in": 3599, "access_token": token}


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: str

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body)


@dataclass
class Said:
    """What the server says: drip_s between single octets, hold_s before anything."""

    status: int = 200
    body: bytes | str | dict[str, Any] = b""
    kind: str = "application/xml"
    headers: dict[str, str] = field(default_factory=dict)
    hold_s: float = 0.0
    drip_s: float = 0.0
    drip_headers: bool = False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class Microsoft:
    """Answers what it is told to (``say``), else as a healthy tenant with one compliant device."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.calls: list[Call] = []
        self.secret = "right"
        self.roles = ["get_device_compliance"]
        self.expires_in = 3599
        self.device = list_xml(device_xml())
        self.tokens = 0
        self.stopped = threading.Event()
        self._queues: dict[str, deque[Said]] = defaultdict(deque)
        self._always: dict[str, Said] = {}
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self.root = f"https://localhost:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True)
        self._thread.start()

    def say(self, what: str, *said: Said) -> None:
        """The next answers on one of: openid token endpoints mdminfo devices imds."""
        self._queues[what].extend(said)

    def always(self, what: str, said: Said) -> None:
        self._always[what] = said

    def count(self, what: str) -> int:
        return sum(_what(call.path) == what for call in self.calls)

    def last(self, what: str) -> Call:
        return [call for call in self.calls if _what(call.path) == what][-1]

    def close(self) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, call: Call) -> Said:
        self.calls.append(call)
        what = _what(call.path)
        if self._queues[what]:
            return self._queues[what].popleft()
        if what in self._always:
            return self._always[what]
        default: Callable[[Call], Said] = getattr(self, f"_{what}", lambda _call: Said(status=404))
        return default(call)

    def _openid(self, _call: Call) -> Said:
        tenant = f"{self.root}/11111111-2222-3333-4444-555555555555"
        return Said(
            kind="application/json",
            body={
                "issuer": f"{tenant}/v2.0",
                "token_endpoint": f"{tenant}/oauth2/v2.0/token",
                "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
            },
        )

    def _token(self, call: Call) -> Said:
        if "client_secret" in call.form and call.form["client_secret"] != [self.secret]:
            return aadsts(7000215, "invalid_client", 401)
        self.tokens += 1
        token = jwt(roles=self.roles, n=self.tokens, scope=call.form["scope"][0])
        body = {"token_type": "Bearer", "expires_in": self.expires_in, "access_token": token}
        return Said(kind="application/json", body=body)

    def _imds(self, call: Call) -> Said:
        token = jwt(roles=self.roles, resource=call.query["resource"][0])
        body = {"access_token": token, "expires_in": "3599", "resource": "x", "token_type": "Bearer"}
        return Said(kind="application/json", body=body)

    def _endpoints(self, _call: Call) -> Said:
        return Said(kind="application/json", body=endpoints(f"{self.root}{SERVICE}"))

    def _mdminfo(self, _call: Call) -> Said:
        return Said(body=service_xml())

    def _devices(self, _call: Call) -> Said:
        return Said(body=self.device)


def endpoints(uri: str, name: str = "providerName") -> dict[str, Any]:
    return {
        "value": [
            {name: "NACAPIService", "uri": "https://fef.x.manage.microsoft.com/StatelessNACService"},
            {name: "ComplianceRetrievalService", "uri": uri},
        ]
    }


def aadsts(code: int, error: str, status: int = 400) -> Said:
    return Said(
        status=status,
        kind="application/json",
        body={"error": error, "error_description": f"AADSTS{code}: words of theirs", "error_codes": [code]},
    )


def _what(path: str) -> str:
    for part, what in (
        ("/.well-known/openid-configuration", "openid"),
        ("/oauth2/v2.0/token", "token"),
        ("/metadata/identity", "imds"),
        ("/servicePrincipals", "endpoints"),
        ("/mdminfo/", "mdminfo"),
        ("/devices/", "devices"),
    ):
        if part in path:
            return what
    return "else"


def _handler(microsoft: Microsoft) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = microsoft.answer(Call(self.command, parts.path, parse_qs(parts.query), headers, body))
            microsoft.stopped.wait(said.hold_s)
            octets = json.dumps(said.body).encode() if isinstance(said.body, dict) else said.body
            octets = octets.encode() if isinstance(octets, str) else octets
            if said.drip_headers:
                self._drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 10_000, said.drip_s)
                return
            self.send_response(said.status)
            if said.kind:
                self.send_header("Content-Type", said.kind)
            self.send_header("Content-Length", str(len(octets)))
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self._drip(octets, said.drip_s) if said.drip_s else self.wfile.write(octets)

        def do_POST(self) -> None:
            self.do_GET()

        def _drip(self, octets: bytes, each_s: float) -> None:
            for octet in octets:
                if microsoft.stopped.wait(each_s):
                    return
                self.wfile.write(bytes([octet]))
                self.wfile.flush()

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True  # the client gave up, as it should

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


# -- certificates ---------------------------------------------------------------------------


@dataclass
class Pki:
    ca_file: str
    other_ca_file: str
    server: ssl.SSLContext
    app_certificate: bytes
    app_key: bytes
    ec_key: bytes
    app_pfx: str


def _signed(name: str, key: Any, issuer: str, signer: Any, *, ca: bool = False) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        names = [x509.DNSName("localhost")]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _key_pem(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder: Path = tmp_path_factory.mktemp("pki")
    ca_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    app_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for name in ("ca", "other"):
        certificate = _signed(name, ca_key, name, ca_key, ca=True)
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        if name == "ca":
            ca_key_used = ca_key
            ca_key = ec.generate_private_key(ec.SECP256R1())
    leaf = _signed("localhost", server_key, "ca", ca_key_used)
    (folder / "server.pem").write_bytes(leaf.public_bytes(Encoding.PEM) + _key_pem(server_key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    app = _signed("nacd", app_key, "nacd", app_key)
    pfx = pkcs12.serialize_key_and_certificates(b"nacd", app_key, app, None, BestAvailableEncryption(b"pass"))
    (folder / "app.pfx").write_bytes(pfx)
    return Pki(
        ca_file=str(folder / "ca.pem"),
        other_ca_file=str(folder / "other.pem"),
        server=context,
        app_certificate=app.public_bytes(Encoding.PEM),
        app_key=_key_pem(app_key),
        ec_key=_key_pem(server_key),
        app_pfx=str(folder / "app.pfx"),
    )


@pytest.fixture
def microsoft(pki: Pki) -> Iterator[Microsoft]:
    server = Microsoft(pki.server)
    yield server
    server.close()


@pytest.fixture
def elsewhere(pki: Pki) -> Iterator[Microsoft]:
    """A second server: where nothing must be sent, or where the service moves to."""
    server = Microsoft(pki.server)
    yield server
    server.close()


@pytest.fixture
def plain() -> Iterator[Microsoft]:
    """A server without TLS: what an Azure machine asks for its managed identity."""
    server = Microsoft(None)
    yield server
    server.close()


@pytest.fixture
def options(microsoft: Microsoft, pki: Pki) -> Callable[..., IntuneOptions]:
    def build(**changes: Any) -> IntuneOptions:
        custom = {"login": microsoft.root, "graph": microsoft.root, "resource": "https://api.manage.test/"}
        chosen: dict[str, Any] = {
            "cloud": cloud("custom", custom),
            "tenant": "contoso.test",
            "client_id": "33333333-4444-5555-6666-777777777777",
            "credentials": (SecretCredential(secret=Secret(b"right")),),
            "allowed_hosts": (f"localhost:{microsoft.port}",),
            "ca_file": pki.ca_file,
        }
        return IntuneOptions(**(chosen | changes))

    return build


def soon(seconds: float = 5.0) -> float:
    """A deadline."""
    return time.monotonic() + seconds


def eventually(condition: Callable[[], bool], within_s: float = 3.0) -> bool:
    """Whether something in the background comes true."""
    until = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture(scope="session")
def wire() -> Any:
    """The builders of this file, for the tests beside it."""
    return sys.modules[__name__]
