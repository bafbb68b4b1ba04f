"""``nacd whatif`` over a large audit log: how many records a second, and how much memory.

Run with ``python -m tools.bench.replay --records 1000000``. The records are made by nacd's own builders for a site with
20,000 laptops and as many strangers; the policies that are tried out differ in one rule, one of them by an age, so that
nothing can be remembered across records. Refuses to know: what a record means.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nacd.audit import events
from nacd.audit.blocks import attributes
from nacd.audit.line import line
from nacd.authorize import facts_of
from nacd.config.load import load
from nacd.policy.evaluate import evaluate
from nacd.server.assembly import Assembled, assemble
from nacd.server.clock import instant
from nacd.values import (
    AccessKind,
    AccessRequest,
    Assurance,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    Endpoint,
    Identity,
    IdentitySource,
    Instant,
    MacAddress,
    Named,
    Nas,
    NoCertificate,
)
from tools.bench import site

LAPTOPS: Final = 20_000
_SPAN_S: Final = 80_000
_STATES: Final = ("compliant", "noncompliant", "not_managed", "unknown", "unavailable")
_WEIGHTS: Final = (90, 5, 2, 1, 2)
_NAS: Final = Nas(name="switch", vendor="cisco-ios", groups=frozenset({"wired"}))
CONFIG: Final = """\
clients:
  - {name: switch, network: 10.1.0.0/24, secret: "file:switch.secret", vendor: cisco-ios, groups: [wired]}
intune:
  tenant: contoso.example
  client_id: 00000000-0000-0000-0000-00000000000a
  credential: {secret: "file:app.secret"}
policy: policy.yaml
audit: {file: audit.jsonl}
state: state
"""
POLICY: Final = """\
profiles:
  corporate: {vlan: 120}
  quarantine: {vlan: 999}
rules:
  - {name: healthy, when: {access: dot1x, identity: certificate, compliance: compliant}, then: corporate}
  - {name: broken, when: {access: dot1x, compliance: [noncompliant, unavailable]}, then: quarantine}
  - {name: printers, when: {access: mab, mac: "00-80-77-*"}, then: quarantine}
"""
TRIED: Final = {
    "one rule changed": ("[noncompliant, unavailable]", "unavailable"),
    "a rule on an age": ("compliance: compliant}", "compliance: compliant, compliance_age: {at_most: 30m}}"),
}


def lines(assembled: Assembled, count: int, now: float) -> Iterator[bytes]:
    """Records of the last day, oldest first; four of five by certificate, the rest by MAC. Always the same."""
    chance = random.Random(1)
    states = chance.choices([ComplianceState(state) for state in _STATES], _WEIGHTS, k=LAPTOPS)
    for number in range(count):
        device = chance.randrange(LAPTOPS)
        at = now - _SPAN_S + number * _SPAN_S / count
        known = Compliance(
            state=states[device], as_of=at - chance.uniform(0, 3_000), source=ComplianceSource.CACHE, provider="nac"
        )
        yield _line(assembled, _named(device, by_certificate=chance.random() < 0.8), known, at)


def _named(device: int, *, by_certificate: bool) -> Named:
    # A stranger's MAC is not that of a laptop.
    mac = f"{'00-11-85' if by_certificate else '00-1B-77'}-00-{device >> 8:02X}-{device & 0xFF:02X}"
    identity: Identity = Endpoint(mac=MacAddress(mac))
    if by_certificate:
        guid = DeviceId(guid=site.guid(device))
        identity = Device(id=guid, source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)
    shown = CertificateFacts(
        subject=f"CN=pc-{device}",
        issuer="CN=Devices CA,O=Contoso",
        serial=f"{device:x}",
        fingerprint=f"{device:064x}",
        not_before=0.0,
        not_after=4e9,
        san_uris=(f"IntuneDeviceId://{site.guid(device)}",),
        anchor="devices",
    )
    return Named(
        access=AccessKind.DOT1X if by_certificate else AccessKind.MAB,
        identity=identity,
        attempts=(),
        certificate=shown if by_certificate else NoCertificate(),
        mac=mac,
        tenant="intune",
    )


def _line(assembled: Assembled, named: Named, known: Compliance, at: float) -> bytes:
    request = AccessRequest(
        nas=_NAS, source="10.1.0.5", source_port=50_000, nas_port="50101", nas_port_id="Gi1/0/1", user_name=named.mac
    )
    now = Instant(wall=at, monotonic=at)
    facts = facts_of(request, named, known, now)
    decision = evaluate(assembled.loaded.policy, facts)
    rendered = assembled.rendered.get((decision.profile, _NAS.vendor))
    return line(
        events.decision(
            request=request,
            named=named,
            compliance=known,
            decision=decision,
            rendered=rendered,
            shown=attributes(rendered.attributes) if rendered else [],
            latency_ms=1.0,
            link=facts.link,
            now=now,
        )
    )


def prepare(folder: Path, count: int) -> Path:
    """A site with its audit log. Returns its configuration."""
    for name in ("switch", "app"):
        secret = folder / f"{name}.secret"
        secret.touch(mode=0o600)
        secret.write_text("a-secret-of-twenty-four-c")
    config = folder / "nacd.yaml"
    config.write_text(CONFIG)
    (folder / "policy.yaml").write_text(POLICY)
    assembled = assemble(load(config), instant())
    with (folder / "audit.jsonl").open("wb") as file:
        file.writelines(lines(assembled, count, instant().wall))
    return config


def measure(config: Path, change: tuple[str, str]) -> tuple[float, float, str]:
    """Wall and CPU seconds of one ``nacd whatif``, and what it says of the changes."""
    tried = config.parent / "tried.yaml"
    tried.write_text(POLICY.replace(*change))
    words = [sys.executable, "-m", "nacd", "whatif", "--config", str(config), "--policy", str(tried), "--examples", "0"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    wall_s, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 1 or "verified: " not in done.stdout:
        raise SystemExit(f"nacd whatif did not come to its end:\n{done.stdout}{done.stderr}")
    said = next(text for text in done.stdout.splitlines() if text.startswith("changes"))
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    count = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        config = prepare(Path(folder), count)
        octets = (Path(folder) / "audit.jsonl").stat().st_size
        print(f"{count:,} records of {2 * LAPTOPS:,} endpoints, {octets >> 20} MiB")
        for name, change in TRIED.items():
            wall_s, cpu_s, said = measure(config, change)
            print(f"{name}: {wall_s:.1f} s, {cpu_s:.1f} s of CPU, {count / cpu_s:,.0f} records a CPU second; {said}")
        print(f"peak memory: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10} MiB")


if __name__ == "__main__":
    main()
