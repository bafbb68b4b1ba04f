from __future__ import annotations

import pytest

from nacd.config.findings.allowances import MAX_SHOWN, Settled, settle
from nacd.config.yaml import Document, PathTo, parse
from nacd.errors import Problem
from nacd.findings import Code

CLIENTS = """\
clients:
  - name: a
    network: 10.0.0.0/8
    secret: x
  - name: b
    network:
      - 10.1.0.0/16
      - 10.2.0.0/16
"""


def read(text: str) -> Document:
    document, problems = parse(text.encode(), "nacd.yaml")
    assert not problems
    return document


def wide(document: Document, *paths: PathTo) -> list[Problem]:
    return [document.problem(path, "wide", code=Code.NETWORK_WIDE) for path in paths]


def judged(text: str, *paths: PathTo) -> Settled:
    document = read(text)
    return settle(wide(document, *paths), [document])


def codes(settled: Settled) -> list[str]:
    return [each.code for each in settled.findings]


FIRST: PathTo = ("clients", 0, "network")
DEEP: PathTo = ("clients", 1, "network", 1)


def with_comment(line: str, comment: str, *, above: bool) -> str:
    assert line in CLIENTS
    if not above:
        return CLIENTS.replace(line, f"{line}  {comment}", 1)
    indent = " " * (len(line) - len(line.lstrip()))
    return CLIENTS.replace(line, f"{indent}{comment}\n{line}", 1)


@pytest.mark.parametrize(
    ("line", "above", "path"),
    [
        ("    network: 10.0.0.0/8", False, FIRST),
        ("    network: 10.0.0.0/8", True, FIRST),
        ("  - name: a", True, FIRST),
        ("      - 10.2.0.0/16", False, DEEP),
        ("      - 10.2.0.0/16", True, DEEP),
        ("    network:", True, ("clients", 1, "network", 0)),
        ("  - name: b", True, DEEP),
    ],
)
def test_a_comment_accepts_what_is_on_its_line_or_in_the_item_under_it(line: str, above: bool, path: PathTo) -> None:
    # `network:` alone is the second client's
    line = "    network:\n" if line == "    network:" else line
    text = (
        CLIENTS.replace(line, f"    # nacd: allow network-wide why not\n{line}", 1)
        if line.endswith("\n")
        else with_comment(line, "# nacd: allow network-wide why not", above=above)
    )
    settled = judged(text, path)
    assert settled.findings == ()
    ((accepted),) = settled.accepted
    assert accepted.reason == "why not"
    assert text.splitlines()[accepted.line - 1].endswith("why not")


@pytest.mark.parametrize(
    ("line", "above", "path"),
    [
        ("  - name: a", False, FIRST),
        ("  - name: a", True, DEEP),
        ("  - name: b", True, FIRST),
        ("clients:", True, FIRST),
        ("    secret: x", True, FIRST),
        ("      - 10.1.0.0/16", True, DEEP),
    ],
)
def test_a_comment_accepts_nothing_else(line: str, above: bool, path: PathTo) -> None:
    settled = judged(with_comment(line, "# nacd: allow network-wide why not", above=above), path)
    assert sorted(codes(settled)) == ["allowance-unused", "network-wide"]
    assert settled.accepted == ()


def test_an_empty_line_parts_it_from_the_item() -> None:
    settled = judged(CLIENTS.replace("  - name: a", "  # nacd: allow network-wide x\n\n  - name: a"), FIRST)
    assert codes(settled) == ["allowance-unused", "network-wide"]


def test_one_comment_accepts_all_of_its_code_in_the_item_and_no_other_code() -> None:
    text = with_comment("  - name: b", "# nacd: allow network-wide x", above=True)
    document = read(text)
    paths: list[PathTo] = [("clients", 1, "network", 0), ("clients", 1, "network", 1)]
    other = document.problem(paths[0], "short", code=Code.SECRET_SHORT)
    settled = settle([*wide(document, *paths), other], [document])
    assert settled.findings == (other,)
    assert len(settled.accepted) == 2


def test_several_comments_stand_above_one_another() -> None:
    block = "  # nacd: allow network-wide one\n  # about the rest\n  # nacd: allow secret-short two\n  - name: a"
    document = read(CLIENTS.replace("  - name: a", block))
    short = document.problem(("clients", 0, "secret"), "short", code=Code.SECRET_SHORT)
    settled = settle([*wide(document, FIRST), short], [document])
    assert settled.findings == ()
    assert [each.reason for each in settled.accepted] == ["one", "two"]


def test_a_bare_dash_is_part_of_its_item() -> None:
    text = "clients:\n  # nacd: allow network-wide x\n  -\n    name: a\n    network: 10.0.0.0/8\n"
    assert judged(text, FIRST).findings == ()


def test_what_is_found_at_a_section_itself_is_accepted_there() -> None:
    text = "a: 1\n# nacd: allow no-rules not yet\nrules: []\n"
    document = read(text)
    assert settle([document.problem(("rules",), "none", code=Code.NO_RULES)], [document]).findings == ()


@pytest.mark.parametrize(
    ("comment", "code", "words"),
    [
        ("# nacd: allow network-wide", "allowance-without-reason", "# nacd: allow network-wide reason"),
        ("# nacd: allow network-wide ...", "allowance-without-reason", "say why"),
        ("# nacd: allow netwrok-wide x", "allowance-unknown-code", "did you mean `network-wide`?"),
        ("# nacd: allow zzzz x", "allowance-unknown-code", "docs/lint.md"),
        ("# nacd: allow allowance-unused x", "allowance-unknown-code", "cannot be accepted"),
        ("# nacd: allow too-many x", "allowance-unknown-code", "one by one"),
        ("# nacd: alow network-wide x", "allowance-unreadable", "# nacd: allow CODE reason"),
        ("# nacd: ignore network-wide x", "allowance-unreadable", "# nacd: allow CODE reason"),
        ("# nacd: Allow network-wide x", "allowance-unreadable", "not understood"),
        ("# nacd: allow", "allowance-unreadable", "not understood"),
        ("# nacd: allow secret-short x", "allowance-unused", "no `secret-short` here"),
    ],
)
def test_a_comment_that_accepts_nothing_is_a_finding_at_its_place(comment: str, code: str, words: str) -> None:
    settled = judged(with_comment("    network: 10.0.0.0/8", comment, above=False), FIRST)
    assert codes(settled) == ["network-wide", code]
    said = settled.findings[1]
    assert (said.line, said.column) == (3, 26)
    assert words in said.message


@pytest.mark.parametrize("comment", ["# nacd: our RADIUS server", "# nacd:", "# nacd: all of the campus"])
def test_prose_that_begins_so_is_left_alone(comment: str) -> None:
    assert codes(judged(with_comment("    network: 10.0.0.0/8", comment, above=False), FIRST)) == ["network-wide"]


def test_a_finding_accepted_twice_is_accepted_and_neither_comment_is_idle() -> None:
    text = with_comment("    network: 10.0.0.0/8", "# nacd: allow network-wide one", above=False)
    text = text.replace("  - name: a", "  # nacd: allow network-wide two\n  - name: a")
    settled = judged(text, FIRST)
    assert settled.findings == ()
    assert len(settled.accepted) == 1


def test_each_file_accepts_its_own_and_all_stands_in_the_order_of_the_files() -> None:
    one = read(with_comment("    network: 10.0.0.0/8", "# nacd: allow network-wide x", above=False))
    other, _ = parse(CLIENTS.encode(), "a.yaml")
    elsewhere = Problem(file="list.csv", line=3, column=1, message="odd", code=Code.LIST_EMPTY)
    found = [elsewhere, *wide(other, FIRST), *wide(one, FIRST, DEEP)]
    settled = settle(found, [one, other])
    assert [(each.file, each.line) for each in settled.findings] == [("nacd.yaml", 8), ("a.yaml", 3), ("list.csv", 3)]


def test_more_than_are_shown_are_counted_after_what_is_accepted_is_taken_away() -> None:
    rows = [
        f"  - {number}{'  # nacd: allow network-wide x' if number < 50 else ''}" for number in range(MAX_SHOWN + 60)
    ]
    document = read("\n".join(["l:", *rows]))
    found = wide(document, *(("l", number) for number in range(MAX_SHOWN + 60)))
    settled = settle(found, [document])
    assert len(settled.accepted) == 50
    assert codes(settled)[-2:] == ["network-wide", "too-many"]
    assert len(settled.findings) == MAX_SHOWN + 1
    assert settled.findings[-1].message == "10 more findings are not shown"
