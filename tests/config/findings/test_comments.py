"""Which ``#`` begins a comment: held against YAML itself, which reads the same whatever stands in one."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.config.findings.comments import to_nacd
from nacd.config.yaml import Document, parse
from nacd.errors import ConfigError

ADDRESSED = re.compile(r"#[ \t]*nacd:")


def read(text: str) -> Document:
    document, _ = parse(text.encode(), "f.yaml")
    return document


def texts(text: str) -> list[tuple[int, int, str, int]]:
    return [(each.line, each.column, each.text, each.below) for each in read(text).comments]


def test_a_comment_behind_something_and_one_alone() -> None:
    found = texts("a: 1  # nacd: allow x y\n\n  # nacd: one\n# any other\nb: 2\n")
    assert found == [(1, 7, "allow x y", 0), (3, 3, "one", 5)]


@pytest.mark.parametrize(
    "text",
    [
        'a: "x # nacd: allow x"\n',
        "a: 'x # nacd: allow x'\n",
        "a: 'x\n  # nacd: allow x'\n",
        "a: |\n  # nacd: allow x\n  y\n",
        "a: >-\n  x\n\n  # nacd: allow x\nb: 1\n",
        "a: x#nacd:y\n",
        "a: 1 # see # nacd: allow x\n",
        "a: 1 # 'quoted' # nacd: allow x\n",
        '"k # nacd: allow x": 1\n',
        "a: [x, 'y # nacd: allow x']\n",
        "a: 1 # nacd allow x\n",
        "a: 1 # Nacd: allow x\n",
    ],
)
def test_what_is_no_comment_to_nacd(text: str) -> None:
    assert texts(text) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: | # nacd: here\n  # nacd: there\n", (1, 6)),
        ("a: '#' # nacd: here\n", (1, 8)),
        ("a: x#y # nacd: here\n", (1, 8)),
        ("a: [ # nacd: here\n  1]\n", (1, 6)),
        ("a: {b: '# nacd: there', # nacd: here\n  c: 1}\n", (1, 25)),
        ("a: 'x\n  #' # nacd: here\n", (2, 6)),
        ("a: |\n  text # nacd: there\n# nacd: here\nb: 1\n", (3, 1)),
        ("a: |\n  text # nacd: there\n # nacd: here\n", (3, 2)),
        ("a: |+\n  text # nacd: there\n\n\n# nacd: here\n", (5, 1)),
        ("a: ä€𝄞 # nacd: here\n", (1, 8)),
        ("a: 'ä€𝄞#' # nacd: here\n", (1, 11)),
        ("a: 1\r\nb: '#'\r\nc: 1 # nacd: here\r\n", (3, 6)),
        ("a: 1\rb: 1 # nacd: here\rc: 1\r", (2, 6)),
        ("\ufeffa: 1 # nacd: here\n", (1, 6)),
        ("a: 1 #nacd:here", (1, 6)),
        ("a: 1 #\tnacd:\there\t\n", (1, 6)),
        ("--- # nacd: here\na: 1\n", (1, 5)),
    ],
)
def test_where_comments_begin(text: str, place: tuple[int, int]) -> None:
    ((line, column, said, _),) = texts(text)
    assert (line, column, said) == (*place, "here")


def test_what_stands_under_a_block_of_comments_is_the_same_for_all_of_it() -> None:
    text = "l:\n  # nacd: one\n  # other\n  # nacd: two\n  -\n    # nacd: three\n    a: 1\n"
    assert [below for _, _, _, below in texts(text)] == [7, 7, 7]


def test_an_empty_line_parts_a_comment_from_what_follows() -> None:
    ((_, _, _, below),) = texts("# nacd: one\n\na: 1\n")
    assert below == 2


# -- held against YAML ----------------------------------------------------------------------

WORDS = st.sampled_from(["# nacd: w", "#nacd:", "x # y", "a#b", "it's", '"', "'", "#", "ä€", "|", "- ", ": x"])


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Pieces of YAML in all styles, with comments where comments may be; some come out as no YAML at all."""
    lines = []
    for number in range(draw(st.integers(1, 6))):
        words = draw(st.lists(WORDS, min_size=1, max_size=3))
        said = " ".join(words)
        quoted, single = said.replace("\\", "").replace('"', '\\"'), said.replace("'", "''")
        behind = draw(st.sampled_from(["", " # nacd: w", " # c # nacd: w", "\t# nacd: w"]))
        above = draw(st.sampled_from([[], ["# nacd: w"], ["  # nacd: w", "# c"]]))
        styles = {
            "plain": [f"k{number}: a{said}{behind}"],
            "double": [f'k{number}: "{quoted}"{behind}'],
            "folded quotes": [f'k{number}: "{quoted}', f'  {quoted}"{behind}'],
            "single": [f"k{number}: '{single}'{behind}"],
            "lines": [f"k{number}: 'x", f"  {single}'{behind}"],
            "literal": [f"k{number}: |{behind}", f"  {said}", f"  {said}"],
            "folded": [f"k{number}: >-{behind}", f"  {said}", "", f"    {said}"],
            "kept": [f"k{number}: |+{behind}", f"  {said}", "", ""],
            "list": [f"k{number}:{behind}", f"  - '{single}'{behind}", f"  -{behind}", "    z: 1"],
            "flow": [f"k{number}: ['{single}',{behind}", f"  b]{behind}"],
            "key": [f'"{quoted}{number}": 1{behind}'],
        }
        lines += above + styles[draw(st.sampled_from(sorted(styles)))]
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines) + "\n"


@settings(max_examples=400)
@given(text=documents())
def test_a_hash_begins_a_comment_exactly_where_what_follows_means_nothing_to_yaml(text: str) -> None:
    try:
        document, problems = parse(text.encode(), "f")
    except ConfigError:
        return
    # What `to_nacd` sees of the text, and the same text with the words after each `# nacd:` changed.
    found = {(each.line, each.column) for each in document.comments}
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\n", text))]
    for match in ADDRESSED.finditer(text):
        line = max(number for number, start in enumerate(starts) if start <= match.start())
        place = (line + 1, match.start() - starts[line] + 1)
        changed = f"{text[: match.start()]}#{match.group()[1:].replace('nacd', 'nobody')}{text[match.end() :]}"
        means_nothing = parse(changed.encode(), "f")[0].value == document.value
        before = text[starts[line] : match.start()]
        if place in found:
            assert means_nothing, (text, place)
        elif means_nothing:
            # A comment, then; but one that another comment, earlier in its line, has swallowed.
            assert "#" in before, (text, place)
            without = f"{text[: match.start()]}!{text[match.start() + 1 :]}"
            assert parse(without.encode(), "f")[0].value == document.value
    assert not problems or document.value is not None


@pytest.mark.slow
def test_a_hundred_thousand_lines_cost_one_walk_and_no_square() -> None:
    """Counted in steps, not in seconds: how often the text is looked at grows as it does."""
    rows = random.Random(1)
    lines = ["rules:"]
    for _ in range(25_000):
        lines += [
            "  # nacd: allow mac-cloned x",
            "  # nacd: allow mac-cloned y",
            "  - a: '#'",
            f"    b: {rows.random()}",
        ]
    text = "\n".join(lines)
    document, _ = parse(text.encode(), "f")
    assert len(document.comments) == 50_000
    assert {each.below for each in document.comments} == set(range(4, 100_002, 4))


def test_one_endless_line_of_such_comments_is_one_comment() -> None:
    text = "a: 1 " + "# nacd: x " * 50_000
    assert len(to_nacd(text, [])) == 1
    assert to_nacd("a: 1 # c " + "# nacd: x " * 50_000, []) == ()
