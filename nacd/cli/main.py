"""The command line: the doors for people.

Knows: names, options, help texts and exit codes. Each command's work is in a module of its own,
imported when it runs: ``nacd --help`` must not wait for OpenSSL.

Exit codes: 0 well, 1 the thing asked about is wrong (bad configuration, a failed demo step, a
refused login), 2 wrong usage, 3 the daemon could not start or had to stop.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from nacd.cli import actions, device, keeper, simulators, version
from nacd.cli.audit import app as audit
from nacd.cli.bundle import app as bundles
from nacd.cli.clients import app as clients
from nacd.cli.control import cache, coa, mab, overrides, sessions, shadow
from nacd.cli.control import reload as reloading
from nacd.cli.logs import app as logs
from nacd.cli.profiles import app as profiles
from nacd.cli.setup import app as setup

DEFAULT_CONFIG = Path("/etc/nacd/nacd.yaml")

app = typer.Typer(
    name="nacd",
    help="RADIUS authorization: EAP-TLS, MAB and VPN, decided by Microsoft Intune compliance and a YAML policy.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # a traceback must not print secrets
)
app.add_typer(simulators.app, name="sim")
app.add_typer(audit.app, name="audit")
app.add_typer(cache.app, name="cache")
app.add_typer(clients.app, name="clients")
app.add_typer(sessions.app, name="sessions")
app.add_typer(coa.app, name="coa")
app.add_typer(overrides.app, name="overrides")
app.add_typer(mab.app, name="mab")
app.add_typer(shadow.app, name="shadow")
app.add_typer(device.app, name="device")
app.add_typer(profiles.app, name="profiles")
app.add_typer(logs.app, name="log")
app.command(name="actions")(actions.serve)
app.command(name="keeper", hidden=True)(keeper.keeper)
app.command(name="version")(version.show)
app.command(name="reload")(reloading.reload)
app.command(name="init")(setup.init)
app.command(name="support-bundle")(bundles.bundle)

Config = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", envvar="NACD_CONFIG", dir_okay=False)
]


@app.command()
def serve(
    config: Config = DEFAULT_CONFIG,
    demo: Annotated[bool, typer.Option("--demo", help="Allow the demo's CA and secrets.")] = False,
    log_format: Annotated[str, typer.Option(help="[b]console[/] for people, [b]json[/] for machines.")] = "console",
    log_level: Annotated[str, typer.Option(help="debug, info, warning, error; by area: info,lookup=debug.")] = "info",
) -> None:
    """Run the daemon in the foreground until SIGTERM.

    Everything is checked before the first port opens: what [b]nacd check[/] refuses, serve refuses.
    """
    from nacd.cli.serve import run

    raise typer.Exit(run(config, allow_demo=demo, log_format=log_format, log_level=log_level))


@app.command()
def check(
    config: Config = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 also for findings that nobody accepted.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show the findings that comments accept.")] = False,
) -> None:
    """Read the configuration as serve would, and say everything that is wrong with it.

    Prints one line a problem: file, line, column, what is wrong and the way out. Findings are lawful and may not be
    meant; each has a code, and [b]# nacd: allow CODE reason[/] accepts it. Opens no port, asks nobody, changes nothing.
    """
    from nacd.cli.check import run

    raise typer.Exit(run(config, as_json=as_json, strict=strict, everything=everything))


@app.command()
def explain(
    config: Config = DEFAULT_CONFIG,
    certificate: Annotated[
        Path | None, typer.Option(help="A client certificate (PEM; intermediates may follow it).", exists=True)
    ] = None,
    mac: Annotated[str, typer.Option(help="A MAC in any spelling: what is known of it, and what it would get.")] = "",
    packet: Annotated[
        Path | None, typer.Option(help="A captured Access-Request: pcap, pcapng, raw octets or hex.", exists=True)
    ] = None,
    record: Annotated[
        str, typer.Option(help="An audit record, FILE:LINE or - for stdin: decided then, and what now?")
    ] = "",
    session: Annotated[int | None, typer.Option(help="A session of the running daemon, by its number.", min=1)] = None,
    nas: Annotated[str, typer.Option(help="The NAS that would ask: its name in [b]clients[/].")] = "",
    access: Annotated[str, typer.Option(help="How the endpoint comes: dot1x (with --mac: MAB) or vpn.")] = "dot1x",
    ssid: Annotated[str, typer.Option(help="The SSID the endpoint would join.")] = "",
    compliance: Annotated[str, typer.Option(help="Assume this compliance state instead of showing each.")] = "",
    live: Annotated[bool, typer.Option("--live", help="Ask Intune now.")] = False,
    at: Annotated[
        str,
        typer.Option(help="As of then: 2h (from now), 18:00 (the next one), 2026-11-23 06:00 (this machine's zone)."),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    socket: Annotated[
        Path | None, typer.Option(help="The daemon's socket, for --session and --mac; default: as configured.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="The daemon's state folder; default: as configured.", file_okay=False)
    ] = None,
) -> None:
    """What would you do, and by which rule? About one of --certificate, --mac, --packet, --record, --session.

    Shows how the device is named, each rule tried with the condition that failed, and the
    attributes that would be sent. Without --live and --compliance it answers for every
    compliance state that the policy asks about. A session is explained by the running daemon;
    of a MAC it tells what it knows, if it is there; everything else needs no daemon.

    Exit code 0: explained; 1: it cannot be; 2: wrong usage; 3: a session, and no daemon.
    """
    from nacd.cli.explain.run import Question, run

    question = Question(
        certificate=certificate,
        mac=mac,
        packet=packet,
        record=record,
        session=session or 0,
        nas=nas,
        access=access,
        ssid=ssid,
        compliance=compliance,
        live=live,
        at=at,
        as_json=as_json,
        socket=socket,
        state=state,
    )
    raise typer.Exit(run(config, question))


@app.command()
def whatif(
    policy: Annotated[Path, typer.Option(help="The policy to try out.", dir_okay=False)],
    config: Config = DEFAULT_CONFIG,
    since: Annotated[
        str, typer.Option(help="How far back, as in 24h or 7d. Usual: 24h, with --audit the whole files.")
    ] = "",
    audit: Annotated[
        list[Path] | None,
        typer.Option(help="Audit files to replay instead of the configured one. May be repeated.", dir_okay=False),
    ] = None,
    examples: Annotated[int, typer.Option(help="How many changes are shown with their reasons.", min=0)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """What would have changed, had this policy been in force?

    Replays the decisions of the audit log against another policy: which devices would get
    another answer, by rule, NAS, group and profile. Exit code 0: none; 1: some; 2: it cannot be said.
    """
    from nacd.cli.replay.whatif import Question, run

    question = Question(policy=policy, since=since, files=tuple(audit or ()), examples=examples, as_json=as_json)
    raise typer.Exit(run(config, question))


@app.command(name="test")
def try_cases(
    config: Config = DEFAULT_CONFIG,
    cases: Annotated[
        Path | None, typer.Option(help="The cases. Usual: policy-cases.yaml beside the policy.", dir_okay=False)
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="A policy to try instead of the configured one.", dir_okay=False)
    ] = None,
    init: Annotated[bool, typer.Option("--init", help="Write cases from the audit log, one for each rule.")] = False,
    audit: Annotated[
        list[Path] | None, typer.Option(help="With --init: audit files instead of the configured one.", dir_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Try the cases that lie beside the policy, and say which rules none reaches.

    Exit code 0: all are as expected; 1: one is not; 2: configuration or cases are wrong.
    """
    from nacd.cli.replay.cases import init as write_cases
    from nacd.cli.replay.cases import run

    if init:
        raise typer.Exit(write_cases(config, cases, tuple(audit or ())))
    raise typer.Exit(run(config, cases, policy=policy, as_json=as_json))


@app.command()
def doctor(
    config: Config = DEFAULT_CONFIG,
    tenant: Annotated[str, typer.Option(help="Examine this tenant alone.")] = "",
    device: Annotated[str, typer.Option(help="An Intune device id to ask about.")] = "",
    mac: Annotated[str, typer.Option(help="A MAC address to ask about, in any spelling.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document at the end.")] = False,
    bulk: Annotated[bool, typer.Option("--bulk", help="Ask for a page of the list too: it uses its window.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether --bulk is meant.")] = False,
) -> None:
    """Try everything between nacd and Microsoft, and say what to click.

    Configuration, clock, names, TLS, credentials, tokens, consent, discovery, the service, a device:
    each step gets a tick, or a sentence that says what is wrong. Works beside a running daemon.
    """
    from nacd.cli.doctor.run import Question, run

    question = Question(device=device, mac=mac, tenant=tenant, bulk=bulk, yes=yes, as_json=as_json)
    raise typer.Exit(run(config, question))


@app.command()
def schema(
    which: Annotated[
        str, typer.Argument(help="[b]nacd[/], [b]policy[/], [b]policy-cases[/] or [b]actions[/]: which file.")
    ] = "nacd",
) -> None:
    """Write the JSON Schema of a configuration file, for your editor."""
    from nacd.cli.check import schema_of

    raise typer.Exit(schema_of(which))


@app.command()
def demo(
    state: Annotated[Path | None, typer.Option(help="Where keys, secrets and the audit file go.")] = None,
    keep_running: Annotated[
        bool, typer.Option("--keep-running", help="Do not play the story: leave everything running to try by hand.")
    ] = False,
) -> None:
    """Play the main job on loopback: simulated Intune, demo PKI, real UDP, real EAP-TLS."""
    from nacd.cli.demo import run

    raise typer.Exit(run(state, keep_running=keep_running))


app.command()(coa.reassess)
app.command()(overrides.quarantine)
app.command()(overrides.block)
app.command()(overrides.allow)


_STDOUT, _STDERR = 1, 2


def main() -> None:
    """Entry point of the ``nacd`` command."""
    try:
        _run()
    finally:
        try:
            # Whoever has lost its reader closes it; there may be none at all.
            if not getattr(sys.stderr, "closed", True):
                print(end="", file=sys.stderr, flush=True)
        except OSError:  # the log takes nothing: that is no reason for an exit code of its own (Python's would be 120)
            _let_go_of(_STDERR)


def _run() -> None:
    try:
        try:
            app()
        finally:
            print(end="", flush=True)  # there may be no stdout at all: print knows
    except BrokenPipeError:
        _let_go_of(_STDOUT)
        sys.exit(1)
    except OSError as trouble:
        if trouble.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _let_go_of(_STDOUT)
        where = f" (`{trouble.filename}`)" if trouble.filename else ""
        print(f"not all of it could be written: the disk is full{where}", file=sys.stderr)
        sys.exit(1)


def _let_go_of(stream: int) -> None:
    """What still waits to be written would fail once more when Python ends, in words of its own."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream)
    os.close(nowhere)
