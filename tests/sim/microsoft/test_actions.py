"""Device actions over HTTPS: where each lives, what it wants, what it does, and what is kept of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from nacd.sim.microsoft.actions import ACTIONS, PRIVILEGED, READ_WRITE
from nacd.sim.microsoft.state import App

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER = "7b0e5d92-41c6-4f38-a1d7-90c2e6f4b813"
NOTIFY = "sendCustomNotificationToCompanyPortal"
TEXTS = {"notificationTitle": "Network", "notificationBody": "Please update"}
PRIVILEGED_VERBS = [verb for verb in ACTIONS if verb != NOTIFY]


@pytest.fixture
def act(client: Any) -> Any:
    """Asks for an action with an app that has the roles given, both by default."""

    def ask(
        verb: str, body: object = None, *, version: str = "", guid: str = GUID, roles: Any = (PRIVILEGED, READ_WRITE)
    ) -> requests.Response:
        app = App(client_id="00000000-0000-4000-8000-0000000000ee", secret="acts", graph_roles=tuple(roles))
        client.simulator.register_app(app)
        scope = "https://graph.microsoft.com/.default"
        token = client.ask_token(client_id=app.client_id, client_secret="acts", scope=scope).json()["access_token"]
        version = version or ("beta" if verb == NOTIFY else "v1.0")
        return client.session.post(
            f"{client.simulator.base_url}/{version}/deviceManagement/managedDevices/{guid}/{verb}",
            data=body if isinstance(body, str) else json.dumps(body) if body is not None else None,
            headers={"Authorization": f"Bearer {token}"},
            verify=client.simulator.ca_file,
            timeout=5,
        )

    client.simulator.put_device(GUID, compliant=False)
    return ask


@pytest.mark.parametrize("verb", ACTIONS)
def test_every_action_is_accepted_without_content_and_kept(client: Any, act: Any, verb: str) -> None:
    answer = act(verb, TEXTS if verb == NOTIFY else None)
    assert (answer.status_code, answer.content) == (204, b"")
    (seen,) = client.simulator.history("action")
    assert (seen.verb, seen.value, seen.status) == (verb, GUID, 204)


def test_what_a_wipe_is_to_keep_stands_in_the_history(client: Any, act: Any) -> None:
    body = {"keepEnrollmentData": True, "keepUserData": False, "macOsUnlockCode": "123456"}
    assert act("wipe", body).status_code == 204
    (seen,) = client.order("GET", "/history?kind=action").json()
    assert (seen["verb"], seen["body"]) == ("wipe", body)


@pytest.mark.parametrize("verb", ACTIONS)
def test_an_action_under_the_other_version_is_no_segment(client: Any, act: Any, verb: str) -> None:
    other = "v1.0" if verb == NOTIFY else "beta"
    assert act(verb, TEXTS if verb == NOTIFY else None, version=other).status_code == 400


@pytest.mark.parametrize(
    ("verb", "roles"), [*((verb, [READ_WRITE]) for verb in PRIVILEGED_VERBS), (NOTIFY, [PRIVILEGED])]
)
def test_an_action_wants_its_own_role(client: Any, act: Any, verb: str, roles: list[str]) -> None:
    answer = act(verb, TEXTS if verb == NOTIFY else None, roles=roles)
    inner = json.loads(answer.json()["error"]["message"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "Forbidden")
    assert ACTIONS[verb].role in inner["Message"]
    (seen,) = client.simulator.history("action")
    assert (seen.verb, seen.status) == (verb, 403)


def test_a_device_nobody_enrolled_is_not_found(act: Any) -> None:
    answer = act("syncDevice", guid=OTHER)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceNotFound")


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("wipe", {"keepUserData": "yes"}),
        ("wipe", {"macOsUnlockCode": 123456}),
        ("wipe", {"colour": "red"}),
        ("wipe", "{"),
        ("wipe", [1]),
        (NOTIFY, {"notificationTitle": "only a title"}),
        (NOTIFY, None),
    ],
)
def test_a_body_out_of_shape_is_refused(client: Any, act: Any, verb: str, body: object) -> None:
    client.simulator.tune(removal_after_s=0.0)
    assert act(verb, body).status_code == 400
    assert client.simulator.state.device(GUID) is not None


def test_an_action_is_posted(client: Any, act: Any) -> None:
    assert client.graph(f"deviceManagement/managedDevices/{GUID}/syncDevice").status_code == 405


def test_a_sync_moves_the_last_sync_and_may_find_the_device_mended(client: Any, act: Any, clock: Any) -> None:
    client.simulator.change_device(GUID, last_sync_s=5.0)
    client.simulator.tune(sync_makes_compliant=True, sync_takes_s=60.0)
    act("syncDevice")
    assert client.simulator.state.device(GUID).compliant is False
    clock.seconds += 61
    device = client.simulator.state.device(GUID)
    assert device.compliant is True
    assert abs(device.last_sync_s - clock()) < 10
    assert [past.compliant for past in client.simulator.past(GUID)] == [False, True]


def test_a_sync_alone_mends_nothing(client: Any, act: Any) -> None:
    client.simulator.change_device(GUID, last_sync_s=5.0)
    act("syncDevice")
    assert client.simulator.state.device(GUID).compliant is False
    assert client.simulator.state.device(GUID).last_sync_s > 5.0


@pytest.mark.parametrize("verb", ["retire", "wipe"])
def test_a_retired_device_is_gone_a_moment_later_when_tuned_so(client: Any, act: Any, clock: Any, verb: str) -> None:
    act(verb)
    client.simulator.tune(removal_after_s=30.0)
    act(verb)
    assert client.simulator.state.device(GUID) is not None
    clock.seconds += 31
    assert client.simulator.state.devices() == []
    assert client.simulator.past(GUID)[-1].enrolled is False


@pytest.mark.parametrize(("mode", "carried_out"), [("reset", False), ("reset_after", True)])
def test_an_action_may_be_cut_before_or_after_it_is_carried_out(
    client: Any, act: Any, mode: str, carried_out: bool
) -> None:
    client.simulator.tune(removal_after_s=0.0)
    client.simulator.fault("outage", mode=mode, only="action", service="graph", times=1)
    with pytest.raises(requests.ConnectionError):
        act("retire")
    assert (client.simulator.state.device(GUID) is None) is carried_out
    (seen,) = client.simulator.history("action")
    assert (seen.status, seen.verb) == (0, "retire")
