"""Each cloud over real HTTPS: its own names, its own audience, and nobody else. A proxy leads them all to one fake."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from nacd.intune.cloud import cloud
from nacd.intune.nac.source import IntuneSource
from nacd.intune.options import IntuneOptions
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.scene import App
from nacd.values import ComplianceState
from tests.intune.nac.tenant import GUID, ask, assert_unavailable, tenant

Build = Callable[..., IntuneOptions]


@dataclass(frozen=True, kw_only=True)
class Names:
    """What a cloud is called on the wire."""

    login: str
    graph: str
    intune: str
    audience: str
    overrides: dict[str, str] = field(default_factory=dict)


CLOUDS = {
    "global": Names(
        login="login.microsoftonline.com",
        graph="graph.microsoft.com",
        intune="fef.amsub0102.manage.microsoft.com",
        audience="https://api.manage.microsoft.com/",
    ),
    "usgov_high": Names(
        login="login.microsoftonline.us",
        graph="graph.microsoft.us",
        intune="fef.unit.manage.microsoft.us",
        audience="https://api.manage.microsoft.us/",
    ),
    "usgov_dod": Names(
        login="login.microsoftonline.us",
        graph="dod-graph.microsoft.us",
        intune="fef.unit.manage.microsoft.us",
        audience="https://api.manage.microsoft.us/",
    ),
    "china": Names(
        login="login.partner.microsoftonline.cn",
        graph="microsoftgraph.chinacloudapi.cn",
        intune="fef.unit.manage.microsoftonline.cn",
        audience="https://api.manage.example.cn/",
        overrides={"resource": "https://api.manage.example.cn/"},
    ),
    "custom": Names(
        login="login.sovereign.example",
        graph="graph.sovereign.example",
        intune="fef.unit.manage.sovereign.example",
        audience="https://api.manage.sovereign.example/",
        overrides={
            "login": "https://login.sovereign.example",
            "graph": "https://graph.sovereign.example",
            "resource": "https://api.manage.sovereign.example/",
            "host_suffix": ".manage.sovereign.example",
        },
    ),
}


@dataclass
class World:
    """A fake Microsoft that every name leads to, and the names that were asked for."""

    microsoft: Any
    proxy: str
    ca_file: str
    hosts: list[str]


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A server certificate with every name of every cloud, and the private CA that signed it."""
    folder: Path = tmp_path_factory.mktemp("clouds")
    key, ca_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    signer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "proxy root")])
    hosts = {name for names in CLOUDS.values() for name in (names.login, names.graph, names.intune)}

    def built(subject: x509.Name, public: Any, extension: x509.ExtensionType) -> x509.Certificate:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(signer).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).add_extension(extension, critical=False)
        day = datetime.timedelta(days=1)
        return builder.not_valid_before(now - day).not_valid_after(now + day).sign(ca_key, hashes.SHA256())

    leaf = built(x509.Name([]), key.public_key(), x509.SubjectAlternativeName([x509.DNSName(one) for one in hosts]))
    root = built(signer, ca_key.public_key(), x509.BasicConstraints(ca=True, path_length=None))
    (folder / "ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").write_bytes(leaf.public_bytes(Encoding.PEM) + key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context, str(folder / "ca.pem")


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):  # either side may go first
        while octets := source.recv(65_536):
            target.sendall(octets)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def _lead(near: socket.socket, far: socket.socket) -> None:
    """Closed when nobody reads there any more: the next connection may get the same descriptor."""
    with near, far:
        back = threading.Thread(target=_pump, args=(far, near), daemon=True)
        back.start()
        _pump(near, far)
        back.join()


@pytest.fixture
def world(certified: tuple[ssl.SSLContext, str], wire: Any) -> Iterator[World]:
    context, ca_file = certified
    microsoft = wire.Microsoft(context)
    listening = socket.create_server(("127.0.0.1", 0))
    hosts: list[str] = []

    def serve() -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            hosts.append(near.recv(4096).split(b" ")[1].decode())
            far = socket.create_connection(("127.0.0.1", microsoft.port))
            near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=_lead, args=(near, far), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield World(microsoft, f"http://127.0.0.1:{listening.getsockname()[1]}", ca_file, hosts)
    listening.shutdown(socket.SHUT_RDWR)  # else the thread waits on, and may take what is meant for the next test
    listening.close()
    microsoft.close()


@pytest.mark.parametrize("name", CLOUDS)
def test_a_cloud_is_asked_under_its_own_names_with_its_own_audience(
    options: Build, world: World, wire: Any, name: str
) -> None:
    names = CLOUDS[name]
    root = f"https://{names.login}/contoso.test"
    openid = {
        "issuer": f"{root}/v2.0",
        "token_endpoint": f"{root}/oauth2/v2.0/token",
        "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
    }
    world.microsoft.always("openid", wire.Said(kind="application/json", body=openid))
    found = wire.endpoints(f"https://{names.intune}{wire.SERVICE}")
    world.microsoft.always("endpoints", wire.Said(kind="application/json", body=found))
    chosen = options(cloud=cloud(name, names.overrides), allowed_hosts=(), proxy=world.proxy, ca_file=world.ca_file)
    verdict = ask(IntuneSource(chosen))
    assert verdict.state is ComplianceState.COMPLIANT, verdict.detail
    assert set(world.hosts) == {f"{names.login}:443", f"{names.graph}:443", f"{names.intune}:443"}
    scopes = {call.form["scope"][0] for call in world.microsoft.calls if call.path.endswith("/token")}
    assert scopes == {f"https://{names.graph}/.default", f"{names.audience}/.default"}


@pytest.mark.parametrize("name", CLOUDS)
def test_no_cloud_believes_an_address_of_another(options: Build, world: World, wire: Any, name: str) -> None:
    names = CLOUDS[name]
    foreign = next(other.intune for other in CLOUDS.values() if other.audience != names.audience)
    token = f"https://{names.login}/contoso.test/oauth2/v2.0/token"
    openid = {"issuer": "x", "token_endpoint": token, "authorization_endpoint": token}
    world.microsoft.always("openid", wire.Said(kind="application/json", body=openid))
    found = wire.endpoints(f"https://{foreign}{wire.SERVICE}")
    world.microsoft.always("endpoints", wire.Said(kind="application/json", body=found))
    chosen = options(cloud=cloud(name, names.overrides), allowed_hosts=(), proxy=world.proxy, ca_file=world.ca_file)
    assert_unavailable(ask(IntuneSource(chosen)), "not believed", foreign)
    assert f"{foreign}:443" not in world.hosts


def test_china_does_not_start_without_an_audience() -> None:
    with pytest.raises(ValueError, match="`china` needs `resource`"):
        cloud("china")


def test_a_static_endpoint_needs_no_discovery_and_no_permission_for_it(simulator: IntuneSimulator) -> None:
    simulator.register_app(App(graph_roles=()))
    simulator.put_device(GUID, compliant=False)
    source = IntuneSource(tenant(simulator, endpoint=simulator.compliance_url, allowed_hosts=()))
    assert ask(source).state is ComplianceState.NONCOMPLIANT
    assert source.status().consent == ""
    assert not simulator.history("discovery")
    assert len(simulator.history("token")) == 1


def test_without_the_private_ca_the_words_name_what_was_presented(simulator: IntuneSimulator, pki: Any) -> None:
    simulator.put_device(GUID)
    source = IntuneSource(tenant(simulator, ca_file=pki.other_ca_file))
    verdict = ask(source)
    assert_unavailable(verdict, "is not trusted", "it presents `CN=localhost", "sha-256", "the missing root is")
    assert not simulator.history()
    assert ask(IntuneSource(tenant(simulator))).state is ComplianceState.COMPLIANT


def test_a_proxy_that_is_not_there_is_said(simulator: IntuneSimulator) -> None:
    source = IntuneSource(tenant(simulator, proxy="http://127.0.0.1:1"))
    assert_unavailable(ask(source), "proxy")
