"""The command line: the doors for people.

Knows: names, options, help texts and exit codes. Each command's work is in a module of its own,
imported when it runs: ``nacd --help`` must not wait for OpenSSL.

Exit codes: 0 well, 1 the thing asked about is wrong (bad configuration, a failed demo step, a
refused login), 2 wrong usage, 3 the daemon could not start or had to stop.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nacd.cli import actions, device, simulators
from nacd.cli.control import cache, coa, overrides, sessions

DEFAULT_CONFIG = Path("/etc/nacd/nacd.yaml")

app = typer.Typer(
    name="nacd",
    help="RADIUS authorization: EAP-TLS, MAB and VPN, decided by Microsoft Intune compliance and a YAML policy.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # a traceback must not print secrets
)
app.add_typer(simulators.app, name="sim")
app.add_typer(cache.app, name="cache")
app.add_typer(sessions.app, name="sessions")
app.add_typer(coa.app, name="coa")
app.add_typer(overrides.app, name="overrides")
app.add_typer(device.app, name="device")
app.command(name="actions")(actions.serve)

Config = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", envvar="NACD_CONFIG", dir_okay=False)
]


@app.command()
def serve(
    config: Config = DEFAULT_CONFIG,
    demo: Annotated[bool, typer.Option("--demo", help="Allow the demo's CA and secrets.")] = False,
    log_format: Annotated[str, typer.Option(help="[b]console[/] for people, [b]json[/] for machines.")] = "console",
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Run the daemon in the foreground until SIGTERM.

    Everything is checked before the first port opens: what [b]nacd check[/] refuses, serve refuses.
    """
    from nacd.cli.serve import run

    raise typer.Exit(run(config, allow_demo=demo, log_format=log_format, log_level=log_level))


@app.command()
def check(config: Config = DEFAULT_CONFIG) -> None:
    """Read the configuration as serve would, and say everything that is wrong with it.

    Prints one line a problem: file, line, column, what is wrong and the way out. Opens no port,
    asks nobody, changes nothing.
    """
    from nacd.cli.check import run

    raise typer.Exit(run(config))


@app.command()
def explain(
    config: Config = DEFAULT_CONFIG,
    certificate: Annotated[
        Path | None, typer.Option(help="A client certificate (PEM; intermediates may follow it).", exists=True)
    ] = None,
    mac: Annotated[str, typer.Option(help="A MAC address in any spelling, as in a MAB login.")] = "",
    packet: Annotated[
        Path | None, typer.Option(help="A captured Access-Request: pcap, pcapng, raw octets or hex.", exists=True)
    ] = None,
    nas: Annotated[str, typer.Option(help="The NAS that would ask: its name in [b]clients[/].")] = "",
    access: Annotated[str, typer.Option(help="How the endpoint comes: dot1x (with --mac: MAB) or vpn.")] = "dot1x",
    ssid: Annotated[str, typer.Option(help="The SSID the endpoint would join.")] = "",
    compliance: Annotated[str, typer.Option(help="Assume this compliance state instead of showing each.")] = "",
    live: Annotated[bool, typer.Option("--live", help="Ask Intune now.")] = False,
) -> None:
    """What would you do, and by which rule?

    Shows how the device is named, each rule tried with the condition that failed, and the
    attributes that would be sent. Without --live and --compliance it answers for every
    compliance state that the policy asks about.
    """
    from nacd.cli.explain import Question, run

    question = Question(
        certificate=certificate,
        mac=mac,
        packet=packet,
        nas=nas,
        access=access,
        ssid=ssid,
        compliance=compliance,
        live=live,
    )
    raise typer.Exit(run(config, question))


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
        str, typer.Argument(help="[b]nacd[/] for nacd.yaml, [b]policy[/] for policy.yaml, or [b]actions[/].")
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


def main() -> None:
    """Entry point of the ``nacd`` command."""
    app()
