"""The simulated Compliance Retrieval: server info, one device by GUID or MAC, the list of noncompliant ones.

Knows: the role it wants, the bulk quota, paging and its traps. Refuses to know: how tokens are made, HTTP.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nacd.sim.microsoft import answers
from nacd.sim.microsoft.answers import BAD_QUERY, XML_TYPE, intune_error, is_guid
from nacd.sim.microsoft.exchange import Answer, Request, json_answer
from nacd.sim.microsoft.faults import Fault
from nacd.sim.microsoft.login import Login
from nacd.sim.microsoft.scene import SimDevice, canonical_guid
from nacd.sim.microsoft.state import TenantState

ROLE = "get_device_compliance"

_OPAQUE = "next page&of="
"""Begins an opaque ``paging_info``: a blank, an ampersand and an equals sign, for those who forget to encode."""


@dataclass(frozen=True, slots=True)
class Compliance:
    """Answers questions to Compliance Retrieval by the state as it stands."""

    state: TenantState
    login: Login

    def answer(self, request: Request, hit: Mapping[str, Fault]) -> Answer:
        """hit: the faults that change the service's own answer, ``busy`` and ``body``, by kind."""
        shown = self.login.check(request.authorization, "compliance")
        if shown.problem:
            challenge = ("WWW-Authenticate", f'Bearer error="invalid_token", error_description="{shown.problem}"')
            return replace(json_answer(401, intune_error(shown.problem)), headers=(challenge,))
        if ROLE not in shown.roles:
            return json_answer(403, intune_error(f"the application lacks {ROLE}"))
        variant = hit["body"].variant if "body" in hit else ""
        if request.kind == "mdminfo":
            size = self.state.tuning.page_size
            if variant == "json":
                return Answer(body=answers.mdminfo_json(size))
            return _spoilt(variant, Answer(body=answers.mdminfo(size), content_type=XML_TYPE))
        paging = ""
        if request.kind == "guid":
            device = self.state.device(canonical_guid(request.value)) if is_guid(request.value) else None
            found = [device] if device else []
        elif request.kind == "mac":
            found = self.state.devices_with_mac(request.value)
        elif request.kind == "bulk":
            begin = self._begin(request.query["paging"])
            if begin is None:
                return json_answer(400, intune_error("no such page"))
            if begin == 0 and request.query["paging"] == "0" and not self.state.admit_bulk():
                return json_answer(503, intune_error("one list in four hours"))
            found, paging = self._bulk_page(request, begin)
        else:
            return json_answer(400 if request.value == BAD_QUERY else 404, intune_error("no such question"))
        return self._listed(request, found, paging, variant, hit["busy"].seconds if "busy" in hit else None)

    def _listed(
        self, request: Request, found: Sequence[SimDevice], paging: str, variant: str, busy_wait_s: int | None
    ) -> Answer:
        if variant == "json":
            return Answer(body=answers.device_list_json(found, paging_info=paging, busy_wait_s=busy_wait_s))
        tuning = self.state.tuning
        xml = answers.device_list(
            found,
            mac=request.value.upper() if request.kind == "mac" and tuning.mac_element else "",
            by_mac=request.query.get("deviceidentifier") == "macaddress",
            mac_list=request.kind == "mac" and tuning.mac_list,
            paging_info=paging,
            busy_wait_s=busy_wait_s,
        )
        said = "" if request.kind == "bulk" else _said(found)
        return _spoilt(variant, Answer(body=xml, content_type=XML_TYPE, said=said))

    def _begin(self, paging: str) -> int | None:
        """The first row that is asked for; None for a page that was never offered."""
        if not self.state.tuning.opaque_paging or paging == "0":
            return int(paging) if paging.isdecimal() else None
        try:
            return int(base64.b64decode(paging.removeprefix(_OPAQUE), validate=True))
        except ValueError:
            return None

    def _bulk_page(self, request: Request, begin: int) -> tuple[list[SimDevice], str]:
        tuning, wanted = self.state.tuning, request.query["value"].strip().lower() == "true"
        listed = [device for device in self.state.devices() if device.registered and device.compliant is wanted]
        end = begin + tuning.page_size
        rows = listed[begin:end]
        if tuning.loop_paging:
            rows, end = listed[: tuning.page_size], tuning.page_size
        elif end >= len(listed) and not tuning.endless_paging:
            return rows, "0"
        return rows, _OPAQUE + base64.b64encode(b"%d" % end).decode() if tuning.opaque_paging else str(end)


def _spoilt(variant: str, answer: Answer) -> Answer:
    if not variant:
        return answer
    body, content_type = answers.spoil(variant, answer.body)
    return replace(answer, body=body, content_type=content_type, said="")


def _said(found: Sequence[SimDevice]) -> str:
    """What the answer says of each device, for the history."""
    verdicts = {True: "compliant", False: "noncompliant"}
    words = [f"{one.guid}={verdicts[one.compliant] if one.registered else 'not_managed'}" for one in found]
    return ", ".join(words) or "not_managed"
