"""The inventory in memory: what an entry must say, which MACs name no machine, and when an entry counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nacd.session.macs.inventory import Entry, Inventory, misgiving, tag, tags
from nacd.values import MacAddress

PRINTER = "00-11-85-AA-BB-CC"


def entry(mac: str = PRINTER, **more: Any) -> Entry:
    return Entry(**{"mac": mac, "owner": "radiology", "reason": "4711", "by": "ada", "at": 100.0, **more})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"owner": " "}, "an entry needs an owner"),
        ({"reason": ""}, "an entry needs a reason"),
        ({"owner": "x" * 121}, "the owner is one line of text, at most 120 characters"),
        ({"reason": "a\nb"}, "the reason is one line of text"),
        ({"until": 100.0}, "an entry ends after it begins"),
        ({"tags": ("b", "a")}, "in the order of the alphabet"),
        ({"tags": ("any",)}, "`any` is no tag"),
        ({"tags": tuple(f"t{number}" for number in range(9))}, "at most 8 tags"),
    ],
)
def test_an_entry_that_is_not_whole_is_refused_in_words(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        entry(**change)


@pytest.mark.parametrize("word", ["", "-x", "x-", "a b", "ü", "x" * 33, "a.b", "a\n"])
def test_what_is_no_tag_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="is no tag"):
        tag(word if word != "a\n" else "a\nb")


def test_tags_are_folded_sorted_and_there_once() -> None:
    assert tags(["Printers", "lab-2", "printers", ""]) == ("lab-2", "printers")


@pytest.mark.parametrize(
    ("mac", "words"),
    [
        (PRINTER, ""),
        ("01-00-5E-00-00-01", "is a group address: no machine sends from it"),
        ("33-33-00-00-00-01", "is a group address"),
        ("02-11-22-33-44-55", "is locally administered: phones and laptops make such addresses up"),
        ("DA-A1-19-00-00-01", "say --allow-randomised"),
    ],
)
def test_a_mac_that_names_no_machine_is_told(mac: str, words: str) -> None:
    assert words in misgiving(MacAddress(mac))
    assert bool(misgiving(MacAddress(mac))) == bool(words)


def test_a_randomised_mac_can_be_insisted_upon_and_a_group_address_cannot() -> None:
    assert misgiving(MacAddress("02-11-22-33-44-55"), allow_randomised=True) == ""
    assert "group" in misgiving(MacAddress("03-11-22-33-44-55"), allow_randomised=True)


def test_an_entry_counts_until_the_very_moment_of_its_end() -> None:
    inventory = Inventory()
    inventory.put(entry(until=200.0, tags=("printers",)))
    assert inventory.words(PRINTER, 199.999) == ("any", "printers")
    assert inventory.words(PRINTER, 200.0) == ()
    assert inventory.words("00-11-85-AA-BB-CD", 150.0) == ()


def test_a_newer_entry_stands_instead_of_an_older_one_and_a_forgotten_one_counts_no_more() -> None:
    inventory = Inventory()
    inventory.put(entry(until=200.0, tags=("printers",)))
    inventory.put(entry(tags=("scanners",)))
    assert (len(inventory), inventory.words(PRINTER, 1_000.0)) == (1, ("any", "scanners"))
    inventory.forget(PRINTER)
    assert (len(inventory), inventory.words(PRINTER, 1_000.0)) == (0, ())


def test_an_end_is_told_once_and_the_end_of_a_replaced_entry_not_at_all() -> None:
    inventory = Inventory()
    inventory.put(entry(until=200.0))
    inventory.put(entry(until=300.0))
    assert inventory.ran_out(250.0) == ()
    assert inventory.ran_out(300.0) == (PRINTER,)
    assert inventory.ran_out(400.0) == ()


def test_ends_that_were_over_when_all_was_loaded_are_no_news() -> None:
    inventory = Inventory()
    inventory.load([entry(until=200.0), entry("00-11-85-AA-BB-CD", until=900.0)], 500.0)
    assert (len(inventory), inventory.ran_out(500.0), inventory.ran_out(900.0)) == (2, (), ("00-11-85-AA-BB-CD",))


def test_a_list_that_is_put_again_each_day_leaves_no_ends_behind() -> None:
    inventory = Inventory()
    for day in range(5_000):
        inventory.put(entry(until=1_000_000.0 + day))
    assert len(inventory._ends) <= 2 * len(inventory) + 1_000
    assert inventory.ran_out(2_000_000.0) == (PRINTER,)


def test_who_wrote_an_entry_and_when_makes_it_no_other() -> None:
    assert entry().says_the_same(replace(entry(), by="bob", at=150.0))
    assert not entry().says_the_same(replace(entry(), tags=("printers",)))
    assert not entry().says_the_same(replace(entry(), even_if_managed=True))
