"""The list of devices that are not compliant: every page or nothing, and no harm to anybody else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from nacd.compliance.listed import BulkAnswer, ListRefused, NoncompliantList
from nacd.intune.nac import bulk
from nacd.intune.nac.source import IntuneSource
from nacd.intune.options import IntuneOptions
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.scene import App
from nacd.values import ComplianceState
from tests.intune.nac.tenant import GUID, Notebook, ask, assert_unavailable, tenant

Build = Callable[..., IntuneOptions]


def listing(source: IntuneSource, deadline_s: float = 10.0) -> BulkAnswer:
    return source.noncompliant(deadline_s, time.time)


def guid_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


@pytest.fixture
def seven(simulator: IntuneSimulator) -> frozenset[str]:
    """Seven devices that are not compliant, three on a page, among ten."""
    simulator.tune(page_size=3)
    simulator.put_device(GUID)
    for number in range(1, 10):
        simulator.put_device(guid_of(number), compliant=number > 7)
    return frozenset(guid_of(number) for number in range(1, 8))


def assert_refused(answer: BulkAnswer, *words: str, quota: bool = False) -> None:
    assert isinstance(answer, ListRefused)
    assert answer.quota is quota
    for word in words:
        assert word in answer.detail


# -- all pages ------------------------------------------------------------------------------


def test_all_pages_are_read_and_each_is_asked_for_by_the_name_the_last_gave_it(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str]
) -> None:
    found = listing(asked)
    assert isinstance(found, NoncompliantList)
    assert found.guids == seven
    assert len(simulator.history("bulk")) == 3
    assert asked.status().bulk_ignored == 0


@pytest.mark.parametrize("changes", [{"page_size": 100}, {"opaque_paging": True}, {"page_size": 1}])
def test_the_list_is_the_same_however_it_is_cut(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str], changes: dict[str, Any]
) -> None:
    simulator.tune(**changes)
    found = listing(asked)
    assert isinstance(found, NoncompliantList)
    assert found.guids == seven


@pytest.mark.parametrize("variant", ["json", "lower_case", "no_namespace", "bom", "prefixed"])
def test_the_list_is_the_same_however_it_is_spelt(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str], variant: str
) -> None:
    simulator.fault("body", variant=variant)
    found = listing(asked)
    assert isinstance(found, NoncompliantList)
    assert found.guids == seven


def test_where_everybody_is_compliant_the_list_is_empty(simulator: IntuneSimulator, asked: IntuneSource) -> None:
    simulator.put_device(GUID)
    found = listing(asked)
    assert isinstance(found, NoncompliantList)
    assert found.guids == frozenset()


def test_the_question_is_the_one_of_the_contract_and_page_names_are_handed_back_untouched(
    options: Build, microsoft: Any, wire: Any
) -> None:
    odd = "a b&c=d/é?+%41"
    first = wire.list_xml(
        wire.device_xml(compliant="false"), extra=f"<paging_info>{odd.replace('&', '&amp;')}</paging_info>"
    )
    microsoft.say("devices", wire.Said(body=first), wire.Said(body=wire.list_xml(extra="<paging_info>0</paging_info>")))
    found = listing(IntuneSource(options()))
    assert isinstance(found, NoncompliantList)
    assert found.guids == {GUID}
    sent = [call.query for call in microsoft.calls if call.path.endswith("/devices/")]
    common = {"querycriteria": ["compliance"], "value": ["false"], "deviceidentifier": ["guid"], "filter": ["all"]}
    assert sent == [{"paging": ["0"], **common}, {"paging": [odd], **common}]


def test_the_list_is_as_of_the_moment_before_its_first_page(options: Build, microsoft: Any) -> None:
    source = IntuneSource(options())
    found = source.noncompliant(5.0, lambda: 1000.0 + microsoft.count("devices"))
    assert isinstance(found, NoncompliantList)
    assert found.as_of == 1000.0


def test_rows_that_do_not_surely_say_noncompliant_are_left_out_and_counted(
    options: Build, microsoft: Any, wire: Any
) -> None:
    good, mad = wire.device_xml(compliant="false"), wire.device_xml(guid="not-a-guid", compliant="false")
    others = (
        wire.device_xml(guid=guid_of(1), compliant="true"),
        wire.device_xml(guid=guid_of(2), compliant="perhaps"),
        wire.device_xml(guid=guid_of(3), registered="false", compliant="false"),
        wire.device_xml(guid="00000000-0000-0000-0000-000000000000", compliant="false"),
        wire.device_xml(guid="", compliant="false"),
        mad,
        f"<device><guid>{guid_of(4)}</guid>{good.removeprefix('<device>')}",
    )
    microsoft.device = wire.list_xml(good, *others, good.replace(GUID, GUID.upper()))
    source = IntuneSource(options())
    found = listing(source)
    assert isinstance(found, NoncompliantList)
    assert found.guids == {GUID}
    assert source.status().bulk_ignored == len(others)


# -- or nothing -----------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 1, 2], ids=["first page", "second page", "last page"])
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("status", {"code": 400}),
        ("status", {"code": 401}),
        ("status", {"code": 403}),
        ("status", {"code": 404}),
        ("status", {"code": 500}),
        ("status", {"code": 502}),
        ("body", {"variant": "html"}),
        ("body", {"variant": "truncated"}),
        ("body", {"variant": "doctype"}),
        ("body", {"variant": "empty"}),
        ("body", {"variant": "huge"}),
        ("redirect", {}),
        ("outage", {"mode": "reset", "service": "compliance"}),
    ],
    ids=lambda value: "-".join(str(word) for word in value.values()) if isinstance(value, dict) else value,
)
def test_one_page_that_fails_is_no_list_and_no_harm_to_single_questions(
    simulator: IntuneSimulator,
    asked: IntuneSource,
    seven: frozenset[str],
    kind: str,
    more: dict[str, Any],
    after: int,
) -> None:
    simulator.fault(kind, only="bulk", after=after, **more)
    assert_refused(listing(asked))
    assert asked.status().paused_s == 0
    assert ask(asked).state is ComplianceState.COMPLIANT


@pytest.mark.parametrize("after", [0, 1])
def test_503_is_the_quota_and_neither_a_pause_nor_a_failure(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str], after: int
) -> None:
    simulator.fault("status", code=503, only="bulk", after=after)
    assert_refused(listing(asked), "once in four hours", "503", quota=True)
    assert (asked.status().paused_s, asked.throttled) == (0, 0)
    assert ask(asked).state is ComplianceState.COMPLIANT
    assert len(simulator.history("bulk")) == after + 1  # it was not tried again


def test_the_quota_of_the_service_is_met_on_the_second_list(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str]
) -> None:
    simulator.tune(bulk_free_s=0.0)
    assert isinstance(listing(asked), NoncompliantList)
    assert_refused(listing(asked), quota=True)


def test_429_pauses_everybody_and_is_counted(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str]
) -> None:
    simulator.fault("throttle", seconds=60, only="bulk")
    assert_refused(listing(asked), "throttling")
    assert asked.throttled == 1
    assert 50 < asked.status().paused_s <= 60
    assert_refused(listing(asked), "not asked again for")
    assert len(simulator.history("bulk")) == 1


def test_401_once_costs_a_token_and_the_list_goes_on(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str]
) -> None:
    simulator.fault("status", code=401, only="bulk", after=1, times=1)
    found = listing(asked)
    assert isinstance(found, NoncompliantList)
    assert found.guids == seven


def test_a_list_without_the_role_says_what_is_missing(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str]
) -> None:
    simulator.register_app(App(intune_roles=("update_device_health",)))
    assert_refused(listing(asked), "403", "consent missing", "get_device_compliance")
    assert asked.status().paused_s == 0


def test_all_pages_are_asked_for_at_one_place_though_the_service_names_another_meanwhile(
    options: Build, microsoft: Any, wire: Any
) -> None:
    microsoft.say("devices", wire.Said(body=wire.list_xml(extra="<paging_info>a</paging_info>"), hold_s=0.2))
    microsoft.always("mdminfo", wire.Said(body=wire.service_xml("/other/place")))
    assert isinstance(listing(IntuneSource(options())), NoncompliantList)
    first, second = (call.path for call in microsoft.calls if call.path.endswith("/devices/"))
    assert first == second


def test_a_moved_service_is_found_for_the_first_page(simulator: IntuneSimulator, seven: frozenset[str]) -> None:
    notebook = Notebook(simulator.compliance_url)
    simulator.move_scale_unit("404")
    found = listing(IntuneSource(tenant(simulator), notebook))
    assert isinstance(found, NoncompliantList)
    assert found.guids == seven


# -- pages without end ----------------------------------------------------------------------


def test_a_list_that_goes_in_a_circle_is_left(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str]
) -> None:
    simulator.tune(loop_paging=True)
    assert_refused(listing(asked), "circle")
    assert len(simulator.history("bulk")) <= 3


def test_a_circle_through_several_pages_is_seen_too(options: Build, microsoft: Any, wire: Any) -> None:
    for page in ("a", "b", "a"):
        microsoft.say("devices", wire.Said(body=wire.list_xml(extra=f"<paging_info>{page}</paging_info>")))
    assert_refused(listing(IntuneSource(options())), "circle")
    assert microsoft.count("devices") == 3


def test_a_list_without_end_is_left(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PAGES", 5)
    simulator.tune(endless_paging=True)
    assert_refused(listing(asked), "more than 5 pages")
    assert len(simulator.history("bulk")) == 5


def test_a_list_that_is_too_long_in_total_is_left(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "OCTETS", 1_000)
    assert_refused(listing(asked), "longer than 1000 octets")


def test_a_page_name_without_end_is_not_sent(options: Build, microsoft: Any, wire: Any) -> None:
    microsoft.say("devices", wire.Said(body=wire.list_xml(extra=f"<paging_info>{'x' * 5_000}</paging_info>")))
    assert_refused(listing(IntuneSource(options())), "circle or names no page")
    assert microsoft.count("devices") == 1


# -- time -----------------------------------------------------------------------------------


@pytest.fixture
def slow(slow_simulator: IntuneSimulator) -> IntuneSimulator:
    """The second of three pages takes its time."""
    slow_simulator.tune(page_size=1)
    for number in range(1, 4):
        slow_simulator.put_device(guid_of(number), compliant=False)
    slow_simulator.fault("latency", ms=20_000, only="bulk", after=1)
    return slow_simulator


@pytest.mark.slow
def test_a_busy_server_is_left_alone_between_two_pages(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str]
) -> None:
    simulator.fault("busy", seconds=1, only="bulk", times=1)
    found = listing(asked)
    assert isinstance(found, NoncompliantList)
    assert found.guids == seven
    first, second, _third = simulator.history("bulk")
    assert second.at - first.at >= 1.0


@pytest.mark.slow
def test_the_next_page_waits_for_the_end_of_a_pause_that_a_single_question_began(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, simulate = bulk.answers.read_devices, [1]

    def throttled_meanwhile(body: bytes, content_type: str) -> Any:
        if simulate:
            simulate.clear()
            simulator.fault("throttle", only="guid", seconds=1, times=1)
            assert_unavailable(ask(asked), "429")
        return read(body, content_type)

    monkeypatch.setattr(bulk.answers, "read_devices", throttled_meanwhile)
    assert isinstance(listing(asked), NoncompliantList)
    first, second, _third = simulator.history("bulk")
    assert second.at - first.at >= 1.0


def test_a_wait_longer_than_the_time_there_is_ends_the_list_at_once(
    simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str]
) -> None:
    simulator.fault("busy", seconds=60, only="bulk")
    assert_refused(listing(asked, deadline_s=5.0), "60 s between two pages")
    assert 50 < asked.status().paused_s <= 60  # it asked everybody to wait


@pytest.mark.slow
def test_a_list_that_takes_too_long_is_no_list_and_says_how_far_it_came(slow: IntuneSimulator) -> None:
    started = time.monotonic()
    assert_refused(listing(IntuneSource(tenant(slow)), deadline_s=2.0), "not whole after 1 pages", "no time for more")
    assert time.monotonic() - started < 7.0


@pytest.mark.slow
def test_a_page_that_hangs_does_not_take_the_time_of_the_run(
    slow: IntuneSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nacd.intune.nac.source._PAGE_S", 2.0)
    started = time.monotonic()
    assert_refused(listing(IntuneSource(tenant(slow)), deadline_s=60.0), "did not answer in time")
    assert time.monotonic() - started < 15.0


def test_no_time_at_all_is_no_list(asked: IntuneSource) -> None:
    assert_refused(listing(asked, deadline_s=0.0))


def test_no_token_is_no_list(simulator: IntuneSimulator, asked: IntuneSource, seven: frozenset[str]) -> None:
    simulator.fault("token", code=7000222)
    assert_refused(listing(asked), "secret has expired")
    assert not simulator.history("bulk")
