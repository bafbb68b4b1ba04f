"""The desk of the simulated Microsoft: which service a question goes to, and what a fault says in its place.

Knows: routes and faults. Refuses to know: sockets (``port``), and what the services answer.
"""

from __future__ import annotations

import email.utils
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote

from nacd.sim.microsoft import answers
from nacd.sim.microsoft.answers import HTML, LOGIN_PATH, Json, graph_error, intune_error
from nacd.sim.microsoft.compliance import Compliance
from nacd.sim.microsoft.exchange import Answer, Request, json_answer
from nacd.sim.microsoft.faults import Fault, FaultBoard
from nacd.sim.microsoft.graph import Graph
from nacd.sim.microsoft.login import Granted, Login, openid_configuration, refusal
from nacd.sim.microsoft.state import TenantState

_METHODS = {"token": "POST", "action": "POST", "member_groups": "POST"}
_CODES = {401: "InvalidAuthenticationToken", 403: "Forbidden", 404: "ResourceNotFound", 429: "TooManyRequests"}


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
        hit = self.faults.take(request.service, request.value, request.kind)
        played = ", ".join(str(fault) for fault in hit)
        for fault in hit:
            if fault.kind == "latency":
                self.stopping.wait(fault.ms / 1000)
        for fault in hit:
            instead = _instead(fault, request, self.state.now())
            if instead is not None:
                return instead, played
        by_kind = {fault.kind: fault for fault in hit}
        answer = self._route(request, by_kind)
        if "body" in by_kind and request.service != "compliance" and answer.body:
            body, content_type = answers.spoil_json(by_kind["body"].variant, answer.body)
            answer = replace(answer, body=body, content_type=content_type, said="")
        if "drip" in by_kind:
            answer = replace(answer, drip_ms=by_kind["drip"].ms)
        if "outage" in by_kind:
            answer = replace(answer, status=0, said="")
        return answer, played

    def _route(self, request: Request, hit: Mapping[str, Fault]) -> Answer:
        if request.method != _METHODS.get(request.kind, "GET"):
            return json_answer(405, intune_error("method not allowed"))
        if request.service == "login":
            return self._login(request)
        if request.service == "graph":
            return Graph(self.state, self.login).answer(request, self.origin, self.cr_origin)
        if request.origin != self.cr_origin:
            return _moved(self.old_unit, self.cr_origin + request.path)
        return Compliance(self.state, self.login).answer(request, hit)

    def _login(self, request: Request) -> Answer:
        match = LOGIN_PATH.fullmatch(request.path)
        if match is None:
            return json_answer(404, graph_error("NotFound", "no such page", nested=False))
        tenant = unquote(match["tenant"])
        if request.kind == "openid":
            if not self.login.knows(tenant):
                return json_answer(400, refusal(90002, self.state.now()).body)
            return json_answer(200, openid_configuration(request.origin, tenant))
        token_urls = tuple(f"{origin}/{tenant}/oauth2/v2.0/token" for origin in self.login.own_origins)
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        answer = self.login.grant(tenant, form, token_urls)
        return json_answer(200 if isinstance(answer, Granted) else answer.status, answer.body)


def _instead(fault: Fault, request: Request, now: float) -> Answer | None:
    """What a fault says instead of the service; None when it only changes the service's answer."""
    if fault.kind == "outage":
        if fault.mode == "reset_after":
            return None
        if fault.mode in ("500", "503"):
            return Answer(status=int(fault.mode), body=HTML, content_type="text/html")
        return Answer(status=0)
    if fault.kind == "status":
        return _error(fault, request.service, fault.code, "a fault of the simulator")
    if fault.kind == "throttle":
        told = {
            "seconds": str(fault.seconds),
            "date": email.utils.formatdate(now + fault.seconds, usegmt=True),
            "garbage": "in a while",
        }.get(fault.retry_after, "")
        answer = _error(fault, request.service, 429, "too many requests", fault.seconds if told else None)
        return replace(answer, headers=(("Retry-After", told),) if told else ())
    if fault.kind == "redirect":
        return Answer(status=fault.code or 302, headers=(("Location", fault.location),))
    if fault.kind == "token":
        refused = refusal(fault.code or 7000215, now)
        return json_answer(refused.status, refused.body)
    if fault.kind == "body" and fault.variant == "html":
        return Answer(body=HTML, content_type="text/html")
    return None


def _error(fault: Fault, service: str, status: int, words: str, retry_after_s: int | None = None) -> Answer:
    """An error in the envelope that the fault names, or that the service usually has."""
    envelope = fault.envelope
    if envelope == "usual":
        envelope = {"graph": "nested", "login": "login"}.get(service, "intune")
    if envelope == "html":
        return Answer(status=status, body=HTML, content_type="text/html")
    if envelope == "empty":
        return Answer(status=status)
    if envelope == "login":
        body: dict[str, Json] = {"error": "temporarily_unavailable", "error_description": words, "error_codes": []}
        return json_answer(status, body)
    if envelope == "intune":
        return json_answer(status, intune_error(words, retry_after_s))
    return json_answer(status, graph_error(_CODES.get(status, "UnknownError"), words, nested=envelope == "nested"))


def _moved(manner: str, new_url: str) -> Answer:
    if manner == "reset":
        return Answer(status=0)
    if manner == "redirect":
        return Answer(status=301, headers=(("Location", new_url),))
    return json_answer(404, intune_error("the tenant does not live here"))
