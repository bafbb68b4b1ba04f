"""Device actions through Microsoft Graph: look at one device, and tell Intune to do something with it.

Knows: the five actions with their addresses, bodies and permissions, and what each answer means for the person who
wanted it. Refuses to know: who may want it, whether he meant it, and how often (``actions/``, ``cli/``). The daemon
that speaks RADIUS never imports this: its own app registration cannot do any of it.

Theory: an action is sent once. When no answer came, nobody can say whether it was carried out, and that is what is
said; only what surely did not reach Graph (no token, no connection, a 401) is called not done. No connection is used
twice: one kept open while somebody types a device's name may be dead by then, and would leave that very doubt.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from nacd.errors import SourceError
from nacd.intune.client import HttpAnswer, HttpClient, UnreachableError
from nacd.intune.cloud import Audience, Hosts
from nacd.intune.flight import Flights
from nacd.intune.options import IntuneOptions
from nacd.intune.refusals import error_text, retry_after_s
from nacd.intune.token import Token, TokenSource

READ: Final = "DeviceManagementManagedDevices.Read.All"
READ_WRITE: Final = "DeviceManagementManagedDevices.ReadWrite.All"
PRIVILEGED: Final = "DeviceManagementManagedDevices.PrivilegedOperations.All"

CALL_S: Final = 20.0
"""Seconds for one call, the token for it included."""
MAX_PAGES: Final = 50
MAX_TITLE: Final = 50
"""Characters of a notification's title, and of its text: what the Company Portal shows whole."""
MAX_TEXT: Final = 500

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DEVICES = "deviceManagement/managedDevices"
_COLUMNS = (
    "id,azureADDeviceId,deviceName,complianceState,complianceGracePeriodExpirationDateTime,lastSyncDateTime,"
    "enrolledDateTime,operatingSystem,osVersion,managementAgent,managedDeviceOwnerType,userPrincipalName,manufacturer,"
    "model,serialNumber,wiFiMacAddress,ethernetMacAddress"
)


class Verb(StrEnum):
    """What can be done with a device."""

    SYNC = "sync"
    NOTIFY = "notify"
    LOCK = "lock"
    RETIRE = "retire"
    WIPE = "wipe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """How Graph wants an action: version, last part of the address, and the application permission for it."""

    segment: str
    permission: str = PRIVILEGED
    version: str = "v1.0"


CALLS: Final[Mapping[Verb, Call]] = {
    Verb.SYNC: Call(segment="syncDevice"),
    Verb.LOCK: Call(segment="remoteLock"),
    Verb.RETIRE: Call(segment="retire"),
    Verb.WIPE: Call(segment="wipe"),
    Verb.NOTIFY: Call(segment="sendCustomNotificationToCompanyPortal", permission=READ_WRITE, version="beta"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSheet:
    """What Graph says of one device, in its own words; ``""`` where it says nothing.

    guid: Intune device id. last_sync, enrolled: seconds since the epoch, 0.0 if not told.
    """

    guid: str
    entra_id: str = ""
    name: str = ""
    user: str = ""
    operating_system: str = ""
    os_version: str = ""
    owner: str = ""
    compliance: str = ""
    management: str = ""
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    wifi_mac: str = ""
    ethernet_mac: str = ""
    last_sync: float = 0.0
    enrolled: float = 0.0


class Verdict(StrEnum):
    """What became of an action: accepted by Intune, surely not done, or nobody knows."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of an action. detail: a sentence for people, ``""`` when done. again_s: seconds to wait before trying
    again, 0.0 when Graph said nothing of that. request_id: what Microsoft's support asks for."""

    verdict: Verdict
    detail: str = ""
    again_s: float = 0.0
    request_id: str = ""


class NotFoundError(SourceError):
    """Graph knows no such device."""


class Poster:
    """GET and POST with a Graph token, to Graph's own host only.

    A 401 drops the token and is tried once more (a 401 says that nothing was done); nothing else is tried twice.
    """

    def __init__(self, connect: Callable[[], HttpClient], tokens: TokenSource, hosts: Hosts) -> None:
        """connect: a client of its own for each request, so that no connection is used twice."""
        self.roles: tuple[str, ...] = ()  # consented to, as the last token said; nothing when it cannot be read
        self._connect = connect
        self._tokens = tokens
        self._hosts = hosts

    def get(self, url: str, until: float) -> HttpAnswer:
        """The answer, whatever its status. until: monotonic seconds. Raises SourceError."""
        return self._ask("GET", url, b"", until, "")

    def post(self, url: str, body: bytes, until: float, request_id: str) -> HttpAnswer:
        """The same with a body. Raises SourceError: UnreachableError when it was sent and no answer came."""
        return self._ask("POST", url, body, until, request_id)

    def _ask(self, method: str, url: str, body: bytes, until: float, request_id: str) -> HttpAnswer:
        if refusal := self._hosts.refusal(url):
            raise SourceError(f"no token is sent: {refusal}")
        answer = self._once(method, url, body, until, request_id)
        return self._once(method, url, body, until, request_id) if answer.status == 401 else answer

    def _once(self, method: str, url: str, body: bytes, until: float, request_id: str) -> HttpAnswer:
        token = self._tokens.token(Audience.GRAPH, until)
        answer = self._send(method, url, body, token, until, request_id)
        self.roles = token.roles
        if answer.status in (401, 403):  # the next token knows of a consent that was given meanwhile
            self._tokens.reject(Audience.GRAPH, token)
        return answer

    def _send(self, method: str, url: str, body: bytes, token: Token, until: float, request_id: str) -> HttpAnswer:
        headers = {
            "Authorization": f"Bearer {token.value.reveal().decode('ascii')}",
            "Accept": "application/json",
            "Connection": "close",
            "client-request-id": request_id or str(uuid4()),
        }
        if body:
            headers["Content-Type"] = "application/json"
        if until <= time.monotonic():
            raise SourceError("no time left to ask")
        try:
            return self._connect().send(method, url, headers=headers, until=until, body=body)
        except SourceError as trouble:
            if method == "GET" or never_left(trouble):
                raise SourceError(trouble.detail) from trouble
            raise UnreachableError(trouble.detail) from trouble
        except OSError as trouble:
            raise SourceError(f"the ca file cannot be read: {trouble.strerror or 'error'}") from trouble


def never_left(trouble: BaseException) -> bool:
    """Whether this failure is one of before the request was sent: no address, no connection, no trust, no proxy."""
    waiting, seen = [trouble], set[int]()
    while waiting:
        cause = waiting.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        if isinstance(cause, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError):
            return True
        if isinstance(cause, OSError) and str(cause).startswith("Tunnel connection failed"):
            return True  # http.client's words for a proxy that did not let us through
        # Not __context__: what went wrong before this may have been about something else.
        wrapped = (cause.__cause__, getattr(cause, "reason", None), *cause.args)
        waiting.extend(inner for inner in wrapped if isinstance(inner, BaseException))
    return False


class GraphActions:
    """One tenant's devices, as its app registration for actions sees them. Thread-safe."""

    def __init__(self, options: IntuneOptions) -> None:
        """Nothing is asked yet. Raises OSError when the CA file cannot be read."""

        def connect() -> HttpClient:
            return HttpClient(ca_file=options.ca_file, proxy=options.proxy)

        self._root = options.cloud.graph
        self._poster = Poster(connect, TokenSource(options, connect(), Flights()), options.graph_hosts)

    # -- looking ----------------------------------------------------------------------------

    def device(self, guid: str, until: float) -> DeviceSheet:
        """The device with this Intune device id. until: monotonic seconds.

        Raises NotFoundError when it is not enrolled, SourceError, in words, when that cannot be told.
        """
        url = f"{self._root}/v1.0/{_DEVICES}/{quote(guid, safe='')}?$select={_COLUMNS}"
        answer = self._poster.get(url, until)
        if answer.status == 404:
            raise NotFoundError(f"Intune has no device `{guid}`: it is not enrolled, or was enrolled anew (a new id)")
        sheet = _sheet(self._object(answer, READ))
        if sheet.guid != guid.lower():
            raise SourceError("Graph answers with another device than was asked for: nothing is done with it")
        return sheet

    def by_entra_id(self, entra_id: str, until: float) -> DeviceSheet:
        """The one device with this Entra device id; each row is compared here, for Graph ignores filters silently.

        Raises NotFoundError for none, SourceError for several, or when the search cannot be finished.
        """
        wanted = entra_id.lower()
        if not _GUID.fullmatch(wanted):
            raise SourceError(f"`{entra_id}` is no id")
        found: dict[str, DeviceSheet] = {}
        condition = quote(f"azureADDeviceId eq '{wanted}'", safe="")
        url = f"{self._root}/v1.0/{_DEVICES}?$filter={condition}&$select={_COLUMNS}"
        for _page in range(MAX_PAGES):
            page = self._object(self._poster.get(url, until), READ)
            rows = page.get("value")
            if not isinstance(rows, list):
                raise SourceError("Graph answers with something that is no list of devices")
            for sheet in (_sheet(row) for row in rows if isinstance(row, dict)):
                if sheet.entra_id == wanted and sheet.guid:
                    found[sheet.guid] = sheet
            following = page.get("@odata.nextLink")
            if not isinstance(following, str) or not following:
                return _only(found, wanted)
            url = following
        raise SourceError(
            f"Graph lists more than {MAX_PAGES} pages for one Entra id: name the Intune device id instead"
        )

    # -- acting -----------------------------------------------------------------------------

    def act(self, verb: Verb, guid: str, body: Mapping[str, object] | None, until: float) -> Outcome:
        """Tell Intune to do it, once. body: see ``wipe_body`` and ``notify_body``. Raises nothing that is expected."""
        call, request_id = CALLS[verb], str(uuid4())
        url = f"{self._root}/{call.version}/{_DEVICES}/{quote(guid, safe='')}/{call.segment}"
        octets = json.dumps(body).encode() if body is not None else b""
        try:
            answer = self._poster.post(url, octets, until, request_id)
        except UnreachableError as silence:
            detail = f"unknown whether it was done: it was sent, and then {silence.detail}"
            return Outcome(verdict=Verdict.UNKNOWN, detail=detail, request_id=request_id)
        except SourceError as trouble:
            return Outcome(verdict=Verdict.FAILED, detail=f"not done: {trouble.detail}", request_id=request_id)
        return self._outcome(answer, call.permission, guid, request_id)

    def _outcome(self, answer: HttpAnswer, permission: str, guid: str, request_id: str) -> Outcome:
        status = answer.status
        if status == 204 or (status in (200, 202) and (not answer.body or answer.content_type == "application/json")):
            return Outcome(verdict=Verdict.DONE, request_id=request_id)
        if 200 <= status < 300 or status >= 500:
            detail = f"unknown whether it was done: Graph answers with status {status}{_said(answer)}"
            return Outcome(verdict=Verdict.UNKNOWN, detail=detail, request_id=request_id)
        detail = (
            f"Intune has no device `{guid}`: it is not enrolled" if status == 404 else self._why(answer, permission)
        )
        again_s = _again_s(answer) if status == 429 else 0.0
        return Outcome(verdict=Verdict.FAILED, detail=f"not done: {detail}", again_s=again_s, request_id=request_id)

    # -- answers ----------------------------------------------------------------------------

    def _object(self, answer: HttpAnswer, permission: str) -> dict[str, Any]:
        """The JSON object of a 200. Raises SourceError, in words, for everything else."""
        if answer.status != 200:
            raise SourceError(self._why(answer, permission))
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise SourceError("Graph does not answer in json: is a proxy or tls inspection in between?")
        return found

    def _why(self, answer: HttpAnswer, permission: str) -> str:
        """A refusal in words, with the way out."""
        status = answer.status
        if status == 401:
            return f"Graph refuses the token twice{_said(answer)}: check `cloud` and `tenant`"
        if status == 403 and permission in self._poster.roles:
            return f"Graph refuses although `{permission}` is granted{_said(answer)}: see its scope"
        if status == 403:
            return (
                f"Graph refuses{_said(answer)}: give the app registration the application permission `{permission}`"
                " of Microsoft Graph, and admin consent"
            )
        if status == 429:
            at = time.strftime("%H:%M:%S", time.localtime(time.time() + _again_s(answer)))
            return f"Graph is asked too often: again after {at}"
        if 300 <= status < 400:
            return f"Graph answers with a redirect (status {status}), which is never followed"
        return f"Graph answers with status {status}{_said(answer)}"


# -- bodies -----------------------------------------------------------------------------------


def wipe_body(*, keep_enrollment_data: bool, keep_user_data: bool, mac_unlock_code: str) -> dict[str, object]:
    """What ``wipe`` is sent with. mac_unlock_code: six digits, ``""`` for none. Raises ValueError."""
    body: dict[str, object] = {"keepEnrollmentData": keep_enrollment_data, "keepUserData": keep_user_data}
    if mac_unlock_code:
        if not re.fullmatch(r"[0-9]{6}", mac_unlock_code):
            raise ValueError("the unlock code of a Mac is six digits")
        body["macOsUnlockCode"] = mac_unlock_code
    return body


def notify_body(title: str, text: str) -> dict[str, object]:
    """What ``notify`` is sent with. Raises ValueError for an empty or too long title or text."""
    for what, words, longest in (("title", title, MAX_TITLE), ("text", text, MAX_TEXT)):
        if not words.strip():
            raise ValueError(f"a notification needs a {what}")
        if len(words) > longest:
            raise ValueError(f"the {what} of a notification has at most {longest} characters, this one {len(words)}")
        if any(not char.isprintable() and char != "\n" for char in words):
            raise ValueError(f"the {what} of a notification holds a control character")
    return {"notificationTitle": title, "notificationBody": text}


# -- rows -------------------------------------------------------------------------------------


def _sheet(row: Mapping[str, Any]) -> DeviceSheet:
    def said(name: str) -> str:
        value = row.get(name)
        return value if isinstance(value, str) else ""

    return DeviceSheet(
        guid=said("id").lower(),
        entra_id=said("azureADDeviceId").lower(),
        name=said("deviceName"),
        user=said("userPrincipalName"),
        operating_system=said("operatingSystem"),
        os_version=said("osVersion"),
        owner=said("managedDeviceOwnerType"),
        compliance=said("complianceState"),
        management=said("managementAgent"),
        manufacturer=said("manufacturer"),
        model=said("model"),
        serial=said("serialNumber"),
        wifi_mac=said("wiFiMacAddress"),
        ethernet_mac=said("ethernetMacAddress"),
        last_sync=_moment(said("lastSyncDateTime")),
        enrolled=_moment(said("enrolledDateTime")),
    )


def _moment(text: str) -> float:
    """RFC 3339 to seconds since the epoch; 0.0 for nothing, nonsense, and .NET's year 1."""
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return 0.0


def _only(found: Mapping[str, DeviceSheet], entra_id: str) -> DeviceSheet:
    if not found:
        raise NotFoundError(f"Intune has no device with the Intune id or Entra id `{entra_id}`")
    if len(found) > 1:
        newest = sorted(found.values(), key=lambda sheet: -sheet.last_sync)
        words = ", ".join(f"`{sheet.guid}` ({sheet.name or 'no name'})" for sheet in newest[:5])
        raise SourceError(f"{len(found)} devices have the Entra id `{entra_id}`: name one by its Intune id: {words}")
    return next(iter(found.values()))


def _said(answer: HttpAnswer) -> str:
    words = str(error_text(answer.body))
    return f" (`{words}`)" if words else ""


def _again_s(answer: HttpAnswer) -> float:
    return max(retry_after_s(answer.headers, time.time()), error_text(answer.body).retry_after_s)
