"""What is other in one configuration than in the one before, in words.

Knows: two assembled configurations. Refuses to know: files, and what follows. A secret is named by the NAS or by the
setting that has it; what it was and what it is stands nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from nacd.config.settings import Client
from nacd.server.assembly import Assembled
from nacd.server.reload.fixed import differences
from nacd.values import Secret

_TOLD_APART = frozenset({"clients", "policy"})
_SHORT = 12


def between(before: Assembled, after: Assembled) -> tuple[str, ...]:
    """One sentence each, nothing if all is the same."""
    return (
        *_policy(before, after),
        *_clients(before, after),
        *_certificates(before, after),
        *_settings(before, after),
    )


def _policy(before: Assembled, after: Assembled) -> Iterator[str]:
    old, new = before.loaded, after.loaded
    if old.digest == new.digest:
        return
    yield f"policy {old.digest[:_SHORT]} -> {new.digest[:_SHORT]}"
    found = [
        *_named("rule", _rules(before), _rules(after)),
        *_named("profile", _profiles(before), _profiles(after)),
        *_named("list", _lists(before), _lists(after)),
    ]
    kept = [name for name in _rules(after) if name in _rules(before)]
    if kept != [name for name in _rules(before) if name in _rules(after)]:
        found.append("the rules are in another order")
    found += [f"`{key}` of the policy changed" for key in _others(before, after)]
    yield from found or ["nothing in the policy but its comments or its layout"]


def _others(before: Assembled, after: Assembled) -> Iterator[str]:
    """What else stands at the top of the policy."""
    old, new = before.loaded.policy_document.value, after.loaded.policy_document.value
    for key in dict.fromkeys((*old, *new)):
        if key not in ("rules", "profiles") and old.get(key) != new.get(key):
            yield key


def _rules(of: Assembled) -> dict[str, Any]:
    rules = of.loaded.policy_document.value.get("rules")
    return {str(rule["name"]): rule for rule in rules if isinstance(rule, dict)} if isinstance(rules, tuple) else {}


def _profiles(of: Assembled) -> Mapping[str, Any]:
    profiles = of.loaded.policy_document.value.get("profiles")
    return profiles if isinstance(profiles, dict) else {}


def _lists(of: Assembled) -> Mapping[str, str]:
    """Their digests by name, out of the manifest, whose first line is the policy file's own."""
    lines = of.loaded.texts[of.loaded.digest].splitlines()[1:]
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _named(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{what} `{name}` added" for name in after if name not in before)
    yield from (f"{what} `{name}` removed" for name in before if name not in after)
    yield from (f"{what} `{name}` changed" for name in after if name in before and after[name] != before[name])


def _clients(before: Assembled, after: Assembled) -> Iterator[str]:
    old = {client.name: client for client in before.loaded.settings.clients}
    new = {client.name: client for client in after.loaded.settings.clients}
    yield from (f"NAS `{name}` added" for name in new if name not in old)
    yield from (f"NAS `{name}` removed" for name in old if name not in new)
    for name, client in new.items():
        if name in old:
            yield from _client(old[name], client)


def _client(old: Client, new: Client) -> Iterator[str]:
    name = new.name
    ways = [".".join(way) for way in differences(old, new)]
    yield from _secrets(name, "secret", (old.secret, old.next_secret), (new.secret, new.next_secret))
    yield from _secrets(name, "dynauth secret", _dynauth_secrets(old), _dynauth_secrets(new))
    others = [way for way in ways if way.rpartition(".")[2] not in ("secret", "next_secret")]
    if others:
        yield f"NAS `{name}` changed: {', '.join(others)}"


_Two: TypeAlias = tuple[Secret | None, Secret | None]


def _secrets(name: str, what: str, old: _Two, new: _Two) -> Iterator[str]:
    """old, new: the secret and the next one."""
    if old == new:
        return
    if old[1] is not None and new == (old[1], None):
        yield f"{what} of NAS `{name}`: the next one has taken the place of the one before, which is not valid any more"
        return
    if old[0] != new[0]:
        yield f"{what} of NAS `{name}` changed"
    if old[1] is None and new[1] is not None:
        yield f"next {what} of NAS `{name}` added: both are valid"
    elif new[1] is None and old[1] is not None:
        yield f"next {what} of NAS `{name}` removed: it is not valid any more"
    elif old[1] != new[1]:
        yield f"next {what} of NAS `{name}` changed"


def _dynauth_secrets(client: Client) -> _Two:
    return (client.dynauth.secret, client.dynauth.next_secret) if client.dynauth is not None else (None, None)


def _certificates(before: Assembled, after: Assembled) -> Iterator[str]:
    old, new = before.eap, after.eap
    if old is None or new is None:
        return
    if old.fingerprint != new.fingerprint:
        yield f"server certificate {old.fingerprint} -> {new.fingerprint}"
    anchors = ({each.name: each.pem for each in old.anchors}, {each.name: each.pem for each in new.anchors})
    yield from _named("client CA", *anchors)


def _settings(before: Assembled, after: Assembled) -> Iterator[str]:
    for way in differences(before.loaded.settings, after.loaded.settings):
        if way[0] not in _TOLD_APART:
            yield f"setting `{'.'.join(way)}` changed"
    for tenant, options in after.tenants.items():
        if before.tenants.get(tenant) != options:
            yield f"tenant `{tenant}` is asked with other credentials, or at other addresses"
    if before.loaded.vendors != after.loaded.vendors or before.dictionary.skipped != after.dictionary.skipped:
        yield "vendor data or dictionaries changed"
