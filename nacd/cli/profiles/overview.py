"""Every profile of a policy against every vendor that nacd knows: who can say all of it, a part of it, or not.

Knows: how that reads on a terminal. Refuses to know: what is said (``vendor/``), and the sources of it (``page``).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nacd.cli.explain.sheet import say
from nacd.config.load import Loaded, load
from nacd.errors import CannotExpress, ConfigError
from nacd.radius import dictionary as dictionaries
from nacd.radius.dictionary import Dictionary
from nacd.vendor.model import VendorData, parse
from nacd.vendor.profile import Profile
from nacd.vendor.render import render, spell

_WIDTH = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """What one vendor makes of one profile. omitted: what it leaves out. cannot: what it cannot say; ``()``: it can."""

    vendor: str
    omitted: tuple[str, ...]
    cannot: tuple[str, ...]


def run(config: Path, *, as_json: bool) -> int:
    """Print the list. Returns 0, or 1 for a configuration that cannot be read."""
    try:
        loaded = load(config)
        dictionary = dictionaries.load(loaded.settings.dictionaries)
    except ConfigError as refused:
        for problem in refused.problems:
            print(problem, file=sys.stderr)
        return 1
    vendors = [parse(name, rows) for name, rows in loaded.vendors.items()]
    used = {client.vendor for client in loaded.settings.clients}
    found = {
        name: tuple(ability(profile, vendor, dictionary) for vendor in vendors)
        for name, profile in loaded.profiles.items()
    }
    if as_json:
        print(json.dumps(_document(loaded, found, used), indent=2))
        return 0
    for name, abilities in found.items():
        _tell(loaded.profiles[name], abilities, used)
    if not found:
        say("the policy has no profiles")
    return 0


def ability(profile: Profile, vendor: VendorData, dictionary: Dictionary) -> Ability:
    """Whether this vendor can be told of this profile."""
    try:
        rendered = render(profile, vendor, dictionary.encode)
    except CannotExpress:
        # What is only too long is no fault of one intention.
        cannot = tuple(dict.fromkeys(remark.intention for remark in spell(profile, vendor).problems)) or ("its octets",)
        return Ability(vendor=vendor.name, omitted=(), cannot=cannot)
    return Ability(vendor=vendor.name, omitted=rendered.omitted, cannot=())


def _tell(profile: Profile, abilities: tuple[Ability, ...], used: set[str]) -> None:
    say(profile.name)
    raw = ("attributes",) if profile.raw else ()
    say(f"  says         {', '.join((*profile.wanted, *raw)) or 'nothing: access without conditions'}")
    whole = [_name(each, used) for each in abilities if not each.cannot and not each.omitted]
    part = [f"{_name(each, used)} (without {', '.join(each.omitted)})" for each in abilities if each.omitted]
    never = [f"{_name(each, used)} ({', '.join(each.cannot)})" for each in abilities if each.cannot]
    for title, names in (("in full to", whole), ("in part to", part), ("not to", never)):
        for line in _lines(title, names):
            say(line)


def _lines(title: str, names: list[str]) -> Iterator[str]:
    """The names, as many to a line as fit; none of them is broken."""
    line = f"  {title:<13}"
    for number, name in enumerate(names):
        word = name if number == len(names) - 1 else f"{name}, "
        if number and len(line) + len(word) > _WIDTH:
            yield line.rstrip()
            line = " " * 15
        line += word
    if names:
        yield line


def _name(each: Ability, used: set[str]) -> str:
    return f"{each.vendor}*" if each.vendor in used else each.vendor


def _document(loaded: Loaded, found: Mapping[str, tuple[Ability, ...]], used: set[str]) -> object:
    return [
        {
            "profile": name,
            "intentions": list(loaded.profiles[name].wanted),
            "vendors": [
                {
                    "vendor": each.vendor,
                    "in_use": each.vendor in used,
                    "can": not each.cannot,
                    "omitted": list(each.omitted),
                    "cannot": list(each.cannot),
                }
                for each in abilities
            ],
        }
        for name, abilities in found.items()
    ]
