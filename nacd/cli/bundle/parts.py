"""The parts of a support bundle: each from its own place, each missing with a reason and never with an exception.

Knows: where each is. Refuses to know: how they are packed, and what is hidden in them (``hiding``).
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import sqlite3
import stat
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nacd.cli.bundle.hiding import Names, configuration, references, scrubbed
from nacd.config import secrets
from nacd.config.reading.contents import contents
from nacd.config.schema import schemas
from nacd.config.yaml import MAX_OCTETS, parse
from nacd.errors import ConfigError
from nacd.store.trail import reading
from nacd.values import Secret

_MOST_OCTETS: Final = 8 << 20
_PATIENCE_S: Final = 3.0


class Missing(Exception):
    """This part cannot be had; the text says why."""


@dataclass(slots=True, kw_only=True)
class Site:
    """What there is to take. values: of `nacd.yaml` as far as it can be read; policy: likewise."""

    config: Path
    names: Names
    values: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)
    hidden: tuple[bytes, ...] = field(default=(), repr=False)
    """Secrets, in every spelling: to be taken out of a text before its names are, or a name within one is all that is
    found of it."""
    found: int = 0
    """How many were."""

    def without_secrets(self, octets: bytes) -> bytes:
        """And count them."""
        octets, count = scrubbed(octets, self.hidden)
        self.found += count
        return octets

    def read(self) -> None:
        """The files of the configuration; what is wrong with them stands in ``trouble``."""
        self.values = self._parsed(self.config, "nacd.yaml")
        named = self.values.get("policy")
        if isinstance(named, str):
            self.policy = self._parsed(self.config.parent / named, "policy")

    def _parsed(self, path: Path, what: str) -> Mapping[str, Any]:
        found = contents(path, MAX_OCTETS)
        if found.problem:
            self.trouble[what] = f"`{path}` {found.problem}"
            return {}
        try:
            document, problems = parse(found.octets, str(path))
        except ConfigError:
            self.trouble[what] = (
                f"`{path}` is no YAML that can be read, and is left out: nobody could say what is secret"
            )
            return {}
        if problems:
            self.trouble[what] = f"`{path}` has faults in its YAML: see check.json"
        return document.value

    @property
    def state(self) -> Path | None:
        named = self.values.get("state")
        return self.config.parent / named if isinstance(named, str) else None

    def secrets(self) -> tuple[Secret, ...]:
        """Those that may be read, so that they are found wherever they got to."""
        found: list[Secret] = []
        for each in {*references(self.values), *references(self.policy)}:
            with contextlib.suppress(ValueError, OSError):
                found.append(secrets.resolve(each, folder=self.config.parent, environment=os.environ).secret)
        return tuple(found)


def as_json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=True, default=str) + "\n").encode()


def version(site: Site) -> bytes:
    del site
    from nacd.cli.version import told

    return as_json(told())


def check(site: Site) -> bytes:
    from nacd.cli.check import run

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        run(site.config, as_json=True, strict=False, everything=True)
    text = site.without_secrets(said.getvalue().encode("utf-8", "replace")).decode("utf-8", "replace")
    return "".join(site.names.setting(line) for line in text.splitlines(keepends=True)).encode("utf-8", "replace")


def settings(site: Site) -> bytes:
    if not site.values:
        raise Missing(site.trouble.get("nacd.yaml", "nothing could be read of it"))
    return as_json(configuration(site.values, known_keys(), site.names))


def policy(site: Site) -> bytes:
    if not site.policy:
        raise Missing(site.trouble.get("policy", "the configuration names none"))
    return as_json(configuration(site.policy, None, site.names))


def known_keys() -> frozenset[str]:
    """Every key that a configuration may have somewhere."""
    return frozenset(_keys(schemas()["nacd.schema.json"]))


def _keys(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        properties = node.get("properties")
        if isinstance(properties, Mapping):
            yield from map(str, properties)
        for each in node.values():
            yield from _keys(each)
    elif isinstance(node, list):
        for each in node:
            yield from _keys(each)


def state(site: Site) -> bytes:
    """Sizes, ages and versions; no contents."""
    folder = site.state
    if folder is None:
        raise Missing("the configuration names no state folder")
    try:
        found = sorted(each for each in folder.rglob("*") if each.is_file() and not each.is_symlink())
    except OSError as trouble:
        raise Missing(f"`{folder}`: {(trouble.strerror or 'error').lower()}") from None
    if not found:
        raise Missing(f"`{folder}` is empty, or not for you to read")
    return as_json({str(each.relative_to(folder)): _file(each) for each in found[:2_000]})


def _file(path: Path) -> dict[str, Any]:
    try:
        known = path.stat()
    except OSError as trouble:
        return {"trouble": (trouble.strerror or "error").lower()}
    told: dict[str, Any] = {
        "octets": known.st_size,
        "changed_at": int(known.st_mtime),
        "mode": stat.filemode(known.st_mode),
        "owner": known.st_uid,
    }
    if path.suffix == ".sqlite":
        try:
            with contextlib.closing(
                sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
            ) as open_:
                told["version"] = open_.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error as trouble:
            told["trouble"] = str(trouble)
    return told


def page(name: str) -> Callable[[Site], bytes]:
    """A page that the running daemon serves. name: as in ``metrics``."""

    def take(site: Site) -> bytes:
        server = site.values.get("server")
        where = server.get("metrics") if isinstance(server, Mapping) else None
        if not isinstance(where, str):
            raise Missing("`server.metrics` is not configured, so the daemon serves no such page")
        host, _, port = where.rpartition(":")
        if host in ("", "0.0.0.0", "[::]"):
            host = "127.0.0.1"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.addheaders = []
        try:
            with opener.open(f"http://{host}:{port}/{name}", timeout=_PATIENCE_S) as answer:
                octets: bytes = answer.read(_MOST_OCTETS)
        except urllib.error.HTTPError as refused:
            octets = refused.read(_MOST_OCTETS)
        except (OSError, ValueError, http.client.HTTPException) as trouble:
            raise Missing(f"the daemon does not answer at `{where}`: {trouble}") from None
        return octets

    return take


def log(path: Path) -> Callable[[Site], bytes]:
    """The end of an operational log."""

    def take(site: Site) -> bytes:
        try:
            known = path.stat()
            if not stat.S_ISREG(known.st_mode):  # a pipe might wait for ever
                raise Missing(f"`{path}` is no file: write the log into one first")
            with path.open("rb") as file:
                file.seek(max(0, known.st_size - _MOST_OCTETS))
                octets = file.read(_MOST_OCTETS)
        except OSError as trouble:
            raise Missing(f"`{path}`: {(trouble.strerror or 'error').lower()}") from None
        lines = site.without_secrets(octets).decode("utf-8", "replace").splitlines(keepends=True)
        return "".join(map(site.names.line, lines)).encode("utf-8", "replace")

    return take


def audit(count: int) -> Callable[[Site], bytes]:
    """The last records of the trail."""

    def take(site: Site) -> bytes:
        section = site.values.get("audit")
        named = section.get("file") if isinstance(section, Mapping) else None
        if not isinstance(named, str):
            raise Missing("the configuration names no `audit.file`")
        last: deque[bytes] = deque(maxlen=count)
        try:
            for file in reading.files(site.config.parent / named)[-2:]:
                for block in reading.blocks(file):
                    last.extend(block.text.splitlines())
        except (OSError, reading.Unreadable) as trouble:
            raise Missing(str(trouble)) from None
        if not last:
            raise Missing("no record can be read")
        return b"".join(_shown(site.names, site.without_secrets(each)) for each in last)

    return take


def _shown(names: Names, line: bytes) -> bytes:
    try:
        record = json.loads(line)
    except ValueError:
        return b'{"trouble": "a line that is no JSON was left out"}\n'
    return json.dumps(names.record(record) if isinstance(record, dict) else {}).encode() + b"\n"


def environment(site: Site) -> bytes:
    """Names of variables; no values."""
    del site
    return ("\n".join(sorted(os.environ)) + "\n").encode("utf-8", "replace")
