"""``nacd support-bundle`` on a configuration that is sound, and on one that is not."""

import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nacd.cli.main import app
from tests.server.house import PRINTER_MAC, SECRET, Pki, Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, Pki.make())


def packed(site: Site, *words: str) -> tuple[str, dict[str, bytes]]:
    out = site.folder / "bundle.tar.gz"
    done = CliRunner().invoke(app, ["support-bundle", "--config", str(site.config), "--out", str(out), *words])
    assert done.exit_code == 0, done.output
    assert out.stat().st_mode & 0o777 == 0o600
    with tarfile.open(out) as opened:
        files = {member.name.partition("/")[2]: opened.extractfile(member) for member in opened.getmembers()}
        return done.stdout, {name: file.read() for name, file in files.items() if file is not None}


def test_a_bundle_holds_what_helps_and_no_secret_and_no_name(site: Site) -> None:
    record = f'{{"code":"A1002I","why":"endpoint {PRINTER_MAC}","endpoint":{{"mac":"{PRINTER_MAC}"}}}}\n'
    site.write("audit.jsonl", record)
    log = site.write("nacd.log", f"bad secret {SECRET.decode()} of {PRINTER_MAC}\n")
    said, files = packed(site, "--log", str(log))
    assert {"MANIFEST.txt", "version.json", "check.json", "config/nacd.json", "audit.jsonl", "log.txt"} <= set(files)
    everything = b"".join(files.values())
    for hidden in (SECRET, SECRET.hex().encode(), PRINTER_MAC.encode(), b"the-apps-own-word"):
        assert hidden not in everything
    assert b"file:secrets/nas" in files["config/nacd.json"]
    assert "Look through it before you send it" in said
    assert "now `***`: 1" in said
    assert "metrics.txt" in said.partition("not in it:")[2]


def test_nothing_is_left_of_a_secret_in_which_a_name_could_be_seen(site: Site) -> None:
    site.write("secrets/nas", "Winter@vpn.example.test#Zz77!tail", 0o600)
    site.write("audit.jsonl", '{"code":"A1002I","why":"no Winter@vpn.example.test#Zz77!tail"}\n')
    log = site.write("nacd.log", "no Winter@vpn.example.test#Zz77!tail\n")
    said, files = packed(site, "--log", str(log))
    assert b"Zz77" not in b"".join(files.values())
    assert "now `***`: 2" in said


def test_identities_stay_when_that_is_wanted_and_the_manifest_says_so(site: Site) -> None:
    site.write("audit.jsonl", f'{{"code":"A1002I","why":"endpoint {PRINTER_MAC}"}}\n')
    said, files = packed(site, "--with-identities")
    assert PRINTER_MAC.encode() in files["audit.jsonl"]
    assert "NOT hidden" in said


def test_a_broken_configuration_gets_one_too(site: Site) -> None:
    site.write("nacd.yaml", "clients: [secret: hunter2-plain\n  - }{")
    said, files = packed(site)
    assert "version.json" in files
    assert "no YAML that can be read" in said
    assert b"hunter2" not in b"".join(files.values())


def test_nothing_is_overwritten(site: Site) -> None:
    packed(site)
    out = site.folder / "bundle.tar.gz"
    done = CliRunner().invoke(app, ["support-bundle", "--config", str(site.config), "--out", str(out)])
    assert done.exit_code == 1
