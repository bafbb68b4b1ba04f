"""The management door of the simulated Microsoft: orders as JSON over plain HTTP, always on loopback.

    GET /                            what this is, and what can be ordered
    GET /devices                     PUT /devices {"guid": ..., "macs": [...], "compliant": true}
    GET /devices/GUID                GET /devices/GUID/history [?at=SECONDS]     DELETE /devices/GUID
    GET /apps                        PUT /apps {"client_id": ..., "more_secrets": [...], "graph_roles": [...]}
    POST /refuse {"credential": secret or thumbprint, "code": 7000222, "client_id": ...}    (code 0: good again)
    POST /revoke {"service": "graph"}    no token given so far is good any more
    GET /faults                      POST /faults {"kind": "latency", "ms": 900}    DELETE /faults[/KIND]
    GET /tuning                      POST /tuning {"page_size": 2}
    POST /move {"old": "404"}        POST /tls {"chain": "unknown_root"}
    POST /bulk-window                the next list of noncompliant devices opens a new window
    GET /history [?kind=...&after=NUMBER]    DELETE /history    GET /counts    POST /reset

Knows: orders and how their answers look. Refuses to know: how they are carried out (``intune``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography import x509

from nacd.sim.microsoft.credentials import thumbprint
from nacd.sim.microsoft.faults import KINDS
from nacd.sim.microsoft.scene import App, as_json
from nacd.sim.presented import CHAINS

if TYPE_CHECKING:
    from nacd.sim.intune import IntuneSimulator

BANNER = "this is a simulator of Microsoft Intune for demos, trials and tests; it is not Microsoft, and not safe"

_BODY_CAP = 1 << 20

Order: TypeAlias = "Callable[[IntuneSimulator, str, dict[str, Any]], object]"


def orders_handler(simulator: IntuneSimulator) -> type[BaseHTTPRequestHandler]:
    """The HTTP handler of the door."""

    class Orders(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 1 << 16

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on stderr."""

        def _serve(self) -> None:
            length = self.headers.get("Content-Length", "0")
            octets = self.rfile.read(int(length)) if length.isdecimal() and int(length) <= _BODY_CAP else b""
            status, body = self._answer(octets)
            text = json.dumps(body, indent=1).encode() + b"\n"
            self.send_response(status)
            self.send_header("X-Simulator", "nacd")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - names that http.server looks for

        def _answer(self, octets: bytes) -> tuple[int, object]:
            # a web page in the admin's browser must not give orders under a name of its own
            if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in ("localhost", "127.0.0.1"):
                return 403, {"error": "call this door `localhost` or `127.0.0.1`"}
            parts = urlsplit(self.path)
            try:
                values = json.loads(octets or b"{}")
                if not isinstance(values, dict):
                    return 400, {"error": "the body is a JSON object"}
                values |= dict(parse_qsl(parts.query))
                return 200, obey(simulator, self.command, unquote(parts.path), values)
            except LookupError as unknown:
                return 404, {"error": str(unknown.args[0])}
            except (ValueError, TypeError, OSError) as wrong:
                return 400, {"error": str(wrong)}

    return Orders


def obey(simulator: IntuneSimulator, method: str, path: str, values: dict[str, object]) -> object:
    """Carry out one order. Raises ValueError, TypeError or OSError for bad values, LookupError for no such order."""
    first, _, rest = path.strip("/").partition("/")
    order = _ORDERS.get((method, first))
    if order is None:
        raise LookupError(f"no order `{method} {path}`")
    return order(simulator, rest, values)


def _front(simulator: IntuneSimulator, rest: str, values: dict[str, Any]) -> object:
    return {
        "simulator": BANNER,
        "base_url": simulator.base_url,
        "tenant": simulator.tenant,
        "tenant_id": simulator.tenant_id,
        "orders": sorted(f"{method} /{first}" for method, first in _ORDERS),
        "faults": dict(KINDS),
        "chains": dict(CHAINS),
    }


def _devices(simulator: IntuneSimulator, rest: str, values: dict[str, Any]) -> object:
    guid, _, part = rest.partition("/")
    if not guid:
        return [as_json(device) for device in simulator.state.devices()]
    if part == "history":
        past = simulator.past(guid)
        if "at" in values:
            then = simulator.at_time(guid, float(values["at"]))
            past = [then] if then else []
        if past:
            return [as_json(one) for one in past]
        raise LookupError(f"nothing is remembered of `{guid}`")
    device = simulator.state.device(guid)
    if device is None or part:
        raise LookupError(f"no device `{rest}`")
    return as_json(device)


def _register(simulator: IntuneSimulator, rest: str, values: dict[str, Any]) -> object:
    client_id = str(values.pop("client_id", "") or simulator.client_id)
    return _shown(simulator.change_app(client_id, **values))


def _refuse(simulator: IntuneSimulator, rest: str, values: dict[str, Any]) -> object:
    credential, code = str(values.get("credential", "")), values.get("code", 7000222)
    if isinstance(code, bool) or not isinstance(code, int):
        raise TypeError("`code` is a whole number")
    return _shown(simulator.refuse_credential(credential, code, client_id=str(values.get("client_id", ""))))


def _shown(app: App) -> Mapping[str, object]:
    """An app without its secrets."""
    certificates = [thumbprint(x509.load_pem_x509_certificate(pem)) for pem in app.certificates]
    codes = [app.refused.get(secret, 0) for secret in (app.secret, *app.more_secrets) if secret]
    return {
        "client_id": app.client_id,
        "secrets": codes,
        "certificates": {name: app.refused.get(name, 0) for name in certificates},
        "intune_roles": app.intune_roles,
        "graph_roles": app.graph_roles,
    }


def _history(simulator: IntuneSimulator, rest: str, values: dict[str, Any]) -> object:
    seen = simulator.history(str(values.get("kind", "")), after=int(values.get("after", 0)))
    return [as_json(one) for one in seen]


def _done(act: Callable[[IntuneSimulator, dict[str, Any]], None]) -> Order:
    """An order that answers with an empty object."""

    def order(simulator: IntuneSimulator, rest: str, values: dict[str, Any]) -> object:
        act(simulator, values)
        return {}

    return order


def _clear_faults(simulator: IntuneSimulator, rest: str, values: dict[str, Any]) -> object:
    simulator.clear_faults(rest)
    return {"on": [str(fault) for fault in simulator.faults()]}


_ORDERS: Mapping[tuple[str, str], Order] = {
    ("GET", ""): _front,
    ("GET", "devices"): _devices,
    ("PUT", "devices"): lambda sim, rest, values: as_json(sim.state.put_device(**values)),
    ("POST", "devices"): lambda sim, rest, values: as_json(sim.state.put_device(**values)),
    ("DELETE", "devices"): lambda sim, rest, values: {"removed": sim.remove_device(rest)},
    ("GET", "apps"): lambda sim, rest, values: [_shown(app) for app in sim.state.apps()],
    ("PUT", "apps"): _register,
    ("POST", "refuse"): _refuse,
    ("POST", "revoke"): _done(lambda sim, values: sim.revoke_tokens(str(values.get("service", "")))),
    ("GET", "faults"): lambda sim, rest, values: [{"said": str(one), **asdict(one)} for one in sim.faults()],
    ("POST", "faults"): lambda sim, rest, values: {"on": str(sim.fault(str(values.pop("kind", "")), **values))},
    ("DELETE", "faults"): _clear_faults,
    ("GET", "tuning"): lambda sim, rest, values: as_json(sim.state.tuning),
    ("POST", "tuning"): lambda sim, rest, values: as_json(sim.tune(**values)),
    ("POST", "move"): lambda sim, rest, values: {"compliance_url": sim.move_scale_unit(str(values.get("old", "404")))},
    ("POST", "tls"): _done(lambda sim, values: sim.present(str(values.get("chain", "good")))),
    ("POST", "bulk-window"): _done(lambda sim, values: sim.state.forget_bulk_window()),
    ("GET", "history"): _history,
    ("DELETE", "history"): _done(lambda sim, values: sim.forget_history()),
    ("GET", "counts"): lambda sim, rest, values: sim.state.counts(),
    ("POST", "reset"): _done(lambda sim, values: sim.reset()),
}
