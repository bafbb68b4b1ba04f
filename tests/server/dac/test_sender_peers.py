"""FreeRADIUS's own CoA server as the NAS, and tshark as the judge of every octet."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.radius.packet import attribute
from nacd.server.dac.sender import Target
from nacd.sessions import Meaning
from tests.labs.unpacked import unpacked
from tests.peers.wire import SECRET
from tests.server.dac.box import COA, DISCONNECT, QUICK, Client, boxes, is_silent, refuses, with_client
from tests.server.dac.box import SECRET as BOX_SECRET

pytestmark = [pytest.mark.peer, pytest.mark.slow]

HOST = "127.77.1.5"

CONFIG = """\
name = coa-server
libdir = {libdir}
logdir = {folder}
run_dir = {folder}
radacctdir = {folder}
max_request_time = 10
cleanup_delay = 5
hostname_lookups = no
log {{
    destination = stdout
}}
thread pool {{
    start_servers = 1
    max_servers = 2
}}
client everybody {{
    ipaddr = 127.0.0.0/8
    secret = {secret}
}}
modules {{
    always ok {{
        rcode = ok
    }}
    always reject {{
        rcode = reject
    }}
    always do_not_respond {{
        rcode = handled
    }}
}}
server coa {{
    listen {{
        type = coa
        ipaddr = {host}
        port = {port}
    }}
    recv-coa {{
        if (&User-Name == "fits") {{
            ok
        }}
        elsif (&User-Name == "silence") {{
            update control {{
                &Response-Packet-Type := Do-Not-Respond
            }}
            do_not_respond
        }}
        else {{
            update reply {{
                &Error-Cause := "%{{User-Name}}"
            }}
            reject
        }}
    }}
    send-coa {{
        ok
    }}
}}
"""


def user(name: str) -> bytes:
    return attribute(1, name.encode())


@pytest.fixture
def freeradius(peer: Callable[[str], Any], tmp_path: Path, free_udp_port: Callable[[str], int]) -> tuple[int, Path]:
    """Its port, and its debug output."""
    folder = tmp_path / "coa-server"
    folder.mkdir()
    port = free_udp_port(HOST)
    config = CONFIG.format(
        libdir=unpacked("usr/lib/freeradius"), folder=folder, host=HOST, port=port, secret=BOX_SECRET.decode()
    )
    (folder / "radiusd.conf").write_text(config, encoding="utf-8")
    (folder / "dictionary").write_text("", encoding="utf-8")
    log = folder / "log"
    with log.open("w") as output:
        process: subprocess.Popen[str] = peer("freeradius").popen(["-d", folder, "-fX"], stdout=output)
    deadline = time.monotonic() + 20
    while "Ready to process requests" not in log.read_text(errors="replace"):
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return port, log


def test_freeradius_believes_us_and_we_believe_it(freeradius: Any) -> None:
    port, log = freeradius

    async def story(client: Client) -> None:
        target = Target(nas="freeradius", host=HOST, port=port, source="127.77.1.6")
        for code in (DISCONNECT, COA):
            outcome = await client.ask(target, code, user("fits"))
            assert (outcome.meaning, outcome.error_cause) == (Meaning.ACKNOWLEDGED, 0), log.read_text()[-3000:]
            for cause, meaning in ((503, Meaning.GONE), (405, Meaning.NEXT_VERB), (508, Meaning.NARROW)):
                outcome = await client.ask(target, code, user(str(cause)))
                assert (outcome.meaning, outcome.error_cause) == (meaning, cause), log.read_text()[-3000:]

    counted = with_client(story)
    assert counted.rows == []
    said = log.read_text(errors="replace")
    assert said.count("Received Disconnect-Request") == said.count("Received CoA-Request") == 4
    assert "from 127.77.1.6:" in said


def test_freeradius_knows_a_retransmission_for_the_same_request(freeradius: Any) -> None:
    """It is told to be silent, and says in its log what it takes the repetitions for."""
    port, log = freeradius

    async def story(client: Client) -> None:
        outcome = await client.ask(Target(nas="freeradius", host=HOST, port=port), COA, user("silence"))
        assert outcome.meaning is Meaning.UNANSWERED
        assert outcome.tries >= 2

    with_client(story, timing=QUICK)
    said = log.read_text(errors="replace")
    assert said.count("Received CoA-Request") == 1
    assert "Ignoring retransmit" in said


def test_tshark_finds_nothing_malformed_and_every_signature_right(tap: Any) -> None:
    async def story(client: Client) -> None:
        for code in (DISCONNECT, COA):
            await client.all(refusing.target(concurrent=4), 5, code=code)
            await client.all(silent.target(), 1, code=code)

    with boxes(refuses(503), is_silent) as (refusing, silent):
        wire, running = tap.start([refusing.port, silent.port])
        with_client(story, timing=QUICK)
        tap.stop(running)
    secret = BOX_SECRET.decode()
    assert wire.faults(secret=secret) == []
    requests = wire.fields(
        "radius.code in {40, 43}", "radius.code", "radius.avp.type", "radius.authenticator.valid", secret=secret
    )
    assert {code for code, *_ in requests} == {"40", "43"}
    assert {kinds for _, kinds, _ in requests} == {"80,55,1"}
    answers = wire.fields("radius.code in {42, 45}", "radius.authenticator.valid", "radius.Error_Cause", secret=secret)
    assert {tuple(row) for row in answers} == {("1", "503")}
    assert len(answers) >= 10
    # The judge can say no.
    assert len(wire.faults(secret=SECRET)) >= len(answers)
