"""The door of a whole daemon: who may do what, by the kernel's word, and what bad guests cannot do to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.control.lab import ACCEPT, Lab, uid, until
from tests.conftest import unavailable
from tests.peers.conftest import Launcher

MIB = 1024 * 1024
NETOPS, HELPDESK = 54_321, 54_322
GAMES, DAEMON, BIN, MAN = (f"{user} (uid {uid(user)})" for user in ("games", "daemon", "bin", "man"))

GUEST = """
import json, os, pwd, socket, sys
who, path, what = pwd.getpwnam(sys.argv[1]), sys.argv[2], sys.argv[3]
os.setgroups([])
os.setgid(who.pw_gid)
os.setuid(who.pw_uid)

def knock():
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(30)
    sock.connect(path)
    return sock

def heard(sock):
    octets = b""
    try:
        while more := sock.recv(1 << 16):
            octets += more
    except OSError as error:
        return type(error).__name__
    return json.loads(octets.splitlines()[-1]) if octets else "nothing"

def said(octets):
    sock, sent = knock(), 0
    try:
        while sent < len(octets):
            sent += sock.send(octets[sent : sent + 65536])
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    return sent, heard(sock)

if what == "silent":
    held = [knock() for _ in range(40)]
    answers = [heard(sock) for sock in held[8:]]
elif what == "deaf":
    held = [knock() for _ in range(2)]
    for sock in held:
        sock.sendall(b'{"order": "sessions.watch", "interims": true}' + bytes([10]))
    answers = []
elif what == "garbage":
    answers = [said(os.urandom(200) + bytes([10])) for _ in range(200)]
elif what == "shapes":
    shapes = [b"[]", b"null", b"7", b"{}", b'{"order": 7}', b'{"order": "nothing"}', b"[" * 4000, bytes(100)]
    shapes += [b'{"order": "sessions.list", "limit": ' + b"9" * 4000 + b"}", b"\\xff\\xfe", b""]
    answers = [said(each + bytes([10])) for each in shapes]
else:
    answers = [said(bytes(10_000_000).replace(bytes(1), b"x")), said(b'{"order": "' + b"y" * 10_000_000)]
print(json.dumps(answers), flush=True)
sys.stdin.read()
"""
"""Somebody who may look, and behaves badly; he stays until his standard input is closed."""


@contextmanager
def guest(lab: Lab, what: str, user: str = "games") -> Iterator[Any]:
    """In the block he is there; what he has heard."""
    words = [sys.executable, "-I", "-c", GUEST, user, str(lab.socket), what]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        yield json.loads(running.stdout.readline())
        running.stdin.close()
        assert running.wait(10) == 0


def resident(lab: Lab) -> int:
    """Octets of memory that the daemon has (proc(5))."""
    status = Path(f"/proc/{lab.daemon.process.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def is_well(lab: Lab) -> None:
    """People are answered, and so are NASes."""
    assert lab.nacd("coa", "status").code == 0
    assert lab.login_at(lab.device(), port=900) == ACCEPT


# -- roles ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("as_root")
def test_each_role_may_do_what_is_its_own_and_everything_is_recorded_with_who(lab: Lab) -> None:
    on = lab.plug_in()
    allow = ("allow", on.mac, "--reason", "surgery", "--until", "2h", "--profile", "corporate")
    may = {"games": "read", "daemon": "coa", "bin": "config", "man": ""}
    since = lab.recorded
    for user, role in may.items():
        said = lab.by(user, "sessions", "list", "--mac", on.mac)
        assert (said.code, on.mac in said.out) == ((0, True) if role else (1, False)), said
        said = lab.by(user, "coa", "reauthenticate", on.session)
        assert said.code == (0 if role in ("coa", "config") else 1), said
        said = lab.by(user, *allow)
        assert said.code == (0 if role == "config" else 1), said
        if role == "coa":
            assert said.err == (
                f"this needs the role `config`, and {DAEMON} has `coa`: whoever may do it is named under"
                " `control.config` in nacd's configuration\n"
            )
    orders = [(name, by, outcome.split(",")[0].split(":")[0]) for name, by, outcome in lab.orders(since)]
    assert orders == [
        ("coa.reauthenticate", GAMES, "this needs the role `coa`"),
        ("override.put", GAMES, "this needs the role `coa`"),
        ("coa.reauthenticate", DAEMON, "1 acknowledged"),
        ("override.put", DAEMON, "this needs the role `config`"),
        ("coa.reauthenticate", BIN, "1 acknowledged"),
        ("sessions.list", MAN, f"{MAN} has no role here"),
        ("coa.reauthenticate", MAN, f"{MAN} has no role here"),
        ("override.put", MAN, f"{MAN} has no role here"),
    ]
    assert lab.daemon.recorded({"code": "A4020I"}, since=since)["by"] == BIN


@pytest.mark.usefixtures("as_root")
def test_whoever_is_refused_over_and_over_does_not_fill_the_disk(lab: Lab) -> None:
    since = lab.recorded
    with guest(lab, "garbage", user="man") as answers:
        assert len(answers) == 200
    orders = [each for each in lab.orders(since) if each[1] == MAN]
    assert 1 <= len(orders) <= 20
    assert {name for name, _, _ in orders} <= {"(no order)"}


@pytest.fixture
def groups(open_folder: Path) -> Path:
    """The group file of a machine of this test's own."""
    file = open_folder / "group"
    here = Path("/etc/group").read_text(encoding="utf-8")
    file.write_text(f"{here}netops:x:{NETOPS}:games\nhelpdesk:x:{HELPDESK}:man\n", encoding="utf-8")
    return file


@pytest.fixture
def grouped(open_folder: Path, groups: Path, launch: Launcher, microsoft: Any, as_root: None) -> Iterator[Lab]:
    """A daemon in a mount namespace (unshare(1)) that has these groups."""
    inside = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/group && exec "$@"', str(groups))
    done = subprocess.run([*inside, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        unavailable(f"no mount namespace: {done.stderr.strip()}")
    folder = open_folder / "grouped"
    folder.mkdir()
    folder.chmod(0o755)

    def named(config: dict[str, Any], policy: dict[str, Any]) -> None:
        config["control"] |= {"read": ["@helpdesk"], "coa": ["@netops"], "config": []}

    built = Lab(folder, launch, microsoft, named, before=inside)
    yield built
    built.close()


def test_supplementary_groups_give_a_role_as_the_machine_has_them_and_not_as_a_program_claims_them(
    grouped: Lab, groups: Path
) -> None:
    on = grouped.plug_in()
    order = ("coa", "reauthenticate", on.session)
    assert grouped.by("games", *order).code == 0
    refused = grouped.by("man", *order)
    assert (refused.code, f"{MAN} has `read`" in refused.err) == (1, True)
    claimed = grouped.by("bin", *order, groups=(NETOPS,))
    assert (claimed.code, f"{BIN} has no role here" in claimed.err) == (1, True)
    # Whoever leaves the group loses its role at once, whatever his programs still have.
    groups.write_text(groups.read_text(encoding="utf-8").replace(f"{NETOPS}:games", f"{NETOPS}:"), encoding="utf-8")
    left = grouped.by("games", *order, groups=(NETOPS,))
    assert (left.code, f"{GAMES} has no role here" in left.err) == (1, True)


# -- bad guests -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("as_root")
def test_guests_who_say_nothing_keep_nobody_out(lab: Lab) -> None:
    with guest(lab, "silent") as answers:
        assert {json.dumps(each) for each in answers} == {'{"error": "too many orders at once", "kind": "not_done"}'}
        is_well(lab)
        assert lab.by("daemon", "coa", "status").code == 0


@pytest.mark.usefixtures("as_root")
def test_garbage_is_answered_in_words_and_leaves_nothing_behind(lab: Lab) -> None:
    with guest(lab, "shapes") as answers:
        assert {answer["kind"] for _, answer in answers} == {"usage"}
    before = resident(lab)
    for _ in range(3):
        with guest(lab, "garbage") as answers:
            assert {answer["kind"] for _, answer in answers} == {"usage"}
    is_well(lab)
    assert resident(lab) - before < 4 * MIB


@pytest.mark.usefixtures("as_root")
def test_a_line_of_ten_megabytes_is_not_read_to_its_end(lab: Lab) -> None:
    before = resident(lab)
    with guest(lab, "long") as answers:
        assert all(sent < 2_000_000 for sent, _ in answers)
        is_well(lab)
    assert resident(lab) - before < 4 * MIB


@pytest.mark.slow
@pytest.mark.usefixtures("as_root")
def test_a_watch_that_nobody_reads_ends_and_costs_no_memory(lab: Lab) -> None:
    device = lab.device()

    def log_in(times: int) -> None:
        """The same hundred sessions over and over: they themselves cost no more."""
        for number in range(times):
            # Each at another port: a login that says nothing new is not worth a line each time.
            assert lab.login_at(device, port=1000 + number, session=1000 + number % 100) == ACCEPT

    log_in(500)
    before = resident(lab)
    with guest(lab, "deaf"):
        until(lambda: _connections(lab) == 2, "nobody watches")
        log_in(700)
        is_well(lab)
        until(lambda: _connections(lab) == 0, "they are waited for")
    log_in(100)
    assert resident(lab) - before < 6 * MIB


def _connections(lab: Lab) -> int:
    """How many there are at the daemon's socket, on its side (unix(7): state 3 is connected)."""
    with open("/proc/net/unix", encoding="utf-8") as lines:
        at_socket = [line.split() for line in lines if line.rstrip().endswith(str(lab.socket))]
    return sum(1 for each in at_socket if each[5] == "03")
