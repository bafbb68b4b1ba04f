"""``nacd support-bundle``: one file for whoever helps, that can be looked through before it is sent.

Knows: which parts there are, how they are packed, what is said of them. Refuses to know: where each comes from
(``parts``) and what is hidden (``hiding``).

It works while the daemon is down and while the configuration is broken: that is when it is needed.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

DEFAULT_CONFIG: Final = Path("/etc/nacd/nacd.yaml")
_MANIFEST: Final = "MANIFEST.txt"


def bundle(
    config: Annotated[
        Path, typer.Option("--config", "-c", help="The configuration file.", envvar="NACD_CONFIG", dir_okay=False)
    ] = DEFAULT_CONFIG,
    out: Annotated[
        Path | None, typer.Option(help="The new file; usual: nacd-support-TIME.tar.gz here.", dir_okay=False)
    ] = None,
    log: Annotated[Path | None, typer.Option(help="A file with the daemon's log.", dir_okay=False)] = None,
    records: Annotated[int, typer.Option(help="So many of the last audit records.", min=0, max=100_000)] = 1_000,
    with_identities: Annotated[
        bool, typer.Option("--with-identities", help="Leave names of users, MACs and devices as they are.")
    ] = False,
) -> None:
    """Pack what somebody needs who helps: versions, configuration, findings, state, metrics, log, records.

    No secrets; names of users, MACs and devices become pseudonyms that nobody can undo. The daemon need not run.
    Look through it before you send it. Exit code 0: made; 1: it could not be written.
    """
    raise typer.Exit(run(config, out, log, records, keep=with_identities))


def run(config: Path, out: Path | None, log: Path | None, records: int, *, keep: bool) -> int:
    """Make it. Returns the exit code."""
    from nacd.cli.bundle import parts
    from nacd.cli.bundle.hiding import Names, scrubbed, spellings
    from nacd.values import Secret

    site = parts.Site(config=config, names=Names(Secret(os.urandom(32)), keep=keep))
    site.read()
    wanted: dict[str, Callable[[parts.Site], bytes]] = {
        "version.json": parts.version,
        "check.json": parts.check,
        "config/nacd.json": parts.settings,
        "config/policy.json": parts.policy,
        "state.json": parts.state,
        "metrics.txt": parts.page("metrics"),
        "healthz.json": parts.page("healthz"),
        "readyz.json": parts.page("readyz"),
        "environment.txt": parts.environment,
    }
    if log is not None:
        wanted["log.txt"] = parts.log(log)
    if records:
        wanted["audit.jsonl"] = parts.audit(records)
    hidden = site.hidden = spellings(site.secrets())
    found: dict[str, bytes] = {}
    missing: dict[str, str] = {}
    secrets = 0
    for name, take in wanted.items():
        try:
            octets, count = scrubbed(take(site), hidden)
        except parts.Missing as why:
            missing[name] = str(why)
        except Exception as bug:  # noqa: BLE001 - whatever else is broken, a bundle without this part is wanted
            missing[name] = f"a bug in nacd: {type(bug).__name__}"
        else:
            found[name], secrets = octets, secrets + count
    if log is None:
        missing["log.txt"] = "name it with --log: `journalctl -u nacd -S -1d > nacd.log`"
    manifest = _manifest(found, missing, secrets + site.found, keep=keep)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = out or Path(f"nacd-support-{stamp}.tar.gz")
    try:
        _pack(path, {_MANIFEST: manifest.encode("utf-8", "backslashreplace"), **found}, f"nacd-support-{stamp}")
    except OSError as trouble:
        print(f"`{path}`: {(trouble.strerror or 'error').lower()}", file=sys.stderr)
        return 1
    print(f"{manifest}\nwritten to {path}, readable by you alone. Look through it before you send it:")
    print(f"    tar -xOzf {path} | less")
    return 0


def _manifest(found: Mapping[str, bytes], missing: Mapping[str, str], secrets: int, *, keep: bool) -> str:
    lines = ["in this bundle:"]
    lines += [f"  {name:<20} {len(octets):>10,} octets  {_WHAT[name]}" for name, octets in found.items()]
    if missing:
        lines += ["not in it:", *(f"  {name:<20} {why}" for name, why in missing.items())]
    lines += ["hidden:"]
    lines += ["  secrets: of settings only the reference is shown, of a key that nacd does not know nothing"]
    lines += [f"  places where a secret itself stood, now `***`: {secrets}"]
    lines += (
        ["  names of users, MACs and devices: NOT hidden (--with-identities)"]
        if keep
        else [
            "  names of users, MACs, device ids and addresses in records, logs and policy: pseudonyms of this bundle"
            " alone, its key is kept nowhere",
        ]
    )
    lines += ["not hidden: names and addresses of NASes and servers, names of rules, profiles, groups and people who"]
    lines += ["  give orders, ids of tenants and groups, names of files; plain names in sentences that people wrote"]
    return "\n".join(lines)


_WHAT: Final[Mapping[str, str]] = {
    "version.json": "nacd, its libraries, the versions of its files",
    "check.json": "what `nacd check --all --json` says",
    "config/nacd.json": "nacd.yaml without secrets and comments",
    "config/policy.json": "the policy without comments",
    "state.json": "sizes, ages and versions of the state's files; no contents",
    "metrics.txt": "metrics of the running daemon",
    "healthz.json": "whether it lives",
    "readyz.json": "whether it is ready",
    "environment.txt": "names of environment variables; no values",
    "log.txt": "the end of the log",
    "audit.jsonl": "the last audit records",
}


def _pack(path: Path, members: Mapping[str, bytes], folder: str) -> None:
    """A new file, for its owner alone; never through a link, never over another. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as packed:
            for name, octets in members.items():
                row = tarfile.TarInfo(f"{folder}/{name}")
                row.size, row.mode, row.mtime = len(octets), 0o600, int(time.time())
                packed.addfile(row, io.BytesIO(octets))
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
