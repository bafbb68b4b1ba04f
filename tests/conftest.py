"""What every test may ask for: a real peer program, a network namespace, a free port.

One rule for all of them: what the machine cannot give is a skip that says why, and with ``CI=true`` a failure.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes tells of the machine, not of nacd: on a loaded one a test must not fail by that.
settings.register_profile("nacd", parent=settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nacd")

HOME = Path(__file__).resolve().parent.parent
PEERS = HOME / ".peers"


def unavailable(reason: str) -> NoReturn:
    """Skip this test, or fail it where nothing may be skipped."""
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(f"{reason} (CI=true: this may not be skipped)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def compiled_copy() -> Path:
    """nacd with its hot path compiled: made once, for whoever asks. Without a compiler a skip, in CI a failure."""
    from tools.compiled.build import missing, ready

    lacking = missing()
    if lacking:
        unavailable(lacking)
    return ready()


# -- peers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One real program, as ``tools/peers.py`` unpacked it. before: words in front (``ip netns exec NAME``)."""

    name: str
    path: Path
    before: tuple[str, ...] = ()
    _running: list[subprocess.Popen[str]] = field(default_factory=list, repr=False)

    def inside(self, namespace: Namespace) -> Peer:
        """The same program, run in a network namespace."""
        return Peer(name=self.name, path=self.path, before=namespace.words, _running=self._running)

    def words(self, arguments: Sequence[object]) -> list[str]:
        """The whole command line."""
        return [*self.before, str(self.path), *(str(argument) for argument in arguments)]

    def run(self, arguments: Sequence[object], timeout: float = 30.0, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run to the end (stdout and stderr apart, as text); ``timeout`` in seconds kills it and raises."""
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL} if "input" not in more else {}
        return subprocess.run(
            self.words(arguments), capture_output=True, text=True, check=False, timeout=timeout, **options, **more
        )

    def popen(self, arguments: Sequence[object], **more: Any) -> subprocess.Popen[str]:
        """Start it and leave it running; it is ended with the test."""
        options: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "text": True,
        }
        running = subprocess.Popen(self.words(arguments), **{**options, **more})
        self._running.append(running)
        return running


@pytest.fixture
def peer() -> Iterator[Callable[[str], Peer]]:
    """``peer("eapol_test")``: the program, or a skip with the reason why there is none."""
    given: list[Peer] = []

    def find(name: str) -> Peer:
        path = PEERS / "bin" / name
        if not path.is_file():
            said = PEERS / "missing"
            reason = said.read_text(encoding="utf-8").strip() if said.is_file() else "run `make peers` first"
            unavailable(f"no `{name}`: {reason}")
        found = Peer(name=name, path=path)
        given.append(found)
        return found

    yield find
    for each in given:
        for running in each._running:
            end(running)


def end(running: subprocess.Popen[str], patience_s: float = 5.0) -> None:
    """End one child: politely, then not."""
    if running.poll() is None:
        running.terminate()
        try:
            running.wait(patience_s)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait(patience_s)
    for stream in (running.stdout, running.stderr):
        if stream is not None:
            stream.close()


# -- network namespaces -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A network namespace of this test's own, gone when the test ends. ``name`` is ``""`` for the machine's own."""

    name: str
    ip: str

    @property
    def words(self) -> tuple[str, ...]:
        return (self.ip, "netns", "exec", self.name) if self.name else ()


@dataclass(slots=True, kw_only=True)
class Network:
    """Makes namespaces and the cables (veth pairs) between them."""

    ip: str
    _spaces: list[str] = field(default_factory=list)
    _links: list[str] = field(default_factory=list)

    def namespace(self) -> Namespace:
        """A new, empty namespace with its loopback up."""
        name = f"nacd-{uuid.uuid4().hex[:8]}"
        done = subprocess.run([self.ip, "netns", "add", name], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            unavailable(f"no network namespace: {done.stderr.strip() or 'refused'}")
        self._spaces.append(name)
        space = Namespace(name=name, ip=self.ip)
        self._do(*space.words, self.ip, "link", "set", "lo", "up")
        return space

    def host(self) -> Namespace:
        """The namespace that the test itself runs in."""
        return Namespace(name="", ip=self.ip)

    def cable(self, one: Namespace, other: Namespace) -> tuple[str, str]:
        """A veth pair between two namespaces, both ends up, without addresses: the names of its ends."""
        tag = uuid.uuid4().hex[:6]
        names = (f"nacd{tag}a", f"nacd{tag}b")
        self._do(self.ip, "link", "add", names[0], "type", "veth", "peer", "name", names[1])
        self._links.append(names[0])
        for name, space in zip(names, (one, other), strict=True):
            # No IPv6 chatter on the cable: what is captured there is what the test sent.
            self._do(self.ip, "link", "set", name, "addrgenmode", "none")
            if space.name:
                self._do(self.ip, "link", "set", name, "netns", space.name)
            self._do(*space.words, self.ip, "link", "set", name, "up")
        return names

    def _do(self, *words: str) -> None:
        subprocess.run(words, capture_output=True, text=True, check=True)

    def close(self) -> None:
        """Take everything down again; what went with a namespace is gone already."""
        for name in self._links:
            subprocess.run([self.ip, "link", "del", name], capture_output=True, check=False)
        for name in self._spaces:
            subprocess.run([self.ip, "netns", "del", name], capture_output=True, check=False)


@pytest.fixture
def netns() -> Iterator[Network]:
    """Namespaces and cables of the test's own; needs root."""
    if os.geteuid() != 0:
        unavailable("network namespaces need root")
    ip = shutil.which("ip", path=f"{PEERS / 'bin'}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if ip is None:
        unavailable("no `ip`: apt-get install iproute2, or run `make peers`")
    network = Network(ip=ip)
    try:
        yield network
    finally:
        network.close()


# -- disks ---------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that is a disk of 256 KiB of its own (tmpfs), gone when the test ends; needs root."""
    if os.geteuid() != 0:
        unavailable("mounting a small disk needs root")
    folder = tmp_path / "small-disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0755", "nacd-test", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        unavailable(f"no small disk: {done.stderr.strip() or 'refused'}")
    try:
        yield folder
    finally:
        # Lazily: a daemon of the test may still hold a file there, and ends after this.
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=True)


# -- ports --------------------------------------------------------------------------------------


@pytest.fixture
def free_udp_port() -> Callable[..., int]:
    """``free_udp_port("127.0.0.1")``: a UDP port that nobody holds just now."""

    def find(address: str = "127.0.0.1") -> int:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture(scope="session")
def has_ipv6() -> bool:
    """Whether ``::1`` can be bound on this machine."""
    with suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("::1", 0))
        return True
    return False
