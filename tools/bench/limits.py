"""What no server here can beat: an echo over UDP, and a TLS handshake with nothing around it.

Knows: the least that Python and OpenSSL cost on this machine. Refuses to know: RADIUS.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass

from OpenSSL import SSL

from nacd.sim.pki import SERVER_NAME
from tools.bench import load, logins, meter, site
from tools.bench.servers.server import interpreter

_READ = 65_536
_ECHO = """\
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
sock.bind(("127.0.0.1", 0))
print(sock.getsockname()[1], flush=True)
while True:
    octets, peer = sock.recvfrom(4096)
    sock.sendto(octets, peer)
"""


@dataclass(slots=True)
class Echo:
    """A Python process that sends every datagram back. Stop it when done."""

    process: subprocess.Popen[str]
    port: int

    @classmethod
    def start(cls, cores: meter.Cores) -> Echo:
        """One on the server's core."""
        cores.for_server()
        process = subprocess.Popen(
            [interpreter(), "-c", _ECHO], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        cores.for_load()
        if process.stdout is None:
            raise RuntimeError("the echo has no output")
        return cls(process, int(process.stdout.readline()))

    def run(self, requests: list[bytes], window: int = 64) -> float:
        """CPU ns a datagram. Raises RuntimeError if one is lost."""
        socks = load.open_sockets(self.port)
        for sock in socks:
            sock.settimeout(3.0)
        before = meter.cpu_ns((self.process.pid,))
        try:
            for start in range(0, len(requests), window):
                batch = requests[start : start + window]
                for place, request in enumerate(batch):
                    socks[place % len(socks)].send(request)
                for place in range(len(batch)):
                    socks[place % len(socks)].recv(4096)
        except TimeoutError:
            raise RuntimeError("the echo lost a datagram") from None
        finally:
            for sock in socks:
                sock.close()
        return (meter.cpu_ns((self.process.pid,)) - before) / len(requests)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(5)
        if self.process.stdout is not None:
            self.process.stdout.close()


def server_context(credentials: site.Credentials) -> SSL.Context:
    """A server that asks for a certificate and verifies it; no tickets, no cache, as both servers do."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file(str(credentials.server_chain))
    context.use_privatekey_file(str(credentials.server_key))
    context.load_verify_locations(str(credentials.client_ca))
    context.set_verify(
        SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda _conn, _cert, _error, _depth, ok: bool(ok)
    )
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    return context


def bare_handshake_ns(credentials: site.Credentials, tls: logins.TlsVersion, count: int) -> float:
    """CPU ns that the server's side of one handshake takes in this thread, over memory BIOs, on the server's core."""
    serving, asking = server_context(credentials), logins.client_context(credentials, tls)
    return sum(_one(serving, asking) for _ in range(count)) / count


def _one(serving: SSL.Context, asking: SSL.Context) -> int:
    client = SSL.Connection(asking, None)
    client.set_tlsext_host_name(SERVER_NAME.encode())
    client.set_connect_state()
    began = time.thread_time_ns()
    server = SSL.Connection(serving, None)
    server.set_accept_state()
    took = time.thread_time_ns() - began
    client_done = server_done = False
    for _ in range(4):
        client_done = client_done or _step(client)
        flight = _drain(client)
        began = time.thread_time_ns()
        if flight:
            server.bio_write(flight)
        server_done = server_done or _step(server)
        flight = _drain(server)
        took += time.thread_time_ns() - began
        if flight:
            client.bio_write(flight)
        if client_done and server_done:
            return took
    raise RuntimeError("a bare handshake did not end")


def _step(conn: SSL.Connection) -> bool:
    try:
        conn.do_handshake()
    except SSL.WantReadError:
        return False
    return True


def _drain(conn: SSL.Connection) -> bytes:
    try:
        return bytes(conn.bio_read(_READ))
    except SSL.WantReadError:
        return b""
