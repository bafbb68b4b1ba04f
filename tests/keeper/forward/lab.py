"""For the tests of forwarding: a trail that grows, certificates, a collector over HTTP, and the real rsyslog.

None of it uses nacd's code: the trail is written by `tests/store/trail/written.py`, what arrives is read by hand.
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import ipaddress
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.store.trail.written import Written

HOME = Path(__file__).resolve().parents[3]


def until(condition: Callable[[], Any], within_s: float = 20.0) -> Any:
    """Poll until it holds; AssertionError after so many seconds."""
    end = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)
    return found


# -- the trail ------------------------------------------------------------------------------------


@dataclass
class Trail:
    """A trail on disk that grows while somebody reads it."""

    folder: Path
    made: Written = field(default_factory=Written)
    _flushed: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.made.begin()
        self.flush()

    @property
    def live(self) -> Path:
        return self.folder / "audit.jsonl"

    @property
    def seq(self) -> int:
        return self.made.seq

    def grow(self, count: int, event: str = "access.accept", code: str = "A1001I", **fields: Any) -> None:
        for _ in range(count):
            self.made.record(code, event=event, why="a rule said so", nas={"name": "switch"}, **fields)
        self.flush()

    def checkpoint(self) -> None:
        self.made.checkpoint()
        self.flush()

    def flush(self) -> None:
        with self.live.open("ab") as opened:
            opened.write(b"".join(self.made.lines[self._flushed :]))
        self._flushed = len(self.made.lines)

    def raw(self, line: bytes) -> None:
        with self.live.open("ab") as opened:
            opened.write(line)

    def turn_over(self) -> Path:
        """The live file gets its full name, and a new one begins."""
        name = self.made.turn_over()
        self.live.rename(self.folder / name)
        self._flushed = 0
        self.flush()
        return self.folder / name


def pack(path: Path, size: int = 20_000) -> Path:
    """As the keeper does it: several members of whole lines, then the plain file goes."""
    target = path.with_name(f"{path.name}.gz")
    parts, text = [], b""
    for line in path.read_bytes().splitlines(keepends=True):
        text += line
        if len(text) > size:
            parts.append(gzip.compress(text))
            text = b""
    target.with_suffix(".aside").write_bytes(b"".join([*parts, gzip.compress(text)] if text else parts))
    target.with_suffix(".aside").rename(target)
    path.unlink()
    return target


# -- certificates ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pki:
    """ca: PEM of the CA. server, client: (certificate, key). stranger: a server's, by a CA that nobody trusts."""

    ca: Path
    server: tuple[Path, Path]
    client: tuple[Path, Path]
    stranger: tuple[Path, Path]
    misnamed: tuple[Path, Path]


def make_pki(folder: Path) -> Pki:
    authority, stranger = _authority("forward test ca"), _authority("stranger ca")
    (folder / "ca.pem").write_bytes(authority[0].public_bytes(serialization.Encoding.PEM))
    return Pki(
        ca=folder / "ca.pem",
        server=_issue(folder, "server", authority, "127.0.0.1"),
        client=_issue(folder, "client", authority, "127.0.0.9"),
        stranger=_issue(folder, "stranger", stranger, "127.0.0.1"),
        misnamed=_issue(folder, "misnamed", authority, "127.0.0.77"),
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: str, issuer: str, key: Any) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
    )


def _authority(name: str) -> tuple[x509.Certificate, Any, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    made = _builder(name, name, key.public_key()).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    return made.sign(key, hashes.SHA256()), key, name


def _issue(folder: Path, name: str, authority: tuple[x509.Certificate, Any, str], ip: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ip))])
    made = (
        _builder(name, authority[2], key.public_key()).add_extension(names, False).sign(authority[1], hashes.SHA256())
    )
    where = folder / f"{name}.pem", folder / f"{name}.key"
    where[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    where[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    where[1].chmod(0o600)
    return where


# -- a collector over HTTP ------------------------------------------------------------------------


@dataclass
class Post:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> bytes:
        return gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body

    @property
    def events(self) -> list[Any]:
        return [json.loads(line) for line in self.text.splitlines() if line]


Answer = tuple[int, dict[str, str], bytes]


class Sink:
    """Takes posts over TLS. ``answers``: what the next ones get (status, or a whole answer); then 200. What was
    answered with 2xx is in ``taken``, all in ``posts``."""

    def __init__(self, certificate: tuple[Path, Path] | None, client_ca: Path | None = None) -> None:
        self.posts: list[Post] = []
        self.taken: list[Post] = []
        self.answers: list[int | str | Answer] = []
        self.judge: Callable[[Post], int | Answer] = lambda _post: 200
        self.peers: list[Any] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.encrypted = certificate is not None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            if client_ca is not None:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(client_ca)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http{'s' if self.encrypted else ''}://127.0.0.1:{self._server.server_port}/in"

    @property
    def seqs(self) -> list[int]:
        return [event["seq"] for post in list(self.taken) for event in post.events]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            post = Post(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            sink.posts.append(post)
            told = sink.answers.pop(0) if sink.answers else sink.judge(post)
            if told == "die":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
                self.close_connection = True
                return
            if told == "endless":
                self._endless()
                return
            if told == "silent":
                time.sleep(3)
                self.close_connection = True
                return
            status, headers, answer = (told, {}, b"{}") if isinstance(told, int) else told
            if 200 <= int(status) < 300:
                sink.taken.append(post)
            self.send_response(int(status))
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _endless(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(b"x" * 65_536)

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # whoever hangs up on us is tested on the other side
                super().handle()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


# -- rsyslog --------------------------------------------------------------------------------------

_CONFIG = """
global(workDirectory="{folder}" maxMessageSize="256k" {tls})
module(load="imtcp" {driver})
module(load="imudp")
input(type="imtcp" port="{port}")
input(type="imudp" address="127.0.0.1" port="{port}")
template(name="bare" type="string" string="%pri%|%timestamp:::date-rfc3339%|%hostname%|%app-name%|%msgid%|{fields}\\n")
*.* action(type="omfile" file="{out}" template="bare" fileCreateMode="0600")
"""
_TLS = 'defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="{ca}" '
_TLS += 'defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}"'
_DRIVER = 'streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="{mode}"'


@dataclass
class Rsyslog:
    """The real one. What arrives is a line of ``out``."""

    peer: Any
    folder: Path
    port: int
    pki: Pki | None = None
    mode: str = "anon"
    running: Any = None

    @property
    def out(self) -> Path:
        return self.folder / "out.log"

    def start(self) -> None:
        tls = driver = ""
        if self.pki is not None:
            certificate, key = self.pki.server
            tls = _TLS.format(ca=self.pki.ca, certificate=certificate, key=key)
            driver = _DRIVER.format(mode=self.mode)
        fields = "%structured-data%|%msg%"
        text = _CONFIG.format(folder=self.folder, out=self.out, port=self.port, tls=tls, driver=driver, fields=fields)
        config = self.folder / "rsyslog.conf"
        config.write_text(text)
        words = ["-n", "-f", config, "-i", self.folder / "pid"]
        self.running = self.peer.popen(words, stdout=(self.folder / "said").open("ab"), stderr=subprocess.STDOUT)
        until(self._listens)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        assert self.running.poll() is None, (self.folder / "said").read_text()
        return False

    def kill(self) -> None:
        self.running.kill()
        self.running.wait(10)

    def terminate(self) -> None:
        self.running.terminate()
        self.running.wait(20)

    @property
    def lines(self) -> list[str]:
        return self.out.read_text(encoding="utf-8").splitlines() if self.out.exists() else []

    @property
    def seqs(self) -> list[int]:
        found = re.findall(r'nacd@32473 seq="(\d+)"', self.out.read_text(encoding="utf-8") if self.out.exists() else "")
        return [int(each) for each in found]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- couriers -------------------------------------------------------------------------------------


@contextlib.contextmanager
def serving(courier: Any) -> Iterator[Any]:
    """A courier at work in a thread."""
    thread = threading.Thread(target=courier.run, daemon=True)
    thread.start()
    try:
        yield courier
    finally:
        courier.stop()
        thread.join(30)
        assert not thread.is_alive()
