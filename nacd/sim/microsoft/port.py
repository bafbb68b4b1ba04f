"""The HTTPS port of the simulated Microsoft: TLS, HTTP/1.1, and a note of every request in the history.

Knows: sockets, certificates, how a connection is cut, kept silent or made to drip. Refuses to know: what is
asked and answered (``desk``).
"""

from __future__ import annotations

import email.utils
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import close as close_descriptor
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from nacd.sim.microsoft.answers import classify
from nacd.sim.microsoft.desk import Desk
from nacd.sim.microsoft.exchange import Answer, Request
from nacd.sim.microsoft.scene import Seen

BODY_CAP = 64 * 1024
SERVER_NAME = "nacd-simulator (this is not Microsoft)"


class TlsServer(ThreadingHTTPServer):
    """HTTPS, a thread for each connection; the TLS handshake runs in that thread, not in the accept loop."""

    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext, desk: Desk, origin: str = "") -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.desk = desk
        self.origin = origin
        self.context = context
        self._lock = threading.Lock()
        self._open: set[ssl.SSLSocket] = set()
        super().__init__(address, _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """One connection from handshake to end. A peer that goes away is nobody's error."""
        request.settimeout(30)
        while self.desk.faults.is_on("silent") and not self.desk.stopping.wait(0.05):
            continue
        try:
            connection = self.context.wrap_socket(request, server_side=True)
        except OSError:
            return
        with self._lock:
            self._open.add(connection)
        try:
            _Handler(connection, client_address, self)
        except OSError:
            return
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def reopened(self) -> TlsServer:
        """The same port once more, after it was closed."""
        host, port = self.server_address[:2]
        return TlsServer((str(host), port), self.context, self.desk, self.origin)

    def cut_connections(self) -> None:
        """End every connection that is open: kept-alive ones must not outlive a closed port."""
        with self._lock:
            open_now = list(self._open)
        for connection in open_now:
            try:
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    timeout = 30
    server: TlsServer

    def version_string(self) -> str:
        return SERVER_NAME

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header, on the simulator's clock."""
        return email.utils.formatdate(self.server.desk.state.now() if timestamp is None else timestamp, usegmt=True)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr: the history knows better."""

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > BODY_CAP:
            self.close_connection = True  # what is not read must not be taken for the next request
            self.send_error(413)
            return
        self._serve(self.rfile.read(int(length)))

    def _serve(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        path, query = unquote(parts.path), dict(parse_qsl(parts.query, keep_blank_values=True))
        service, kind, value = classify(path, query)
        desk = self.server.desk
        request = Request(
            method=self.command,
            path=path,
            query=query,
            authorization=self.headers.get("Authorization", ""),
            body=body,
            origin=self.server.origin,
            service=service,
            kind=kind,
            value=value,
        )
        at = desk.state.wall()
        answer, fault = desk.answer(request)
        desk.state.note(
            Seen(
                at=at,
                answered_at=desk.state.wall(),
                service=service,
                kind=kind,
                value=value,
                status=answer.status,
                fault=fault,
                user_agent=self.headers.get("User-Agent", ""),
                request_id=self.headers.get("client-request-id", ""),
                said=answer.said,
                verb=request.verb,
                body=(request.json_body() or {}) if request.kind == "action" else {},
            )
        )
        if answer.status == 0:
            self._cut()
            return
        self._send(answer, desk.stopping.wait)

    def _cut(self) -> None:
        """End the connection with a reset: zero linger makes the kernel send RST."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        close_descriptor(self.connection.detach())

    def _send(self, answer: Answer, wait: Callable[[float], bool]) -> None:
        self.send_response(answer.status)
        self.send_header("X-Simulator", "nacd")
        if answer.status != 204:  # RFC 9110 section 8.6: no length, as there is no content
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
        if self.headers.get("client-request-id"):
            self.send_header("client-request-id", self.headers["client-request-id"])
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        if not answer.drip_ms:
            self.wfile.write(answer.body)
            return
        for octet in answer.body:
            self.wfile.flush()
            if wait(answer.drip_ms / 1000):
                self.close_connection = True
                return
            self.wfile.write(bytes([octet]))
