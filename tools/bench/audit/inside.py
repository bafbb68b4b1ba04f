"""Records of decisions inside one fresh process: what one takes, and how many a second one writer bears.

``python -m tools.bench.audit.inside FOLDER RECORDS ROUNDS SECONDS`` prints one line of JSON. Knows: nacd's events, its
recorder and its writer from inside. Refuses to know: daemons, and what is done with the figures.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nacd.audit import blocks, events
from nacd.audit.repeats import Repeats
from nacd.server.drops import Drops
from nacd.server.recorder import Recorder
from nacd.server.reload import starting
from nacd.store.trail.log import AuditLog
from nacd.store.trail.writing.options import Options
from nacd.values import (
    AccessKind,
    AccessRequest,
    Assurance,
    Attempt,
    AttemptOutcome,
    Attribute,
    AuditEvent,
    AuditValue,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Decision,
    Effect,
    Endpoint,
    IdentitySource,
    Instant,
    MacAddress,
    Named,
    Nas,
    Rendered,
    Secret,
)
from tools.bench.audit.figures import RECORDS_A_SECOND

_ENDPOINTS: Final = 1_000
_SWITCHES: Final = 50
_SLICE: Final = 8
_EVERY_S: Final = 0.01
_FILE_OCTETS: Final = 256_000_000
_TAIL: Final = len(b',"link":"') + 64 + len(b'"}\n')


class Logins:
    """Everything that a decision's record is made of, for a thousand endpoints."""

    def __init__(self) -> None:
        self._nases = [
            Nas(
                name=f"access-{number}",
                vendor="cisco-ios",
                groups=frozenset({"campus", "wired"}),
                location=f"building {number % 7}, floor {number % 4}",
            )
            for number in range(_SWITCHES)
        ]
        attributes = (
            Attribute(name="Tunnel-Type", value="VLAN", tag=1),
            Attribute(name="Tunnel-Medium-Type", value="IEEE-802", tag=1),
            Attribute(name="Tunnel-Private-Group-Id", value="120", tag=1),
            Attribute(name="Session-Timeout", value=28_800),
            Attribute(name="Termination-Action", value="RADIUS-Request"),
        )
        self._rendered = Rendered(profile="corporate", vendor="cisco-ios", attributes=attributes, octets=b"")
        self._shown = blocks.attributes(attributes)
        self._known = [self._about(number) for number in range(_ENDPOINTS)]

    def _about(self, number: int) -> tuple[AccessRequest, Named, Compliance, Decision]:
        mac = MacAddress(f"00-11-85-02-{number // 256:02X}-{number % 256:02X}")
        request = AccessRequest(
            nas=self._nases[number % _SWITCHES],
            source=f"10.20.{number % _SWITCHES}.1",
            source_port=50_000 + number,
            nas_identifier=f"access-{number % _SWITCHES}.example.test",
            nas_address=f"10.20.{number % _SWITCHES}.1",
            nas_port=str(50_100 + number % 48),
            nas_port_id=f"GigabitEthernet1/0/{number % 48}",
            nas_port_type="Ethernet",
            user_name=mac.hex12.lower(),
            calling_station_id=mac.text,
            called_station_id="00-11-22-33-44-55",
            acct_session_id=f"{number:08X}",
            cisco_av_pairs=(f"audit-session-id=0A14{number:020X}",),
        )
        attempts = (
            Attempt(source=IdentitySource.CERTIFICATE, outcome=AttemptOutcome.ABSENT, detail="no certificate"),
            Attempt(source=IdentitySource.MAC, outcome=AttemptOutcome.FOUND, detail=""),
        )
        identity = Endpoint(mac=mac, source=IdentitySource.MAC, assurance=Assurance.MAC)
        named = Named(access=AccessKind.MAB, identity=identity, mac=mac.text, tenant="intune", attempts=attempts)
        known = Compliance(
            state=ComplianceState.COMPLIANT,
            as_of=time.time() - number,
            source=ComplianceSource.CACHE,
            detail="",
            provider="nac",
        )
        decision = Decision(
            effect=Effect.ALLOW,
            rule="managed by mac",
            profile="corporate",
            reasons=("access is mab", f"mac {mac} is one of 00-11-85-02-*", "compliance is compliant"),
            policy_digest="ab" * 32,
        )
        return request, named, known, decision

    def record(self, number: int, now: Instant) -> AuditEvent:
        """As the daemon makes it for the next login of an endpoint."""
        request, named, known, decision = self._known[number % _ENDPOINTS]
        token: AuditValue = {"name": "Class", "value": f"0x{number:042x}"}
        return events.decision(
            request=request,
            named=named,
            compliance=known,
            decision=decision,
            rendered=self._rendered,
            shown=[*self._shown, token],
            latency_ms=0.25,
            now=now,
        )


def _instant() -> Instant:
    return Instant(wall=time.time(), monotonic=time.monotonic())


def _recorder(folder: Path) -> Recorder:
    key = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    options = Options(
        head=folder,
        sync="batch",
        rotate_octets=_FILE_OCTETS,
        checkpoint_records=10_000,
        checkpoint_s=60.0,
        key=Secret(key),
    )
    log = AuditLog(folder / "audit.jsonl", options=options)
    return Recorder(log=log, repeats=Repeats(), drops=Drops(), continue_when_full=False, warn_at_percent=99)


def one_decision(folder: Path, records: int, rounds: int) -> dict[str, Any]:
    """CPU nanoseconds of a record, made and written, in each round."""
    folder.mkdir()
    logins, recorder = Logins(), _recorder(folder)
    built, written, asking = [], [], _asking_ns() / _SLICE
    for _ in range(rounds + 1):
        making = writing = 0
        for first in range(0, records, _SLICE):
            now = _instant()
            began = time.process_time_ns()
            made = [logins.record(first + number, now) for number in range(_SLICE)]
            between = time.process_time_ns()
            recorder.take(made, now)
            making, writing = making + between - began, writing + time.process_time_ns() - between
        recorder.tick(_instant())
        built.append(making / records - asking)
        written.append(writing / records - asking)
    recorder.close(_instant())
    octets = sum(file.stat().st_size for file in folder.glob("audit*.jsonl"))
    return {"built": built[1:], "written": written[1:], "octets": octets // (records * (rounds + 1))}


def _asking_ns() -> float:
    """What it takes to ask for the CPU time itself, which is a call of the kernel."""
    many = 10_000
    began = time.process_time_ns()
    for _ in range(many):
        time.process_time_ns()
    return (time.process_time_ns() - began) / many


def sustained(folder: Path, rate: int, seconds: float) -> dict[str, Any]:
    """One writer at a pace; whether what it has written is one chain."""
    folder.mkdir()
    logins, recorder = Logins(), _recorder(folder)
    each, numbers = int(rate * _EVERY_S), iter(range(1 << 62))
    began, cpu, behind_s, ticked = time.monotonic(), time.process_time(), 0.0, 0.0
    turns = int(seconds / _EVERY_S)
    for turn in range(turns):
        due = began + turn * _EVERY_S
        while (ahead := due - time.monotonic()) > 0:
            time.sleep(ahead)
        now = _instant()
        if not recorder.take([logins.record(number, now) for number in islice(numbers, each)], now):
            raise RuntimeError("the disk did not take the records")
        if now.monotonic - ticked >= 1.0:
            ticked = now.monotonic
            recorder.tick(now)
        behind_s = max(behind_s, time.monotonic() - due)
    took, spent = time.monotonic() - began, time.process_time() - cpu
    recorder.close(_instant())
    files = [*sorted(folder.glob("audit-*.jsonl")), folder / "audit.jsonl"]
    counted, whole = _checked(files)
    return {
        "records": turns * each,
        "seconds": took,
        "behind_s": behind_s,
        "cpu": spent / took,
        "octets": sum(file.stat().st_size for file in files),
        "files": len(files),
        "whole": whole and counted >= turns * each,
    }


def _lines(files: Sequence[Path]) -> Iterator[bytes]:
    for file in files:
        with file.open("rb") as lines:
            yield from lines


def _checked(files: Sequence[Path]) -> tuple[int, bool]:
    """How many lines there are, and whether each is tied to the one before."""
    link, count = b"0" * 64, 0
    for line in _lines(files):
        link = hashlib.sha256(link + line[:-_TAIL]).hexdigest().encode()
        count += 1
        if line[-_TAIL:] != b',"link":"' + link + b'"}\n':
            return count, False
    return count, True


if __name__ == "__main__":
    starting.settle()  # as the daemon does when it is ready
    where, records, rounds, seconds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    print(
        json.dumps(
            {
                "decision": one_decision(where / "decision", records, rounds),
                "sustained": sustained(where / "sustained", RECORDS_A_SECOND, seconds),
            }
        )
    )
