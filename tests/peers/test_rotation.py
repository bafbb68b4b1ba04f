"""Everything that has to be changed now and then is changed while radclient and eapol_test go on asking: secrets of
NASes, the server's certificate, client CAs, the app's credential. Nobody loses an answer.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from nacd.sim.microsoft.state import CLIENT_SECRET
from nacd.sim.pki import COMPLIANT_GUID, Authority, intune_uri
from tests.peers.conftest import Certificates, Credential, Daemon, Launcher, microsoft_keys, private_file
from tests.peers.wire import PRINTER, SECRET, Radclient, Supplicant

pytestmark = [pytest.mark.peer, pytest.mark.slow]

NEW_SECRET = "lab-secret-that-comes-after-it-all"
AT_LEAST = 4
"""Answers that each who asks must have had between two steps."""


def nacd(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "nacd", *words, "--config", str(daemon.folder / "nacd.yaml")]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


def reload(daemon: Daemon, change: Callable[[dict[str, Any]], object] = lambda config: None) -> str:
    """Change the configuration and have it loaded; what `nacd reload` printed."""
    file = daemon.folder / "nacd.yaml"
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    change(config)
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    done = nacd(daemon, "reload")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Asking(threading.Thread):
    """Asks again and again. ask: whether it got what it should."""

    def __init__(self, ask: Callable[[int], bool]) -> None:
        super().__init__()
        self._ask = ask
        self._over = threading.Event()
        self.well, self.lost = 0, list[int]()

    def run(self) -> None:
        for number in itertools.count():
            if self._over.is_set():
                return
            if self._ask(number):
                self.well += 1
            else:
                self.lost.append(number)

    def stop(self) -> None:
        self._over.set()
        self.join(60)


@contextmanager
def asking(*asks: Callable[[int], bool]) -> Iterator[Callable[[], None]]:
    """All of them at once while the block runs; call what it yields to let each be answered a few times more."""
    threads = [Asking(ask) for ask in asks]

    def go_on() -> None:
        goals = [each.well + AT_LEAST for each in threads]
        deadline = time.monotonic() + 60
        while any(each.well < goal for each, goal in zip(threads, goals, strict=True)):
            assert time.monotonic() < deadline, [(each.well, each.lost) for each in threads]
            assert not any(each.lost for each in threads), [(each.well, each.lost) for each in threads]
            time.sleep(0.02)

    for each in threads:
        each.start()
    try:
        go_on()
        yield go_on
        go_on()
    finally:
        for each in threads:
            each.stop()
    assert [each.lost for each in threads] == [[] for _ in threads]


class Switch:
    """A NAS at 127.0.0.1, asked through radclient and eapol_test, whose admin may set its secret."""

    def __init__(self, daemon: Daemon, radclient: Radclient, supplicant: Supplicant) -> None:
        self.secret = SECRET
        self._daemon, self._radclient, self._supplicant = daemon, radclient, supplicant

    def printer(self, number: int) -> bool:
        user = PRINTER.replace("-", "").lower()
        words = [("User-Name", user), ("User-Password", user), ("Calling-Station-Id", PRINTER)]
        words += [("Service-Type", "Call-Check"), ("NAS-Port-Type", "Ethernet"), ("NAS-Port", str(number % 4096))]
        words += [("Message-Authenticator", "0x00")]
        answer = self._radclient.ask(self._daemon.address(), "auth", words, secret=self.secret, wait_s=5)
        return answer.code == "Access-Accept" and answer.values("Tunnel-Private-Group-Id") == ["140"]

    def accounting(self, number: int) -> bool:
        words = [("Acct-Status-Type", "Interim-Update"), ("Acct-Session-Id", f"s-{number}"), ("User-Name", "nemo")]
        where = self._daemon.address(accounting=True)
        return self._radclient.ask(where, "acct", words, secret=self.secret, wait_s=5).code == "Accounting-Response"

    def laptop(self, issued: Credential) -> Callable[[int], bool]:
        network = self._supplicant.network(issued)

        def login(number: int) -> bool:
            mac = f"00:16:3e:00:{number >> 8 & 255:02x}:{number & 255:02x}"
            result = self._supplicant.login(self._daemon.address(), network, mac=mac, secret=self.secret)
            return result.accepted and result.keys == (1, 0)

        return login


def quick(config: dict[str, Any], policy: dict[str, Any]) -> None:
    config["overload"] = {"port_rate": 1000, "port_burst": 1000}


def test_secrets_are_changed_one_nas_after_the_other_and_no_request_is_lost(
    launch: Launcher, radclient: Radclient, supplicant: Supplicant, certificates: Certificates
) -> None:
    daemon = launch(change=quick)
    new = private_file(daemon.folder / "radius-new.secret", NEW_SECRET)
    switch, laptops = (Switch(daemon, radclient, supplicant) for _ in range(2))
    login = laptops.laptop(certificates.client("compliant-p256"))
    with asking(switch.printer, switch.accounting, login) as go_on:
        said = reload(daemon, lambda config: config["clients"][0].update(next_secret=new))
        assert "next secret of NAS `lab` added: both are valid" in said
        go_on()
        done = nacd(daemon, "clients", "secrets")
        assert (done.returncode, "lab: 1 of 1 address seen" in done.stdout) == (1, True), done.stdout + done.stderr
        laptops.secret = NEW_SECRET  # one box of two behind this address
        go_on()
        switch.secret = NEW_SECRET
        go_on()
        done = nacd(daemon, "clients", "secrets")
        assert (done.returncode, "it can be taken away" in done.stdout) == (0, True), done.stdout + done.stderr
        reload(daemon, lambda config: config["clients"][0].update(secret=config["clients"][0].pop("next_secret")))
    switch.secret = SECRET
    assert not switch.printer(1)
    dropped = daemon.recorded({"code": "A3001W"}, within_s=70)
    assert dropped["packets"]["reason"] == "bad_message_authenticator"
    (change,) = daemon.audit("A9160I")
    assert (change["nas"]["name"], change["change"]["to"]) == ("lab", "next_secret")
    assert not daemon.log("bug")


def test_a_secret_is_taken_back_and_no_request_is_lost(
    launch: Launcher, radclient: Radclient, supplicant: Supplicant, certificates: Certificates
) -> None:
    daemon = launch(change=quick)
    new = private_file(daemon.folder / "radius-new.secret", NEW_SECRET)
    switch = Switch(daemon, radclient, supplicant)
    with asking(switch.printer, switch.laptop(certificates.client("compliant-p256"))) as go_on:
        reload(daemon, lambda config: config["clients"][0].update(next_secret=new))
        switch.secret = NEW_SECRET
        go_on()
        switch.secret = SECRET
        go_on()
        said = reload(daemon, lambda config: config["clients"][0].pop("next_secret"))
        assert "next secret of NAS `lab` removed: it is not valid any more" in said


def test_the_server_certificate_is_renewed_under_load_and_no_login_fails(
    launch: Launcher, radclient: Radclient, supplicant: Supplicant, certificates: Certificates, tmp_path: Path
) -> None:
    daemon = launch(change=quick)
    switch = Switch(daemon, radclient, supplicant)
    logins = [switch.laptop(certificates.client(name)) for name in ("compliant-p256", "compliant-rsa2048")]
    with asking(lambda number: logins[number % 2](number), switch.printer) as go_on:
        for kind in ("rsa2048", "p256", "rsa4096"):
            served = certificates.server(kind)
            keys = {"certificate": str(served.chain), "private_key": f"file:{served.key}"}
            assert "server certificate" in reload(daemon, lambda config, keys=keys: config["eap"].update(keys))
            go_on()
    assert not daemon.audit("A1003W", "A1011W")
    told = [record["our_certificate"] for record in daemon.audit("A9161I")]
    assert [one["what"] for one in told] == ["server", "server", "server"]
    assert told[1]["before"] == told[0]["fingerprint"]
    assert not daemon.log("bug")


def test_an_old_client_ca_is_taken_away_after_the_new_one_has_come(
    launch: Launcher,
    peer: Any,
    radclient: Radclient,
    supplicant: Supplicant,
    certificates: Certificates,
    tmp_path: Path,
) -> None:
    daemon = launch(change=quick)
    (tmp_path / "second").mkdir()
    another = Supplicant(peer("eapol_test"), tmp_path / "second", certificates.folder / "server-ca.pem")
    switch, beside = Switch(daemon, radclient, supplicant), Switch(daemon, radclient, another)
    root = Authority.root("lab devices root of next year")
    (tmp_path / "next-ca.pem").write_bytes(root.root_pem)
    chain, key = root.issue_client("laptop-one", uris=[intune_uri(COMPLIANT_GUID)]).write(tmp_path, "next")
    old, new = switch.laptop(certificates.client("compliant-p256")), beside.laptop(Credential(chain=chain, key=key))
    assert (old(1), new(1)) == (True, False)

    def add(config: dict[str, Any]) -> None:
        entry = {"file": str(tmp_path / "next-ca.pem"), "may_assert": ["intune_id"]}
        config["eap"]["client_cas"].append(entry)

    with asking(old) as go_on:
        assert "client CA `next-ca` added" in reload(daemon, add)
        go_on()
        assert new(2)
    with asking(new):
        assert "client CA `devices-ca` removed" in reload(daemon, lambda config: config["eap"]["client_cas"].pop(0))
        assert not old(2)
    assert daemon.recorded({"code": "A1003W", "nas.name": "lab"})["eap"]["failure"]
    daemon.recorded({"code": "A9161I", "our_certificate.name": "devices-ca"})
    told = [record["our_certificate"] for record in daemon.audit("A9161I")]
    assert [(one["name"], bool(one["before"]), bool(one["fingerprint"])) for one in told] == [
        ("next-ca", False, True),
        ("devices-ca", True, False),
    ]


def test_an_app_secret_is_changed_at_microsoft_and_here_and_no_lookup_fails(
    launch: Launcher, radclient: Radclient, tmp_path: Path
) -> None:
    from nacd.sim.intune import IntuneSimulator

    with IntuneSimulator() as microsoft:
        guids = (f"5d1f0b52-8a7e-4c1c-9d7e-{number:012x}" for number in itertools.count(1))

        def changed(config: dict[str, Any], policy: dict[str, Any]) -> None:
            quick(config, policy)
            config["intune"] = microsoft_keys(tmp_path, microsoft)
            vpn = config["clients"][0] | {"name": "vpn", "network": "127.0.0.3/32", "authentication": "done_by_nas"}
            config["clients"].append(vpn)
            policy["rules"].insert(
                0, {"name": "vpn", "when": {"access": "vpn", "compliance": "compliant"}, "then": "corporate"}
            )

        daemon = launch(change=changed)

        def vpn(_: int) -> bool:
            """A device that nobody has asked about."""
            guid = next(guids)
            microsoft.put_device(guid=guid, compliant=True)
            words = [("User-Name", "alice"), ("NAS-Port-Type", "Virtual")]
            words += [("Calling-Station-Id", "203.0.113.9"), ("Packet-Src-IP-Address", "127.0.0.3")]
            words += [
                ("Cisco-AVPair", f'"mdm-tlv=device-uid=ID:Intune:DeviceID:{guid}"'),
                ("Message-Authenticator", "0x00"),
            ]
            return radclient.ask(daemon.address(), "auth", words, wait_s=8).code == "Access-Accept"

        second = "the-second-secret-of-the-app"
        keys = {"secret": private_file(tmp_path / "second.secret", second)}
        with asking(vpn) as go_on:
            microsoft.change_app(more_secrets=(second,))
            reload(daemon, lambda config: config["intune"].update(next_credential=keys))
            go_on()
            done = nacd(daemon, "doctor")
            assert "next intune token" in done.stdout, done.stdout + done.stderr
            # What an admin must not do yet, and survives: the old one is taken away at Microsoft first.
            microsoft.refuse_credential(CLIENT_SECRET, 7000222)
            microsoft.revoke_tokens()
            go_on()
            go_on()
            daemon.recorded({"code": "A9165W", "app.which": "credential"}, within_s=15)
            daemon.recorded({"code": "A9166I", "app.which": "next_credential"}, within_s=15)
            reload(daemon, lambda config: config["intune"].update(credential=config["intune"].pop("next_credential")))
            go_on()
            daemon.recorded({"code": "A9166I", "app.which": "credential"}, within_s=15)
    unavailable = [each for each in daemon.audit("A1001I", "A1002I") if each["compliance"]["state"] != "compliant"]
    assert not unavailable
    changed_records = [(each["app"]["which"], each["app"]["detail"]) for each in daemon.audit("A9164I")]
    assert changed_records == [("next_credential", "was added"), ("credential", "is what was `next_credential`")]
    written = daemon.audit_file.read_text(encoding="utf-8") + daemon.log_text
    assert second not in written
    assert CLIENT_SECRET not in written


def test_the_audit_key_is_changed_and_the_old_one_vouches_for_the_new(
    launch: Launcher, radclient: Radclient, supplicant: Supplicant, tmp_path: Path
) -> None:
    for name in ("old", "new"):
        words = [sys.executable, "-m", "nacd", "audit", "keygen", "--out", str(tmp_path / f"{name}.key")]
        subprocess.run(words, check=True, timeout=60, capture_output=True)

    def changed(config: dict[str, Any], policy: dict[str, Any]) -> None:
        quick(config, policy)
        config["audit"]["key"] = f"file:{tmp_path / 'old.key'}"

    def turn(config: dict[str, Any]) -> None:
        config["audit"] |= {"previous_key": config["audit"]["key"], "key": f"file:{tmp_path / 'new.key'}"}

    daemon = launch(change=changed)
    switch = Switch(daemon, radclient, supplicant)
    with asking(switch.printer) as go_on:
        reload(daemon, turn)
        go_on()
        first, second = daemon.audit("A9105I")
        assert (first["signer"]["old"], second["signer"]["old"]) == ("", first["signer"]["new"])
        assert second["signer"]["signature"]
        reload(daemon, lambda config: config["audit"].pop("previous_key"))
    assert daemon.stop() == 0
    keys = [word for name in ("old", "new") for word in ("--key", str(tmp_path / f"{name}.key.pub"))]
    done = nacd(daemon, "audit", "verify", *keys)
    assert done.returncode == 0, done.stdout + done.stderr
    only_old = nacd(daemon, "audit", "verify", *keys[:2])
    assert only_old.returncode == 0, only_old.stdout + only_old.stderr  # for the old one vouches for the new
