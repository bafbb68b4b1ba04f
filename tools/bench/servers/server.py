"""A server under test: started on its core, waited for, and ended with the benchmark whatever happens.

Knows: processes. Refuses to know: which server it is, and how it is configured.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tools.bench import meter
from tools.compiled.build import COPY

HOME = Path(__file__).resolve().parents[3]
_READY_WITHIN_S = 60.0
_DEBIANS_PYTHON = "/usr/bin/python3"


def interpreter() -> str:
    """The Python that a Debian admin runs nacd with: Debian's own, built with its optimisations as FreeRADIUS and the
    Python inside it are. Ours, where that is another version or missing.
    """
    try:
        said = subprocess.run(
            [_DEBIANS_PYTHON, "-c", "import sys; print(*sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return sys.executable
    return _DEBIANS_PYTHON if said.stdout.split() == [str(part) for part in sys.version_info[:2]] else sys.executable


def environment(*, is_compiled: bool = True) -> dict[str, str]:
    """Where that Python finds nacd, the benchmark itself and what is installed in ours.

    is_compiled: nacd as the package has it; False: as its source is.
    """
    nacd = [str(COPY)] if is_compiled else []
    found = os.pathsep.join([*nacd, str(HOME), sysconfig.get_path("purelib")])
    # Safe path: else the folder it is started in came first, and with it nacd's source.
    return {**os.environ, "PYTHONPATH": found, "PYTHONSAFEPATH": "1"}


class NotUpError(Exception):
    """A server did not come up; the text says which and shows its log."""


@dataclass(slots=True, kw_only=True)
class Server:
    """A server that is up.

    audit, accounting: where its lines go; None where it writes none. pids: its whole tree of processes.
    """

    name: str
    process: subprocess.Popen[bytes]
    auth_port: int
    acct_port: int
    log: Path
    audit: Path | None
    accounting: Path
    pids: tuple[int, ...] = ()

    def settle(self) -> None:
        """Look at the tree of processes once more: a server may have started workers."""
        self.pids = meter.tree(self.process.pid)

    def stop(self) -> None:
        """End it now; that it is ended again with the benchmark does no harm."""
        end(self.process)


def launch(
    stack: ExitStack,
    words: Sequence[str],
    *,
    cores: meter.Cores,
    environment: Mapping[str, str],
    output: Path,
    is_ready: Callable[[], bool],
) -> subprocess.Popen[bytes]:
    """Start a server on its core and wait until it is ready; it ends with ``stack``. Raises NotUpError."""
    cores.for_server()
    with output.open("wb") as log:
        process = subprocess.Popen(
            words, cwd=HOME, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        stack.callback(end, process)
    cores.for_load()
    deadline = time.monotonic() + _READY_WITHIN_S
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            end(process)
            said = "".join(file.read_text(errors="replace") for file in output.parent.glob("*.log"))
            raise NotUpError(f"`{' '.join(words[:3])} ...` did not start:\n{said[-3000:]}")
        time.sleep(0.02)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and wait; SIGKILL after 15 s."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
