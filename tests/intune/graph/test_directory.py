"""The list of devices in the background: all pages or none, what checked in since, and when silence means something."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from nacd.intune.flight import Flights
from nacd.intune.graph.directory import Directory, Known
from nacd.intune.graph.index import IndexOptions
from nacd.sim.intune import IntuneSimulator

MAC = "D46E0E022896"
OTHER_MAC = "D46E0E022897"
ENTRA = "77777777-8a41-4b7f-9e05-61d0c7b3a9aa"
ALWAYS = IndexOptions(refreshed_again_s=0.000_001, retry_s=0.000_001)
"""Each question finds a look due."""


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def soon(seconds: float = 8.0) -> float:
    return time.monotonic() + seconds


def directory(simulator: IntuneSimulator, scene: Any, options: IndexOptions | None = None) -> Directory:
    reach = scene.options_for(simulator)
    return Directory(scene.graph_at(reach), reach.cloud.graph, Flights(), options or IndexOptions())


def listings(simulator: IntuneSimulator) -> list[str]:
    """The filters of the lists that were asked for, ``""`` for all."""
    return [seen.value for seen in simulator.history("graph_list")]


def many(simulator: IntuneSimulator, count: int, begin: int = 10) -> None:
    for number in range(begin, begin + count):
        simulator.put_device(guid(number), macs=[f"02000000{number:04X}"], entra_id=guid(500 + number))


def test_the_first_question_lists_all_pages_and_waits_for_them(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.tune(graph_page_size=3)
    many(simulator, 10)
    simulator.put_device(guid(1), macs=[MAC], entra_id=ENTRA)
    found = directory(simulator, scene)
    assert found.by_mac(MAC, soon()) == Known(ids=(guid(1),))
    assert found.by_entra(ENTRA, soon()) == Known(ids=(guid(1),))
    assert found.by_mac(OTHER_MAC, soon()) == Known(ids=())
    assert listings(simulator) == [""] * 4
    status = found.status()
    assert (status.there, status.macs, status.entra_ids, status.problem) == (True, 11, 11, "")
    assert 0 <= status.age_s < 60


def test_an_address_that_is_not_there_means_nothing_before_the_list_is(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.fault("latency", only="graph_list", ms=3_000)
    known = directory(simulator, scene).by_mac(MAC, soon(0.2))
    assert known.ids == ()
    assert "not there yet" in known.doubt
    assert "takes too long" in known.doubt


def test_a_list_that_breaks_off_leaves_no_index_and_says_why(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.tune(graph_page_size=3)
    many(simulator, 10)
    simulator.fault("status", only="graph_list", code=400, after=2)
    found = directory(simulator, scene)
    known = found.by_mac("02000000000A", soon())
    assert known.ids == ()
    assert "status 400" in known.doubt
    assert not found.status().there
    assert "status 400" in found.status().problem


@pytest.mark.parametrize("link", ["loop", "foreign_host", "plain_http"])
def test_a_list_that_leads_astray_leaves_no_index(simulator: IntuneSimulator, scene: Any, link: str) -> None:
    simulator.tune(graph_page_size=3, graph_next_link=link)
    many(simulator, 10)
    found = directory(simulator, scene)
    assert found.by_mac(MAC, soon()).doubt
    assert not found.status().there


@pytest.mark.parametrize("variant", ["html", "truncated", "empty", "list", "text_type", "huge"])
def test_a_page_that_cannot_be_read_leaves_no_index(simulator: IntuneSimulator, scene: Any, variant: str) -> None:
    many(simulator, 2)
    simulator.fault("body", only="graph_list", variant=variant)
    found = directory(simulator, scene)
    assert found.by_mac(MAC, soon()).doubt
    assert not found.status().there


def test_a_failed_list_is_not_tried_with_each_question(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.fault("status", only="graph_list", code=400)
    found = directory(simulator, scene)
    assert "status 400" in found.by_mac(MAC, soon()).doubt
    assert "status 400" in found.by_mac(MAC, soon()).doubt
    assert len(listings(simulator)) == 1


def test_a_list_survives_a_throttle_in_its_middle(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.tune(graph_page_size=3)
    many(simulator, 10)
    simulator.put_device(guid(1), macs=[MAC])
    simulator.fault("throttle", only="graph_list", seconds=1, after=2, times=1)
    assert directory(simulator, scene).by_mac(MAC, soon()).ids == (guid(1),)


def test_a_failed_full_listing_leaves_the_old_index(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.put_device(guid(1), macs=[MAC])
    found = directory(simulator, scene, IndexOptions(listed_again_s=0.000_001, retry_s=0.000_001))
    assert found.by_mac(MAC, soon()).ids == (guid(1),)
    simulator.fault("status", only="graph_list", code=400)
    assert found.by_mac(MAC, soon()).ids == (guid(1),)
    assert scene.eventually(lambda: "status 400" in found.status().problem)
    assert found.by_mac(MAC, soon()).ids == (guid(1),)
    assert found.status().there


def test_a_full_listing_replaces_the_index(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.put_device(guid(1), macs=[MAC])
    found = directory(simulator, scene, IndexOptions(listed_again_s=0.000_001))
    assert found.by_mac(MAC, soon()).ids == (guid(1),)
    simulator.remove_device(guid(1))
    simulator.put_device(guid(2), macs=[OTHER_MAC])

    def replaced() -> bool:
        found.tend()
        return found.by_mac(MAC, soon()) == Known(ids=())

    assert scene.eventually(replaced)
    assert found.by_mac(OTHER_MAC, soon()).ids == (guid(2),)


# -- refreshing -----------------------------------------------------------------------------


def test_what_enrolled_since_is_found_by_its_check_in(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.put_device(guid(1), macs=[MAC], last_sync_s=time.time() - 90_000)
    found = directory(simulator, scene, ALWAYS)
    assert found.by_mac(MAC, soon()).ids == (guid(1),)
    simulator.put_device(guid(2), macs=[OTHER_MAC])
    assert scene.eventually(lambda: found.by_mac(OTHER_MAC, soon()).ids == (guid(2),))
    assert found.by_mac(MAC, soon()).ids == (guid(1),)
    assert listings(simulator)[0] == ""
    assert all(asked.startswith("lastSyncDateTime gt ") for asked in listings(simulator)[1:])
    assert not found.status().filter_ignored


def test_a_look_begins_ten_minutes_before_the_newest_check_in(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.put_device(guid(1), macs=[MAC], last_sync_s=1_772_366_400.0)
    found = directory(simulator, scene, ALWAYS)
    found.by_mac(MAC, soon())
    found.tend()
    assert scene.eventually(lambda: len(listings(simulator)) > 1)
    assert listings(simulator)[1] == "lastSyncDateTime gt 2026-03-01T11:50:00Z"


def test_a_check_in_of_the_future_hides_no_later_one(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.put_device(guid(1), macs=[MAC], last_sync_s=time.time() + 1_000_000)
    found = directory(simulator, scene, ALWAYS)
    found.by_mac(MAC, soon())
    simulator.put_device(guid(2), macs=[OTHER_MAC])
    assert scene.eventually(lambda: found.by_mac(OTHER_MAC, soon()).ids == (guid(2),))

    def looked_often() -> bool:
        found.tend()
        return len(listings(simulator)) >= 4

    assert scene.eventually(looked_often)
    now = time.strftime("lastSyncDateTime gt %Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert all(asked < now for asked in listings(simulator))


def test_an_ignored_filter_does_no_harm_and_is_said(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.tune(graph_filters_work=False, graph_page_size=3)
    for number in range(10):
        simulator.put_device(guid(number), macs=[f"02000000{number:04X}"], last_sync_s=time.time() - 8_000 * number)
    found = directory(simulator, scene, ALWAYS)
    found.by_mac("020000000001", soon())
    simulator.put_device(guid(77), macs=[OTHER_MAC])
    assert scene.eventually(lambda: found.by_mac(OTHER_MAC, soon()).ids == (guid(77),))
    assert scene.eventually(lambda: found.status().filter_ignored)
    assert found.status().macs == 11


def test_a_look_that_fails_is_said_and_the_index_stays(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.put_device(guid(1), macs=[MAC])
    found = directory(simulator, scene, ALWAYS)
    found.by_mac(MAC, soon())
    simulator.fault("status", only="graph_list", code=400)
    found.tend()
    assert scene.eventually(lambda: "status 400" in found.status().problem)
    assert found.by_mac(MAC, soon()).ids == (guid(1),)


def test_a_list_that_is_too_old_says_nothing_of_what_it_does_not_show(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.put_device(guid(1), macs=[MAC])
    found = directory(simulator, scene, IndexOptions(allowed_age_s=0.000_001, listed_again_s=3600))
    assert found.by_mac(MAC, soon()).ids == (guid(1),)
    known = found.by_mac(OTHER_MAC, soon())
    assert known.ids == ()
    assert "old" in known.doubt


def test_a_list_without_looks_says_nothing_of_what_it_does_not_show(simulator: IntuneSimulator, scene: Any) -> None:
    found = directory(simulator, scene, IndexOptions(allowed_silence_s=0.000_001))
    found.by_mac(MAC, soon())
    assert "not in the list yet" in found.by_mac(MAC, soon()).doubt


def test_a_doubtful_list_is_refreshed_while_the_question_waits(simulator: IntuneSimulator, scene: Any) -> None:
    """A site that was idle for hours: the index is old, and the first question brings it up to date."""
    simulator.put_device(guid(1), macs=[MAC])
    options = IndexOptions(allowed_silence_s=0.5, refreshed_again_s=0.5)
    found = directory(simulator, scene, options)
    found.by_mac(MAC, soon())
    assert scene.eventually(lambda: found.status().refreshed_s > 0.6)
    simulator.put_device(guid(2), macs=[OTHER_MAC])
    assert found.by_mac(OTHER_MAC, soon()).ids == (guid(2),)


def test_a_tenant_with_more_devices_than_fit_is_told_so(simulator: IntuneSimulator, scene: Any) -> None:
    many(simulator, 5)
    found = directory(simulator, scene, IndexOptions(rows=4))
    assert "more devices than the index holds (4)" in found.by_mac(MAC, soon()).doubt
    assert not found.status().there


def test_many_who_ask_at_once_cause_one_list(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.put_device(guid(1), macs=[MAC])
    simulator.fault("latency", only="graph_list", ms=300)
    found, answers = directory(simulator, scene), list[Known]()
    threads = [threading.Thread(target=lambda: answers.append(found.by_mac(MAC, soon()))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [Known(ids=(guid(1),))] * 12
    assert len(listings(simulator)) == 1


def test_nothing_is_listed_while_nobody_asks(simulator: IntuneSimulator, scene: Any) -> None:
    found = directory(simulator, scene, ALWAYS)
    assert not found.status().there
    assert listings(simulator) == []
