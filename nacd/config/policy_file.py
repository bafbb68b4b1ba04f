"""From the text of a policy to a ``Policy`` and its profiles, or every problem with its place.

Knows: how the parts of the file hang together, and the lists it refers to. Refuses to know: vendors
(whether a NAS can keep a profile's promises is asked later, with ``PolicyFile.document`` for the place).

The digest of a policy is the SHA-256 of a manifest in the form of sha256sum(1): one line for the policy
file, one for each list. The manifest and every text are kept in ``texts`` under their own digests, so
that what once decided can be shown again, and checked with no program of ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nacd.config import wording
from nacd.config.fields import Surroundings
from nacd.config.lists import vlan_list
from nacd.config.lists.vlan_list import DeviceVlans
from nacd.config.mac_list import MacList
from nacd.config.policy_text import PolicyText, ProfileText, RuleText, attribute_name, intentions, profile_fields
from nacd.config.rules import monitor
from nacd.config.rules.monitor import MonitorText, RuleMonitorText
from nacd.config.rules.when import Knowledge, Whens, mapping
from nacd.config.yaml import Document, PathTo, Plain, parse
from nacd.errors import Problem
from nacd.findings import Code
from nacd.policy import lint
from nacd.policy.model import DENY, TAKEN, Policy, Rule
from nacd.policy.monitor.scopes import Monitors
from nacd.values import Attribute
from nacd.vendor.profile import INTENTIONS, Profile

MAX_RULES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """One policy file read. policy and profiles count only when there are no problems. dead: rules that a note says of
    that they never match."""

    document: Document
    text: str
    policy: Policy
    profiles: Mapping[str, Profile]
    texts: Mapping[str, str]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    dead: frozenset[str]


def read(path: Path, octets: bytes, knowledge: Knowledge) -> PolicyFile:
    """Read a policy. Raises ConfigError when the file is no YAML mapping in UTF-8."""
    document, problems = parse(octets, str(path))
    reader = _Reader(document, path.parent, knowledge)
    reader.problems.extend(problems)
    profiles = reader.profiles()
    rules = reader.rules(profiles)
    text = octets.decode()
    digest, texts = _digest(path.name, text, octets, {**reader.whens.lists, **reader.vlan_lists})
    policy = Policy(rules=rules, digest=digest, monitors=reader.monitors(profiles))
    if not reader.problems:
        reader.lint(policy, profiles)
    return PolicyFile(
        document=document,
        text=text,
        policy=policy,
        profiles=profiles,
        texts=texts,
        problems=tuple(reader.problems),
        notes=tuple(reader.notes),
        dead=frozenset(reader.dead),
    )


def _digest(
    name: str, text: str, octets: bytes, lists: Mapping[str, MacList | DeviceVlans]
) -> tuple[str, Mapping[str, str]]:
    own = hashlib.sha256(octets).hexdigest()
    lines = [f"{own}  {name}", *(f"{found.digest}  {file}" for file, found in sorted(lists.items()))]
    manifest = "".join(f"{line}\n" for line in lines)
    digest = hashlib.sha256(manifest.encode()).hexdigest()
    return digest, {digest: manifest, own: text} | {found.digest: found.text for found in lists.values()}


@dataclass(slots=True)
class _Reader:
    """Collects problems and notes on one file."""

    document: Document
    folder: Path
    knowledge: Knowledge
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    vlan_lists: dict[str, DeviceVlans] = field(default_factory=dict)
    whens: Whens = field(init=False)
    monitored: dict[str, RuleMonitorText] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.whens = Whens(
            document=self.document,
            folder=self.folder,
            knowledge=self.knowledge,
            refuse=self._refuse,
            take=self._take,
        )

    def profiles(self) -> Mapping[str, Profile]:
        """Every profile the file names; one with a problem is there by its name only."""
        around = Surroundings(folder=self.folder, environment={})
        _, problems = wording.read(PolicyText, self.document, around)
        self.problems.extend(problems)
        found: dict[str, Profile] = {}
        for name in mapping(self.document.value.get("profiles")):
            path = ("profiles", name)
            if name == DENY:
                self._refuse(path, f"no profile can be called `{DENY}`: that word refuses access", key=True)
            written = wording.read_part(ProfileText, self.document, path, around) if name else None
            found[name] = Profile(name=name or "unnamed") if written is None else self._profile(name, written)
        return found

    def rules(self, profiles: Mapping[str, Profile]) -> tuple[Rule, ...]:
        """Every rule that could be read, under unique names."""
        written = self.document.value.get("rules")
        items = written if isinstance(written, tuple) else ()
        if len(items) > MAX_RULES:
            self._refuse(("rules", MAX_RULES), f"more than {MAX_RULES:,} rules: each costs time in every decision")
            return ()
        found: dict[str, Rule] = {}
        lines: dict[str, int] = {}
        around = Surroundings(folder=self.folder, environment={})
        for number, item in enumerate(items):
            path = ("rules", number)
            self._check(path, mapping(item), profiles, lines)
            rule = wording.read_part(RuleText, self.document, path, around)
            if rule is None or rule.name in found or rule.name in TAKEN:
                continue
            found[rule.name] = Rule(
                name=rule.name,
                line=self.document.spot(path).line,
                conditions=self.whens.conditions((*path, "when"), rule.when, rule.then),
                then=rule.then,
            )
            if rule.monitor is not None:
                self.monitored[rule.name] = rule.monitor
        return tuple(found.values())

    def monitors(self, profiles: Mapping[str, Profile]) -> Monitors:
        """Where something else is answered than the rules decide. After ``rules``."""
        around = Surroundings(folder=self.folder, environment={})
        written = self.document.value.get("monitor")
        groups = set[str]().union(*self.knowledge.groups.values()) if self.knowledge.sure else None
        monitor.check(("monitor",), written, profiles, groups, self._refuse)
        read = wording.read_part(MonitorText, self.document, ("monitor",), around) if written is not None else None
        return monitor.monitors(read, self.monitored, self.document.value.get("time_zone"))

    def lint(self, policy: Policy, profiles: Mapping[str, Profile]) -> None:
        """Notes on what is lawful but surely not meant."""
        groups = self.knowledge.groups
        places = {rule.name: ("rules", number) for number, rule in enumerate(policy.rules)}
        for note in lint.notes(policy, groups=groups, graph=self.knowledge.graph, graph_sure=self.knowledge.graph_sure):
            if note.code in lint.NEVER:
                self.dead.add(note.rule)
            path: PathTo = places[note.rule]
            if note.condition:
                path = (*path, "when", *note.condition.split("."))
            self.notes.append(self.document.problem(path, f"rule `{note.rule}`: {note.message}", code=note.code))
        used = {rule.then for rule in policy.rules} | self.knowledge.ordered
        used |= {each.profile for each in policy.monitors.all}
        for name in profiles:
            if name not in used:
                message = f"no rule uses profile `{name}`"
                self.notes.append(
                    self.document.problem(("profiles", name), message, key=True, code=Code.PROFILE_UNUSED)
                )
        if not policy.rules:
            message = "there are no rules: everything is denied"
            self.notes.append(self.document.problem(("rules",), message, code=Code.NO_RULES))

    # -- profiles ---------------------------------------------------------------------------

    def _profile(self, name: str, written: ProfileText) -> Profile:
        path: PathTo = ("profiles", name)
        plain, optional = intentions(written), intentions(written.optional)
        for intention in plain.keys() & optional.keys():
            message = f"`{intention}` stands in the profile and under `optional`: it is either a promise or not"
            self._refuse((*path, "optional", intention), message, key=True)
        raw = tuple(
            Attribute(name=attribute, value=value, tag=tag)
            for key, values in written.attributes.items()
            for attribute, tag in (attribute_name(key),)
            for value in values
        )
        if "vlan" in plain | optional and any(attribute.name.startswith("Tunnel-P") for attribute in raw):
            message = "`vlan` sets the Tunnel attributes: they cannot stand here too"
            self._refuse((*path, "attributes"), message, key=True)
        try:
            return Profile(
                name=name,
                raw=raw,
                reauthenticate=written.termination != "end",
                optional=frozenset(optional),
                on_quarantine=written.on_quarantine,
                **profile_fields(plain | optional, lambda file: self._vlans(name, file)),
            )
        except ValueError as wrong:
            for line in str(wrong).split("\n"):
                word = line.split(" ", 1)[0].split(".", 1)[0]
                self._refuse(intention_path(self.document, name, word) if word in INTENTIONS else path, line)
            return Profile(name=name)

    # -- rules ------------------------------------------------------------------------------

    def _check(self, path: PathTo, rule: dict[str, Plain], profiles: Iterable[str], lines: dict[str, int]) -> None:
        """What a rule refers to, as far as it can be read: also of a rule that is wrong otherwise."""
        name, then, when = rule.get("name"), rule.get("then"), mapping(rule.get("when"))
        if isinstance(name, str) and name in lines:
            self._refuse((*path, "name"), f"a rule called `{name}` stands in line {lines[name]} already")
        elif isinstance(name, str):
            lines[name] = self.document.spot(path).line
        if isinstance(name, str) and name in TAKEN:
            self._refuse((*path, "name"), f"`{name}` {TAKEN[name]}: choose another name")
        if isinstance(then, str) and then != DENY and then not in profiles:
            known = wording.did_you_mean(then, (*profiles, DENY))
            self._refuse((*path, "then"), f"there is no profile `{then}`{known}")
        self.whens.check((*path, "when"), when)
        monitor.check((*path, "monitor"), rule.get("monitor"), profiles, (), self._refuse)

    def _vlans(self, profile: str, file: str) -> Mapping[str, str]:
        path = (*intention_path(self.document, profile, "vlan"), "list")
        if file not in self.vlan_lists:
            self.vlan_lists[file] = vlan_list.read(self.folder / file)
            empty = "" if self.vlan_lists[file].rows else "holds no device at all"
            self._take(self.vlan_lists[file].problems, empty, path, file)
        return self.vlan_lists[file].rows

    def _take(self, problems: tuple[Problem, ...], empty: str, path: PathTo, file: str) -> None:
        for problem in problems:
            if problem.line:
                self.problems.append(problem)
            else:
                self._refuse(path, f"`{file}`: {problem.message}")
        if not problems and empty:
            self.notes.append(self.document.problem(path, f"`{file}` {empty}", code=Code.LIST_EMPTY))

    # -- places -----------------------------------------------------------------------------

    def _refuse(self, path: PathTo, message: str, *, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, message, key=key))


def intention_path(document: Document, profile: str, intention: str) -> PathTo:
    """Where a profile sets an intention, or ``attributes``; under ``optional`` if it stands there."""
    plain: PathTo = ("profiles", profile, intention)
    optional: PathTo = ("profiles", profile, "optional", intention)
    return optional if optional in document.values and plain not in document.values else plain
