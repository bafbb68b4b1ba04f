"""Fills a state folder with live sessions, as a daemon that has let so many devices in would leave it.

``python -m tools.bench.sessions.rows FILE COUNT``. Knows: nacd's own store and rules. Refuses to know: who starts on
it.

Half of the devices came by certificate and half by MAC, all are compliant, and each was accounted for once. What is
random in real life (tokens, MACs, device ids) is spread here, too: rows that come in the order of their indexes would
be too easy.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import (
    Accounted,
    AccountingKind,
    Authorized,
    Change,
    Grounds,
    Names,
    Place,
    Standing,
)
from nacd.store.live.outcome import Applied
from nacd.store.sessions import SessionStore
from nacd.values import (
    AccessKind,
    Assurance,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    DeviceIdKind,
    Effect,
    Endpoint,
    IdentitySource,
    MacAddress,
    Nas,
)
from tools.bench import site
from tools.bench.compliance.daemon import TENANT
from tools.bench.compliance.devices import guid

_SLICE: Final = 200
_UNDER_WAY: Final = 8
_ONE_DAY_S: Final = 86_400
_SESSION_S: Final = 28_800


def token(number: int) -> str:
    """Our token in Class of the n-th session."""
    return hashlib.blake2b(b"%d" % number, digest_size=16).hexdigest()


def mac(number: int) -> str:
    """Globally administered, and spread."""
    octets = b"\x00\x11" + hashlib.blake2b(b"mac %d" % number, digest_size=4).digest()
    return octets.hex("-").upper()


def names(number: int) -> Names:
    """What the NAS and we call it."""
    plain = mac(number).replace("-", "").lower()
    return Names(acct_session_id=f"{number:016X}", token=token(number), user_name=plain)


def place(number: int) -> Place:
    """Where it is: one of a thousand switches."""
    return Place(
        nas=site.NAS_NAME,
        source="127.0.0.1",
        nas_identifier=f"bench-switch-{number % 1_000}",
        nas_address=f"192.0.2.{number % 250}",
        port=str(50_000 + number // 1_000),
        port_id=f"GigabitEthernet{number // 1_000}/0/1",
        port_type="15",
        called_station_id="02-00-5E-00-00-01",
        calling_station_id=mac(number),
    )


def authorized(number: int, at: float) -> Authorized:
    """Its Accept."""
    standing = Standing(
        effect=Effect.ALLOW,
        rule="managed device",
        profile="corporate",
        policy_digest=hashlib.sha256(b"policy").hexdigest(),
        compliance=Compliance(
            state=ComplianceState.COMPLIANT, as_of=at - 10.5, source=ComplianceSource.CACHE, provider="nac"
        ),
        at=at,
        session_timeout_s=_SESSION_S,
    )
    return Authorized(
        place=place(number),
        names=names(number),
        standing=standing,
        grounds=_by_certificate(number) if number % 2 else _by_mac(number),
        at=at,
        ends_at=at + _SESSION_S,
    )


def accounted(kind: AccountingKind, number: int, at: float) -> Accounted:
    """A record of it."""
    record = hashlib.blake2b(f"{kind} {number} {at}".encode(), digest_size=16).hexdigest()
    return Accounted(kind=kind, place=place(number), names=names(number), at=at, happened_at=at - 0.5, record=record)


def fill(file: Path, count: int) -> None:
    """Raises RuntimeError if a change could not be kept."""
    store = SessionStore(file, apply=apply, tie=tie, report=lambda sentence: print(sentence, file=sys.stderr))
    waiting: deque[Future[tuple[Applied, ...]]] = deque()
    began = time.time() - 600.0

    def demand(future: Future[tuple[Applied, ...]]) -> None:
        if not all(each.stored and each.changed for each in future.result()):
            raise RuntimeError(f"a change was not kept: {store.problem}")

    for first in range(0, count, _SLICE):
        numbers = range(first, min(first + _SLICE, count))
        changes: list[Change] = [authorized(number, began + number / count) for number in numbers]
        changes += [accounted(AccountingKind.START, number, began + 5.0 + number / count) for number in numbers]
        waiting.append(store.submit_all(changes))
        if len(waiting) > _UNDER_WAY:
            demand(waiting.popleft())
    for each in waiting:
        demand(each)
    store.close()


def _by_mac(number: int) -> Grounds:
    return Grounds(
        access=AccessKind.MAB,
        nas=_nas(),
        identity=Endpoint(mac=MacAddress(mac(number))),
        tenant=TENANT,
        key=f"mac:{mac(number)}",
        mac=mac(number),
    )


def _by_certificate(number: int) -> Grounds:
    named = guid(number)
    certificate = CertificateFacts(
        subject=f"CN={named}",
        issuer="CN=bench devices issuing",
        serial=f"{number:032x}",
        fingerprint=hashlib.sha256(b"%d" % number).hexdigest(),
        not_before=time.time() - 30 * _ONE_DAY_S,
        not_after=time.time() + 300 * _ONE_DAY_S,
        common_name=named,
        san_uris=(f"IntuneDeviceId://{named}",),
        anchor="devices",
    )
    return Grounds(
        access=AccessKind.DOT1X,
        nas=_nas(),
        identity=Device(
            id=DeviceId(guid=named, kind=DeviceIdKind.INTUNE),
            source=IdentitySource.CERTIFICATE,
            assurance=Assurance.CERTIFICATE,
        ),
        certificate=certificate,
        tenant=TENANT,
        key=f"guid:{named}",
        mac=mac(number),
        user=f"someone.{number}@contoso.example",
    )


def _nas() -> Nas:
    return Nas(name=site.NAS_NAME, vendor="generic", groups=frozenset(site.NAS_GROUPS))


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]))
