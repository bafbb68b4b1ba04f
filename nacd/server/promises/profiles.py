"""That every profile can be said to every NAS that can be given it, and how NASes are asked to change sessions.

Knows: profiles, vendors in use, which rule or monitor reaches which NAS. Refuses to know: requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial

from nacd.config.load import Loaded
from nacd.errors import CannotExpress, Problem
from nacd.findings import Code
from nacd.policy.model import DENY, Policy, Rule
from nacd.policy.monitor.scopes import Scope
from nacd.radius.clients import Client
from nacd.radius.dictionary import Dictionary
from nacd.server.promises.findings import Findings
from nacd.values import AccessKind, Authentication, Facts, Nas, Rendered, Unidentified
from nacd.vendor.dynauth_model import Dynauth, parse_dynauth
from nacd.vendor.model import VendorData, parse
from nacd.vendor.render import render


def in_words(
    loaded: Loaded, dictionary: Dictionary, clients: tuple[Client, ...]
) -> tuple[Mapping[tuple[str, str], Rendered], tuple[Problem, ...]]:
    """Every profile of another policy for these NASes in the words of their vendors, and what of it cannot be had."""
    found = Findings(loaded)
    words = in_vendors_words(found, dictionary, clients, vendors(found, clients))
    note_overrides(found, words, clients)
    carried_out(found)
    return words, (*found.problems, *found.notes)


def carried_out(found: Findings) -> None:
    """That there is somebody who does what profiles want besides."""
    loaded = found.loaded
    for name, profile in loaded.profiles.items():
        if profile.on_quarantine and loaded.settings.actions is None:
            message = f"profile `{name}` has `on_quarantine`, and nacd.yaml has no `actions.socket` to hand it to"
            found.problems.append(loaded.problem(message, profile=name))


def vendors(found: Findings, clients: tuple[Client, ...]) -> Mapping[str, VendorData]:
    """The vendors in use."""
    vendors: dict[str, VendorData] = {}
    for index, client in enumerate(clients):
        name = client.nas.vendor
        if name not in vendors:
            parsed = found.attempt(partial(parse, name, found.loaded.vendors[name]), ("clients", index, "vendor"))
            if parsed is not None:
                vendors[name] = parsed
    return vendors


def in_vendors_words(
    found: Findings, dictionary: Dictionary, clients: tuple[Client, ...], vendors: Mapping[str, VendorData]
) -> Mapping[tuple[str, str], Rendered]:
    """Every profile in the words of every vendor in use; where a rule can give it to a NAS, it must be expressible."""
    loaded = found.loaded
    rendered: dict[tuple[str, str], Rendered] = {}
    failed: dict[tuple[str, str], CannotExpress] = {}
    for name, profile in loaded.profiles.items():
        for vendor in vendors.values():
            try:
                rendered[name, vendor.name] = render(profile, vendor, dictionary.encode)
            except CannotExpress as cannot:
                failed[name, vendor.name] = cannot
    for given, giver, reaches in _givers(loaded.policy):
        for client in clients:
            cannot_be = failed.get((given, client.nas.vendor))
            if cannot_be is None or not reaches(client.nas):
                continue
            del failed[given, client.nas.vendor]
            for line in str(cannot_be).splitlines():
                message = f"{line} ({giver} gives it to NAS `{client.nas.name}`)"
                found.problems.append(loaded.problem(message, profile=given))
    return rendered


def _givers(policy: Policy) -> Iterator[tuple[str, str, Callable[[Nas], bool]]]:
    """Each profile that is given, by whom, and to which NASes."""
    rules = {rule.name: rule for rule in policy.rules}
    for rule in policy.rules:
        if rule.then != DENY:
            yield rule.then, f"rule `{rule.name}`", partial(can_reach, rule)
    for monitor in policy.monitors.all:
        by_rule = monitor.scope is Scope.RULE
        reaches = partial(can_reach, rules[monitor.name]) if by_rule else partial(policy.monitors.reaches, monitor)
        yield monitor.profile, f"the monitor ({monitor})", reaches


def note_overrides(found: Findings, rendered: Mapping[tuple[str, str], Rendered], clients: tuple[Client, ...]) -> None:
    """Where a default profile of overrides has no words, so that whoever is ordered to have it there is refused."""
    wanted = found.loaded.settings.sessions.overrides
    for key, profile in (("quarantine", wanted.quarantine), ("allow", wanted.allow)):
        for vendor in sorted({client.nas.vendor for client in clients}) if profile else ():
            if (profile, vendor) not in rendered:
                words = f"a NAS of vendor `{vendor}` cannot be told of profile `{profile}`: there it means refusal"
                found.note(Code.OVERRIDE_UNSAYABLE, words, ("sessions", "overrides", key))


def dynauths(found: Findings) -> Mapping[str, Dynauth]:
    """How the vendors in use are asked; a note where the admin counts on one that nobody knows how to ask."""
    dynauths: dict[str, Dynauth] = {}
    for index, wanted in enumerate(found.loaded.settings.clients):
        name, rows = wanted.vendor, found.loaded.vendors[wanted.vendor]
        if "dynauth" not in rows:
            if wanted.dynauth is not None:
                words = f"nacd does not know how NASes of vendor `{name}` are asked to change a session: they will not"
                found.note(Code.DYNAUTH_UNKNOWN, words, ("clients", index, "dynauth"))
        elif name not in dynauths:
            parsed = found.attempt(partial(parse_dynauth, name, rows), ("clients", index, "vendor"))
            if parsed is not None:
                dynauths[name] = parsed
    return dynauths


def reach(loaded: Loaded) -> Callable[[Nas, str], bool]:
    """Which NAS may be given which profile: by a rule, a monitor, or an order that names none."""
    everywhere = {loaded.settings.sessions.overrides.quarantine, loaded.settings.sessions.overrides.allow}
    givers: dict[str, list[Callable[[Nas], bool]]] = {}
    for given, _, reaches in _givers(loaded.policy):
        givers.setdefault(given, []).append(reaches)

    @lru_cache(maxsize=16_384)  # ten thousand rules take longer than a request may
    def is_reached(nas: Nas, profile: str) -> bool:
        return profile in everywhere or any(each(nas) for each in givers.get(profile, ()))

    return is_reached


def can_reach(rule: Rule, nas: Nas) -> bool:
    """Whether a request of this NAS can match this rule, as far as the NAS alone decides."""
    kinds = (AccessKind.VPN,) if nas.authentication is Authentication.DONE_BY_NAS else tuple(AccessKind)
    tests = [condition.test() for condition in rule.conditions if condition.settled_by_nas]
    seen = [Facts(access=kind, nas=nas, identity=Unidentified(reason="not asked")) for kind in kinds]
    return any(all(test(facts) for test in tests) for facts in seen)
