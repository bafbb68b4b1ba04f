"""A FreeRADIUS of the test's own: a proxy in front of nacd, or one that sends accounting by itself from a file.

Knows: the smallest configuration that proxies, asks for its home server's health, replicates and reads a
detail file. Refuses to know: nacd (it is an address) and what a test concludes.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.labs.unpacked import unpacked
from tests.peers.wire import SECRET

CONFIG = """\
name = {name}
libdir = {libdir}
logdir = {folder}
run_dir = {folder}
radacctdir = {folder}
max_request_time = 10
cleanup_delay = 2
hostname_lookups = no
log {{
    destination = stdout
}}
security {{
    reject_delay = 0
    status_server = yes
}}
proxy_requests = yes
thread pool {{
    start_servers = 1
    max_servers = 2
}}

client everybody {{
    ipaddr = 127.0.0.0/8
    secret = {secret}
    require_message_authenticator = {signed_only}
}}

home_server next_auth {{
    type = auth
    ipaddr = {auth[0]}
    port = {auth[1]}
    src_ipaddr = {address}
    secret = {secret}
    {health}
}}
home_server next_acct {{
    type = acct
    ipaddr = {accounting_to[0]}
    port = {accounting_to[1]}
    src_ipaddr = {address}
    secret = {secret}
    {health}
}}
home_server_pool next_auth {{
    type = fail-over
    home_server = next_auth
}}
home_server_pool next_acct {{
    type = fail-over
    home_server = next_acct
}}
realm next {{
    auth_pool = next_auth
    acct_pool = next_acct
    nostrip
}}

modules {{
    always ok {{
        rcode = ok
    }}
    detail kept {{
        filename = {folder}/kept
    }}
    replicate {{
    }}
}}

server front {{
    listen {{
        type = auth
        ipaddr = {address}
        port = {port}
    }}
    listen {{
        type = acct
        ipaddr = {address}
        port = {accounting_port}
    }}
    authorize {{
        update control {{
            &Proxy-To-Realm := "next"
        }}
    }}
    preacct {{
        {before_accounting}
    }}
    accounting {{
        {accounting}
    }}
}}
"""

STATUS_SERVER = "status-server"
PROBE = 'request\n    username = "probe"\n    password = "not looked at"'
"""How it asks a home server that it doubts: by Status-Server, or by a made-up login (RFC 5997 section 1)."""

HEALTH = """\
response_window = {patience_s}
    response_timeouts = 1
    zombie_period = 30
    status_check = {check}
    check_interval = 6
    check_timeout = 4
    num_answers_to_alive = 3"""

FORWARD = 'update control { &Proxy-To-Realm := "next" }'


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """What it does with accounting: unlang before and in its ``accounting`` section, and further servers."""

    before: str = ""
    then: str = "ok"
    more: str = ""


PROXIED = Accounting(before=FORWARD)
"""Forwarded; the home server's answer is passed back."""

REPLICATED = Accounting(before='update control { &Replicate-To-Realm := "next" }\n        replicate')
"""Answered at once; a copy goes out that nobody waits for."""

KEPT = Accounting(
    then="kept",
    more="""\
server from_file {{
    listen {{
        type = detail
        filename = {folder}/kept
        load_factor = 100
        poll_interval = 1
        retry_interval = 1
    }}
    preacct {{
        update control {{ &Proxy-To-Realm := "next" }}
    }}
    accounting {{
        ok
    }}
}}
""",
)
"""Answered at once and written to a file, which FreeRADIUS reads and sends on, again and again until it is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeradius:
    """A running FreeRADIUS. auth, accounting: where it listens. log_file: its debug output."""

    auth: tuple[str, int]
    accounting: tuple[str, int]
    log_file: Path
    process: subprocess.Popen[str]

    @property
    def ports(self) -> tuple[int, int]:
        return self.auth[1], self.accounting[1]

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, words: str, within_s: float = 15.0) -> None:
        """Until its debug output has these words."""
        deadline = time.monotonic() + within_s
        while words not in (text := self.log):
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"FreeRADIUS did not say `{words}` within {within_s:.0f} s:\n{text[-4000:]}")
            time.sleep(0.02)


class Freeradii:
    """Starts them; the ``peer`` fixture ends them."""

    def __init__(self, program: Any, folder: Path, free_udp_port: Callable[[str], int]) -> None:
        self._program = program
        self._folder = folder
        self._free_udp_port = free_udp_port

    def __call__(
        self,
        address: str,
        auth: tuple[str, int],
        accounting: tuple[str, int],
        *,
        does: Accounting = PROXIED,
        signed_only: bool = True,
        patience_s: int = 8,
        check: str = STATUS_SERVER,
    ) -> Freeradius:
        """One on ``address`` (of 127.0.0.0/8) that forwards to those two.

        does: with accounting. signed_only: whether it wants a Message-Authenticator of its own clients.
        patience_s: seconds without an answer until it doubts its home server. check: STATUS_SERVER, PROBE.
        """
        folder = self._folder / f"freeradius-{address}"
        folder.mkdir()
        ports = self._free_udp_port(address), self._free_udp_port(address)
        config = CONFIG.format(
            name=folder.name,
            libdir=unpacked("usr/lib/freeradius"),
            folder=folder,
            secret=SECRET,
            signed_only="yes" if signed_only else "no",
            address=address,
            port=ports[0],
            accounting_port=ports[1],
            auth=auth,
            accounting_to=accounting,
            health=HEALTH.format(patience_s=patience_s, check=check),
            before_accounting=does.before or "ok",
            accounting=does.then,
        )
        (folder / "radiusd.conf").write_text(config + does.more.format(folder=folder), encoding="utf-8")
        (folder / "dictionary").write_text("", encoding="utf-8")
        log = folder / "log"
        with log.open("w") as output:
            process = self._program.popen(["-d", folder, "-fX"], stdout=output)
        running = Freeradius(auth=(address, ports[0]), accounting=(address, ports[1]), log_file=log, process=process)
        running.wait_for("Ready to process requests")
        return running
