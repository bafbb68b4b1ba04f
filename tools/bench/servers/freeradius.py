"""FreeRADIUS as a process of its own, with the configuration of ``raddb``.

Knows: where it is unpacked, how it starts. Refuses to know: its configuration, load and measuring.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

from tools.bench import meter, site
from tools.bench.servers import raddb
from tools.bench.servers.server import HOME, NotUpError, Server, launch

PEERS = HOME / ".peers"


def missing() -> str:
    """Why FreeRADIUS cannot be started here; ``""`` when it can."""
    if not (PEERS / "bin/freeradius").is_file():
        said = PEERS / "missing"
        return said.read_text(encoding="utf-8").strip() if said.is_file() else "no FreeRADIUS: run `make peers`"
    if not (libraries() / "rlm_python3.so").is_file():
        return "FreeRADIUS lacks rlm_python3: run `make peers`"
    return ""


def version() -> str:
    """What it says of itself."""
    done = subprocess.run([PEERS / "bin/freeradius", "-v"], capture_output=True, text=True, check=False, timeout=20)
    return done.stdout.split("\n", 1)[0].removeprefix("radiusd: ").partition(", for")[0]


def start(
    stack: ExitStack, folder: Path, credentials: site.Credentials, cores: meter.Cores, variant: raddb.Variant
) -> Server:
    """Start one in ``folder``, to be ended with ``stack``. Raises NotUpError."""
    folder.mkdir(parents=True)
    place = raddb.Place(
        folder=folder,
        auth_port=_free_port(),
        acct_port=_free_port(),
        libraries=libraries(),
        python_path=_python_path(folder),
    )
    raddb.write(place, credentials, variant)
    log = folder / "freeradius.log"

    def is_ready() -> bool:
        return log.is_file() and "Ready to process requests" in log.read_text(errors="replace")

    words = [str(PEERS / "bin/freeradius"), "-f", "-d", str(folder), "-n", "radiusd"]
    process = launch(
        stack,
        words if variant.threads else [*words, "-s"],
        cores=cores,
        environment=environment(),
        output=folder / "output.log",
        is_ready=is_ready,
    )
    server = Server(
        name=variant.name,
        process=process,
        auth_port=place.auth_port,
        acct_port=place.acct_port,
        log=log,
        audit=folder / "audit.jsonl" if variant.line else None,
        accounting=folder / "accounting.jsonl",
    )
    server.settle()
    return server


# -- where it lives ---------------------------------------------------------------------------


def libraries() -> Path:
    """Where its modules are."""
    private = PEERS / "root/usr/lib/freeradius"
    return private if private.is_dir() else Path("/usr/lib/freeradius")


def packaged() -> Path:
    """The configuration it comes with."""
    private = PEERS / "root/etc/freeradius/3.0"
    return private if private.is_dir() else Path("/etc/freeradius/3.0")


def _python_home() -> Path:
    """Where the Python inside FreeRADIUS has its library: unpacked beside it, or the machine's own."""
    private = PEERS / "root/usr"
    return private if list(private.glob("lib/python3.*/os.py")) else Path("/usr")


def _python_path(folder: Path) -> str:
    linked = re.search(rb"libpython(3\.\d+)\.so", (libraries() / "rlm_python3.so").read_bytes())
    if linked is None:
        raise NotUpError("rlm_python3 is not linked to any Python")
    standard = _python_home() / f"lib/python{linked[1].decode()}"
    return f"{folder}:{standard}:{standard}/lib-dynload"


def environment() -> dict[str, str]:
    """Ours, without what it says about our own Python."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return ours | {"PYTHONHOME": str(_python_home())}


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
