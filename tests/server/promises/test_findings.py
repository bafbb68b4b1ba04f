"""What is gathered while a configuration is made ready: each with its place."""

from __future__ import annotations

from nacd.config.load import load
from nacd.findings import Code
from nacd.server.promises.findings import Findings
from tests.server.house import Site


def _raise(error: Exception) -> None:
    raise error


def test_what_cannot_be_read_or_built_is_a_problem_at_the_place_of_its_setting(site: Site) -> None:
    found = Findings(load(site.config))
    assert found.attempt(lambda: 5, ("audit", "file")) == 5
    assert found.attempt(lambda: _raise(FileNotFoundError(2, "No such file", "/x")), ("audit", "file")) is None
    assert found.attempt(lambda: _raise(ValueError("not so")), ("audit", "file")) is None
    assert [each.message for each in found.problems] == ["`/x` cannot be read: no such file", "not so"]
    where = found.loaded.config_document.problem(("audit", "file"), "")
    assert {(each.file, each.line) for each in found.problems} == {(where.file, where.line)}


def test_a_note_keeps_the_code_by_which_a_comment_can_accept_it(site: Site) -> None:
    found = Findings(load(site.config))
    found.note(Code.METRICS_OPEN, "anybody can read", ("audit", "file"))
    assert Code.METRICS_OPEN in [each.code for each in found.settled().findings]
