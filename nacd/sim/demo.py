"""The demo: the main job on loopback, told as a story that checks itself.

Knows: the stage (demo PKI, simulated Microsoft, the daemon as a process of its own) and what each
step must come to, as an admin would say it. Believes only what came back in packets and what stands in the
audit file. Imports nothing of the daemon: it is started by its command line.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nacd.sim.demo_stage import PRINTER, Stage, StageError, stage
from nacd.sim.nas_reply import Reply
from nacd.sim.pki import COMPLIANT_GUID
from nacd.sim.supplicant import LoginResult

STRANGER = "00-50-56-C0-FF-EE"
_WIDTH = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a step must come to. attributes: names and values that the answer must have."""

    code: str
    rule: str
    identity: str
    compliance: str
    attributes: tuple[tuple[str, str], ...] = ()
    tls: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One step: its title, what to do on the stage, and what must come of it. proof: an event that must follow."""

    title: str
    play: Callable[[Stage], Reply | LoginResult]
    expected: Expected
    proof: str = ""


def _outage(on: Stage) -> LoginResult:
    on.microsoft.fault("outage", mode="refused")
    return on.laptop("newcomer")


ACTS = (
    Act(
        title="compliant laptop, EAP-TLS 1.3",
        play=lambda on: on.laptop("compliant"),
        expected=Expected(
            code="Access-Accept",
            rule="compliant device",
            identity="certificate",
            compliance="compliant",
            attributes=(("Tunnel-Private-Group-Id", "120"),),
            tls="TLSv1.3",
        ),
    ),
    Act(
        title="noncompliant laptop",
        play=lambda on: on.laptop("noncompliant"),
        expected=Expected(
            code="Access-Accept",
            rule="fix your device",
            identity="certificate",
            compliance="noncompliant",
            attributes=(("Tunnel-Private-Group-Id", "999"),),
        ),
    ),
    Act(
        title="VPN with AnyConnect device id",
        play=lambda on: on.concentrator.vpn("alice", device_uid=f"ID:Intune:DeviceID:{COMPLIANT_GUID}"),
        expected=Expected(
            code="Access-Accept",
            rule="compliant vpn",
            identity="vpn",
            compliance="compliant",
            attributes=(("ASA-Group-Policy", "CORP"),),
        ),
    ),
    Act(
        title="printer on the list, MAB",
        play=lambda on: on.switch.mab(PRINTER),
        expected=Expected(
            code="Access-Accept",
            rule="known printers",
            identity="mac",
            compliance="not_asked",
            attributes=(("Tunnel-Private-Group-Id", "140"),),
        ),
    ),
    Act(
        title="unknown MAC, MAB",
        play=lambda on: on.switch.mab(STRANGER),
        expected=Expected(code="Access-Reject", rule="default-deny", identity="mac", compliance="not_asked"),
    ),
    Act(
        title="laptop of 1 fails while online",
        play=lambda on: on.turns("compliant", compliant=False),
        expected=Expected(
            code="Access-Accept",
            rule="fix your device",
            identity="certificate",
            compliance="noncompliant",
            attributes=(("Tunnel-Private-Group-Id", "999"),),
        ),
        proof="session.converged",
    ),
    Act(
        title="... and is repaired",
        play=lambda on: on.turns("compliant", compliant=True),
        expected=Expected(
            code="Access-Accept",
            rule="compliant device",
            identity="certificate",
            compliance="compliant",
            attributes=(("Tunnel-Private-Group-Id", "120"),),
        ),
        proof="session.converged",
    ),
    Act(
        title="new laptop, Intune unreachable",
        play=_outage,
        expected=Expected(
            code="Access-Accept",
            rule="intune unreachable",
            identity="certificate",
            compliance="unavailable",
            attributes=(("Tunnel-Private-Group-Id", "999"),),
        ),
    ),
)


def play(folder: Path, daemon: Sequence[str]) -> int:
    """Play every act. folder: for keys, secrets, configuration and audit file. 0 if all came out as expected."""
    try:
        with stage(folder, daemon) as on:
            print("nacd demo: everything on loopback, nothing leaves this machine")
            for line in on.scenery():
                print(f"  {line}")
            failed = sum(not _perform(number, act, on) for number, act in enumerate(ACTS, 1))
            print(f"\naudit file: {on.audit_file}")
    except StageError as broken:
        print(f"the demo cannot be played: {broken}", file=sys.stderr)
        return 1
    print("every step came out as expected" if not failed else f"{failed} of {len(ACTS)} steps did NOT come out")
    return 1 if failed else 0


def stay(folder: Path, daemon: Sequence[str]) -> int:
    """Set the stage on the usual ports where they are free, say what to send to it, wait for Ctrl-C."""
    try:
        with stage(folder, daemon, usual_ports=True) as on:
            print("nacd runs on the demo set-up; stop it with Ctrl-C")
            on.laptop("compliant")
            for line in (*on.scenery(), *on.suggestions()):
                print(f"  {line}", flush=True)
            ended = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: ended.set())
            while not ended.wait(0.5) and on.daemon_runs():
                pass
            return 0 if on.daemon_runs() else 3
    except StageError as broken:
        print(f"the demo cannot be started: {broken}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped")
        return 0


def _perform(number: int, act: Act, on: Stage) -> bool:
    """Play one act and tell what came of it: the answer from the wire, the reasons from the audit file."""
    seen = len(on.audit())
    came = act.play(on)
    record = on.record_after(seen)
    proof = on.record_after(seen, act.proof, nas="demo-switch") if act.proof else {}
    wrong = _wrong(act.expected, came, record)
    wrong += [f"no record `{act.proof}` follows"] if act.proof and not proof else []
    identity, compliance, decision = (
        record.get("identity", {}),
        record.get("compliance", {}),
        record.get("decision", {}),
    )
    named = identity.get("id") or identity.get("mac") or identity.get("detail") or "?"
    age = f", {compliance['age_s']:.0f} s old" if compliance.get("age_s", -1) >= 0 else ""
    print(f"\n{number} {act.title:<{_WIDTH}} {came.code_name:<14} {'ok' if not wrong else 'WRONG'}")
    print(f"  {named} by {identity.get('source') or '?'}; {compliance.get('state')}{age} ({compliance.get('source')})")
    print(f"  rule `{decision.get('rule')}` -> {_shown(came) or 'no attributes'}")
    if proof:
        print(f"  {proof.get('why')}")
    for complaint in wrong:
        print(f"  WRONG: {complaint}")
    return not wrong


def _wrong(expected: Expected, came: Reply | LoginResult, record: dict[str, dict[str, object]]) -> list[str]:
    identity, compliance, decision = (
        record.get("identity", {}),
        record.get("compliance", {}),
        record.get("decision", {}),
    )
    pairs: list[tuple[str, object, object]] = [
        ("answer", came.code_name, expected.code),
        ("rule", decision.get("rule"), expected.rule),
        ("identity source", identity.get("source"), expected.identity),
        ("compliance", compliance.get("state"), expected.compliance),
    ]
    if isinstance(came, LoginResult) and expected.tls:
        pairs += [("TLS version", came.tls_version, expected.tls), ("keys", came.keys, "match")]
    pairs += [(name, _text(came.first(name)), value) for name, value in expected.attributes]
    return [f"{what} is `{is_}`, expected `{should}`" for what, is_, should in pairs if is_ != should]


def _shown(came: Reply | LoginResult) -> str:
    hidden = ("Message-Authenticator", "EAP-Message", "State", "MS-MPPE-Send-Key", "MS-MPPE-Recv-Key", "Class")
    return ", ".join(f"{name}={_text(value)}" for name, value in came.attributes if name not in hidden)


def _text(value: object) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
