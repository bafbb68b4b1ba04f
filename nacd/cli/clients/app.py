"""``nacd clients``: what the running daemon has seen of NASes.

Knows: which commands there are. Refuses to know: what any of them shows.
"""

from __future__ import annotations

import typer

from nacd.cli.clients import forget, report, secrets

app = typer.Typer(help="What the running daemon has seen of NASes.", no_args_is_help=True)
app.command(name="report")(report.report)
app.command(name="forget")(forget.forget)
app.command(name="secrets")(secrets.secrets)
