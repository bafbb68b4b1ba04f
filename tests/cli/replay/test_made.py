"""`nacd test --init`: cases out of an audit log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nacd.values import AccessKind, Endpoint, MacAddress

PRINTER = "00-11-85-AA-BB-CC"
INIT = ("test", "--init", "--config")


def test_one_case_is_written_for_each_rule_that_decided_and_all_are_as_expected(
    nacd: Any, config: Path, log: Path
) -> None:
    done = nacd(*INIT, config)
    assert done.exit_code == 0
    assert "written      rule `healthy`\n" in done.output
    assert "no record    rule `office`" in done.output
    text = (config.parent / "policy-cases.yaml").read_text()
    assert "given: {access: dot1x, nas: switch, identity: certificate, compliance: compliant}" in text
    assert text.count("- name:") == 2
    assert nacd("test", "--config", config).exit_code == 0
    assert nacd("check", "--config", config).exit_code == 0


def test_nobody_is_named_without_need(nacd: Any, config: Path, record: Callable[..., bytes]) -> None:
    printer = record(access=AccessKind.MAB, identity=Endpoint(mac=MacAddress(PRINTER)), mac=PRINTER)
    stranger = record(
        access=AccessKind.MAB, identity=Endpoint(mac=MacAddress("AC-DE-48-00-11-22")), mac="AC-DE-48-00-11-22"
    )
    (config.parent / "audit.jsonl").write_bytes(record(user="alice@contoso.com") + printer + stranger)
    done = nacd(*INIT, config)
    assert "written      rule `printers`, with the mac that it hinges on" in done.output
    text = (config.parent / "policy-cases.yaml").read_text()
    assert PRINTER in text
    for private in ("alice", "AC-DE-48", "6b4b9f4e"):
        assert private not in text
    assert nacd("test", "--config", config).exit_code == 0


def test_the_newest_record_counts(nacd: Any, config: Path, record: Callable[..., bytes]) -> None:
    older, newer = record(answer="noncompliant", ago_s=900.0), record(answer="unavailable", ago_s=60.0)
    (config.parent / "audit.jsonl").write_bytes(older + newer + b"garbage\n")
    nacd(*INIT, config)
    text = (config.parent / "policy-cases.yaml").read_text()
    assert "compliance: unavailable" in text
    assert "noncompliant" not in text


def test_what_is_there_is_not_written_over(nacd: Any, config: Path, log: Path) -> None:
    path = config.parent / "policy-cases.yaml"
    path.write_text("mine\n")
    done = nacd(*INIT, config)
    assert done.exit_code == 2
    assert "is there already: move it away, or name another with --cases" in done.output
    assert path.read_text() == "mine\n"
    assert nacd(*INIT, config, "--cases", config.parent / "other.yaml").exit_code == 0


def test_a_log_without_decisions_makes_no_cases(nacd: Any, config: Path) -> None:
    (config.parent / "audit.jsonl").write_bytes(b"{}\n")
    done = nacd(*INIT, config)
    assert done.exit_code == 2
    assert "no decision in 1 files that the policy would make again" in done.output
    assert not (config.parent / "policy-cases.yaml").exists()


def test_a_record_of_a_nas_that_is_gone_makes_no_case(nacd: Any, config: Path, record: Callable[..., bytes]) -> None:
    gone = record().replace(b'"name":"switch"', b'"name":"gone"')
    (config.parent / "audit.jsonl").write_bytes(gone)
    done = nacd(*INIT, config)
    assert "left out     rule `healthy`: its record cannot be told as a case" in done.output


def test_other_logs_can_be_named(nacd: Any, config: Path, tmp_path: Path, record: Callable[..., bytes]) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(record())
    done = nacd(*INIT, config, "--audit", elsewhere)
    assert done.exit_code == 0
    assert "written      rule `healthy`" in done.output
