"""The simulated Microsoft behind its HTTPS port: which path is which service, and what each says.

Knows: routes, tokens wanted on each, and how faults look on the wire. Refuses to know: how the
scene is set (``intune``). Every request is noted in the history, with the fault it met.
"""

from __future__ import annotations

import email.utils
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import close as close_descriptor
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from nacd.sim.microsoft import answers
from nacd.sim.microsoft.answers import (
    BAD_QUERY,
    CR_PATH,
    DISCOVERY_PATHS,
    JSON_TYPE,
    LOGIN_PATH,
    MANAGED_DEVICES,
    XML_TYPE,
    Json,
    classify,
    is_guid,
)
from nacd.sim.microsoft.faults import Fault, FaultBoard
from nacd.sim.microsoft.login import Granted, Login, openid_configuration, refusal
from nacd.sim.microsoft.state import Seen, SimDevice, TenantState, canonical_guid

BODY_CAP = 64 * 1024
SERVER_NAME = "nacd-simulator (this is not Microsoft)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, taken apart. origin: ``https://host:port`` of the listener it came to."""

    method: str
    path: str
    query: dict[str, str]
    authorization: str
    form: dict[str, str]
    origin: str
    service: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer. status 0: no answer, the connection is cut."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    drip_ms: int = 0


@dataclass(slots=True)
class Desk:
    """Answers requests by the state as it stands. cr_origin moves when the scale unit moves."""

    state: TenantState
    faults: FaultBoard
    login: Login
    origin: str = ""
    cr_origin: str = ""
    old_unit: str = "404"
    stopping: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: Request) -> tuple[Answer, str]:
        """The answer, with the name of the fault played (``""`` for none). Waits out a latency fault."""
        hit = self.faults.take(request.service, request.value)
        played = ", ".join(str(fault) for fault in hit)
        for fault in hit:
            if fault.kind == "latency":
                self.stopping.wait(fault.ms / 1000)
        for fault in hit:
            refused = _in_place_of_the_answer(fault, self.state.now())
            if refused is not None:
                return refused, played
        answer = self._route(request, {fault.kind: fault for fault in hit})
        for fault in hit:
            if fault.kind == "drip":
                answer = replace(answer, drip_ms=fault.ms)
        return answer, played

    def _route(self, request: Request, hit: dict[str, Fault]) -> Answer:
        if request.method != ("POST" if request.kind == "token" else "GET"):
            return _json(405, answers.intune_error("method not allowed"))
        if request.service == "login":
            return self._login(request)
        if request.service == "graph":
            return self._graph(request)
        return self._compliance(request, hit)

    # -- login

    def _login(self, request: Request) -> Answer:
        match = LOGIN_PATH.fullmatch(request.path)
        if match is None:
            return _json(404, answers.graph_error("NotFound", "no such page"))
        tenant = unquote(match["tenant"])
        if request.kind == "openid":
            if not self.login.knows(tenant):
                return _json(400, refusal(90002, self.state.now()).body)
            return _json(200, openid_configuration(request.origin, tenant))
        token_urls = tuple(f"{origin}/{tenant}/oauth2/v2.0/token" for origin in self.login.own_origins)
        answer = self.login.grant(tenant, request.form, token_urls)
        return _json(200 if isinstance(answer, Granted) else answer.status, answer.body)

    # -- Graph

    def _graph(self, request: Request) -> Answer:
        shown = self.login.check(request.authorization, "graph")
        if shown.problem:
            return _json(401, answers.graph_error("InvalidAuthenticationToken", shown.problem))
        wanted = _GRAPH_ROLES if request.kind == "discovery" else ("DeviceManagementManagedDevices.Read.All",)
        if not set(wanted) & set(shown.roles):
            words = "Insufficient privileges to complete the operation."
            return _json(403, {"error": {"code": "Authorization_RequestDenied", "message": words}})
        if request.kind == "discovery":
            return self._discovery(request)
        if request.kind == "graph_device":
            device = self.state.device(request.value)
            if device is None:
                return _json(404, answers.graph_error("ResourceNotFound", "device not found"))
            row = answers.managed_device(device, alone=True)
            return _json(200, answers.selected(row, request.query.get("$select", "")))
        if request.kind == "graph_list":
            return self._graph_list(request)
        return _json(404, answers.graph_error("ResourceNotFound", "resource not found"))

    def _discovery(self, request: Request) -> Answer:
        tuning = self.state.tuning
        uri, names, next_link = self.cr_origin + CR_PATH, ["NACAPIService", "ComplianceRetrievalService"], ""
        if tuning.discovery == "nac_only":
            names = names[:1]
        elif tuning.discovery == "empty":
            names = []
        elif tuning.discovery == "foreign_host":
            uri = f"https://fef.elsewhere.example.test{CR_PATH}"
        elif tuning.discovery == "plain_http":
            uri = uri.replace("https://", "http://", 1)
        elif tuning.discovery == "next_link":
            second = request.query.get("$skiptoken") == "2"
            names = names[1:] if second else names[:1]
            next_link = "" if second else f"{self.origin}{DISCOVERY_PATHS[0]}?$skiptoken=2"
        return _json(200, answers.endpoints(uri, tuning.provider_spelling, names, next_link))

    def _graph_list(self, request: Request) -> Answer:
        tuning = self.state.tuning
        url = self.origin + MANAGED_DEVICES
        filters = tuning.graph_filters_work
        return _json(200, answers.managed_devices(self.state.devices(), request.query, url, tuning.page_size, filters))

    # -- Compliance Retrieval

    def _compliance(self, request: Request, hit: dict[str, Fault]) -> Answer:
        if request.origin != self.cr_origin:
            return _moved(self.old_unit, self.cr_origin + request.path)
        shown = self.login.check(request.authorization, "compliance")
        if shown.problem:
            challenge = ("WWW-Authenticate", f'Bearer error="invalid_token", error_description="{shown.problem}"')
            return replace(_json(401, answers.intune_error(shown.problem)), headers=(challenge,))
        if "get_device_compliance" not in shown.roles:
            return _json(403, answers.intune_error("the application lacks get_device_compliance"))
        tuning = self.state.tuning
        paging, busy = "", hit["busy"].seconds if "busy" in hit else None
        if request.kind == "mdminfo":
            return _spoilt(hit, answers.mdminfo(tuning.page_size))
        if request.kind == "guid":
            device = self.state.device(canonical_guid(request.value)) if is_guid(request.value) else None
            found = [device] if device else []
        elif request.kind == "mac":
            found = self.state.devices_with_mac(request.value)
        elif request.kind == "bulk":
            if request.query["paging"] == "0" and not self.state.admit_bulk():
                return _json(503, answers.intune_error("one list in four hours"))
            found, paging = self._bulk_page(request)
        else:
            return _json(400 if request.value == BAD_QUERY else 404, answers.intune_error("no such question"))
        if "body" in hit and hit["body"].variant == "json":
            return Answer(body=answers.device_list_json(found, paging_info=paging))
        mac = request.value.upper() if request.kind == "mac" and tuning.mac_element else ""
        return _spoilt(hit, answers.device_list(found, mac=mac, paging_info=paging, busy_wait_s=busy))

    def _bulk_page(self, request: Request) -> tuple[list[SimDevice], str]:
        tuning, wanted = self.state.tuning, request.query["value"].strip().lower() == "true"
        listed = [device for device in self.state.devices() if device.registered and device.compliant is wanted]
        begin = int(request.query["paging"]) if request.query["paging"].isdecimal() else len(listed)
        end = begin + tuning.page_size
        if tuning.loop_paging:
            return listed[: tuning.page_size], str(tuning.page_size)
        return listed[begin:end], str(end) if end < len(listed) else "0"


def _in_place_of_the_answer(fault: Fault, now: float) -> Answer | None:
    """What a fault says instead of the service; None when it only changes the service's answer."""
    if fault.kind == "outage":
        if fault.mode in ("reset", "refused"):
            return Answer(status=0)
        return Answer(status=int(fault.mode), body=answers.HTML, content_type="text/html")
    if fault.kind == "status":
        return _json(fault.code, answers.intune_error("a fault of the simulator"))
    if fault.kind == "throttle":
        headers: tuple[tuple[str, str], ...] = ()
        if fault.retry_after == "date":
            headers = (("Retry-After", email.utils.formatdate(now + fault.seconds, usegmt=True)),)
        elif fault.retry_after == "seconds":
            headers = (("Retry-After", str(fault.seconds)),)
        told = fault.seconds if fault.retry_after != "none" else None
        return replace(_json(429, answers.intune_error("too many requests", told)), headers=headers)
    if fault.kind == "redirect":
        return Answer(status=302, headers=(("Location", fault.location),))
    if fault.kind == "token":
        refused = refusal(fault.code or 7000215, now)
        return _json(refused.status, refused.body)
    if fault.kind == "body" and fault.variant == "html":
        return Answer(body=answers.HTML, content_type="text/html")
    return None


def _moved(manner: str, new_url: str) -> Answer:
    if manner == "reset":
        return Answer(status=0)
    if manner == "redirect":
        return Answer(status=301, headers=(("Location", new_url),))
    return _json(404, answers.intune_error("the tenant does not live here"))


def _spoilt(hit: dict[str, Fault], xml: bytes) -> Answer:
    if "body" not in hit:
        return Answer(body=xml, content_type=XML_TYPE)
    body, content_type = answers.spoil(hit["body"].variant, xml)
    return Answer(body=body, content_type=content_type)


_GRAPH_ROLES = (
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "Directory.Read.All",
    "ServicePrincipalEndpoint.Read.All",
)


def _json(status: int, body: dict[str, Json]) -> Answer:
    return Answer(status=status, body=answers.as_octets(body))


# -- the port -------------------------------------------------------------------------------


class TlsServer(ThreadingHTTPServer):
    """HTTPS, a thread for each connection; the TLS handshake runs in that thread, not in the accept loop."""

    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext, desk: Desk, origin: str = "") -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.desk = desk
        self.origin = origin
        self._context = context
        self._lock = threading.Lock()
        self._open: set[ssl.SSLSocket] = set()
        super().__init__(address, _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """One connection from handshake to end. A peer that goes away is nobody's error."""
        request.settimeout(30)
        try:
            connection = self._context.wrap_socket(request, server_side=True)
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
        return TlsServer((str(host), port), self._context, self.desk, self.origin)

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

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr: the history knows better."""

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        self._serve(self.rfile.read(min(int(length), BODY_CAP)) if length.isdecimal() else b"")

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
            form=dict(parse_qsl(body.decode("utf-8", "replace"))),
            origin=self.server.origin,
            service=service,
            kind=kind,
            value=value,
        )
        at = desk.state.now()
        answer, fault = desk.answer(request)
        desk.state.note(
            Seen(
                at=at,
                service=service,
                kind=kind,
                value=value,
                status=answer.status,
                fault=fault,
                user_agent=self.headers.get("User-Agent", ""),
                request_id=self.headers.get("client-request-id", ""),
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
