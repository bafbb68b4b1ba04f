"""One question to Graph over real HTTPS: what is tried again, when it is left alone, what a refusal says."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from nacd.errors import SourceError
from nacd.intune.client import UnreachableError
from nacd.intune.graph.asking import Graph, PausedError
from nacd.intune.graph.listing import all_url, device_url
from nacd.intune.nac.answers import concerns_only_the_device
from nacd.intune.nac.pause import Pause
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.scene import CLIENT_ID, CLIENT_SECRET, App

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


def soon(seconds: float = 8.0) -> float:
    return time.monotonic() + seconds


@pytest.fixture
def graph(simulator: IntuneSimulator, scene: Any) -> Graph:
    simulator.put_device(GUID)
    return scene.graph_at(scene.options_for(simulator))


@pytest.fixture
def url(simulator: IntuneSimulator) -> str:
    return device_url(simulator.base_url, GUID)


def asked(simulator: IntuneSimulator) -> int:
    return len(simulator.history("graph_device"))


def refused(graph: Graph, url: str, until: float = 0.0) -> str:
    with pytest.raises(SourceError) as caught:
        graph.get(url, until or soon())
    return caught.value.detail


def test_an_answer_is_an_answer(graph: Graph, url: str) -> None:
    assert graph.get(url, soon()).status == 200


def test_a_404_of_graph_itself_is_an_answer(graph: Graph, simulator: IntuneSimulator) -> None:
    assert graph.get(device_url(simulator.base_url, GUID.replace("2", "3")), soon()).status == 404


@pytest.mark.parametrize("envelope", ["html", "empty", "intune"])
def test_a_404_of_somebody_else_is_an_outage(graph: Graph, simulator: IntuneSimulator, url: str, envelope: str) -> None:
    simulator.fault("status", only="graph_device", code=404, envelope=envelope)
    assert "proxy" in refused(graph, url)


@pytest.mark.parametrize("code", ["UnknownError", "ServiceUnavailable", "BadRequest", "NotFound", "", None])
def test_a_404_that_does_not_say_no_such_device_is_an_outage(
    microsoft: Any, options: Any, wire: Any, scene: Any, code: str | None
) -> None:
    body = {"error": {"code": code, "message": "An error has occurred"}}
    microsoft.always("else", wire.Said(status=404, kind="application/json", body=body))
    words = f"graph answers status 404 with `{code}`" if code else "not graph's"
    assert words in refused(scene.graph_at(options()), device_url(microsoft.root, GUID))


@pytest.mark.parametrize("code", ["ResourceNotFound", "resourceNotFound", "RESOURCENOTFOUND"])
def test_a_404_that_says_no_such_device_is_an_answer(
    microsoft: Any, options: Any, wire: Any, scene: Any, code: str
) -> None:
    body = {"error": {"code": code, "message": "x"}}
    microsoft.always("else", wire.Said(status=404, kind="application/json", body=body))
    assert scene.graph_at(options()).get(device_url(microsoft.root, GUID), soon()).status == 404


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "outage", "mode": "reset"},
        {"kind": "outage", "mode": "500"},
        {"kind": "outage", "mode": "503"},
        {"kind": "status", "code": 502},
        {"kind": "status", "code": 504},
    ],
)
def test_a_failure_is_tried_once_more(
    graph: Graph, simulator: IntuneSimulator, url: str, fault: dict[str, Any]
) -> None:
    simulator.fault(**fault, only="graph_device", times=1)
    assert graph.get(url, soon()).status == 200
    assert asked(simulator) == 2
    assert graph.pause.left() == (0.0, "")


def test_a_failure_is_tried_no_third_time(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    simulator.fault("status", only="graph_device", code=500, times=2)
    assert "status 500" in refused(graph, url)
    assert asked(simulator) == 2
    assert graph.get(url, soon()).status == 200


def test_a_failure_is_not_tried_again_when_the_time_is_over(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    graph.get(url, soon())
    simulator.forget_history()
    simulator.fault("outage", only="graph_device", mode="reset")
    with pytest.raises(UnreachableError):
        graph.get(url, soon(0.045))
    assert asked(simulator) < 2


def test_the_deadline_is_kept_when_graph_hangs(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    graph.get(url, soon())
    simulator.fault("latency", only="graph_device", ms=60_000)
    assert "in time" in refused(graph, url, soon(0.3))


# -- throttling -----------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_429_is_honoured_for_as_long_as_it_says(graph: Graph, simulator: IntuneSimulator, url: str, form: str) -> None:
    simulator.fault("throttle", only="graph_device", retry_after=form, seconds=50, times=1)
    assert "throttling (status 429)" in refused(graph, url)
    left_s, why = graph.pause.left()
    assert 40 < left_s <= 50
    assert "429" in why
    assert graph.pause.throttled == 1
    assert "not asked again for" in refused(graph, url)
    assert asked(simulator) == 1


def test_a_pause_is_for_every_question(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    simulator.fault("throttle", only="graph_device", seconds=50, times=1)
    refused(graph, url)
    with pytest.raises(PausedError):
        graph.get(all_url(simulator.base_url), soon())
    assert not simulator.history("graph_list")


@pytest.mark.parametrize("form", ["none", "garbage"])
def test_without_retry_after_the_pauses_grow_and_an_answer_ends_the_row(
    graph: Graph, simulator: IntuneSimulator, url: str, form: str, scene: Any
) -> None:
    simulator.fault("throttle", only="graph_device", retry_after=form, times=2)
    for longest_s in (1.0, 2.0):
        refused(graph, url)
        left_s, _why = graph.pause.left()
        assert longest_s / 2 - 0.5 < left_s <= longest_s
        graph.pause = Pause()
    graph.get(url, soon())
    simulator.fault("throttle", only="graph_device", retry_after=form, times=1)
    refused(graph, url)
    assert graph.pause.left()[0] <= 1.0


def test_many_threads_that_meet_one_throttle_take_one_step(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    graph.get(url, soon())
    simulator.fault("latency", only="graph_device", ms=300)
    simulator.fault("throttle", only="graph_device", retry_after="none")
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait()
        refused(graph, url)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert 0 < graph.pause.left()[0] <= 1.0
    assert graph.pause.throttled == 8


def test_a_failure_is_not_tried_again_in_a_pause_that_began_meanwhile(
    graph: Graph, simulator: IntuneSimulator, url: str, scene: Any
) -> None:
    simulator.fault("latency", only="graph_device", ms=400, times=1)
    simulator.fault("status", only="graph_device", code=500, times=1)
    said = list[str]()
    thread = threading.Thread(target=lambda: said.append(refused(graph, url)))
    thread.start()
    assert scene.eventually(lambda: not simulator.faults())  # the question has come in and is being answered
    graph.pause.extend(50, "throttled by another question")
    thread.join(20)
    assert "throttled by another question" in said[0]
    assert asked(simulator) == 1


def test_503_without_an_end_pauses_and_is_no_429(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    simulator.fault("status", only="graph_device", code=503)
    assert "status 503" in refused(graph, url)
    assert 0 < graph.pause.left()[0] <= 1.0
    assert graph.pause.throttled == 0


def test_500_is_left_to_the_breaker(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    simulator.fault("status", only="graph_device", code=500)
    refused(graph, url)
    assert graph.pause.left() == (0.0, "")


# -- refusals -------------------------------------------------------------------------------


def test_401_drops_the_token_and_asks_once_more(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    simulator.fault("status", only="graph_device", code=401, times=1)
    assert graph.get(url, soon()).status == 200
    assert len(simulator.history("token")) == 2


def test_401_twice_is_said_and_graph_is_left_alone(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    simulator.fault("status", only="graph_device", code=401)
    assert "refuses the token (status 401)" in refused(graph, url)
    assert graph.pause.left()[0] > 290


def test_403_names_the_permission_and_what_the_token_has(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    simulator.register_app(App(client_id=CLIENT_ID, secret=CLIENT_SECRET, graph_roles=("Application.Read.All",)))
    detail = refused(graph, url)
    assert "status 403" in detail
    assert "DeviceManagementManagedDevices.Read.All" in detail
    assert "it has: Application.Read.All" in detail
    assert graph.pause.left()[0] > 290


def test_consent_that_is_given_meanwhile_is_found_with_the_next_question(
    graph: Graph, simulator: IntuneSimulator, url: str
) -> None:
    simulator.register_app(App(client_id=CLIENT_ID, secret=CLIENT_SECRET, graph_roles=("x",)))
    refused(graph, url)
    simulator.register_app(App(client_id=CLIENT_ID, secret=CLIENT_SECRET))
    graph.pause = Pause()
    assert graph.get(url, soon()).status == 200


@pytest.mark.parametrize("role", ["Read", "ReadWrite"])
def test_either_role_is_enough(graph: Graph, simulator: IntuneSimulator, url: str, role: str) -> None:
    wanted = f"DeviceManagementManagedDevices.{role}.All"
    simulator.register_app(App(client_id=CLIENT_ID, secret=CLIENT_SECRET, graph_roles=(wanted,)))
    simulator.fault("status", only="graph_device", code=403)
    assert "consent missing" not in refused(graph, url)


def test_400_is_about_this_question_alone(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    simulator.fault("status", only="graph_device", code=400)
    assert concerns_only_the_device(refused(graph, url))
    assert graph.pause.left() == (0.0, "")


def test_a_redirect_is_not_followed(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    simulator.fault("redirect", only="graph_device")
    assert "redirects elsewhere (status 302)" in refused(graph, url)


def test_the_token_goes_to_graph_alone(graph: Graph, simulator: IntuneSimulator) -> None:
    assert "no token is sent" in refused(graph, device_url("https://graph.evil.test", GUID))
    assert asked(simulator) == 0


def test_no_token_says_why(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    simulator.fault("token", code=7000222)
    assert "AADSTS7000222" in refused(graph, url)
    assert asked(simulator) == 0


# -- patience -------------------------------------------------------------------------------


def test_work_in_the_background_waits_out_a_pause(graph: Graph, simulator: IntuneSimulator, url: str) -> None:
    simulator.fault("throttle", only="graph_device", seconds=1, times=1)
    assert graph.get_patiently(url).status == 200
    assert asked(simulator) == 2
    first, second = (seen.at for seen in simulator.history("graph_device"))
    assert second - first > 0.9


def test_work_in_the_background_is_given_up_after_five_tries(
    graph: Graph, simulator: IntuneSimulator, url: str
) -> None:
    simulator.fault("status", only="graph_device", code=500)
    with pytest.raises(SourceError, match="500"):
        graph.get_patiently(url)
    assert asked(simulator) == 10  # each try is a question and its one repeat


@pytest.mark.parametrize("code", [400, 401, 403, 410])
def test_what_does_not_get_better_is_not_tried_again(
    graph: Graph, simulator: IntuneSimulator, url: str, code: int
) -> None:
    simulator.fault("status", only="graph_device", code=code)
    with pytest.raises(SourceError, match=str(code)):
        graph.get_patiently(url)
    assert asked(simulator) == (2 if code == 401 else 1)


def test_work_in_the_background_does_not_wait_out_a_long_pause(graph: Graph, url: str) -> None:
    graph.pause.extend(500, "told to")
    with pytest.raises(PausedError, match="told to"):
        graph.get_patiently(url)
