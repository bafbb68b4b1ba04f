"""With an index, without one, with a broken one: a search finds what reading every line finds."""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.audit.asking.filters import Query, clause, field
from nacd.audit.asking.moments import made_ms
from nacd.store.trail.reading import files
from nacd.store.trail_index import searching
from nacd.store.trail_index.building import build
from nacd.store.trail_index.mark import index_path
from nacd.store.trail_index.searching import Search
from tests.store.trail_index.laid import BEGAN, lay, who

_NAMES = st.sampled_from(["alice", "bob", "CORP\\Alice", "Müller", "a\u202eb", "x" * 3_000])
_MACS = st.sampled_from(["", "00-50-B6-AA-BB-CC", "0050.b6aa.bbcd"])
_RECORD = st.fixed_dictionaries(
    {},
    optional={
        "code": st.sampled_from(["A1001I", "A1002I", "A1003W", "A2001I"]),
        "time": st.sampled_from(["", "odd", "2026-09-21T14:20:00.000Z", "2026-09-21T14:50:00.000Z"]),
        "endpoint": st.fixed_dictionaries({"user": _NAMES, "calling_station_id": _MACS}),
        "nas": st.fixed_dictionaries({"name": _NAMES}),
        "decision": st.fixed_dictionaries({"effect": st.sampled_from(["allow", "deny"])}),
    },
)
_FILES = st.lists(st.lists(_RECORD, max_size=8), min_size=1, max_size=4)
_ASKED = st.sampled_from(
    [
        ("user", "alice"),
        ("user", "müller"),
        ("user", "a*"),
        ("nas", "*alice"),
        ("nas", "bob"),
        ("mac", "00:50:b6:aa:bb:cd"),
        ("code", "A1003W"),
        ("effect", "deny"),
    ]
)
_SPANS = st.sampled_from([(None, None), (BEGAN + 200, None), (None, BEGAN + 400), (BEGAN + 100, BEGAN + 1_500)])


def ms(at: float | None) -> int | None:
    return None if at is None else round(at * 1000)


def lines_of(live: Path) -> list[bytes]:
    """Every line of a trail, oldest first, by nothing but `gzip`."""
    found: list[bytes] = []
    for path in [*sorted(each for each in live.parent.glob("audit-*.jsonl*")), live]:
        octets = path.read_bytes()
        found += (gzip.decompress(octets) if path.suffix == ".gz" else octets).splitlines(keepends=True)
    return found


@settings(max_examples=60, deadline=None)
@given(
    _FILES,
    st.lists(_ASKED, max_size=2),
    _SPANS,
    st.sampled_from(["none", "all", "first"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 4),
)
def test_a_search_finds_what_reading_every_line_finds(
    records: list[list[dict[str, Any]]],
    asked: list[tuple[str, str]],
    span: tuple[float | None, float | None],
    indexed: str,
    compressed: bool,
    one: bool,
    oldest_first: bool,
    limit: int,
) -> None:
    query = Query(
        clauses=tuple(clause(kind, [value]) for kind, value in asked), since_ms=ms(span[0]), until_ms=ms(span[1])
    )
    with tempfile.TemporaryDirectory() as folder:
        live = lay(Path(folder), records, compressed=compressed, one=one)
        full = [file for file in files(live) if not file.live]
        for file in full[: {"none": 0, "all": None, "first": 1}[indexed]]:
            build(file, most_pairs=5)
        expected = [line for line in lines_of(live) if query.fits(json.loads(line))]
        expected = expected if oldest_first else expected[::-1]
        search = Search(files(live), query, oldest_first=oldest_first, limit=limit)
        assert [found.hit.line for found in search] == (expected[:limit] if limit else expected)
        assert search.walked.trouble == search.walked.words == []


def found(live: Path, query: Query, **options: Any) -> tuple[list[str], Search]:
    search = Search(files(live), query, **options)
    return [each.hit.record["endpoint"]["user"] for each in search], search


def test_only_the_blocks_that_an_index_names_are_read(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who(f"user-{n}") for n in range(30)], [who(f"user-{n}") for n in range(30, 60)], []])
    for file in files(live)[:2]:
        build(file)
    users, search = found(live, Query(clauses=(clause("user", ["user-17"]),)))
    assert users == ["user-17"]
    assert (search.walked.by_index, search.walked.blocks) == (2, 1)


def test_a_broken_index_is_told_and_the_file_is_read(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who("alice"), who("bob")], []])
    path = build(files(live)[0])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    users, search = found(live, Query(clauses=(clause("user", ["bob"]),)))
    assert users == ["bob"]
    assert "is damaged" in search.walked.words[0]


def test_an_index_that_lies_is_not_asked_when_everything_is_to_be_read(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who("alice")], [who("bob")], []])
    first, second, _ = files(live)
    build(first)
    # The index of the first file says nothing of alice any more: somebody wrote into both.
    octets = first.path.read_bytes()
    build(second)
    first.path.write_bytes(second.path.read_bytes())
    build(files(live)[0])
    first.path.write_bytes(octets)
    query = Query(clauses=(clause("user", ["alice"]),))
    assert found(live, query, thorough=True)[0] == ["alice"]
    assert found(live, query)[0] == ["alice"]  # the index is of another file, which is noticed, too


def test_a_gap_is_told_and_the_rest_is_found(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who(f"user-{n}") for n in range(9)], [who("user-9")]])
    [path] = tmp_path.glob("*.gz")
    octets = bytearray(path.read_bytes())
    middle = octets.find(b"\x1f\x8b\x08", 40)
    octets[middle + 30] ^= 0xFF
    path.write_bytes(octets)
    users, search = found(live, Query())
    assert {"user-0", "user-8", "user-9"} <= set(users)
    assert search.walked.trouble


@pytest.mark.parametrize("oldest_first", [False, True])
def test_a_gap_in_a_file_with_an_index_hides_its_own_block_alone(tmp_path: Path, oldest_first: bool) -> None:
    # Of a file of this length an index knows the beginning and the end: what is broken between them is met in reading.
    long = [{**who(f"user-{n}"), "why": random.Random(n).randbytes(1_000).hex()} for n in range(30)]
    live = lay(tmp_path, [long, []])
    build(files(live)[0])
    [path] = tmp_path.glob("*.gz")
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 0xFF
    path.write_bytes(octets)
    search = Search(files(live), Query(), oldest_first=oldest_first)
    assert {each.hit.record["endpoint"]["user"] for each in search} >= {"user-0", "user-29"}
    assert (search.walked.by_index, len(search.walked.trouble)) == (1, 1)


def test_a_file_that_is_gone_is_told_and_the_rest_is_found(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who("alice")], [who("bob")], []], compressed=False)
    listed = files(live)
    listed[0].path.unlink()
    search = Search(listed, Query())
    assert [each.hit.record["endpoint"]["user"] for each in search] == ["bob"]
    assert "no such file" in search.walked.trouble[0]


def test_a_file_that_is_compressed_between_being_listed_and_being_read_is_found(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who("alice"), who("bob")], []], compressed=False)
    listed = files(live)
    plain = listed[0].path
    plain.with_name(plain.name + ".gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    search = Search(listed, Query())
    assert [each.hit.record["endpoint"]["user"] for each in search] == ["bob", "alice"]
    assert search.walked.trouble == []


def test_lines_of_the_time_before_numbers_and_lines_that_are_no_records(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who("alice")]], numbered=False)
    live.write_bytes(b"hello\n[1]\n" + live.read_bytes() + b'{"why": 3, "endpoint":{"user":"bob"}}\n{"half')
    users, search = found(live, Query())
    assert users == ["bob", "alice"]
    assert search.walked.strange == 2


@pytest.mark.parametrize("oldest_first", [True, False])
def test_a_long_plain_file_is_read_from_either_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, oldest_first: bool
) -> None:
    monkeypatch.setattr(searching, "_STRETCH_OCTETS", 500)
    names = [f"{n:04}-{'x' * (n % 7 * 150)}" for n in range(200)]
    live = lay(tmp_path, [[who(name) for name in names]])
    users, search = found(live, Query(), oldest_first=oldest_first)
    assert users == (names if oldest_first else names[::-1])
    few, search = found(live, Query(), oldest_first=oldest_first, limit=3)
    assert few == users[:3]
    assert search.walked.read_octets < live.stat().st_size or oldest_first


def test_files_of_another_time_are_passed_over(tmp_path: Path) -> None:
    days: Sequence[dict[str, Any]] = [
        {**who(f"day-{n}"), "time": f"2026-09-{n:02}T12:00:00.000Z"} for n in range(10, 20)
    ]
    live = lay(tmp_path, [[each] for each in days])
    since = made_ms(days[7])
    users, search = found(live, Query(since_ms=since))
    assert users == ["day-19", "day-18", "day-17"]
    assert search.walked.passed_over == 6
    _, search = found(live, Query(since_ms=since), thorough=True)
    assert search.walked.passed_over == 0


def test_the_files_of_another_trail_do_not_tell_when_a_file_was_full(tmp_path: Path) -> None:
    lives = []
    for name, month in (("new", "09"), ("old", "02")):
        (tmp_path / name).mkdir()
        records: Sequence[dict[str, Any]] = [
            {**who(f"{name}-{n}"), "time": f"2026-{month}-{n:02}T12:00:00.000Z"} for n in (10, 11)
        ]
        lives.append(lay(tmp_path / name, [[each] for each in records]))
    both = [file for live in lives for file in files(live)]
    search = Search(both, Query(since_ms=made_ms({"time": "2026-09-11T11:00:00.000Z"})))
    assert [each.hit.record["endpoint"]["user"] for each in search] == ["new-11"]


def test_a_file_that_was_begun_under_a_clock_set_back_does_not_tell_when_the_one_before_was_full(
    tmp_path: Path,
) -> None:
    times = ("2026-09-10", "2020-01-01")
    live = lay(tmp_path, [[{**who(day), "time": f"{day}T12:00:00.000Z"}] for day in times])
    users, _ = found(live, Query(since_ms=made_ms({"time": "2026-09-10T11:00:00.000Z"})))
    assert users == ["2026-09-10"]


def test_a_record_is_found_by_its_number(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who(f"user-{n}") for n in range(9)], [who(f"user-{n}") for n in range(9, 12)]])
    for indexed in (False, True):
        if indexed:
            build(files(live)[0])
        assert found(live, Query(seq=5))[0] == ["user-4"]
        assert found(live, Query(seq=11))[0] == ["user-10"]
        assert found(live, Query(seq=13))[0] == []


def test_progress_ends_with_all(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who("alice")], [who("bob")]])
    heard: list[float] = []
    found(live, Query(fields=(field("why~x"),)), told=heard.append)
    assert heard[-1] == pytest.approx(1.0)
    assert all(0 <= each <= 1 for each in heard)
    assert not index_path(files(live)[0].path).exists()
