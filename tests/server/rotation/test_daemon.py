"""Secrets, certificates and credentials changed in a running daemon: what goes on, what is on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nacd.cli.control.order import OrderFailed
from nacd.sim.nas import Nas
from nacd.sim.pki import COMPLIANT_GUID, Authority, intune_uri
from nacd.sim.supplicant import login
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, SECRET, Pki, Site, soon
from tests.server.reload.street import ACCEPT, REJECT, SILENCE, Daemon, Interrupting, live

NEW_SECRET = b"the-new-secret-of-the-tests"
NEXT = 'secret: "file:secrets/nas", next_secret: "file:secrets/nas-new"'
DAY_S = 86_400.0


def add_next(site: Site) -> None:
    site.write("secrets/nas-new", NEW_SECRET, 0o600)
    site.change('secret: "file:secrets/nas"', NEXT)


def promote(site: Site) -> None:
    site.change(NEXT, 'secret: "file:secrets/nas-new"')


def turns(nas: Nas) -> None:
    nas.secret = NEW_SECRET


def told(daemon: Daemon, **fields: Any) -> dict[str, Any]:
    found = daemon.give("clients.secrets", **fields)["clients"]
    return {each["name"]: each for each in found}


def test_a_secret_is_changed_without_losing_anybody(site: Site, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        with daemon.nas() as old, daemon.nas(NEW_SECRET) as new:
            assert told(daemon) == {}
            assert (old.mab(PRINTER_MAC).code, new.mab(PRINTER_MAC).code) == (ACCEPT, SILENCE)
            add_next(site)
            assert daemon.give("reload")["changes"] == ["next secret of NAS `switch` added: both are valid"]
            assert told(daemon)["switch"]["seen"] == 0
            assert old.mab(PRINTER_MAC).code == ACCEPT
            assert told(daemon)["switch"]["old"] == 1
            assert new.mab(PRINTER_MAC).code == ACCEPT
            assert soon(lambda: bool(daemon.recorded("client.secret_changed")), 5)
            assert old.mab(PRINTER_MAC).code == ACCEPT
            assert new.mab(PRINTER_MAC).code == ACCEPT
            seen = told(daemon, nas="switch")["switch"]
            assert (seen["old"], seen["addresses"][0]["comes_with"]) == (0, "next_secret")
            assert seen["old_at"] > seen["since"] > 0
            promote(site)
            (change,) = daemon.give("reload")["changes"]
            assert change.startswith("secret of NAS `switch`: the next one has taken the place")
            assert (old.mab(PRINTER_MAC).code, new.mab(PRINTER_MAC).code) == (SILENCE, ACCEPT)
            assert told(daemon) == {}

    live(site, monkeypatch, story)
    text = site.audit.read_text(encoding="utf-8")
    assert SECRET.decode() not in text
    assert NEW_SECRET.decode() not in text
    (record,) = (each for each in site.records() if each["event"] == "client.secret_changed")
    assert record["nas"] == {"name": "switch", "source": "127.0.0.1"}
    assert record["change"]["to"] == "next_secret"


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_login_whose_nas_gets_the_new_secret_in_its_middle_goes_on(
    site: Site, pki: Pki, monkeypatch: pytest.MonkeyPatch, tls: str, after: int
) -> None:
    def story(daemon: Daemon) -> None:
        add_next(site)
        daemon.give("reload")
        with Interrupting("127.0.0.1", SECRET, daemon.port, daemon.port, source="127.0.0.1", after=after) as nas:
            nas.timeout_s, nas.tries, nas.then = 5.0, 1, turns
            result = login(nas, pki.supplicant(tls=tls), mac=LAPTOP_MAC)
            assert result.eap_outcome == "success"
            assert result.keys == "match"
            assert nas.secret == NEW_SECRET

    live(site, monkeypatch, story)
    assert not [each for each in site.records() if each["event"] == "packets.dropped"]


def test_of_many_behind_one_entry_each_address_is_told_by_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        site.change("network: 127.0.0.1,", "network: 127.0.0.16/28,")
        add_next(site)
        daemon.give("reload")
        for number in range(16, 20):
            secret = NEW_SECRET if number < 18 else SECRET
            with daemon.nas(secret, source=f"127.0.0.{number}") as nas:
                assert nas.mab(PRINTER_MAC).code == ACCEPT
        seen = told(daemon, limit=3)["switch"]
        assert (seen["seen"], seen["old"]) == (4, 2)
        assert [(each["source"], each["comes_with"]) for each in seen["addresses"]] == [
            ("127.0.0.18", "secret"),
            ("127.0.0.19", "secret"),
            ("127.0.0.16", "next_secret"),
        ]
        with pytest.raises(OrderFailed, match="there is no NAS `nobody`"):
            daemon.give("clients.secrets", nas="nobody")

    live(site, monkeypatch, story)


# -- certificates ---------------------------------------------------------------------------------


def certificate_records(daemon: Daemon) -> list[tuple[str, str, bool, bool]]:
    """What, name, whether there was one before and whether there is one now."""
    told = [each["our_certificate"] for each in daemon.recorded("certificate.changed")]
    return [(one["what"], one["name"], bool(one["before"]), bool(one["fingerprint"])) for one in told]


def test_the_new_server_certificate_and_the_new_client_ca_are_on_record(
    site: Site, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Authority.root("the next devices root")
    laptop = other.issue_client("laptop", uris=[intune_uri(COMPLIANT_GUID)])

    def log_in(daemon: Daemon, issued: Any) -> str:
        with daemon.nas() as nas:
            return str(login(nas, pki.supplicant(issued), mac=LAPTOP_MAC).eap_outcome)

    def story(daemon: Daemon) -> None:
        assert log_in(daemon, laptop) == "failure"
        before = site.assemble().eap
        assert before is not None
        site.serve_with(pki.root.issue_server("radius.example.test"))
        daemon.give("reload")
        assert soon(lambda: certificate_records(daemon) == [("server", "", True, True)], 5)
        (record,) = daemon.recorded("certificate.changed")
        assert record["our_certificate"]["before"] == before.fingerprint
        site.write("next-ca.pem", other.root_pem)
        one = "    - {file: devices-ca.pem, may_assert: [intune_id]}\n"
        site.change(one, one + "    - {file: next-ca.pem, may_assert: [intune_id]}\n")
        daemon.give("reload")
        assert (log_in(daemon, laptop), log_in(daemon, pki.laptop)) == ("success", "success")
        assert soon(lambda: len(certificate_records(daemon)) == 2, 5)
        assert certificate_records(daemon)[1] == ("client_ca", "next-ca", False, True)
        site.change(one, "")
        daemon.give("reload")
        assert (log_in(daemon, laptop), log_in(daemon, pki.laptop)) == ("success", "failure")
        assert soon(lambda: len(certificate_records(daemon)) == 3, 5)
        assert certificate_records(daemon)[2][2:] == (True, False)

    live(site, monkeypatch, story)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda site, new: site.write("server.pem", new.chain_pem), "private key does not belong to"),
        (lambda site, new: site.write("server.key", new.key_pem, 0o600), "private key does not belong to"),
        (lambda site, new: site.write("server.pem", new.chain_pem[:100]), "certificate"),
        (lambda site, new: site.write("server.pem", b""), "certificate"),
        (lambda site, new: site.write("server.key", b"", 0o600), "is empty"),
        (lambda site, new: (site.folder / "server.pem").unlink(), "server.pem"),
        (lambda site, new: (site.folder / "devices-ca.pem").unlink(), "devices-ca.pem"),
    ],
    ids=["certificate first", "key first", "half", "empty", "empty key", "gone", "ca gone"],
)
def test_half_of_a_renewal_is_refused_in_words_and_the_old_certificate_stays(
    site: Site, pki: Pki, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Site, Any], object], words: str
) -> None:
    def story(daemon: Daemon) -> None:
        spoil(site, pki.root.issue_server("radius.example.test"))
        answer = daemon.give("reload")
        assert answer["loaded"] is False
        assert words in "\n".join(answer["problems"])
        with daemon.nas() as nas:
            assert login(nas, pki.supplicant(), mac=LAPTOP_MAC).eap_outcome == "success"
        assert daemon.recorded("certificate.changed") == []
        assert len(daemon.recorded("configuration.refused")) == 1

    live(site, monkeypatch, story)


def test_a_chain_in_the_wrong_order_is_put_right_and_remarked_on(
    site: Site, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(daemon: Daemon) -> None:
        issued = pki.root.intermediate("issuing").issue_server("radius.example.test")
        end = b"-----END CERTIFICATE-----\n"
        parts = [part + end for part in issued.chain_pem.split(end) if part.strip()]
        site.serve_with(issued)
        site.write("server.pem", b"".join(reversed(parts)))
        answer = daemon.give("reload")
        assert answer["loaded"] is True
        assert "the file is not in order" in "\n".join(answer["notes"])
        with daemon.nas() as nas:
            assert login(nas, pki.supplicant(), mac=LAPTOP_MAC).eap_outcome == "success"

    live(site, monkeypatch, story)


def test_what_ends_soon_is_on_record_once_with_its_days(site: Site, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    site.serve_with(pki.root.issue_server("radius.example.test", lasts_s=3.5 * DAY_S))
    ends = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    secret = 'secret: "file:secrets/app"'
    site.change(secret, f'{secret}, expires: "{ends}"')

    def story(daemon: Daemon) -> None:
        assert soon(lambda: bool(daemon.recorded("certificate.expires") and daemon.recorded("credential.expires")), 5)
        daemon.give("reload")
        daemon.give("reload")
        with daemon.nas() as nas:
            assert nas.mab("02-00-00-00-00-77").code == REJECT

    live(site, monkeypatch, story)
    (record,) = (each for each in site.records() if each["event"] == "certificate.expires")
    assert record["our_certificate"]["what"] == "server"
    assert record["our_certificate"]["days_left"] == 3
    (record,) = (each for each in site.records() if each["event"] == "credential.expires")
    assert (record["app"]["which"], record["app"]["kind"]) == ("credential", "client secret")
    assert record["app"]["days_left"] in (19, 20)
