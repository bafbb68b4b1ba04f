"""Many sessions that change at once: from the release of the guard until every endpoint is where it belongs.

Knows: how it comes about (Intune's list of noncompliant devices takes the verdicts away, the guard holds all, every
device was asked about since), when the clock starts and ends. Refuses to know: switches and supplicants (``switches``).

The clock starts before ``nacd coa release`` is executed, so the start of that command is in it. It ends twice: when the
last endpoint has its new VLAN, by what its switch was answered, and when the session database wants nothing any more.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from nacd.sim.pki import SERVER_NAME, Authority, intune_uri
from tools.bench import meter, site
from tools.bench.cases import WrongAnswerError
from tools.bench.compliance import daemon, devices
from tools.bench.compliance.daemon import CORPORATE, QUARANTINE, Place
from tools.bench.sessions.accounting import DATABASE
from tools.bench.sessions.figures import Flip
from tools.bench.sessions.switches import NASES, Switches, address, credentials, name
from tools.scenarios.microsoft import Microsoft

_HELD_WITHIN_S: Final = 150.0
"""The list is asked for again a minute after it was refused."""
_CONVERGED_WITHIN_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.05
POLICY: Final[dict[str, Any]] = {
    "profiles": {"corporate": {"vlan": int(CORPORATE)}, "quarantine": {"vlan": int(QUARANTINE)}},
    "rules": [
        {"name": "compliant", "when": {"access": "dot1x", "compliance": "compliant"}, "then": "corporate"},
        {"name": "not compliant", "when": {"access": "dot1x", "compliance": "noncompliant"}, "then": "quarantine"},
    ],
}
CHANGED: Final[dict[str, Any]] = {
    # Nobody is found out by a poll before the list comes, and all are asked about as soon as it has come.
    "compliance": {"poll": {"interval": "24h"}, "budget": {"logins": 1_000, "polling": 1_000}},
    "sessions": {"guard": {"down": {"confirmed_per_s": 1}}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """sessions: at least so many are held when the guard is released; more: so many log in besides, for those that are
    let through before, confirmed one by one."""

    sessions: int
    more: int


def measure(folder: Path, cores: meter.Cores, plan: Plan, say: Callable[[str], None]) -> Flip:
    """In ``folder``, made here. Raises NotUpError, WrongAnswerError."""
    folder.mkdir()
    many = plan.sessions + plan.more
    pki = _certificates(folder / "pki", many)
    listed = [{"guid": devices.guid(number), "compliant": True} for number in range(many)]
    with ExitStack() as stack:
        microsoft = Microsoft(folder, listed)
        stack.callback(microsoft.stop)
        microsoft.order("POST", "/faults", kind="status", code=500, only="bulk")
        switches = Switches(folder / "pki", many)
        stack.callback(switches.stop)
        place = Place(
            folder=folder / "nacd",
            state=folder / "nacd" / "state",
            microsoft=microsoft,
            credentials=pki,
            cores=cores,
            policy=POLICY,
        )
        server = daemon.start(stack, replace(place, change={**CHANGED, **_clients(place.folder, switches.ports)}))
        switches.tell(order="log_in", auth=server.auth_port, acct=server.acct_port, vlan=CORPORATE)
        there = switches.told()["there"]
        if there != many:
            raise WrongAnswerError(f"nacd: {there} of {many} endpoints were let in\n{_said(place)}")
        say(f"sessions  {many:,} endpoints are in, on {NASES} switches")
        before = _asked_about(microsoft)
        for number in range(many):
            microsoft.order("PUT", "/devices", guid=devices.guid(number), compliant=False)
        microsoft.order("DELETE", "/faults")
        _wait_for_hold(place, plan, lambda: _asked_about(microsoft) - before >= many)
        return _released(place, switches, many)


def _released(place: Place, switches: Switches, many: int) -> Flip:
    began = time.monotonic()
    held = int(place.order("coa", "release", "down")["released"])
    command_s = time.monotonic() - began
    switches.tell(order="wait", vlan=QUARANTINE, count=many, within_s=_CONVERGED_WITHIN_S)
    deadline = began + _CONVERGED_WITHIN_S
    while (left := _pending(place)) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
    database_s = time.monotonic() - began
    told = switches.told()
    if told["troubles"] or told["unbelieved"]:
        raise WrongAnswerError(f"switches: {told['unbelieved']} requests not believed; {told['troubles']}")
    took = sorted(at - began for at in told["came"].values() if at > began)
    if left or len(told["came"]) != many:
        raise WrongAnswerError(f"nacd: {left} changes are still wanted, {len(took)} of {held} seen\n{_said(place)}")
    return Flip(
        direction="down",
        sessions=held,
        nases=NASES,
        converged_s=took,
        database_s=database_s,
        asked=int(told["asked"]),
        again=int(told["again"]),
        command_s=command_s,
        early=many - held,
    )


def _wait_for_hold(place: Place, plan: Plan, is_confirmed: Callable[[], bool]) -> None:
    """Raises WrongAnswerError unless the guard comes to hold so many, after Intune was asked about each."""
    deadline = time.monotonic() + _HELD_WITHIN_S
    while True:
        stands = place.order("coa", "status")
        held = int(stands["guards"]["down"]["held"])
        if held >= plan.sessions and not stands["queued"] and is_confirmed():
            return
        if time.monotonic() > deadline:
            raise WrongAnswerError(f"nacd: the guard holds {held} sessions, not {plan.sessions}\n{_said(place)}")
        time.sleep(0.2)


def _asked_about(microsoft: Microsoft) -> int:
    """How many devices Intune has been asked about by themselves so far, again and again."""
    return len(microsoft.questions("guid"))


def _pending(place: Place) -> int:
    reading = sqlite3.connect(f"file:{place.state / DATABASE}?mode=ro", uri=True)
    try:
        ((count,),) = reading.execute("SELECT count(*) FROM sessions WHERE pending_since IS NOT NULL").fetchall()
        return int(count)
    finally:
        reading.close()


def _clients(folder: Path, ports: list[int]) -> dict[str, Any]:
    """A client of the configuration for each switch."""
    secret = f"file:{folder / 'radius.secret'}"
    return {
        "clients": [
            {
                "name": name(number),
                "network": f"{address(number)}/32",
                "secret": secret,
                "vendor": "cisco-ios",
                "groups": ["wired"],
                "dynauth": {"port": port},
            }
            for number, port in enumerate(ports)
        ]
    }


def _certificates(folder: Path, count: int) -> site.Credentials:
    """The server's, and one for each endpoint, that names its device. The same layout as ``switches.credentials``."""
    folder.mkdir()
    servers, known = Authority.root("bench server root"), Authority.root("bench devices root")
    (folder / "server-ca.pem").write_bytes(servers.root_pem)
    (folder / "devices-ca.pem").write_bytes(known.root_pem)
    servers.issue_server(SERVER_NAME).write(folder, "server")
    for number in range(count):
        guid = devices.guid(number)
        known.issue_client(guid, uris=[intune_uri(guid)]).write(folder, f"client-{number}")
    return credentials(folder, 0)


def _said(place: Place) -> str:
    return "\n".join(file.read_text(errors="replace")[-1500:] for file in (place.log, place.audit) if file.exists())
