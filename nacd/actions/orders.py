"""Actions that a person orders at the command line: found, recorded, done, recorded.

Knows: the order of it, and that nothing is done without a record. Refuses to know: terminals, and whether the person
meant it (``cli/device``); the service's limits do not hold for people.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from nacd.actions.journal import DECLINED, FAILED, REQUESTED, Deed, Journal, who
from nacd.actions.service import CODES
from nacd.actions.tenants import tenants
from nacd.config.actions_file import LoadedActions, load_actions
from nacd.errors import AuditRefused, SourceError
from nacd.intune.graph.actions import CALL_S, DeviceSheet, GraphActions, NotFoundError, Outcome, Verb, Verdict
from nacd.values import NIL_GUID, AuditValue

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Orders:
    """One tenant's devices, for one person at a terminal."""

    def __init__(self, loaded: LoadedActions, tenant: str, environment: Mapping[str, str] = os.environ) -> None:
        """tenant: its name, ``""`` where there is only one. Raises ConfigError; ValueError, in words, for a tenant that
        is not there."""
        known = tenants(loaded)
        if not tenant and len(known) > 1:
            raise ValueError(f"there are several tenants, name one: --tenant {' | '.join(known)}")
        self.tenant = tenant or next(iter(known))
        if self.tenant not in known:
            raise ValueError(f"there is no tenant `{tenant}`; there is {', '.join(f'`{name}`' for name in known)}")
        self.settings = loaded.settings
        self._graph: GraphActions = known[self.tenant]
        service = loaded.settings.service
        self._journal = Journal(loaded.settings.audit.file, service.state if service is not None else None)
        self._who = who(os.getuid(), environment.get("SUDO_USER", ""))

    def show(self, device: str) -> DeviceSheet:
        """Look at one device; recorded like an action, for it shows whose it is.

        Raises SourceError, and AuditRefused when there is no record and so nothing was asked.
        """
        deed = self._deed("show", device)
        self._journal.write(REQUESTED, deed)
        try:
            sheet = self._find(device)
        except SourceError as trouble:
            self._journal.write(FAILED, deed, trouble.detail)
            raise
        self._journal.write(CODES[Verdict.DONE], self._deed("show", sheet.guid, sheet.name))
        return sheet

    def find(self, verb: Verb, device: str, *, needed: bool) -> DeviceSheet:
        """The device that ``verb`` is meant for, by Intune id, else by Entra id.

        needed False: what cannot be looked up (not: what is not there) is a sheet with its id alone.
        Raises SourceError, recorded; AuditRefused when no record could be written later.
        """
        self._journal.check()
        try:
            return self._find(device)
        except SourceError as trouble:
            if not needed and not isinstance(trouble, NotFoundError):
                return DeviceSheet(guid=device)
            self._journal.write(FAILED, self._deed(verb, device), f"not done: {trouble.detail}")
            raise

    def decline(self, verb: Verb, sheet: DeviceSheet, why: str) -> None:
        """It was not meant after all. Raises AuditRefused."""
        self._journal.write(DECLINED, self._deed(verb, sheet.guid, sheet.name), why)

    def act(
        self,
        verb: Verb,
        sheet: DeviceSheet,
        body: Mapping[str, object] | None = None,
        more: Mapping[str, AuditValue] | None = None,
    ) -> Outcome:
        """Do it, once, with a record before and one after. more: for the records, never a secret.

        Raises AuditRefused when the first record could not be written, and nothing was done. From there on it raises
        nothing that is expected: an interruption is an unknown outcome, and that the second record could not be
        written stands in the outcome's detail.
        """
        deed = self._deed(verb, sheet.guid, sheet.name, more or {})
        self._journal.write(REQUESTED, deed)
        try:
            outcome = self._graph.act(verb, sheet.guid, body, time.monotonic() + CALL_S)
        except KeyboardInterrupt:
            outcome = Outcome(verdict=Verdict.UNKNOWN, detail="unknown whether it was done: it was interrupted")
        try:
            self._journal.write(CODES[outcome.verdict], deed, outcome.detail, request_id=outcome.request_id)
        except (AuditRefused, KeyboardInterrupt) as refused:
            words = f"{outcome.detail or 'done'}; the outcome is not recorded: {str(refused) or 'interrupted'}"
            return Outcome(verdict=outcome.verdict, detail=words, request_id=outcome.request_id)
        return outcome

    def _find(self, device: str) -> DeviceSheet:
        until = time.monotonic() + CALL_S
        try:
            return self._graph.device(device, until)
        except NotFoundError:
            return self._graph.by_entra_id(device, until)

    def _deed(self, verb: str, device: str, name: str = "", more: Mapping[str, AuditValue] | None = None) -> Deed:
        return Deed(
            verb=str(verb),
            device=device,
            tenant=self.tenant,
            who=self._who,
            by="command",
            name=name,
            more=more or {},
        )


def device_id(text: str) -> str:
    """An Intune or Entra device id as it is written here: lower case with hyphens. Raises ValueError, in words."""
    found = text.strip().lower()
    if found == NIL_GUID:  # what Graph puts where a device has no Entra id: it would find somebody's
        raise ValueError("the nil GUID names no device: it stands where an id is not known")
    if not _GUID.fullmatch(found):
        raise ValueError(
            f"`{text}` is no device id: name the Intune device id (or the Entra device id), a GUID as in"
            " `2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954`; it is in nacd's audit records and in the Intune portal"
        )
    return found


def orders(config: Path, tenant: str) -> tuple[Orders, tuple[str, ...]]:
    """Orders by a configuration file, and what is to be said of the file. Raises ConfigError, ValueError."""
    loaded = load_actions(config)
    return Orders(loaded, tenant), tuple(str(note) for note in loaded.notes)
