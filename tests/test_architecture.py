"""The map of the project, held against its source: who may import whom, and which library has which door. It reads the
files with ``ast``; nothing is imported.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.sources import PACKAGE, Source, report, sources

VOCABULARY = {"values", "sessions", "errors", "findings", "quick"}
ROOMS = {"radius", "eap", "identity", "compliance", "policy", "vendor", "session", "audit", "overload"}
SPINES = {"authorize", "account", "reassess", "admit", "steps", "given", "replay"}
OUTER = {"intune", "store", "config"}

# Higher may import lower, never the other way round; what shares a level does not import its neighbour, but for
# the pairs in NEIGHBOURS.
LEVELS = {
    **dict.fromkeys(VOCABULARY, 0),
    **dict.fromkeys(ROOMS, 1),
    **dict.fromkeys(SPINES, 2),
    **dict.fromkeys(OUTER, 3),
    "server": 4,
    "actions": 4,
    "keeper": 4,
    "web": 5,
    "cli": 6,
    "__main__": 7,
}
_PAIRS = """
    errors-values values-quick sessions-values sessions-quick authorize-steps authorize-admit authorize-given
    given-admit steps-admit account-admit reassess-admit
"""
NEIGHBOURS = {tuple(pair.split("-")) for pair in _PAIRS.split()}

PURE_ROWS = VOCABULARY | ROOMS | SPINES
_IMPURE_WORDS = """
    asyncio concurrent http logging msal multiprocessing os random requests secrets select selectors signal socket
    socketserver sqlite3 ssl subprocess sys threading time urllib.request urllib3 uuid
"""
IMPURE = set(_IMPURE_WORDS.split())

# One door a library: a module, or a room (ending in /) where the whole room is the door. `sim` stands outside:
# its doubles must share no code with the daemon.
DOORS = {
    "pyrad": ("radius/dictionary",),
    "OpenSSL": ("eap/tls_engine", "eap/tls/notes"),
    "msal": ("intune/token",),
    "requests": ("intune/client",),
    "urllib3": ("intune/client", "intune/bounded"),
    "yaml": ("config/",),
    "pydantic": ("config/",),
    "pydantic_core": ("config/",),
    "typer": ("cli/",),
    "click": ("cli/",),
    "rich": ("cli/",),
    "structlog": ("server/", "cli/"),
    "prometheus_client": ("server/metrics/",),
    "orjson": ("store/", "server/", "cli/", "audit/", "intune/", "keeper/"),
    "cryptography": ("eap/", "identity/", "radius/", "intune/", "config/", "store/trail/", "cli/"),
}
SIM_LIBRARIES = {"pyrad", "cryptography", "typer", "rich", "requests"}

FORKS = {"subprocess", "multiprocessing", "pty"}
MAY_FORK = ("cli/demo", "cli/simulators", "server/keeper/", "sim/")

# Where a bug of any kind may be caught and not raised again. Another place needs a line here, with its reason.
BROAD_EXCEPTS = {
    # The four parts of one answer. A bug in one of them is silence and an audit record, never an Accept.
    "server/listener": 4,
    # A bug in one part's turn of each second is logged, and keeps no other from its own: not the audit file, above all.
    "server/daemon": 1,
    # A bug in one order of a person is told to him and logged.
    "server/control": 1,
    # A bug in a rule fails the change it met, and not the one thread that writes down accounting.
    "store/live/batch": 1,
    # A bug with one destination is said as its trouble; its thread would end without a word.
    "keeper/forward/courier": 1,
    # Whatever goes wrong with a shadow policy, while it is read or evaluated, ends there: answers do not depend on it.
    **dict.fromkeys(("server/shadow/loading", "server/shadow/beside"), 1),
    # Python's own exit code of a bug, 1, says "configuration refused" to systemd, which would not start it anew.
    "cli/serve": 1,
    # A part of a support bundle that cannot be had for a bug is named in it: the other parts are wanted all the more.
    "cli/bundle/app": 1,
    # A bug in what a thread does is raised where its outcome is waited for.
    "server/lookups/threads": 1,
}


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything imported anywhere in the file, also inside functions."""
    package = ("nacd", *source.path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package[: len(package) - node.level + 1]
                base = ".".join((*above, base) if base else above)
            # `from nacd import errors` and `from urllib import request` import the names as modules
            yield node.lineno, base
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def inner_imports(source: Source) -> Iterator[tuple[int, str]]:
    """(line, room) of what it imports from nacd itself."""
    for line, name in imports(source):
        parts = name.split(".")
        if parts[0] == "nacd" and len(parts) > 1 and (parts[1] in LEVELS or parts[1] == "sim"):
            yield line, parts[1]


def is_within(name: str, modules: set[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def goes_through(name: str, doors: tuple[str, ...]) -> bool:
    return any(name == door or (door.endswith("/") and name.startswith(door)) for door in doors)


def test_the_map_knows_every_room() -> None:
    report(
        [
            f"{source}: `{source.room}` has no level on the map"
            for source in sources()
            if source.room not in LEVELS and source.room not in {"sim", "__init__"}
        ]
    )


def test_imports_only_go_down_and_rooms_never_import_each_other() -> None:
    broken = []
    for source in sources():
        if source.room in {"sim", "__init__"}:
            continue
        for line, room in inner_imports(source):
            if room in ("sim", source.room) or (source.room, room) in NEIGHBOURS:
                continue
            if LEVELS[room] >= LEVELS[source.room]:
                broken.append(f"{source}:{line}: `{source.room}` imports `{room}`, which is not below it")
    report(broken)


def test_sim_imports_nothing_of_nacd_and_only_cli_imports_sim() -> None:
    broken = []
    for source in sources():
        for line, room in inner_imports(source):
            if source.room == "sim" and room != "sim":
                broken.append(f"{source}:{line}: a double that shares `{room}` with the daemon proves nothing")
            if source.room not in {"sim", "cli"} and room == "sim":
                broken.append(f"{source}:{line}: only `cli` starts a simulator")
    report(broken)


def test_pure_rows_import_nothing_that_touches_the_world() -> None:
    report(
        [
            f"{source}:{line}: a pure row imports `{name}`"
            for source in sources()
            if source.room in PURE_ROWS
            for line, name in imports(source)
            if is_within(name, IMPURE)
        ]
    )


def test_pure_rows_open_no_file_and_read_no_clock() -> None:
    """The one exception reads the dictionaries shipped in the package."""
    files = {"open", "read_text", "read_bytes", "write_text", "write_bytes"}
    clocks = {"datetime.now", "datetime.utcnow", "date.today"}
    broken = []
    for source in sources():
        for node in ast.walk(source.tree):
            if source.room not in PURE_ROWS or not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            if name.rpartition(".")[2] in files and source.name != "radius/dictionary":
                broken.append(f"{source}:{node.lineno}: a pure row calls `{name}`")
            if any(name.endswith(clock) for clock in clocks):
                broken.append(f"{source}:{node.lineno}: a pure row reads a clock, `{name}`")
    report(broken)


def test_every_library_goes_through_its_door() -> None:
    broken = []
    for source in sources():
        for line, name in imports(source):
            library = name.partition(".")[0]
            if library not in DOORS:
                continue
            if source.room == "sim":
                if library not in SIM_LIBRARIES:
                    broken.append(f"{source}:{line}: `{library}` is not for simulators")
            elif not goes_through(source.name, DOORS[library]):
                broken.append(f"{source}:{line}: `{library}` has its door in {', '.join(DOORS[library])}")
    report(broken)


def test_every_library_that_is_imported_is_known_here() -> None:
    """A new dependency gets a door, not a habit."""
    known = set(sys.stdlib_module_names) | set(DOORS) | {"nacd"}
    report(
        [
            f"{source}:{line}: `{name}` has no door"
            for source in sources()
            for line, name in imports(source)
            if name.partition(".")[0] not in known
        ]
    )


def test_only_server_and_web_are_async() -> None:
    kinds = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    report(
        [
            f"{source}:{node.lineno}: `async` belongs in `server` and `web`"
            for source in sources()
            if source.room not in {"server", "web"}
            for node in ast.walk(source.tree)
            if isinstance(node, kinds)
        ]
    )


def test_the_daemon_starts_no_programs() -> None:
    broken = []
    for source in sources():
        if goes_through(source.name, MAY_FORK):
            continue
        broken += [
            f"{source}:{line}: imports `{name}`"
            for line, name in imports(source)
            if is_within(name, FORKS) or name in {"os.system", "os.popen"}
        ]
        broken += [
            f"{source}:{node.lineno}: calls `{ast.unparse(node.func)}`"
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) in {"os.system", "os.popen", "eval", "exec"}
            and source.name != "quick"  # __init__ out of the names of our own fields, as dataclasses makes it
        ]
    report(broken)


# -- errors -------------------------------------------------------------------------------------


def handlers(source: Source) -> Iterator[ast.ExceptHandler]:
    return (node for node in ast.walk(source.tree) if isinstance(node, ast.ExceptHandler))


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Whether it catches bugs and keeps them; what ends in ``raise`` only looks."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    return any(isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"} for kind in kinds)


def test_no_error_is_swallowed() -> None:
    broken = []
    for source in sources():
        for handler in handlers(source):
            if handler.type is None:
                broken.append(f"{source}:{handler.lineno}: bare `except:`")
            if is_broad(handler) and all(isinstance(line, ast.Pass | ast.Continue) for line in handler.body):
                broken.append(f"{source}:{handler.lineno}: any error is swallowed in silence")
    report(broken)


def test_broad_excepts_are_those_on_the_list() -> None:
    broken = []
    for source in sources():
        lines = [handler.lineno for handler in handlers(source) if is_broad(handler)]
        allowed = BROAD_EXCEPTS.get(source.name, 0)
        if len(lines) > allowed:
            broken.append(f"{source}: {len(lines)} broad `except` (lines {lines}), {allowed} allowed")
    report(broken)


# -- size and tests -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import nacd.eap.message", ["nacd.eap.message"]),
        ("from nacd.eap import message", ["nacd.eap", "nacd.eap.message"]),
        ("from ..eap import message", ["nacd.eap", "nacd.eap.message"]),
        ("from . import packet", ["nacd.radius", "nacd.radius.packet"]),
        ("def f():\n    import os.path", ["os.path"]),
    ],
)
def test_imports_are_found_wherever_they_hide(text: str, expected: list[str]) -> None:
    path = PACKAGE / "radius" / "made_up.py"
    source = Source(path=path, name="radius/made_up", room="radius", text=text, tree=ast.parse(text))
    assert [name for _, name in imports(source)] == expected
