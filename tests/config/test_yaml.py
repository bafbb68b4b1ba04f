from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.config import yaml
from nacd.config.yaml import MAX_NODES, Spot, parse
from nacd.errors import ConfigError


def told(octets: bytes) -> list[str]:
    """Everything said of a file, whether it stops reading or not."""
    try:
        problems = parse(octets, "f")[1]
    except ConfigError as wrong:
        problems = wrong.problems
    return [str(problem) for problem in problems]


def test_values_have_places_counted_from_one() -> None:
    document, problems = parse("a: 1\nü: [x, {c: d}]\n".encode(), "f")
    assert problems == ()
    assert document.value == {"a": 1, "ü": ("x", {"c": "d"})}
    assert document.spot(("ü", 1, "c")) == Spot(2, 12)
    assert document.spot(("ü", 1, "c"), key=True) == Spot(2, 9)


def test_the_place_of_something_absent_is_that_of_what_is_around_it() -> None:
    document, _ = parse(b"a:\n  b: 1\n", "f")
    assert document.spot(("a", "c", 0)) == Spot(2, 3)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("0", 0),
        ("-12", -12),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("'0123'", "0123"),
        ('"on"', "on"),
        ("10.20.0.0/16", "10.20.0.0/16"),
        ("AA-BB-CC-DD-EE-FF", "AA-BB-CC-DD-EE-FF"),
        ("0.0.0.0:1812", "0.0.0.0:1812"),
        ("4h15m", "4h15m"),
        ("99999999999999999999", "99999999999999999999"),
        ("none", "none"),
    ],
)
def test_scalars_of_yaml_1_2(text: str, value: object) -> None:
    found = parse(f"a: {text}\n".encode(), "f")[0].value["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("12:34:56:10:20:30", "base-60 number"),
        ("00:11:22:33:44:55", "base-60 number"),
        ("on", "true or false to some"),
        ("yes", "true or false to some"),
        ("N", "true or false to some"),
        ("0123", "octal"),
        ("0o17", "quote it"),
        ("1_000", "drop the `_`"),
        ("1234567890e1", "quote it"),
        ("2026-01-02", "a date"),
        ("<<", "special meaning"),
    ],
)
def test_what_other_readers_take_for_something_else_is_refused_with_the_way_out(text: str, words: str) -> None:
    (said,) = told(f"a:\n  b: {text}\n".encode())
    assert said.startswith(f"f:2:6: `{text}`")
    assert words in said
    assert told(f'a: {{b: "{text}"}}\n'.encode()) == []


def test_a_surprise_as_a_key_is_refused_too() -> None:
    assert told(b"on: 1\n")[0].startswith("f:1:1: `on` is true or false")
    assert told(b"120: 1\n") == ["f:1:1: the key `120` is a number or a boolean: quote it"]


def test_surprising_values_under_secret_keys_are_not_shown() -> None:
    (said,) = told(b"secret: 0123\n")
    assert "0123" not in said
    assert said.startswith("f:1:9: this value is an octal number")


def test_a_key_set_twice_names_both_lines_and_the_first_counts() -> None:
    document, (problem,) = parse(b"a: 1\nb: 2\na: {x: 3}\n", "f")
    assert str(problem) == "f:3:1: `a` is set twice, first in line 1"
    assert document.value == {"a": 1, "b": 2}


def test_a_key_without_value_is_an_error() -> None:
    assert told(b"a:\nb: ~\nc: [null]\n") == [
        "f:1:3: `a` has no value: give it one, or remove it",
        "f:2:4: `b` has no value: give it one, or remove it",
        "f:3:5: this item has no value: give it one, or remove it",
    ]


@pytest.mark.parametrize("text", ["a: &x 1\n", "a: !!str 1\n", "a: !x {b: c}\n", "a: &x [1]\n", "a: *Hunter2\n"])
def test_anchors_aliases_and_tags_are_refused_and_their_names_not_shown(text: str) -> None:
    (said,) = told(text.encode())
    assert "are not used here" in said
    assert "Hunter2" not in said


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", "f:1:1: the file is empty"),
        (b"# nothing\n", "f:1:1: the file is empty"),
        (b"- a\n", "f:1:1: the file must consist of `key: value` lines, this is a list"),
        (b"a\n", "f:1:1: the file must consist of `key: value` lines, this is a single value"),
        (b"a: 1\n---\nb: 2\n", "f:2:1: a second document begins here: one file holds one"),
        (b"a: b\n\tc: d\n", "f:2:1: a tab indents this line: YAML wants spaces"),
        (b"a: {b: c\nd: e\n", "f:2:2: `,` or `}` is missing here: the `{` of line 1 is not closed"),
        (b"a: [1,\nb: [2\n", "f:3:1: `,` or `]` is missing here: the `[` of line 2 is not closed"),
        (b"a: 'x\n", "f:1:4: the quote that opens here is never closed"),
        (b"a: b: c\n", "f:1:5: a `:` where none can stand: quote the value, or mend the indentation"),
        (b"a: @x\n", "f:1:4: this character cannot begin a value: quote the value"),
        (b"? [a]\n: b\n", "f:1:3: a key must be a word, not a list or a mapping"),
        (b"a: \xfc\n", "f:1:4: octet 0xfc is not UTF-8: save the file as UTF-8"),
        (b"ok: 1\n\xc3\xa4: \xff\n", "f:2:4: octet 0xff is not UTF-8: save the file as UTF-8"),
        ("a: b\n".encode("utf-16"), "f:1:1: the file is UTF-16: save it as UTF-8"),
        (
            b"a: x\x00\n",
            "f:1:5: invisible or control character U+0000: remove it, or write it as an escape in double quotes",
        ),
        (b"a" * (10 * 1024 * 1024 + 1), "f:1:1: the file is larger than 10 MiB"),
    ],
)
def test_what_stops_reading_is_explained_with_its_place(octets: bytes, said: str) -> None:
    assert told(octets) == [said]


@pytest.mark.parametrize("character", ["\x00", "\x85", "\u200b", "\u202e", "\u2028", "\ufeff"])
def test_invisible_characters_are_pointed_out(character: str) -> None:
    (said,) = told(f"vlan{character}: 1\n".encode())
    assert said.startswith(f"f:1:5: invisible or control character U+{ord(character):04X}")


def test_a_byte_order_mark_at_the_beginning_does_no_harm() -> None:
    assert parse("\ufeffa: 1\n".encode(), "f")[0].value == {"a": 1}


def test_depth_is_bounded_before_anything_overflows() -> None:
    assert told(b"[" * 1_000_000) == ["f:1:33: nested more than 32 deep"]
    assert told(b"a: " + b"{b: " * 1_000_000) == ["f:1:128: nested more than 32 deep"]


@pytest.mark.slow
def test_a_file_of_endless_values_is_refused_in_bounded_time() -> None:
    begun = time.perf_counter()
    assert told(b"- a\n" * 250_000)[-1].endswith(f"the file has more than {MAX_NODES:,} values")
    assert time.perf_counter() - begun < 10


def test_problems_stop_at_a_hundred() -> None:
    assert len(told(b"a:\n" + b"- *x\n" * 1000)) == 100


words = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=8)
scalars = st.one_of(words, st.integers(-1000, 1000), st.booleans())
trees = st.dictionaries(
    words,
    st.recursive(scalars, lambda t: st.lists(t, max_size=3) | st.dictionaries(words, t, max_size=3)),
    min_size=1,
)


def _tuples(value: object) -> object:
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


@settings(max_examples=40)
@given(tree=trees)
def test_json_is_read_as_it_was_written(tree: dict[str, object]) -> None:
    document, problems = parse(json.dumps(tree).encode(), "f")
    assert problems == ()
    assert document.value == _tuples(tree)


@settings(max_examples=150)
@given(octets=st.one_of(st.binary(max_size=40), st.text("ab:-[]{}#&*!|>'\"%@ \n\t\\,?0", max_size=30).map(str.encode)))
def test_any_octets_are_read_or_refused_with_a_place(octets: bytes) -> None:
    try:
        document, problems = parse(octets, "f")
    except ConfigError as wrong:
        problems = wrong.problems
        assert problems
    else:
        assert isinstance(document.value, dict)
    assert all(problem.line >= 1 and problem.column >= 1 and "\n" not in problem.message for problem in problems)


def test_no_word_that_surprises_begins_with_a_character_that_is_passed_over() -> None:
    tails = ["", "es", "ff", "1", "0", "0o7", "1:2", "1_0", "1e5", ".5e1", "001-1-1", "2026-01-01", "<", "="]
    for number in range(32, 0x2100):
        if chr(number) not in yaml._MAY_SURPRISE:
            assert not [
                chr(number) + tail
                for tail in tails
                for pattern, _ in yaml._SURPRISES
                if pattern.fullmatch(chr(number) + tail)
            ]
