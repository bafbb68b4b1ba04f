"""``nacd device ...``: look at one device in Intune, and tell Intune to do something with it.

Knows: options, help, the question that lock, retire and wipe ask, exit codes. Refuses to know: Graph and the records
(``actions/orders``). The daemon has no part in any of it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from nacd.actions.orders import Orders
    from nacd.intune.graph.actions import DeviceSheet, Outcome

_Found = TypeVar("_Found")

DEFAULT_CONFIG = Path("/etc/nacd/actions.yaml")
FAILED, USAGE, CANNOT, NOT_KNOWN = 1, 2, 3, 4
"""Exit codes: not done; wrong usage; no record can be written, so nothing was tried; unknown whether it was done."""

app = typer.Typer(
    help="Look at one device in Intune, and tell Intune to sync, notify, lock, retire or wipe it.",
    epilog="ID is the Intune device id: nacd's audit records have it as [b]identity.id[/], the Intune portal under"
    " Hardware. The Entra device id is taken too. Try [b]nacd device show ID[/] first: it changes nothing."
    " lock, retire and wipe ask for the device's name; no switch avoids that."
    " Exit codes: 0 Intune has taken it, 1 not done, 2 wrong usage, 3 no record could be written and nothing was tried,"
    " 4 unknown whether it was done. Every order is recorded in the audit file that actions.yaml names.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Config = Annotated[
    Path,
    typer.Option("--config", "-c", help="The actions' own file.", envvar="NACD_ACTIONS_CONFIG", dir_okay=False),
]
Tenant = Annotated[str, typer.Option("--tenant", "-t", help="Which tenant, where actions.yaml has several.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Intune device id, a GUID (or the Entra device id).")]


@app.command()
def show(device: Id, config: Config = DEFAULT_CONFIG, tenant: Tenant = "") -> None:
    """Show what Intune knows of a device. Changes nothing.

    Needs DeviceManagementManagedDevices.Read.All.
    """
    found = _or_end(lambda orders, wanted: orders.show(wanted), config, tenant, device)
    _print_sheet(found, whole=True)


@app.command()
def sync(device: Id, config: Config = DEFAULT_CONFIG, tenant: Tenant = "") -> None:
    """Let the device report to Intune now instead of within eight hours.

    Harmless: after it Intune evaluates the device anew. Use it when somebody has mended his laptop and still sits in
    quarantine. Needs DeviceManagementManagedDevices.PrivilegedOperations.All.
    """
    _at_once("sync", device, config, tenant, None)


@app.command()
def notify(
    device: Id,
    config: Config = DEFAULT_CONFIG,
    tenant: Tenant = "",
    title: Annotated[str, typer.Option(help="At most 50 characters; default: the one in actions.yaml.")] = "",
    text: Annotated[str, typer.Option(help="At most 500 characters; default: the one in actions.yaml.")] = "",
) -> None:
    """Show the user a message in the Company Portal (iOS and Android).

    Harmless. Needs DeviceManagementManagedDevices.ReadWrite.All; the call is a preview of Microsoft's.
    """

    def body(orders: Orders) -> Mapping[str, object]:
        from nacd.intune.graph.actions import notify_body

        words = orders.settings.notify
        return notify_body(title or words.title, text or words.text)

    _at_once("notify", device, config, tenant, body)


@app.command()
def lock(device: Id, config: Config = DEFAULT_CONFIG, tenant: Tenant = "") -> None:
    """Lock the screen; the user's own code opens it again. Asks for the device's name.

    Needs DeviceManagementManagedDevices.PrivilegedOperations.All, and Read.All to show which device it is.
    """
    _after_the_name("lock", "LOCK this device: its user needs his code to go on", device, config, tenant)


@app.command()
def retire(device: Id, config: Config = DEFAULT_CONFIG, tenant: Tenant = "") -> None:
    """Take company data and management off the device; private data stays. Asks for the device's name.

    It cannot be undone: the device has to be enrolled again. Needs DeviceManagementManagedDevices.
    PrivilegedOperations.All, and Read.All to show which device it is.
    """
    _after_the_name("retire", "RETIRE this device: company data goes, it is managed no longer", device, config, tenant)


@app.command()
def wipe(
    device: Id,
    config: Config = DEFAULT_CONFIG,
    tenant: Tenant = "",
    keep_enrollment_data: Annotated[
        bool, typer.Option("--keep-enrollment-data", help="Stay enrolled (Windows).")
    ] = False,
    keep_user_data: Annotated[bool, typer.Option("--keep-user-data", help="Keep the users' files (Windows).")] = False,
    mac_unlock_code: Annotated[
        bool, typer.Option("--mac-unlock-code", help="Ask for the six digits that open the Mac after its wipe.")
    ] = False,
) -> None:
    """Set the device back to factory state. EVERYTHING ON IT IS LOST. Asks for the device's name.

    It cannot be undone once the device has heard of it. Needs DeviceManagementManagedDevices.
    PrivilegedOperations.All, and Read.All to show which device it is.
    """

    def body() -> Mapping[str, object]:
        from nacd.intune.graph.actions import wipe_body

        code = _unlock_code() if mac_unlock_code else ""
        return wipe_body(keep_enrollment_data=keep_enrollment_data, keep_user_data=keep_user_data, mac_unlock_code=code)

    kept = [word for word, wanted in (("enrollment", keep_enrollment_data), ("user data", keep_user_data)) if wanted]
    lost = f"all but {' and '.join(kept)}" if kept else "everything on it"
    more = {
        "keep_enrollment_data": keep_enrollment_data,
        "keep_user_data": keep_user_data,
        "with_unlock_code": mac_unlock_code,
    }
    _after_the_name("wipe", f"WIPE this device: {lost} is lost for ever", device, config, tenant, body, more)


# -- how each is carried out ----------------------------------------------------------------


def _at_once(
    word: str, device: str, config: Path, tenant: str, body: Callable[[Orders], Mapping[str, object]] | None
) -> None:
    from nacd.intune.graph.actions import Verb

    def work(orders: Orders, wanted: str) -> tuple[DeviceSheet, Outcome]:
        sent = body(orders) if body else None
        sheet = orders.find(Verb(word), wanted, needed=False)
        return sheet, orders.act(Verb(word), sheet, sent)

    _end(word, *_or_end(work, config, tenant, device))


def _after_the_name(
    word: str,
    warning: str,
    device: str,
    config: Path,
    tenant: str,
    body: Callable[[], Mapping[str, object]] | None = None,
    more: Mapping[str, bool] | None = None,
) -> None:
    from nacd.intune.graph.actions import Verb

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        _say(f"not done: {word} asks for the device's name, and there is no terminal to ask at")
        raise typer.Exit(USAGE)

    def work(orders: Orders, wanted: str) -> tuple[DeviceSheet, Outcome]:
        sent = body() if body else None
        sheet = orders.find(Verb(word), wanted, needed=True)
        if why := _declined(sheet, warning):
            orders.decline(Verb(word), sheet, why)
            _say(f"not done: {why}")
            raise typer.Exit(FAILED)
        return sheet, orders.act(Verb(word), sheet, sent, dict(more or {}))

    _end(word, *_or_end(work, config, tenant, device))


def _declined(sheet: DeviceSheet, warning: str) -> str:
    """Ask for the name; why it is not to be done, ``""`` when the name was typed."""
    _print_sheet(sheet, whole=False)
    name = sheet.name.strip()
    wanted, what = (name, "name") if name and name.isprintable() else (sheet.guid, "Intune id")
    try:
        print(f"\nThis will {warning}.\nType the device's {what} to go on: ", end="", flush=True)
        typed = sys.stdin.readline()
    except KeyboardInterrupt:
        print()
        return "interrupted at the question"
    except UnicodeDecodeError:
        return "what was typed cannot be read"
    if not typed.strip():
        return "nothing was typed"
    return "" if typed.strip() == wanted else f"what was typed is not the device's {what}"


def _unlock_code() -> str:
    """Typed unseen, and twice: a slip would lock the Mac for good. Never an option's value: `ps` shows those to all.

    Raises ValueError.
    """
    try:
        code, again = getpass("Six digits that will open the Mac (not shown): "), getpass("Once more: ")
    except (EOFError, KeyboardInterrupt, UnicodeDecodeError):
        print()
        _stop("not done: no unlock code was typed", FAILED)
    if code != again:
        raise ValueError("not done: the two unlock codes differ")
    if not code:
        raise ValueError("not done: the unlock code of a Mac is six digits")
    return code


def _or_end(work: Callable[[Orders, str], _Found], config: Path, tenant: str, device: str) -> _Found:
    """What ``work`` finds; every way in which it cannot ends the command with a sentence and its code."""
    from nacd.actions.orders import device_id, orders
    from nacd.errors import AuditRefused, ConfigError, SourceError

    try:
        wanted = device_id(device)
        given, notes = orders(config, tenant)
        for note in notes:
            _say(f"{note} (warning)")
        return work(given, wanted)
    except ConfigError as refused:
        for problem in refused.problems:
            _say(str(problem))
        _stop(f"not done: {refused.count} in the configuration", FAILED)
    except AuditRefused as refused:
        _stop(f"not done, for no record of it can be written: {refused}", CANNOT)
    except SourceError as trouble:
        _stop(f"not done: {trouble.detail}", FAILED)
    except ValueError as wrong:
        _stop(str(wrong), USAGE)


def _end(word: str, sheet: DeviceSheet, outcome: Outcome) -> NoReturn:
    from nacd.intune.graph.actions import Verdict

    name = _shown(sheet.name) or sheet.guid
    if outcome.verdict is Verdict.DONE:
        print(f"{word} {name}: Intune has taken it; the device does it when it is next online")
        if outcome.detail:
            _say(outcome.detail)
        raise typer.Exit(0)
    support = f" (for Microsoft's support: request {outcome.request_id})" if outcome.request_id else ""
    _stop(f"{word} {name}: {outcome.detail}{support}", NOT_KNOWN if outcome.verdict is Verdict.UNKNOWN else FAILED)


def _stop(words: str, code: int) -> NoReturn:
    _say(words)
    raise typer.Exit(code)


def _say(words: str) -> None:
    """One line for a person. What is in it may come from Microsoft, a device, or a proxy: no terminal obeys it."""
    print(_shown(words), file=sys.stderr)


# -- what is shown --------------------------------------------------------------------------


def _print_sheet(sheet: DeviceSheet, *, whole: bool) -> None:
    rows = [
        ("name", sheet.name),
        ("user", sheet.user),
        ("system", f"{sheet.operating_system} {sheet.os_version}".strip()),
        ("owner", sheet.owner),
        ("last sync", _moment(sheet.last_sync)),
        ("Intune id", sheet.guid),
    ]
    if whole:
        rows += [
            ("Entra id", sheet.entra_id),
            ("compliance", sheet.compliance),
            ("management", sheet.management),
            ("model", f"{sheet.manufacturer} {sheet.model}".strip()),
            ("serial", sheet.serial),
            ("Wi-Fi MAC", sheet.wifi_mac),
            ("wired MAC", sheet.ethernet_mac),
            ("enrolled", _moment(sheet.enrolled)),
        ]
    for label, value in rows:
        print(f"{label:<12}{_shown(value) or '-'}")


def _moment(at: float) -> str:
    """Local time, and how long ago; ``""`` when it was not told."""
    if at <= 0:
        return ""
    age_s = time.time() - at
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if (count := int(age_s // size)) > 0:
            return f"{_local(at)} ({count} {unit}{'' if count == 1 else 's'} ago)"
    return f"{_local(at)} (just now)" if age_s >= 0 else _local(at)


def _local(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _shown(text: str) -> str:
    """Microsoft's words without what a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in text)
