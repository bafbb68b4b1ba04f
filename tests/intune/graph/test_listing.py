"""Walking all pages of a list, and the addresses of lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from nacd.errors import SourceError
from nacd.intune.client import HttpAnswer
from nacd.intune.cloud import Hosts
from nacd.intune.graph.answers import FIELDS
from nacd.intune.graph.listing import all_url, device_url, entra_url, following, pages, since_url
from nacd.intune.nac.document import UnreadableError
from nacd.sim.intune import IntuneSimulator

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
ROOT = "https://graph.microsoft.com"


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def listed(simulator: IntuneSimulator, scene: Any, url: str = "") -> list[str]:
    options = scene.options_for(simulator)
    root = options.cloud.graph
    walk = pages(root, url or all_url(root), scene.graph_at(options).get_patiently)
    return [row.intune_id for page in walk for row in page.rows]


def said(*links: str) -> Callable[[str], HttpAnswer]:
    """Answers one empty page after the other with these next links."""
    left = list(links)

    def ask(_url: str) -> HttpAnswer:
        body = {"value": [], **({"@odata.nextLink": left.pop(0)} if left else {})}
        return HttpAnswer(status=200, headers={"content-type": "application/json"}, body=json.dumps(body).encode())

    return ask


@pytest.mark.parametrize("url", [device_url(ROOT, GUID), all_url(ROOT), entra_url(ROOT, GUID), since_url(ROOT, 0.0)])
def test_addresses_ask_for_what_is_read_and_may_be_sent_a_token(url: str) -> None:
    assert parse_qs(urlsplit(url).query)["$select"] == [FIELDS]
    assert urlsplit(url).path.startswith("/v1.0/deviceManagement/managedDevices")
    assert Hosts(listed=frozenset({"graph.microsoft.com"})).refusal(url) == ""


def test_filters_are_written_as_graph_wants_them() -> None:
    assert parse_qs(urlsplit(entra_url(ROOT, GUID)).query)["$filter"] == [f"azureADDeviceId eq '{GUID}'"]
    assert parse_qs(urlsplit(since_url(ROOT, 1772366400.7)).query)["$filter"] == [
        "lastSyncDateTime gt 2026-03-01T12:00:00Z"
    ]


@pytest.mark.parametrize("count", [0, 1, 5, 6, 7, 23])
def test_all_pages_are_read(simulator: IntuneSimulator, scene: Any, count: int) -> None:
    simulator.tune(graph_page_size=3)
    for number in range(count):
        simulator.put_device(guid(number))
    assert sorted(listed(simulator, scene)) == [guid(number) for number in range(count)]


def test_a_filter_is_kept_over_the_pages(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.tune(graph_page_size=2)
    for number in range(9):
        simulator.put_device(guid(number), last_sync_s=1_000_000.0 * number)
    url = since_url(scene.options_for(simulator).cloud.graph, 3_500_000.0)
    assert sorted(listed(simulator, scene, url)) == [guid(number) for number in range(4, 9)]


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("loop", "goes round in circles"),
        ("foreign_host", "not a host of this cloud"),
        ("plain_http", "no token is sent"),
    ],
)
def test_a_next_link_that_leads_astray_ends_the_walk(
    simulator: IntuneSimulator, scene: Any, link: str, words: str
) -> None:
    simulator.tune(graph_page_size=2, graph_next_link=link)
    for number in range(5):
        simulator.put_device(guid(number))
    with pytest.raises(SourceError, match=words):
        listed(simulator, scene)


def test_a_list_without_end_is_given_up() -> None:
    links = (f"{ROOT}/v1.0/x?$skiptoken={number}" for number in range(30_000))
    with pytest.raises(UnreadableError, match="does not end"):
        list(pages(ROOT, all_url(ROOT), said(*links)))


def test_a_page_that_is_missing_ends_the_walk() -> None:
    def ask(_url: str) -> HttpAnswer:
        return HttpAnswer(status=404)

    with pytest.raises(SourceError, match="status 404"):
        list(pages(ROOT, all_url(ROOT), ask))


def test_a_link_with_blanks_is_escaped_and_a_relative_one_is_joined() -> None:
    assert (
        following(ROOT, f"{ROOT}/v1.0/x?$filter=a gt 2&$skiptoken=%20")
        == f"{ROOT}/v1.0/x?$filter=a%20gt%202&$skiptoken=%20"
    )
    assert following(ROOT, "/v1.0/x?$skiptoken=1") == f"{ROOT}/v1.0/x?$skiptoken=1"


@pytest.mark.parametrize("link", ["https://[::1/x", "https://a]b/", "//evil.test/x", "https://a@evil.test/", "\ud800"])
def test_a_hostile_link_is_no_address_or_may_not_be_sent_a_token(link: str) -> None:
    try:
        url = following(ROOT, link)
    except UnreadableError:
        return
    assert Hosts(listed=frozenset({"graph.microsoft.com"})).refusal(url) or url.startswith(f"{ROOT}/")
