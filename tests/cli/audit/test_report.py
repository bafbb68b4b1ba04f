"""``nacd audit report`` as people call it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nacd.cli.main import app
from nacd.store.trail.reading import files
from nacd.store.trail_index.building import build
from tests.store.trail_index.laid import lay

KNOWN, NEW = "00-50-B6-AA-BB-01", "00-50-B6-AA-BB-02"
SINCE = "2026-09-21T14:15:00Z"


def unknown(mac: str) -> dict[str, Any]:
    return {
        "code": "A1002I",
        "endpoint": {"mac": mac, "user_name": "\x1b[2J"},
        "nas": {"name": "sw-\u202e1"},
        "decision": {"effect": "deny", "rule": "default-deny", "reasons": ["compliance is not_managed"]},
        "compliance": {"state": "not_managed", "source": "live", "age_s": 0.1},
    }


FAILED = {
    "code": "A1003W",
    "endpoint": {"mac": NEW},
    "nas": {"name": "sw-2"},
    "eap": {"failure": "server_distrusted"},
    "why": "the supplicant ended the handshake",
}


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return lay(tmp_path, [[unknown(KNOWN)], [{"code": "A2001I"}, unknown(KNOWN), unknown(NEW), FAILED]])


def told(live: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["audit", "report", "--audit", str(live.parent), *words])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_one_screen_tells_who_was_not_let_in_and_why(live: Path) -> None:
    out = told(live, "--since", SINCE)
    assert "3: 2 rejected, 1 failed" in out
    assert "compliance is not_managed" in out
    assert "sw-\\u202e1" in out
    assert out.replace("\n", "").isprintable()
    assert len(out.splitlines()) < 50


@pytest.mark.parametrize("indexed", [True, False])
def test_strangers_that_nobody_has_seen_before_are_told_where_indexes_can_tell(live: Path, indexed: bool) -> None:
    if indexed:
        build(files(live)[0])
    found = json.loads(told(live, "--since", SINCE, "--format", "json"))
    news = {each["endpoint"]: each["new"] for each in found["strangers"]}
    assert news == ({KNOWN: False, NEW: True} if indexed else {KNOWN: None, NEW: None})


def test_of_whom_nobody_looked_it_is_not_said_that_he_was_seen_before(tmp_path: Path) -> None:
    macs = [f"00-50-B6-AA-BB-{number:02}" for number in range(11)]
    pseudonym = "h:" + "0" * 32  # the most frequent, and no older record can be asked for by it as by a MAC
    live = lay(tmp_path, [[unknown(KNOWN)], [*map(unknown, macs), unknown(pseudonym), unknown(pseudonym)]])
    build(files(live)[0])
    found = json.loads(told(live, "--since", "2026-09-21T14:14:00Z", "--top", "20", "--format", "json"))
    news = {each["endpoint"]: each["new"] for each in found["strangers"]}
    assert [news.pop(name) for name in (pseudonym, macs[9], macs[10])] == [None, None, None]
    assert all(isinstance(new, bool) for new in news.values())


def test_tls_is_told_in_words_with_what_to_do(live: Path) -> None:
    out = told(live, "--since", SINCE, "--tls")
    assert "server_distrusted: device does not trust OUR certificate" in out
    assert "do: name our root" in out
    assert "endpoints that do not trust our certificate" in out


def test_failures_that_were_only_counted_are_told_beside_those_in_words(tmp_path: Path) -> None:
    over = {"code": "A1011W", "repeated": {"by_code": {"A1003W": 40, "A1002I": 5}}, "count": 45}
    live = lay(tmp_path, [[over]])
    out = told(live, "--since", "2026-09-01", "--tls")
    assert "failures   0 of TLS and EAP\n           40 more were only counted" in out
    found = json.loads(told(live, "--since", "2026-09-01", "--format", "json"))
    assert found["tls"]["only_counted"] == 40


def test_sums_are_grouped_as_is_asked_for(live: Path) -> None:
    found = json.loads(told(live, "--since", SINCE, "--by", "nas", "--by", "hour", "--format", "json"))
    assert set(found["by"]) == {"nas", "hour"}
    assert [row["nas"] for row in found["by"]["nas"]] == ["sw-\u202e1", "sw-2"]
    assert found["by"]["hour"][0]["failed"] == 1
    assert found["logins"]["rejected"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--by", "colour"], "there are site, group"), (["--format", "csv"], "there are table and json")],
)
def test_what_cannot_be_asked_is_told(live: Path, words: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["audit", "report", "--audit", str(live.parent), *words])
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_span_without_records_is_told(live: Path) -> None:
    done = CliRunner().invoke(app, ["audit", "report", "--audit", str(live.parent), "--since", "2027-01-01"])
    assert done.exit_code == 1


@pytest.mark.parametrize("command", ["report", "search"])
@pytest.mark.parametrize(
    ("span", "words"),
    [
        (("--since", "2999-01-01"), "`--since` is in the future"),
        (("--since", "2026-09-21T14:15:00Z", "--until", "2026-09-21T14:00:00Z"), "`--until` is not after `--since`"),
    ],
)
def test_a_span_in_which_nothing_can_be_is_said(live: Path, command: str, span: tuple[str, ...], words: str) -> None:
    done = CliRunner().invoke(app, ["audit", command, "--audit", str(live.parent), *span])
    assert words in done.stderr
