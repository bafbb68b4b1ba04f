from pathlib import Path

import pytest
from typer.testing import CliRunner

from nacd.audit.privacy.kinds import Kind, Treatment
from nacd.audit.privacy.pseudonyms import pseudonym
from nacd.audit.privacy.veil import Choice, Veil
from nacd.cli.audit.hidden.asked import with_pseudonyms
from nacd.cli.main import app
from nacd.values import AuditEvent, Secret
from tests.cli.audit.hidden.test_key import KEY, laid
from tests.store.trail_index.laid import lay

ASKED = (("user", ("alice", "b*")), ("mac", ("0050.b6aa.bbcc",)), ("nas", ("campus",)))


def test_what_is_hashed_is_looked_for_by_both_names(tmp_path: Path) -> None:
    config = laid(tmp_path, "{users: hash, key: 'file:key'}")
    found = dict(with_pseudonyms(config, ASKED))
    assert found["user"][:2] == ("alice", "b*")
    assert pseudonym(Secret(KEY), Kind.USER, "alice") in found["user"]
    assert found["mac"] == ("0050.b6aa.bbcc", pseudonym(Secret(KEY), Kind.MAC, "00-50-B6-AA-BB-CC"))
    assert found["nas"] == ("campus",)


def test_nothing_is_added_where_nothing_is_hashed_or_nothing_is_configured(tmp_path: Path) -> None:
    assert with_pseudonyms(laid(tmp_path, "{users: remove}"), ASKED) == ASKED
    assert with_pseudonyms(tmp_path / "none.yaml", ASKED) == ASKED


def test_a_key_that_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert with_pseudonyms(laid(tmp_path, "{users: hash, key: 'file:gone'}"), ASKED) == ASKED
    assert "records with pseudonyms are not found" in capsys.readouterr().err


def test_whoever_asks_by_pseudonym_needs_no_key_and_hears_nothing_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = (("mac", (pseudonym(Secret(KEY), Kind.MAC, "00-50-B6-AA-BB-CC"),)), ("user", ("b*",)))
    assert with_pseudonyms(laid(tmp_path, "{macs: hash, key: 'file:gone'}"), asked) == asked
    assert capsys.readouterr().err == ""


GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
ALL = dict.fromkeys((Kind.USER, Kind.DEVICE, Kind.MAC, Kind.ADDRESS), Treatment.HASH)
GROUPS = "users: hash, devices: hash, macs: hash, addresses: hash"
PRINT = "0a" * 32


@pytest.mark.parametrize(
    ("section", "field", "value", "words"),
    [
        (GROUPS, "endpoint.user_name", "host/PC1", ["--user", "HOST/pc1"]),
        (GROUPS, "endpoint.user_name", "001185aabbcc", ["--user", "001185aabbcc"]),
        (GROUPS, "endpoint.user_name", GUID, ["--user", GUID]),
        (GROUPS, "endpoint.user_name", "2001:DB8::1", ["--user", "2001:db8::1"]),
        (GROUPS, "endpoint.mac", "00-11-85-AA-BB-CC", ["0011.85aa.bbcc"]),
        (GROUPS, "identity.id", GUID, [GUID.upper()]),
        (GROUPS, "certificate.serial", "abb", ["--serial", "0A:BB"]),
        (GROUPS, "certificate.fingerprint", PRINT, ["--serial", ":".join(["0A"] * 32)]),
        ("fields: {endpoint.mac: hash}", "endpoint.mac", "00-11-85-AA-BB-CC", ["--mac", "001185aabbcc"]),
        ("fields: {by: hash}", "by", "bob", ["--user", "bob"]),
    ],
)
def test_whoever_has_the_key_finds_by_name_whatever_was_hidden(
    tmp_path: Path, section: str, field: str, value: str, words: list[str]
) -> None:
    config = laid(tmp_path, f"{{{section}, key: 'file:key'}}")
    choice = Choice(fields={field: Treatment.HASH}) if section.startswith("fields") else Choice(kinds=ALL)
    head, _, name = field.rpartition(".")
    event = AuditEvent(code="A1001I", fields={head: {name: value}} if head else {name: value})
    lay(tmp_path, [[dict(Veil(choice, Secret(KEY))(event).fields)]])
    assert value not in (tmp_path / "audit.jsonl").read_text(encoding="utf-8")
    done = CliRunner().invoke(app, ["audit", "search", "--config", str(config), *words])
    assert (done.exit_code, "1 record;" in done.stderr) == (0, True)
