"""Device actions of the simulated Graph: sync, lock, retire, wipe, and the notification to the Company Portal.

Knows: under which version each lives, the role it wants, its body, and what it does to the device. Refuses to
know: tokens and HTTP. Lock and notify change nothing: that they came stands in the history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nacd.sim.microsoft.answers import ACTION_PATH, graph_error
from nacd.sim.microsoft.exchange import Answer, Request, json_answer
from nacd.sim.microsoft.scene import SimDevice
from nacd.sim.microsoft.state import TenantState

PRIVILEGED = "DeviceManagementManagedDevices.PrivilegedOperations.All"
READ_WRITE = "DeviceManagementManagedDevices.ReadWrite.All"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action. texts, flags: members its body may have, of that kind; needed: those it must have."""

    version: Literal["v1.0", "beta"] = "v1.0"
    role: str = PRIVILEGED
    texts: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()


ACTIONS: Mapping[str, Action] = {
    "syncDevice": Action(),
    "remoteLock": Action(),
    "retire": Action(),
    "wipe": Action(texts=("macOsUnlockCode",), flags=("keepEnrollmentData", "keepUserData")),
    "sendCustomNotificationToCompanyPortal": Action(
        version="beta",
        role=READ_WRITE,
        texts=("notificationTitle", "notificationBody"),
        needed=("notificationTitle", "notificationBody"),
    ),
}


def act(request: Request, roles: tuple[str, ...], state: TenantState) -> Answer:
    """Carry out an action, for a token with these roles: 204 without a body."""
    match = ACTION_PATH.fullmatch(request.path)
    verb = request.verb
    action = ACTIONS.get(verb)
    if match is None or action is None or match["version"] != action.version:
        return json_answer(400, graph_error("BadRequest", f"no segment `{verb}`", nested=False))
    if action.role not in roles:
        return json_answer(403, graph_error("Forbidden", f"the application lacks {action.role}"))
    wrong = _wrong(action, request.json_body())
    if wrong:
        return json_answer(400, graph_error("BadRequest", wrong))
    device = state.device(request.value)
    if device is None:
        return json_answer(404, graph_error("ResourceNotFound", "device not found"))
    _carry_out(verb, device, state)
    return Answer(status=204)


def _wrong(action: Action, body: dict[str, object] | None) -> str:
    if body is None:
        return "the body is no JSON object"
    for name, value in body.items():
        if name in action.texts and not isinstance(value, str):
            return f"`{name}` wants text"
        if name in action.flags and not isinstance(value, bool):
            return f"`{name}` wants true or false"
        if name not in action.texts + action.flags:
            return f"unknown parameter `{name}`"
    missing = [name for name in action.needed if not body.get(name)]
    return f"`{missing[0]}` is missing" if missing else ""


def _carry_out(verb: str, device: SimDevice, state: TenantState) -> None:
    tuning = state.tuning
    if verb == "syncDevice":
        changes: dict[str, object] = {"last_sync_s": state.now() + tuning.sync_takes_s}
        if tuning.sync_makes_compliant:
            changes |= {"compliant": True, "graph_state": ""}
        state.plan(tuning.sync_takes_s, device.guid, changes)
    if verb in ("retire", "wipe") and tuning.removal_after_s >= 0:
        state.plan(tuning.removal_after_s, device.guid, None)
