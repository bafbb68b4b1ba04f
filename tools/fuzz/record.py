"""What a run says of itself: a line each minute, and the page ``docs/fuzzing.md`` at its end.

Knows: words and tables. Refuses to know: how a run is made.
"""

from __future__ import annotations

import datetime
import platform
import subprocess
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tools.compiled.modules import MODULES
from tools.fuzz.engine import MEMORY_BOUND_MIB, Found, Run, Tally

_WHAT = {
    "packet": "RADIUS decoder, both readers of attributes (vendor's, tunnel tags), MAC addresses",
    "door": "a broken request signed anew: admission, queue, EAP, identity, policy, audit record, answer; accounting; "
    "Status-Server",
    "intune": "Compliance Retrieval's XML and JSON, service description, Graph's list, error bodies, Retry-After",
    "certificate": "facts and device of a broken certificate",
    "eap": "the EAP state machine, fed with sequences of up to twelve packets",
    "capture": "pcap, pcapng and hex files for `nacd explain`",
    "yaml": "YAML, and whole configurations",
    "tls": "real EAP-TLS handshakes with one flight broken, or with a certificate broken and then well signed",
}


def line(run: Run) -> str:
    """How far it is: executions, rate, time left, and how far the door's packets came."""
    tally = run.tally
    done, spent = tally.executions(), time.monotonic() - run.began
    rate = done / spent if spent else 0.0
    left = max(0.0, run.total - done) / rate if rate else 0.0
    words = f"{done:,} of {run.total:,} ({done / run.total:.0%}), {rate:,.0f}/s, {_span(left)} left"
    state = f"{tally.peak_mib:.0f} MiB (+{tally.growth_mib:.1f}); {len(tally.findings)} findings"
    return f"{words}; {state}; door: {stages(tally, 'door')}"


def stages(tally: Tally, name: str) -> str:
    """``decoded 92 %, past Message-Authenticator 77 %`` ..."""
    if not tally.executions(name):
        return "-"
    return ", ".join(f"{stage} {tally.share(name, bit):.0%}" for bit, stage in enumerate(stage_names(name)))


def stage_names(name: str) -> tuple[str, ...]:
    """The stages of a target, without setting it up."""
    from tools.fuzz import documents, door, rooms, tls

    classes = (rooms.Packets, rooms.Certificates, rooms.Captures, documents.Answers, documents.Configurations)
    named = {one.name: one.stages for one in (*classes, door.Door, tls.Sequences, tls.Handshakes)}
    return named[name]


def again(found: Found, seed: int) -> str:
    """The command that shows a finding once more."""
    what = f"--repeat {found.target} {found.file}"
    if not found.file:
        what = f"--only {found.target} --seed {seed} --round {found.round}"
    return f"python -m tools.fuzz --code {found.code} {what}"


def page(run: Run, seed: int, copies: Sequence[Path | None]) -> str:
    """The whole record in Markdown. copies: as ``Run`` has them."""
    tally = run.tally
    spent = time.monotonic() - run.began
    done = tally.executions()
    parts = [
        "# Fuzzing",
        "",
        "Written by `make fuzz`, not by hand.",
        "",
        f"- {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, commit `{_commit()}`",
        f"- {_machine()}, {_processes(copies)}; Python {platform.python_version()}, pyOpenSSL {version('pyopenssl')}, "
        f"cryptography {version('cryptography')}",
        f"- {done:,} executions in {_span(spent)}: {done / spent:,.0f} a second over all targets",
        f"- **{len(tally.findings)} findings**",
        f"- memory: at most {tally.peak_mib:.0f} MiB a process; {tally.growth_mib:.1f} MiB more than after the warm-up "
        f"at most ({MEMORY_BOUND_MIB} are allowed)",
        "",
        "| target | what | executions | a second and process | how far they came |",
        "|---|---|---:|---:|---|",
    ]
    for name in _WHAT:
        count = tally.executions(name)
        if count:
            rate = count / max(tally.seconds[name], 1e-9)
            parts.append(f"| `{name}` | {_WHAT[name]} | {count:,} | {rate:,.0f} | {stages(tally, name)} |")
    if done < run.total:
        parts += ["", f"The run was stopped before its end: {run.total:,} executions were asked for."]
    if tally.findings:
        parts += ["", "## Findings", ""]
        parts += [
            f"- `{found.target}` ({found.code}), {found.words}: `{again(found, seed)}`" for found in tally.findings
        ]
    return "\n".join([*parts, "", *_HOW.format(total=run.total, seed=seed, processes=len(copies)).splitlines(), ""])


def _processes(copies: Sequence[Path | None]) -> str:
    compiled = sum(copy is not None for copy in copies)
    return f"{len(copies)} processes, {compiled} of them with the hot path as machine code ({len(MODULES)} modules)"


_HOW = """\
## What counts as a finding

An exception that is not documented. A process that dies. A reply to a packet whose signatures an independent reader
does not find right, or no reply's worth of belief for one where it does. A reply that is not well-formed, longer than
4,096 octets, for another Identifier, without Message-Authenticator first and valid, or without the Proxy-States of its
request. An Access-Accept that nothing in the request can have earned: not the printer's MAC, not the compliant
device's GUID from the concentrator, not a handshake by a genuine peer that ended with the same keys on both sides.
`compliant` out of an answer in which another parser finds no such words. A device id that is not in the certificate.
Tables that hold something after an hour of silence. Memory that grows.

Replies are checked by code on `hashlib` alone, every 256th by the simulated NAS too.

## What it does not cover

Sockets, the event loop and threads; the limits on beginnings and failing endpoints (they are set so high that nobody
is held back); Microsoft's sign-in (msal); the simulators. The plain engine is blind: it does not look at branches.
The coverage-guided one does (`python -m tools.fuzz --engine atheris --only door --seconds 600`); `make test` runs
both for some seconds.

## How to repeat it

    make fuzz                                                     # this run
    python -m tools.fuzz --total {total} --seed {seed} --processes {processes} --code both    # the same inputs
    python -m tools.fuzz --code compiled --repeat door .state/fuzz/door-0123456789ab  # one finding, from its octets

Each input goes to one process: every other 10,000 to nacd as its source is, the rest to what its Debian package holds.
`make test` gives the same inputs to both, and asks that they come equally far.

The seed number fixes every mutation. Keys and certificates are made anew in each process, so handshakes and
certificates have the same changes at the same places, not the same octets; findings are kept as octets for that.
"""


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _commit() -> str:
    def ask(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()

    changed = " with uncommitted changes" if ask("status", "--porcelain", "--", "nacd") else ""
    return (ask("rev-parse", "--short", "HEAD") or "unknown") + changed


def _machine() -> str:
    model = "processor of unknown make"
    cpus = Path("/proc/cpuinfo")
    for row in cpus.read_text(encoding="utf-8").splitlines() if cpus.exists() else ():
        if row.startswith("model name"):
            model = row.partition(":")[2].strip()
            break
    return f"{model} ({platform.machine()}, {platform.system()} {platform.release()})"
