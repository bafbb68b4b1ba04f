#!/usr/bin/env python3
"""Unpacks real RADIUS peers for the tests, privately, under ``.peers/``.

Knows: which Debian packages hold eapol_test, radclient, hostapd, wpa_supplicant, freeradius, two
VPN gateways, tshark, Prometheus and RADIUS clients in other languages (one of them npm's), and how their programs run
from a folder of their own. Refuses to install anything: no
package script runs, no service starts, nothing outside ``.peers/`` is written (apart from
``apt-get update``, and that only as root when apt's lists are missing or too old).

    tools/peers.py             fetch what is missing; exit 1 with one clear line when that fails
    tools/peers.py --optional  the same, but exit 0: the reason is kept for the tests to show

Standard library only; runs on any Python 3.9 or newer, as root or as an ordinary user.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES: tuple[str, ...] = ("eapoltest", "freeradius-utils", "freeradius", "freeradius-python3", "hostapd")
PACKAGES += ("wpasupplicant", "tshark", "iproute2")
# A VPN gateway that speaks IKEv2 (with its plugins), and one that speaks AnyConnect's protocol, with their clients.
PACKAGES += ("strongswan-charon", "strongswan-swanctl", "libcharon-extra-plugins")
PACKAGES += ("libstrongswan-standard-plugins", "libstrongswan-extra-plugins", "ocserv", "openconnect")
# RADIUS clients in other languages, for tests/zoo.
PACKAGES += ("libauthen-radius-perl", "libnet-radius-perl", "php-dapphp-radius", "php-cli")
PACKAGES += ("libradcli4", "libradsec0", "libpam-radius-auth")
# Prometheus itself, and its own judge of what it is given.
PACKAGES += ("prometheus",)
# A collector of syslog over TLS.
PACKAGES += ("rsyslog", "rsyslog-openssl")

PROGRAMS = {
    "eapol_test": "eapoltest",
    "radclient": "freeradius-utils",
    "freeradius": "freeradius",
    "hostapd": "hostapd",
    "hostapd_cli": "hostapd",
    "wpa_supplicant": "wpasupplicant",
    "wpa_cli": "wpasupplicant",
    "tshark": "tshark",
    "dumpcap": "wireshark-common",
    "ip": "iproute2",
    "perl": "perl",
    "php": "php-cli",
    "charon": "strongswan-charon",
    "swanctl": "strongswan-swanctl",
    "ocserv": "ocserv",
    "openconnect": "openconnect",
    "promtool": "prometheus",
    "rsyslogd": "rsyslog",
    "prometheus": "prometheus",
}

# The C library and its loader must come from the machine itself: a private copy cannot be mixed with the
# system's loader.
NEVER_UNPACKED = frozenset({"libc6", "libc-bin", "base-files"})
# What a TPM's rules need, which no program here does: services of the machine.
NEVER_UNPACKED |= {"systemd", "systemd-sysv", "systemd-timesyncd", "libsystemd-shared", "libpam-systemd"}
NEVER_UNPACKED |= {"libnss-systemd", "udev", "tpm-udev"}

HOME = Path(__file__).resolve().parent.parent
FOLDER = HOME / ".peers"
ROOT = FOLDER / "root"
BIN = FOLDER / "bin"
SETTINGS = FOLDER / "settings"
OVERLAY = FOLDER / "over-usr-lib"
NODE = FOLDER / "node"
NODE_LOCK = HOME / "tests/zoo/node/package-lock.json"
STAMP = FOLDER / "stamp.json"
MISSING = FOLDER / "missing"
UPDATE = "apt-get update" if os.geteuid() == 0 else "sudo apt-get update"


class PeersError(Exception):
    """The peers cannot be had; the text is one line for a person."""


def say(text: str) -> None:
    print(f"peers: {text}", file=sys.stderr, flush=True)


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        words, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def first_error(output: str) -> str:
    """The line of apt's output that says what is wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in lines:
        if line.startswith(("E:", "Err:")):
            return line
    return lines[-1] if lines else "no output"


# -- what apt says ------------------------------------------------------------------------------


def have_lists() -> bool:
    folder = Path("/var/lib/apt/lists")
    return folder.is_dir() and any("_Packages" in entry.name for entry in folder.iterdir())


def update_lists(why: str) -> None:
    """Refresh apt's package lists (root), or say how to (ordinary user)."""
    if os.geteuid() != 0:
        raise PeersError(f"{why}: run `{UPDATE}`, then `make peers` again")
    say(f"{why}: running apt-get update")
    done = run("apt-get", "-q", "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=30", "update")
    if done.returncode != 0 or not have_lists():
        raise PeersError(f"apt-get update failed, is the network there? {first_error(done.stderr or done.stdout)}")


def wanted_packages() -> list[str]:
    """``name=version`` of every package that this machine lacks, by apt's own simulation."""
    done = run("apt-get", "-s", "-q", "--no-install-recommends", "install", *PACKAGES)
    if done.returncode != 0:
        raise PeersError(f"apt cannot work out the packages: {first_error(done.stderr)}")
    found = re.findall(r"^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) [^)]*\[(\S+)\]\)", done.stdout, re.MULTILINE)
    wanted = [f"{name.partition(':')[0]}={version}" for name, version, _arch in found]
    # Installed ones are used from the system, but a half-installed machine (program there, its data not) is rare
    # enough to leave to apt.
    return [each for each in wanted if each.partition("=")[0] not in NEVER_UNPACKED]


def download(wanted: list[str], folder: Path) -> None:
    """Fetch the packages into ``folder``; apt checks their signatures' hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ("-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3", "-o", "Acquire::http::Timeout=30")
    done = run("apt-get", *options, "download", *wanted, cwd=folder)
    if done.returncode != 0:
        raise PeersError(f"packages could not be fetched, is the network there? {first_error(done.stderr)}")


# -- programs that run from here ----------------------------------------------------------------


def library_folders() -> list[Path]:
    """Every folder of the unpacked tree that the loader must search."""
    candidates = [ROOT / top for top in ("lib", "usr/lib")]
    folders: list[Path] = []
    for top in candidates:
        if top.is_dir():
            folders += [top, *sorted(top.glob("*-linux-gnu*")), top / "freeradius", top / "ipsec"]
    return [each for each in folders if each.is_dir() and any(each.glob("*.so*"))]


def program_path(name: str) -> Path:
    for place in ("usr/bin", "usr/sbin", "bin", "sbin", "usr/lib/ipsec"):
        path = ROOT / place / name
        if path.is_file():
            return path
        for versioned in (ROOT / place).glob(f"{name}[0-9].[0-9]"):  # `php8.2`, which its package script would link
            return versioned
    system = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if system is None:
        raise PeersError(f"`{name}` is not in Debian's `{PROGRAMS[name]}` on this system")
    return Path(system)


def perl_folders() -> list[str]:
    """Every folder of the unpacked tree that holds Perl modules."""
    patterns = ("usr/share/perl5", "usr/share/perl/5.*", "usr/lib/*/perl/5.*", "usr/lib/*/perl5/5.*")
    return [str(folder) for pattern in patterns for folder in sorted(ROOT.glob(pattern))]


def wrapper(name: str) -> str:
    """A shell script that runs the program with its own libraries and data."""
    path = program_path(name)
    lines = ["#!/bin/sh", "# written by tools/peers.py"]
    private = path.is_relative_to(ROOT)
    if private:
        libraries = ":".join(str(folder) for folder in library_folders())
        lines.append(f'export LD_LIBRARY_PATH={shlex.quote(libraries)}"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"')
    extra = ""
    if name == "perl":
        lines.append(f"export PERL5LIB={shlex.quote(':'.join(perl_folders()))}")
    if name == "php":
        extra = f" -n -d include_path={shlex.quote(f'{ROOT}/usr/share/php:/usr/share/php')}"
    if name in {"tshark", "dumpcap"}:
        # As root it looks for its data under /usr alone, but for RADIUS dictionaries also in the user's own
        # folder; one of ours keeps a person's preferences out of the tests, too.
        lines.append(f"export XDG_CONFIG_HOME={shlex.quote(str(SETTINGS))}")
    if private and name in {"radclient", "freeradius"}:
        extra = f" -D {shlex.quote(str(ROOT / 'usr/share/freeradius'))}"
    if private and name == "radclient":
        extra += f" -d {shlex.quote(str(ROOT / 'etc/freeradius/3.0'))}"
    if private and name == "rsyslogd":
        modules = next((str(each) for each in ROOT.glob("usr/lib/*/rsyslog")), "")
        lines.append(f"export RSYSLOG_MODDIR={shlex.quote(modules + '/')}")
    begin = "exec"
    if private and name in {"charon", "swanctl"}:
        # They look for their plugins under /usr/lib alone, and write to /run: both are theirs alone in here.
        mounts = f"mount -t overlay nacd -o lowerdir={shlex.quote(str(OVERLAY))}:/usr/lib /usr/lib"
        inside = f'{mounts} && mount -t tmpfs nacd /run && exec "$0" "$@"'
        begin = f"exec unshare -m sh -c {shlex.quote(inside)}"
    lines.append(f'{begin} {shlex.quote(str(path))}{extra} "$@"')
    return "\n".join(lines) + "\n"


def write_wrappers() -> None:
    BIN.mkdir(parents=True, exist_ok=True)
    dictionaries = ROOT / "usr/share/wireshark/radius"
    (SETTINGS / "wireshark").mkdir(parents=True, exist_ok=True)
    if dictionaries.is_dir():
        (SETTINGS / "wireshark/radius").symlink_to(dictionaries)
    OVERLAY.mkdir(exist_ok=True)
    (OVERLAY / "ipsec").symlink_to(ROOT / "usr/lib/ipsec")
    for name in PROGRAMS:
        target = BIN / name
        target.write_text(wrapper(name), encoding="utf-8")
        target.chmod(0o755)
    # For a program of somebody else's (Python with ctypes) that wants the libraries unpacked here.
    libraries = ":".join(str(folder) for folder in library_folders())
    path = f'{shlex.quote(libraries)}"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"'
    target = BIN / "with-libraries"
    target.write_text(f'#!/bin/sh\nexport LD_LIBRARY_PATH={path}\nexec "$@"\n', encoding="utf-8")
    target.chmod(0o755)


def check_libraries() -> None:
    """Every unpacked program finds all its libraries, asked of the loader itself."""
    if shutil.which("ldd") is None:
        return
    environment = {**os.environ, "LC_ALL": "C", "LD_LIBRARY_PATH": ":".join(str(each) for each in library_folders())}
    for name in PROGRAMS:
        path = program_path(name)
        if path.is_relative_to(ROOT):
            done = subprocess.run(["ldd", str(path)], env=environment, capture_output=True, text=True, check=False)
            lost = re.findall(r"^\s*(\S+) => not found", done.stdout, re.MULTILINE)
            if lost:
                raise PeersError(f"`{name}` lacks {', '.join(lost)}")


# -- the whole ----------------------------------------------------------------------------------


def recipe() -> str:
    """Changes when this script, or the place it works in, changes."""
    return hashlib.sha256(Path(__file__).read_bytes() + str(ROOT).encode()).hexdigest()


def is_done() -> bool:
    if not STAMP.is_file() or not all((BIN / name).is_file() for name in PROGRAMS):
        return False
    try:
        return bool(json.loads(STAMP.read_text(encoding="utf-8"))["recipe"] == recipe())
    except (ValueError, KeyError, TypeError):
        return False


def fetch() -> None:
    """Simulate, download, unpack, write the wrappers. Raises PeersError."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise PeersError(f"`{tool}` is missing: real peers are taken from Debian's or Ubuntu's packages")
    shutil.rmtree(FOLDER, ignore_errors=True)
    debs = FOLDER / "debs"
    if not have_lists():
        update_lists("apt's package lists are missing")
    try:
        wanted = wanted_packages()
        say(f"fetching {len(wanted)} packages")
        if wanted:
            download(wanted, debs)
    except PeersError as trouble:
        update_lists(f"{trouble} (apt's package lists may be too old)")
        wanted = wanted_packages()
        say(f"fetching {len(wanted)} packages")
        if wanted:
            download(wanted, debs)
    ROOT.mkdir(parents=True, exist_ok=True)
    for count, deb in enumerate(sorted(debs.glob("*.deb")), start=1):
        say(f"unpacking {count}/{len(wanted)} {deb.name.partition('_')[0]}")
        done = run("dpkg-deb", "-x", str(deb), str(ROOT))
        if done.returncode != 0:
            raise PeersError(f"`{deb.name}` does not unpack: {first_error(done.stderr)}")
    check_libraries()
    write_wrappers()
    shutil.rmtree(debs, ignore_errors=True)
    STAMP.write_text(json.dumps({"recipe": recipe(), "packages": wanted}, indent=1) + "\n", encoding="utf-8")
    say(f"ready: {', '.join(PROGRAMS)}")


def node_is_done() -> bool:
    kept = NODE / NODE_LOCK.name
    return (BIN / "node").is_file() and kept.is_file() and kept.read_bytes() == NODE_LOCK.read_bytes()


def fetch_node() -> None:
    """The JavaScript client, by npm, which checks the hash that the lock file names. Raises PeersError."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise PeersError("`npm` is missing: install Node.js with npm, which the JavaScript client needs")
    say("fetching what tests/zoo/node asks of npm")
    (BIN / "node").unlink(missing_ok=True)
    shutil.rmtree(NODE, ignore_errors=True)
    NODE.mkdir(parents=True)
    for name in ("package.json", NODE_LOCK.name):
        shutil.copyfile(NODE_LOCK.parent / name, NODE / name)
    cache = NODE / "cache"
    done = run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(cache), cwd=NODE)
    if done.returncode != 0:
        (NODE / NODE_LOCK.name).unlink()
        lines = [line for line in done.stderr.splitlines() if line.startswith(("npm error", "npm ERR!"))]
        raise PeersError(f"npm could not fetch, is the network there? {lines[0] if lines else done.stderr[-200:]}")
    shutil.rmtree(cache, ignore_errors=True)
    target = BIN / "node"
    search = f"export NODE_PATH={shlex.quote(str(NODE / 'node_modules'))}"
    target.write_text(f'#!/bin/sh\n{search}\nexec {shlex.quote(node)} --no-deprecation "$@"\n', encoding="utf-8")
    target.chmod(0o755)


def main() -> int:
    parser = argparse.ArgumentParser(description="unpack real RADIUS peers for the tests under .peers/")
    parser.add_argument("--optional", action="store_true", help="exit 0 even when they cannot be had")
    arguments = parser.parse_args()
    try:
        if not is_done():
            fetch()
        if not node_is_done():
            fetch_node()
        MISSING.unlink(missing_ok=True)
    except PeersError as trouble:
        FOLDER.mkdir(exist_ok=True)
        MISSING.write_text(f"{trouble}\n", encoding="utf-8")
        say(str(trouble))
        return 0 if arguments.optional else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
