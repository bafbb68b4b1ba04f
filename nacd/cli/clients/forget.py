"""``nacd clients forget``: a NAS that need not sign any more.

Knows: the order and what it means. Refuses to know: who signs.
"""

from __future__ import annotations

from typing import Annotated

import typer

from nacd.cli.control.asking import DEFAULT_CONFIG, DONE, Config, Daemon, Socket, State, clean, run


def forget(
    nas: Annotated[str, typer.Argument(help="The NAS: its name in [b]clients[/].")],
    source: Annotated[str, typer.Option("--address", help="One address of it only.")] = "",
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Forget that a NAS signs, so that [b]message_authenticator: auto[/] takes unsigned requests of it again.

    For a NAS that was downgraded on purpose, or that cannot sign and is refused because somebody played back a
    signed request from its address. The order is on record.

    Exit codes: 0 done, 1 not done, 2 wrong usage, 3 no daemon.
    """

    def ask(daemon: Daemon) -> int:
        found = daemon.give("clients.forget", {"nas": nas, "source": source})
        count = found["forgotten"]
        print(clean(f"{nas}: {count} address{'' if count == 1 else 'es'} forgotten; what comes signed counts anew"))
        return DONE

    run(ask, config, state, socket)
