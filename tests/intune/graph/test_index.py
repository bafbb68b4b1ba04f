"""Which device has which address: pairs in a few octets, and when silence means something."""

from __future__ import annotations

import sys
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.errors import SourceError
from nacd.intune.graph.answers import ManagedDevice
from nacd.intune.graph.index import MOST_ASKED, Ages, DeviceIndex, IndexOptions, PairTable

HOUR = 3600.0


def guid(number: int) -> str:
    return str(UUID(int=number + 1))


def row(number: int, mac: str = "", entra: str = "") -> ManagedDevice:
    return ManagedDevice(intune_id=guid(number), wifi_mac=mac, entra_id=entra)


@given(st.lists(st.tuples(st.binary(min_size=2, max_size=2), st.binary(min_size=16, max_size=16)), max_size=60))
def test_a_table_finds_what_was_put_in_as_a_dict_would(pairs: list[tuple[bytes, bytes]]) -> None:
    table, plain = PairTable(2), dict[bytes, list[bytes]]()
    for key, value in pairs:
        known = plain.setdefault(key, [])
        fresh = value not in known and len(known) <= MOST_ASKED
        assert table.add(key, value) is fresh
        known.extend([value] if fresh else [])
    assert len(table) == sum(map(len, plain.values()))
    for key, known in plain.items():
        assert table.find(key) == tuple(known)
    assert table.find(b"\x01\x02\x03"[:2]) == tuple(plain.get(b"\x01\x02", ()))


def test_an_id_that_looks_like_a_key_is_not_taken_for_one() -> None:
    table = PairTable(6)
    key = bytes.fromhex("D46E0E022896")
    # in the same bucket, with the wanted key inside its id
    other = next(
        made
        for number in range(1_000_000)
        if PairTable._bucket(table, made := number.to_bytes(6, "big")) is PairTable._bucket(table, key)
    )
    table.add(other, b"\0" * 3 + key + b"\0" * 7)
    assert table.find(key) == ()
    table.add(key, b"\1" * 16)
    assert table.find(key) == (b"\1" * 16,)


def test_devices_are_found_by_their_wifi_address_and_by_their_entra_id() -> None:
    index = DeviceIndex(IndexOptions())
    index.add([row(1, "D46E0E022896", guid(100)), row(2, "D46E0E022897"), row(3)])
    assert index.by_mac("D46E0E022896") == (guid(1),)
    assert index.by_entra(guid(100)) == (guid(1),)
    assert index.by_mac("D46E0E022898") == ()
    assert index.by_entra(guid(101)) == ()
    assert (index.macs, index.entra_ids) == (2, 1)


def test_several_devices_of_one_address_are_all_found_up_to_one_too_many() -> None:
    index = DeviceIndex(IndexOptions())
    index.add(row(number, "D46E0E022896") for number in range(50))
    assert index.by_mac("D46E0E022896") == tuple(guid(number) for number in range(MOST_ASKED + 1))


def test_the_same_row_again_takes_no_room() -> None:
    index = DeviceIndex(IndexOptions())
    for _ in range(3):
        index.add([row(1, "D46E0E022896", guid(100))])
    assert (index.macs, index.entra_ids) == (1, 1)


def test_a_full_index_says_its_limit() -> None:
    index = DeviceIndex(IndexOptions(rows=2))
    index.add([row(1, "D46E0E022891"), row(2, "D46E0E022892")])
    with pytest.raises(SourceError, match="more devices than the index holds \\(2\\)"):
        index.add([row(3, "D46E0E022893")])


def test_a_pair_takes_less_than_forty_octets() -> None:
    table, empty = PairTable(6), PairTable(6)
    for number in range(200_000):
        table.add((number * 7919).to_bytes(6, "big"), number.to_bytes(16, "big"))
    size = [sum(map(sys.getsizeof, one._buckets)) for one in (table, empty)]
    assert len(table) == 200_000
    assert (size[0] - size[1]) / len(table) < 40


@pytest.mark.parametrize(
    ("now", "doubt"),
    [
        (10.0, ""),
        (HOUR, ""),
        (HOUR + 1, "devices enrolled in the last 1.0 h are not in the list yet"),
        (25 * HOUR, "the list of devices is 25.0 h old"),
    ],
)
def test_an_old_list_proves_nothing_about_what_it_does_not_show(now: float, doubt: str) -> None:
    assert Ages(listed_at=0.0, refreshed_at=0.0).doubt(IndexOptions(), now) == doubt


def test_a_refreshed_list_is_good_for_a_day_and_one_interval() -> None:
    options = IndexOptions()
    last_look = options.allowed_age_s - 10
    assert Ages(listed_at=0.0, refreshed_at=last_look).doubt(options, options.allowed_age_s) == ""
    assert Ages(listed_at=0.0, refreshed_at=last_look).doubt(options, options.allowed_age_s + 1) != ""


@pytest.mark.parametrize("name", ["rows", "listed_again_s", "refreshed_again_s", "retry_s", "allowed_age_s"])
def test_options_that_cannot_work_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="an index needs"):
        IndexOptions(**{name: 0})
