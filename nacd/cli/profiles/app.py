"""``nacd profiles``: names, options and help texts. The work is in ``page`` and ``overview``, imported when it runs.

Exit codes: 0 the profile can be said, 1 it cannot or the configuration cannot be read, 2 wrong usage.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CONFIG = Path("/etc/nacd/nacd.yaml")

app = typer.Typer(help="What each authorization profile says to each vendor: list them, show one with its sources.")

Config = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", envvar="NACD_CONFIG", dir_okay=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]


@app.callback(invoke_without_command=True)
def profiles(context: typer.Context, config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """What each authorization profile says to each vendor.

    Without a command: every profile of the policy, and which vendors can say all of it, a part, or not. Those that a
    NAS of the configuration has are marked with a star.
    """
    if context.invoked_subcommand is None:
        from nacd.cli.profiles.overview import run

        raise typer.Exit(run(config, as_json=as_json))


@app.command()
def show(
    profile: Annotated[str, typer.Argument(help="Name of the profile, as in the policy.")],
    vendor: Annotated[str, typer.Option(help="The vendor it is said to, in use or not.")] = "",
    nas: Annotated[str, typer.Option(help="The NAS it is said to, by its name in [b]clients[/].")] = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """The Access-Accept that a profile makes, attribute by attribute, and where each row comes from.

    For each intention: its place in the policy, the attributes, their place in the vendor's data, and the page that
    they were read on (documented) or why they are believed to work (assumed). Then what is left out, and why.
    """
    from nacd.cli.profiles.page import run

    raise typer.Exit(run(config, profile, vendor=vendor, nas=nas, as_json=as_json))
