"""``nacd actions``: the small service that syncs devices and notifies users on the daemon's behalf.

Knows: options, the order of start and stop, exit codes. Refuses to know: what a request is (``actions/``).
"""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nacd.actions.service import Service
    from nacd.config.actions_file import LoadedActions
    from nacd.config.sections.actions import Service as Section

DEFAULT_CONFIG = Path("/etc/nacd/actions.yaml")
BAD_CONFIGURATION, CANNOT = 1, 3

Config = Annotated[
    Path,
    typer.Option("--config", "-c", help="The actions' own file.", envvar="NACD_ACTIONS_CONFIG", dir_okay=False),
]
Check = Annotated[bool, typer.Option("--check", help="Read the file, say what is wrong with it, and end.")]


def serve(config: Config = DEFAULT_CONFIG, check: Check = False) -> None:
    """Run the service for device actions in the foreground until SIGTERM.

    It is optional. Profiles with [b]on_quarantine[/] hand it requests through a local socket; it syncs the device or
    notifies its user, each at most once an hour for each device, and records it.

    It knows nothing else: lock, retire and wipe are for people, by [b]nacd device[/].

    Run it under an account of its own, as systemd/nacd-actions.service does.
    """
    raise typer.Exit(run(config, check=check))


def run(config: Path, *, check: bool = False) -> int:
    """Serve until told to stop. Returns the exit code: 1 bad configuration, 3 cannot start, or ended by a bug."""
    from nacd.actions.tenants import tenants
    from nacd.config.actions_file import load_actions
    from nacd.errors import AuditRefused, ConfigError

    try:
        loaded = load_actions(config)
        for note in loaded.notes:
            _say(f"{note} (warning)")
        wanted = _section(loaded)
        if check:
            print(f"configuration is sound: {len(tenants(loaded))} tenant(s), socket `{wanted.socket}`")
            return 0
        service = build(loaded)
    except ConfigError as refused:
        for problem in refused.problems:
            _say(str(problem))
        _say(f"not started: {refused.count} in the configuration")
        return BAD_CONFIGURATION
    except (AuditRefused, OSError) as cannot:
        _say(f"not started: {_words(cannot)}")
        return CANNOT
    return _until_told(service, str(wanted.socket))


def _section(loaded: LoadedActions) -> Section:
    """The section about the service. Raises ConfigError when there is none."""
    from nacd.errors import ConfigError

    if loaded.settings.service is None:
        raise ConfigError((loaded.problem("there is no `service` section: nothing to listen on"),))
    return loaded.settings.service


def build(loaded: LoadedActions) -> Service:
    """The service, listening. Raises ConfigError, AuditRefused, OSError."""
    from nacd.actions.asked import Asked
    from nacd.actions.door import Door, Senders
    from nacd.actions.journal import Journal
    from nacd.actions.service import Limits, Service
    from nacd.actions.tenants import tenants
    from nacd.intune.graph.actions import notify_body

    wanted, words = _section(loaded), loaded.settings.notify
    known = tenants(loaded)
    journal = Journal(loaded.settings.audit.file, wanted.state)
    journal.check()
    limits = Limits(once_per_s=wanted.once_per.total_seconds(), rate=wanted.rate, max_waiting=wanted.max_waiting)
    asked = Asked(wanted.state, max_entries=wanted.max_devices, longest_s=limits.once_per_s, now=time.time())
    return Service(
        door=Door(wanted.socket, wanted.group),
        senders=Senders(wanted.senders),
        journal=journal,
        asked=asked,
        tenants=known,
        notification=notify_body(words.title, words.text),
        limits=limits,
        say=_say,
    )


def _until_told(service: Service, where: str) -> int:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: service.stop())
    _say(f"listening on `{where}`")
    well = service.run()
    counted = ", ".join(f"{what} {count}" for what, count in sorted(service.counts.items())) or "nothing was asked"
    _say(f"stopped: {counted}")
    return 0 if well else CANNOT


def _words(cannot: Exception) -> str:
    """What the operating system says, with the file it speaks of."""
    if not isinstance(cannot, OSError) or not cannot.strerror:
        return str(cannot)
    return f"`{cannot.filename}`: {cannot.strerror.lower()}" if cannot.filename else cannot.strerror


def _say(words: str) -> None:
    """One line for the operator. Some of it may come from a device or a proxy: no terminal obeys it."""
    with suppress(OSError):  # the disk under the log may be full, and the records that matter have a file of their own
        print("".join(char if char.isprintable() else "?" for char in words), file=sys.stderr, flush=True)
