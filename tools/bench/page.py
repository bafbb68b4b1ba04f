"""The page ``docs/benchmarks.md``: figures, where they come from, what they are worth.

Knows: what a reader must be told. Refuses to know: how anything was measured.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from OpenSSL import SSL

from tools.bench import logins, report, site
from tools.bench.audit import figures as of_audit
from tools.bench.compliance import figures as of_compliance
from tools.bench.policy import figures as of_policies
from tools.bench.servers import freeradius
from tools.bench.servers.server import HOME, interpreter
from tools.bench.sessions import figures as of_sessions

_TEXT = """\
# Benchmarks

What a request costs nacd, beside FreeRADIUS doing the same on the same machine in the same minutes. The figures are
CPU time, not throughput: on a machine that others use too, CPU time is what can be compared, and one core divided by
it is the throughput. This page is written by `python -m tools.bench --record docs/benchmarks.md`; do not edit it.

{figures}

{targets}

## How to read it

- CPU time is user and system time of all processes and threads of a server, from the kernel's own clock in
  nanoseconds, divided by the requests answered. An EAP-TLS login counts as one, with all its packets, of which both
  servers need as many: {packets}.
- `nacd / side` is the median of the rounds' own ratios: a slow minute of the machine hits both sides of a pair.
  Below 1, nacd is cheaper. Rounds: {rounds}; each tried every side in turn, every second one backwards.
- `policy+line` is FreeRADIUS with the policy in `rlm_python3` and a JSON line of `linelog` an answer: the
  nearest to what nacd does. `line` decides by `files` (a hash of known MACs) and writes the line; `plain` only decides.
- `nacd` is what its Debian package holds, its hot path compiled; `nacd, not compiled` is the same source as it is, as
  the wheel and the container have it. Latency, memory and all tables below are of `nacd`.
- FreeRADIUS's run as one thread (`freeradius -s`), which costs FreeRADIUS less CPU time than the thread pool it
  usually runs with (`threads`); latency and memory are of the one thread, too.
- `bare UDP echo` is Python sending each datagram back. `bare pyOpenSSL` is the server's half of the handshake over
  memory BIOs in one process, without EAP, RADIUS, policy or audit; the client's half is not counted.
- Latency counts from the time at which a request was due, whether the load came to send it or not, to when the kernel
  had the last answer. Capacity is one core divided by the CPU time of a request. Of a login, the first three
  percentiles contain what the supplicant computes; `server` is only the time its requests were under way. A lost
  request counts as one that takes for ever. `sent late` is by how much the load itself was behind at worst.
- Memory of a half-open conversation is the growth of resident memory divided by their number, after a first tenth, on
  servers of their own. nacd's contains the answer it keeps for retransmissions.
{compliance}
{audit}
{policies}
{sessions}

## The same on both sides

- One core for the server, another for the load and the simulated Intune. The very same octets for MAB and accounting;
  for EAP-TLS the same supplicant: {group}, AES-256-GCM, one TLS version, a chain with one intermediate each way.
- EAP packets of at most {fragment:,} octets, no resumption, no tickets, client certificate required.
- Message-Authenticator required in requests and sent in answers; in each Accept a VLAN (three Tunnel attributes),
  Session-Timeout and Termination-Action, checked to be equal.
- {rules} rules, of which number {mab_rule} decides about a MAB and number {dot1x_rule} about a login, over a verdict of
  Intune that is in memory already. FreeRADIUS's policy holds its verdicts in a dict.
- A line of JSON is written before each answer leaves, and counted afterwards. nacd's is longer, because it says why;
  FreeRADIUS's has what admins put there. Octets of a line: {lines}.
- What is not the same: nacd always keeps its sessions, too. An Accept goes to its database (the answer does not wait
  for that), each accounting record is on the disk before it is answered. FreeRADIUS keeps sessions only in the cases of
  the session database; in `accounting, a line before the answer` it writes its line and no more. In `MAB, cached
  verdict` all endpoints were there before: of their sessions only the time is new, and that is written once for
  many; `MAB, never seen before` is the other end: each request begins a session, which is a row of its own.
- Every answer is checked: Response Authenticator, code, and for a login that the MPPE keys are those the supplicant
  worked out. A wrong answer ends the benchmark, and nothing is written here. A run in which an answer was lost is made
  anew, twice at most: {again}.

## Where nacd's time goes

Of `nacd` as its package has it, when this was written, by samples of whole stacks (`perf record -e cpu-clock
--call-graph dwarf -p PID`; `py-spy record --native -p PID` shows the same names). No one place stands out:

- MAB: the audit record 13 %, its line, link and write 10 %; reading, verifying and queueing the packet 10 %;
  attributes to names 9 %; who it is 8 %; policy, twice (before and after the verdict), 6 %; whether the login says
  anything new of its session 4 %; writing and signing the answer 5 %; the kernel's part of receiving and sending 9 %.
  The rest is spread over a hundred functions. What was done about the first three that a profile showed: two hundred
  rules were all tried, twice (now those of this NAS and this MAC are found by an index: 57 us became 4); each record
  was walked field by field for secrets (now the JSON encoder refuses what is no plain value, and only then it is
  walked: 80 us became 1); every answer had a write and a wake-up of its own (now one write for a slice of work: 12
  us). What was left was Python itself, a little everywhere: so the modules of the hot path are compiled.
- A login that begins a session costs 80 us more: half is the database's writer (INSERT with its indexes 26, packing 13,
  looking for the session that it may be 25), half the loop's (the values of the session, telling whoever listens).
  What was done: logins that say nothing new wait for company and are one statement without reading (130 us became 12),
  frozen values of each packet are made in half the time, and what has no name is one session, not one for each login.
- EAP-TLS, five packets: 53 % is OpenSSL's own, of which the handshake 45 (three signatures to verify, one to make,
  two keys to agree on) and the connection's beginning and end 3; the kernel 5 %, HMAC and MD5 2 %, the rest is spread
  over five times the path of a packet. What was done: certificates were parsed and judged part by part for each
  login, and read twice (now what they say is remembered: 350 us); the device was named twice (30 us); HMAC-MD5 looked
  its digest up in OpenSSL each time (now two copies of a keyed digest: half the time, ten times a login); each step
  of a handshake and each certificate in it was an object and a call in Python (now only a complaint or an alert is).
  Tried, and left out because it brought nothing that could be measured: OpenSSL called without pyOpenSSL's
  connection, and a larger cache of the allocator.
- The collector of cyclic garbage paused for 40 to 60 ms with 100,000 remembered answers; it now leaves alone what was
  there at the start, and looks at old objects seldom.

## The machine

{machine}

## How to repeat it

    make peers      # FreeRADIUS, unpacked under .peers/
    make bench

`python -m tools.bench --only mab` measures one case, `--rounds N` in N rounds; `--only sessions` the million and the
mass change, `--only policy` loading and deciding; `--quick` only shows that all works.

## What this does not show

- Other programs used {others:.0%} of the machine meanwhile. CPU time bears that; latency does not.
- Two cores of a virtual machine, loopback only: no network card, no switch, no distance, no disk that is slow.
- One machine's CPU and one version of each program. FreeRADIUS is Debian's, with Debian's OpenSSL; nacd brings its own.
- FreeRADIUS has answers for much that nacd does not do, and is configured here with nothing but what is compared.
- Nothing on what the real Intune adds: a verdict that is not cached waits for Microsoft.
- {endpoints} endpoints that come again and again: whatever a server remembers of them, it has in its caches.
"""


def page(results: report.Results) -> str:
    """The whole page, in Markdown."""
    figures = []
    for heading, columns, body in report.tables(results):
        figures.append(f"## {heading}\n\n{report.markdown_table(columns, body)}")
    targets = "\n".join(f"- {line}" for line in report.targets(results))
    return _TEXT.format(
        figures="\n\n".join(figures),
        targets=targets,
        rounds=results.rounds,
        others=results.others,
        again=_again(results),
        packets="; ".join(_packets(results)) or "not measured here",
        group=logins.GROUP,
        fragment=site.EAP_PACKET_OCTETS,
        rules=site.RULES,
        endpoints=site.ENDPOINTS,
        mab_rule=site.MAB_RULE,
        dot1x_rule=site.DOT1X_RULE,
        lines="; ".join(_line_octets(results)),
        compliance="\n".join(f"- {note}" for note in of_compliance.notes(results.compliance)),
        audit="\n".join(f"- {note}" for note in of_audit.notes(results.audit)),
        policies="\n".join(f"- {note}" for note in of_policies.notes(results.policies)),
        sessions="\n".join(f"- {note}" for note in of_sessions.notes(results.sessions)),
        machine="\n".join(f"- {line}" for line in machine()),
    )


def _packets(results: report.Results) -> Iterator[str]:
    for name, counts in results.packets.items():
        yield f"{name}: {' or '.join(f'{count:g}' for count in counts)} requests"


def _again(results: report.Results) -> str:
    counted = Counter(results.again)
    return ", ".join(f"{count} of {side}" for side, count in counted.items()) or "none here"


def _line_octets(results: report.Results) -> Iterator[str]:
    for what, sides in results.line_octets.items():
        yield f"{what} " + ", ".join(f"{side} {octets:,}" for side, octets in sides.items())


def machine() -> Iterator[str]:
    """What the figures were measured on, a line each."""
    model = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = [int(line.split()[1]) >> 20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")]
    yield f"{time.strftime('%Y-%m-%d', time.gmtime())}, {(model or ['unknown CPU'])[0]}, {os.cpu_count()} cores,"
    yield f"{(memory or [0])[0]} GiB of memory, Linux {platform.release()} ({platform.machine()})"
    yield f"nacd {version('nacd')} at commit {_said('git', '-C', str(HOME), 'rev-parse', '--short', 'HEAD')}"
    yield f"Python {_said(interpreter(), '-c', 'import sys; print(sys.version.split()[0])')} (`{interpreter()}`),"
    yield f"pyOpenSSL {version('pyopenssl')}, {SSL.OpenSSL_version(0).decode()}"
    libssl = _said("dpkg-query", "-W", "-f", "${Version}", "libssl3")
    yield f"{freeradius.version()} (Debian), OpenSSL {libssl}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def _said(*words: str) -> str:
    """What a program says on its standard output, ``unknown`` where there is none."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip() or "unknown"
