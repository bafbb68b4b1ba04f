"""From octets to a verdict: what Compliance Retrieval's answers mean. Pure.

Knows: the grammar (Cisco's "ISE MDM API v3" in XML; the same names in JSON), the table from answer
to state. Refuses to know: the network, tokens, clocks.

The mapping is total and leans one way: ``compliant``, ``noncompliant`` and ``not_managed`` come
only out of an answer that was read completely and speaks of the device asked about. Everything
else is ``unknown`` (several devices that disagree) or ``unavailable``, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nacd.intune.nac.document import Node, UnreadableError, document
from nacd.intune.refusals import ErrorText, printable, seconds
from nacd.values import ComplianceState, DeviceId, MacAddress

_BESIDE_A_LIST = frozenset({"name", "api_version", "paging_info", "server_busy_wait_seconds"})
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_MACS = re.compile(r"(?<![0-9A-F])(?:[0-9A-F]{12})+(?![0-9A-F])")
_ABOUT_DEVICE = "unusable answer about this device: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """State and what stands behind it, not dated yet."""

    state: ComplianceState
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """One device of an answer. problem: why its state cannot be told, ``""`` if it can.

    guids: lower case, as given. macs: 12 upper-case hex digits each.
    """

    guids: frozenset[str]
    macs: frozenset[str]
    state: ComplianceState
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceList:
    """A device answer. next_page: ``paging_info``, ``""`` on the last page. busy_s: seconds to leave the server
    alone."""

    rows: tuple[DeviceRow, ...]
    next_page: str = ""
    busy_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDescription:
    """What ``mdminfo`` says. api_path: absolute path without trailing slash. redirect_url: https, for people.

    Each ``""`` if absent or unsafe.
    """

    api_path: str = ""
    redirect_url: str = ""
    product: str = ""


# -- verdicts -------------------------------------------------------------------------------


def judge(subject: DeviceId | MacAddress, devices: DeviceList) -> Verdict:
    """What a 200 answer says about the device that was asked about.

    A device that names no MAC is taken for the one that was asked about if it is alone: among several it may be
    anybody's, in an answer that did not heed the question.
    """
    rows = devices.rows
    if isinstance(subject, DeviceId):
        rows = tuple(row for row in devices.rows if subject.guid in row.guids)
        asked = f"`{subject.guid}`"
    else:
        if len(devices.rows) > 1 and not all(row.macs for row in devices.rows):
            return about_device(f"{len(devices.rows)} devices, and not each of them names its mac")
        rows = tuple(row for row in devices.rows if not row.macs or subject.hex12 in row.macs)
        asked = f"`{subject}`"
    if devices.rows and not rows:
        return about_device(f"asked about {asked}, answered about another device")
    if devices.next_page and not (rows and isinstance(subject, DeviceId)):
        return about_device("it has several pages")
    if not rows:
        return Verdict(state=ComplianceState.NOT_MANAGED, detail="not enrolled in intune")
    for row in rows:
        if row.problem:
            return about_device(row.problem)
    states = {row.state for row in rows}
    if len(states) > 1:
        found = ", ".join(sorted(states))
        return Verdict(
            state=ComplianceState.UNKNOWN, detail=f"ambiguous: {len(rows)} devices for {asked} disagree ({found})"
        )
    state = states.pop()
    words = ["intune lists it as not registered"] if state is ComplianceState.NOT_MANAGED else []
    words += [f"{len(rows)} devices for {asked} agree"] if len(rows) > 1 else []
    return Verdict(state=state, detail="; ".join(words))


def about_device(why: str) -> Verdict:
    """``unavailable`` for a reason that lies in one device's answer, not in the service."""
    return Verdict(state=ComplianceState.UNAVAILABLE, detail=_ABOUT_DEVICE + why)


def concerns_only_the_device(detail: str) -> bool:
    """Whether an ``unavailable`` with this detail says nothing about the service (a breaker must not count it)."""
    return detail.startswith(_ABOUT_DEVICE)


def judge_status(status: int, said: ErrorText) -> Verdict:
    """What a status other than 200 says; a 404 only after the probe failed (else it is ``not_managed``)."""
    words = f": {said}" if said.message else ""
    if status == 400:
        return about_device(f"intune refuses the question (status 400){words}")
    meaning = {
        401: "intune refuses the token (status 401): audience or role; the scope needs two slashes before .default",
        403: "intune refuses the application (status 403): role, consent or licence",
        404: "intune's service is not where it was (status 404)",
        429: "intune is throttling (status 429)",
    }.get(status)
    if meaning is None and 300 <= status < 400:
        meaning = f"intune redirects elsewhere (status {status}), which is not followed"
    if meaning is None and status >= 500:
        meaning = f"intune is failing (status {status})"
    return Verdict(state=ComplianceState.UNAVAILABLE, detail=(meaning or f"intune answers status {status}") + words)


# -- reading ------------------------------------------------------------------------------


def read_devices(body: bytes, content_type: str) -> DeviceList:
    """A device answer. Raises UnreadableError unless it is complete and of the known shape."""
    root = document(body, content_type)
    name = root.value("name").lower()
    lists = [child for child in root.children if child.name == "devicelist"]
    if name not in ("", "attributes") or (not name and not lists):
        raise UnreadableError(f"the answer is `{name or 'nameless'}`, not a list of devices")
    if strange := {child.name for child in root.children if _is_no_part_of_an_answer(child, with_list=bool(lists))}:
        raise UnreadableError(f"the answer holds `{min(strange)[:40]}`")
    if len(lists) > 1:
        raise UnreadableError(f"`devicelist` is there {len(lists)} times")
    listed = [] if not lists or lists[0].nil else [child for child in lists[0].children if not child.nil]
    if strangers := {child.name for child in listed} - {"device"}:
        raise UnreadableError(f"the device list holds `{min(strangers)[:40]}`")
    if lists and lists[0].text.strip():
        raise UnreadableError("the device list holds text")
    page = root.value("paging_info")
    return DeviceList(
        rows=tuple(_row(device) for device in listed),
        next_page="" if page == "0" else page,
        busy_s=seconds(root.value("server_busy_wait_seconds")),
    )


def _is_no_part_of_an_answer(child: Node, *, with_list: bool) -> bool:
    """An error is never an answer; and only an answer of known parts may say `no device` by having no list."""
    return child.name == "error" or not (with_list or child.absent or child.name in _BESIDE_A_LIST)


def read_service(body: bytes, content_type: str) -> ServiceDescription:
    """The answer of ``mdminfo``. Raises UnreadableError when it is anything else."""
    root = document(body, content_type)
    if root.value("name").lower() != "mdminfo":
        raise UnreadableError("the answer does not describe the service")
    path = root.value("api_path").rstrip("/")
    # A path only, never a host: "//host/path" is a host to a URL parser.
    safe = re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", path) and not {".", ".."} & set(path.split("/"))
    product = " ".join(part for part in (root.value("product_name"), root.value("product_version")) if part)
    portal = root.value("redirect_url")
    shown = portal.startswith("https://") and portal.isascii() and portal.isprintable() and len(portal) <= 2_000
    return ServiceDescription(
        api_path=path if safe else "", redirect_url=portal if shown else "", product=printable(product)[:100]
    )


def _row(device: Node) -> DeviceRow:
    """One device; what is wrong with it stays with it, so that another one is not lost by it."""
    named = [device, *device.present("attributes")]
    guids, macs = frozenset[str](), frozenset[str]()
    try:
        guids = frozenset(guid for node in named if (guid := node.value("guid").strip("{} ").lower()))
        macs = _macs(node.value(name) for node in named for name in ("macaddress", "macaddresses"))
        state, problem = _state(device.one("attributes")), ""
    except UnreadableError as trouble:
        state, problem = ComplianceState.UNAVAILABLE, trouble.detail
    if len(guids) > 1:
        state, problem = ComplianceState.UNAVAILABLE, "it names two device ids"
    return DeviceRow(guids=guids, macs=macs, state=state, problem=problem)


def _state(attributes: Node) -> ComplianceState:
    registered = _boolean(attributes, "register_status")
    compliance = attributes.one("compliance")
    if not registered and not compliance.present("status"):
        return ComplianceState.NOT_MANAGED
    compliant = _boolean(compliance, "status")
    if not registered:
        return ComplianceState.NOT_MANAGED
    return ComplianceState.COMPLIANT if compliant else ComplianceState.NONCOMPLIANT


def _boolean(node: Node, name: str) -> bool:
    text = node.value(name).lower()
    if not text:
        raise UnreadableError(f"`{name}` is missing")
    if text not in _BOOLEANS:
        raise UnreadableError(f"`{name}` is neither true nor false")
    return _BOOLEANS[text]


def _macs(values: Iterable[str]) -> frozenset[str]:
    """Every MAC in these texts, whatever stands between them: one that was overlooked would make a stranger ours."""
    runs = (run for value in values for run in _MACS.findall(re.sub(r"[-:.\s]", "", value).upper()))
    return frozenset(run[at : at + 12] for run in runs for at in range(0, len(run), 12))
