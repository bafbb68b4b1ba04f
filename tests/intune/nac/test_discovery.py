"""Finding the service: both spellings, both names, refresh rules, and whom to believe."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from nacd.errors import SourceError
from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience
from nacd.intune.flight import Flights
from nacd.intune.nac import discovery as module
from nacd.intune.nac.discovery import Discovery, EndpointMemory, Forgetful, read_endpoints
from nacd.intune.nac.document import UnreadableError
from nacd.intune.options import IntuneOptions
from nacd.intune.token import Bearer, TokenSource
from tests.intune.nac.tenant import Notebook

Build = Callable[..., IntuneOptions]


def discover(options: IntuneOptions, memory: EndpointMemory | None = None) -> Discovery:
    flights, http = Flights(), HttpClient(ca_file=options.ca_file)
    tokens = TokenSource(options, http, flights)
    return Discovery(options, Bearer(http, tokens, Audience.GRAPH, options.graph_hosts), flights, memory)


def soon() -> float:
    return time.monotonic() + 5


@pytest.fixture
def discovery(options: Build) -> Discovery:
    return discover(options())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Hours pass for the discovery alone."""
    passed = [0.0]

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return time.monotonic() + passed[0]

    monkeypatch.setattr(module, "time", Clock)

    def advance(seconds: float) -> None:
        passed[0] += seconds

    return advance


def test_the_address_is_found_once_and_kept(discovery: Discovery, microsoft: Any, wire: Any) -> None:
    assert discovery.base(soon()) == microsoft.root + wire.SERVICE
    assert discovery.base(soon()) == discovery.known()
    call = microsoft.last("endpoints")
    assert call.path == "/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints"
    assert call.headers["accept"] == "application/json"
    assert microsoft.count("endpoints") == 1


@pytest.mark.parametrize("status", [400, 404])
def test_the_other_spelling_is_tried(discovery: Discovery, microsoft: Any, wire: Any, status: int) -> None:
    microsoft.say("endpoints", wire.Said(status=status))
    assert discovery.base(soon())
    assert microsoft.last("endpoints").path == (
        "/v1.0/servicePrincipals(appId='0000000a-0000-0000-c000-000000000000')/endpoints"
    )


def test_the_old_name_field_and_any_case_are_read(discovery: Discovery, microsoft: Any, wire: Any) -> None:
    rows = [None, {"serviceName": "complianceRETRIEVALservice", "uri": microsoft.root + "/x/"}]
    microsoft.say("endpoints", wire.Said(kind="application/json", body={"value": rows}))
    assert discovery.base(soon()) == microsoft.root + "/x"


@pytest.mark.parametrize("following", ["//[", "https://a]b/", "http://\u2100/"])
def test_a_next_page_that_is_no_address_is_trouble_and_not_asked_for_again_at_once(
    discovery: Discovery, microsoft: Any, wire: Any, following: str
) -> None:
    body = {"value": [], "@odata.nextLink": following}
    microsoft.say("endpoints", wire.Said(kind="application/json", body=body))
    for _ in range(2):
        with pytest.raises(SourceError, match="next page is no address"):
            discovery.base(soon())
    assert microsoft.count("endpoints") == 1


def test_a_list_with_more_values_than_one_has_is_refused_as_it_is(
    discovery: Discovery, microsoft: Any, wire: Any
) -> None:
    body = b'{"value": [' + b"{}," * 60_000 + b"{}]}"
    microsoft.say("endpoints", wire.Said(kind="application/json", body=body))
    with pytest.raises(SourceError, match="graph's answer has more than 50000 values"):
        discovery.base(soon())


@pytest.mark.parametrize("following", [7, "", "/x" * 1_025])
def test_a_next_page_without_a_name_or_with_a_very_long_one_is_trouble(
    discovery: Discovery, microsoft: Any, wire: Any, following: object
) -> None:
    body = {"value": [], "@odata.nextLink": following}
    microsoft.say("endpoints", wire.Said(kind="application/json", body=body))
    with pytest.raises(SourceError, match="graph's next page"):
        discovery.base(soon())


@pytest.mark.parametrize("name", ["@odata.nextLink", "@odata.nextlink"])
@pytest.mark.parametrize("relative", [True, False])
def test_the_next_page_is_read(discovery: Discovery, microsoft: Any, wire: Any, relative: bool, name: str) -> None:
    following = ("" if relative else microsoft.root) + "/v1.0/servicePrincipals/next?$skiptoken=x"
    body = {"value": [], name: following}
    microsoft.say("endpoints", wire.Said(kind="application/json", body=body))
    assert discovery.base(soon()) == microsoft.root + wire.SERVICE
    assert microsoft.last("endpoints").query == {"$skiptoken": ["x"]}


def test_a_next_page_elsewhere_is_sent_no_token(
    discovery: Discovery, microsoft: Any, elsewhere: Any, wire: Any
) -> None:
    body = {"value": [], "@odata.nextLink": elsewhere.root + "/v1.0/servicePrincipals/next"}
    microsoft.say("endpoints", wire.Said(kind="application/json", body=body))
    with pytest.raises(SourceError, match="no token is sent"):
        discovery.base(soon())
    assert not elsewhere.calls


def test_pages_without_end_end(discovery: Discovery, microsoft: Any, wire: Any) -> None:
    body = {"value": [], "@odata.nextLink": "/v1.0/servicePrincipals/next"}
    microsoft.always("endpoints", wire.Said(kind="application/json", body=body))
    with pytest.raises(SourceError, match="lists no"):
        discovery.base(soon())
    assert microsoft.count("endpoints") < 15


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.test/x",
        "http://fef.unit.manage.microsoft.com/x",
        "https://u@fef.unit.manage.microsoft.com/x",
        "https://fef.unit.manage.microsoft.com:8443/x",
        "https://fef.unit.manage.microsoft.com/x?a=b",
        "",
    ],
)
def test_a_foreign_address_is_not_believed(options: Build, microsoft: Any, wire: Any, uri: str) -> None:
    from dataclasses import replace

    chosen = options()
    chosen = replace(chosen, cloud=replace(chosen.cloud, host_suffix=".manage.microsoft.com"))
    microsoft.always("endpoints", wire.Said(kind="application/json", body=wire.endpoints(uri)))
    with pytest.raises(SourceError, match=r"not believed|lists no"):
        discover(chosen).base(soon())


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"status": 403, "body": {"error": {"message": "Insufficient privileges"}}}, "Application.Read.All.*Insuff"),
        ({"status": 401}, "401"),
        ({"status": 429}, "429"),
        ({"status": 503}, "503"),
        ({"status": 302, "headers": {"Location": "https://evil.test"}}, "302"),
        ({"body": {"value": [{"providerName": "NACAPIService", "uri": "x"}]}}, "no intune licence"),
        ({"body": b"<html>"}, "not json"),
        ({"body": b"[]"}, "not a list"),
    ],
)
def test_trouble_with_graph_is_said_in_words_and_not_repeated_at_once(
    discovery: Discovery, microsoft: Any, wire: Any, said: dict[str, Any], words: str
) -> None:
    microsoft.always("endpoints", wire.Said(**({"kind": "application/json"} | said)))
    with pytest.raises(SourceError, match=words):
        discovery.base(soon())
    asked = microsoft.count("endpoints")
    with pytest.raises(SourceError, match=words):
        discovery.base(soon())
    assert microsoft.count("endpoints") == asked


def test_a_first_look_that_failed_is_repeated_soon_and_then_less_often(
    discovery: Discovery, microsoft: Any, wire: Any, clock: Callable[[float], None]
) -> None:
    microsoft.always("endpoints", wire.Said(status=503))
    waits = []
    for _ in range(8):
        asked = microsoft.count("endpoints")
        waited = 0
        while microsoft.count("endpoints") == asked:
            with pytest.raises(SourceError):
                discovery.base(time.monotonic() + 1e6)
            clock(5)
            waited += 5
        waits.append(waited)
    assert waits == [5, 5, 10, 20, 40, 80, 160, 300]


def test_after_a_day_it_is_looked_up_anew_behind_the_callers_back(
    discovery: Discovery, microsoft: Any, wire: Any, clock: Callable[[float], None]
) -> None:
    old = discovery.base(soon())
    clock(24 * 3600 - 60)
    discovery.base(soon())
    assert microsoft.count("endpoints") == 1
    microsoft.always("endpoints", wire.Said(kind="application/json", body=wire.endpoints(microsoft.root + "/new")))
    clock(120)
    assert discovery.base(time.monotonic()) == old  # without waiting
    assert wire.eventually(lambda: discovery.known() == microsoft.root + "/new")


def test_a_look_that_fails_keeps_the_old_address_and_the_next_ones_wait_longer_and_longer(
    discovery: Discovery, microsoft: Any, wire: Any, clock: Callable[[float], None]
) -> None:
    old = discovery.base(soon())
    microsoft.always("endpoints", wire.Said(status=503))
    assert discovery.rediscover(soon()) == old
    assert microsoft.count("endpoints") == 1  # looked a moment ago
    waits = []
    for _ in range(7):
        looked, waited = microsoft.count("endpoints"), 0
        while microsoft.count("endpoints") == looked:
            clock(5)
            waited += 5
            assert discovery.rediscover(time.monotonic() + 1e6) == old
        waits.append(waited)
    assert waits == [5, 10, 20, 40, 80, 160, 300]


def test_a_service_that_moves_after_a_quiet_time_is_found_at_once(
    discovery: Discovery, microsoft: Any, wire: Any, clock: Callable[[float], None]
) -> None:
    discovery.base(soon())
    for _ in range(4):
        clock(301)
        discovery.rediscover(time.monotonic() + 1e6)
    clock(1000)
    discovery.rediscover(time.monotonic() + 1e6)
    looked = microsoft.count("endpoints")
    clock(6)
    discovery.rediscover(time.monotonic() + 1e6)
    assert microsoft.count("endpoints") == looked + 1


def test_a_live_test_looks_whenever_it_wants(discovery: Discovery, microsoft: Any) -> None:
    discovery.fresh(soon())
    discovery.fresh(soon())
    assert microsoft.count("endpoints") == 2


def test_a_fixed_endpoint_is_never_looked_up(options: Build, microsoft: Any) -> None:
    discovery = discover(options(endpoint="https://intune.corp/x/"))
    discovery.suspect()
    for address in (discovery.base(0), discovery.rediscover(0), discovery.fresh(0)):
        assert address == "https://intune.corp/x"
    assert not microsoft.calls


def test_the_address_survives_a_restart_without_graph(options: Build, microsoft: Any, wire: Any) -> None:
    notebook = Notebook()
    found = discover(options(), notebook).base(soon())
    assert notebook.written == [found]
    microsoft.always("endpoints", wire.Said(status=503))
    again = discover(options(), notebook)
    assert again.base(time.monotonic()) == found
    assert wire.eventually(lambda: microsoft.count("endpoints") == 2)
    assert again.base(time.monotonic()) == found


def test_an_address_that_stays_the_same_is_not_kept_again(options: Build, microsoft: Any, wire: Any) -> None:
    notebook = Notebook(microsoft.root + wire.SERVICE)
    assert discover(options(), notebook).fresh(soon()) == microsoft.root + wire.SERVICE
    assert not notebook.written


@pytest.mark.parametrize(
    "kept",
    [
        "https://evil.test/x",
        "http://localhost/x",
        "\x00\xff",
        "https://localhost:1/x?y",
        "https://u@localhost:1/x",
        "no address",
    ],
)
def test_what_is_recalled_passes_the_host_rules_again_or_is_found_anew(
    options: Build, microsoft: Any, wire: Any, kept: str
) -> None:
    notebook = Notebook(kept)
    discovery = discover(options(allowed_hosts=(f"localhost:{microsoft.port}", "localhost:1")), notebook)
    assert discovery.known() == ""
    assert discovery.base(soon()) == microsoft.root + wire.SERVICE
    assert notebook.base == microsoft.root + wire.SERVICE


def test_nothing_is_recalled_or_kept_when_the_address_is_fixed(options: Build) -> None:
    notebook = Notebook("https://localhost:1/old")
    discovery = discover(options(endpoint="https://intune.corp/x/", allowed_hosts=("localhost:1",)), notebook)
    assert discovery.base(soon()) == "https://intune.corp/x"
    assert not notebook.written


def test_a_forgetful_memory_keeps_nothing() -> None:
    memory = Forgetful()
    memory.keep("https://intune.corp/x")
    assert memory.recall() == ""


def test_endpoint_lists_are_read_row_by_row() -> None:
    rows = [{"providerName": 7, "uri": "a"}, {"providerName": "ComplianceRetrievalService", "uri": None}, "x"]
    assert read_endpoints(json.dumps({"value": rows}).encode()) == ("", "")
    with pytest.raises(UnreadableError):
        read_endpoints(b"[" * 50_000)
