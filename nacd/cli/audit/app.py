"""``nacd audit``: names, options and help texts. The work is in modules of its own, imported when it runs.

Exit codes: 0 well, 1 something is wrong with the trail (or nothing was found), 2 wrong usage.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from nacd.cli.audit.index import index
from nacd.cli.audit.report import report
from nacd.cli.audit.search import search
from nacd.cli.audit.show import show

DEFAULT_CONFIG: Final = Path("/etc/nacd/nacd.yaml")

app = typer.Typer(
    help="The audit trail: prove that nothing was changed, search it, report on it.", no_args_is_help=True
)

Config = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", envvar="NACD_CONFIG", dir_okay=False)
]


@app.command()
def keygen(
    out: Annotated[
        Path, typer.Option(help="Where the private key goes; the public one goes beside it, with .pub.", dir_okay=False)
    ] = Path("/etc/nacd/audit.key"),
) -> None:
    """Make the key that signs checkpoints of the audit trail.

    Overwrites nothing. Whoever has the private key and the file can make the trail anew: only anchors show that.
    """
    from nacd.cli.audit.keygen import run

    raise typer.Exit(run(out))


@app.command()
def verify(
    trail: Annotated[
        Path | None,
        typer.Argument(
            help="A live file (its full files are looked at too), one full file, or a folder. Default: as configured.",
            metavar="[TRAIL]",
        ),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    anchors: Annotated[
        list[Path] | None,
        typer.Option(help="A text file with checkpoints kept elsewhere (a syslog file too). May be repeated."),
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(
            help="A public key, as kept away from this host. Each checkpoint must be signed. May be repeated."
        ),
    ] = None,
    since: Annotated[
        str, typer.Option(help="Leave out the files that were full by then: 30d, 2026-11-01, as for search.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Prove that nobody has changed, removed, added or reordered a record, or name the first place where somebody has.

    Ends with how far that is proved, and by whom: anchors, signatures, or this host alone. Exit code 0: the trail is
    whole, 1: it is not, 2: it cannot be read.
    """
    from nacd.cli.audit.verify import Question, run

    question = Question(
        trail=trail, config=config, anchors=tuple(anchors or ()), keys=tuple(key or ()), since=since, as_json=as_json
    )
    raise typer.Exit(run(question))


@app.command()
def pseudonym(
    user: Annotated[str, typer.Option(help="A user, as a record would name him.")] = "",
    mac: Annotated[str, typer.Option(help="A MAC, in any spelling.")] = "",
    device: Annotated[str, typer.Option(help="A device id, a machine's name, a serial number.")] = "",
    address: Annotated[str, typer.Option(help="An IP address of an endpoint.")] = "",
    value: Annotated[str, typer.Option(help="A value of a field that is hidden by itself.")] = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Print what stands in the trail in place of a name ([b]audit.privacy[/]), for whoever may read the key.

    nacd audit pseudonym --user alice@example.com

    Exit code 0; 2: wrong usage, or the key cannot be read.
    """
    from nacd.audit.privacy.kinds import Kind
    from nacd.cli.audit.hidden.pseudonym import run

    named = {Kind.USER: user, Kind.MAC: mac, Kind.DEVICE: device, Kind.ADDRESS: address, Kind.TEXT: value}
    given = [(kind, each) for kind, each in named.items() if each]
    if len(given) != 1:
        raise typer.BadParameter("one of --user, --mac, --device, --address and --value")
    raise typer.Exit(run(config, *given[0]))


app.command()(search)
app.command()(show)
app.command()(report)
app.command()(index)


@app.command()
def forward(
    config: Config = DEFAULT_CONFIG,
    test: Annotated[str, typer.Option("--test", help="Send a test event to this destination.", metavar="NAME")] = "",
    status: Annotated[bool, typer.Option("--status", help="How far each destination is (the usual).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Show how far each destination of [b]audit.forward[/] is, or try one of them.

    Exit code 0: well; 1: one of them takes nothing, or the test failed; 2: wrong usage.
    """
    from nacd.cli.audit.forward import run

    if test and status:
        raise typer.BadParameter("one of --test and --status")
    raise typer.Exit(run(config, test=test, as_json=as_json))
