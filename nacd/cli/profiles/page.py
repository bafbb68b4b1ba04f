"""One profile in one vendor's words, with the place and the page that each word comes from.

Knows: where intentions stand in a policy and rows in the vendors' data, and how both read on a terminal. Refuses to
decide anything: the attributes come from the functions that serve logins.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from nacd.cli.explain.judgement import WrongUsage
from nacd.cli.explain.sheet import say, value_text
from nacd.config import wording
from nacd.config.load import Loaded, load
from nacd.config.settings import Client
from nacd.config.yaml import Document, parse
from nacd.errors import BadValue, CannotExpress, ConfigError, UnknownAttribute
from nacd.radius import dictionary as dictionaries
from nacd.radius.dictionary import Dictionary
from nacd.values import Attribute, Blank
from nacd.vendor.dynauth_model import ClassUse, parse_dynauth
from nacd.vendor.fill import VLAN, shown, widest
from nacd.vendor.model import VendorData
from nacd.vendor.model import parse as parse_vendor
from nacd.vendor.profile import PORTS_OWN, Profile
from nacd.vendor.render import FIXED_OCTETS, Spelling, render, spell
from nacd.vendor.wording import Said as Spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One attribute. place: file and line of the data that made it. filled: facts in braces are each request's own.

    octets: encoded, ``b""`` if it cannot be; with facts the longest that it can get.
    """

    attribute: Attribute
    octets: bytes
    place: str
    filled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One intention (or ``attributes``). place: in the policy. standing: ``documented``, ``assumed`` or ``""``."""

    intention: str
    place: str
    rows: tuple[Row, ...]
    standing: str = ""
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything there is to say. left_out, problems: pairs of intention and reason. added: by each answer itself."""

    profile: str
    place: str
    vendor: str
    title: str
    said: tuple[Said, ...]
    left_out: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def octets(self) -> int:
        """What is made at load fills so much of a packet; the timeout is each answer's own."""
        return sum(len(row.octets) for each in self.said if each.intention != "session_timeout" for row in each.rows)


def run(config: Path, name: str, *, vendor: str, nas: str, as_json: bool) -> int:
    """Print the page. Returns 0; 1 if it cannot be said there, or the configuration not be read; 2 for wrong usage."""
    try:
        loaded = load(config)
        dictionary = dictionaries.load(loaded.settings.dictionaries)
        profile = _profile(loaded, name)
        page = _Reader(loaded, dictionary, profile, _vendor(loaded, vendor, nas)).page()
    except WrongUsage as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except ConfigError as refused:
        for problem in refused.problems:
            print(problem, file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(_document(page), indent=2))
    else:
        for line in _lines(page):
            say(line)
    return 1 if page.problems else 0


def _profile(loaded: Loaded, name: str) -> Profile:
    if name not in loaded.profiles:
        near = wording.did_you_mean(name, loaded.profiles) or ": the policy has none"
        raise WrongUsage(f"there is no profile `{name}`{near}")
    return loaded.profiles[name]


def _vendor(loaded: Loaded, vendor: str, nas: str) -> str:
    """The vendor that is asked about. Raises WrongUsage with what there is to choose from."""
    clients = {client.name: client for client in loaded.settings.clients}
    if nas:
        if nas not in clients:
            raise WrongUsage(f"there is no NAS `{nas}`{wording.did_you_mean(nas, clients)}")
        return _of(clients[nas], vendor)
    if vendor:
        if vendor not in loaded.vendors:
            raise WrongUsage(f"there is no vendor `{vendor}`{wording.did_you_mean(vendor, loaded.vendors)}")
        return vendor
    used = sorted({client.vendor for client in clients.values()})
    if len(used) != 1:
        raise WrongUsage(f"said to whom? give --nas, or --vendor with one of: {', '.join(used)}")
    return used[0]


def _of(client: Client, vendor: str) -> str:
    if vendor not in ("", client.vendor):
        raise WrongUsage(f"NAS `{client.name}` is of vendor `{client.vendor}`, not `{vendor}`: give one of them")
    return client.vendor


@dataclass(slots=True)
class _Reader:
    """Finds the place of everything that one profile says to one vendor."""

    loaded: Loaded
    dictionary: Dictionary
    profile: Profile
    name: str
    vendor: VendorData = field(init=False)
    rows: Document = field(init=False)

    def __post_init__(self) -> None:
        self.vendor = parse_vendor(self.name, self.loaded.vendors[self.name])
        file = f"{self.name}.yaml"
        self.rows, _ = parse((resources.files("nacd.vendor") / "profiles" / file).read_bytes(), file)

    def page(self) -> Page:
        """The whole page."""
        spelling = spell(self.profile, self.vendor)
        said = [self._said(intention, spelling) for intention in spelling.said]
        if self.profile.raw:
            place = self._policy("attributes")
            rows = tuple(self._row(each, place) for each in self.profile.raw)
            said.append(Said(intention="attributes", place=place, rows=rows, note="as the policy has them"))
        left_out = [(remark.intention, f"{remark.why} (optional)") for remark in spelling.left_out]
        left_out += [
            (each.unused, f"{self.vendor.title} has no use for it") for each in spelling.said.values() if each.unused
        ]
        return Page(
            profile=self.profile.name,
            place=self._policy(""),
            vendor=self.name,
            title=self.vendor.title,
            said=tuple(said),
            left_out=tuple(left_out),
            problems=tuple(self._problems()),
            added=tuple(self._added(spelling)),
        )

    def _said(self, intention: str, spelling: Spelling) -> Said:
        found = self.vendor.wordings[intention]
        made: tuple[Attribute | Blank, ...] = spelling.said[intention].rows
        note = self._note(spelling.said[intention])
        if intention == "session_timeout":
            made = self._timeout()
            note = "shorter where the certificate ends first"
        own = intention == "voice_vlan" and self.profile.voice_vlan == PORTS_OWN
        key, templates = ("own", found.own) if own else ("attributes", found.attributes)
        source, standing = found.source, found.standing
        if spelling.said[intention].listed:
            [download] = found.download
            key, source, standing = "download", download.source, download.standing
        rows = tuple(
            self._row(attribute, self._data(intention, key, number % max(1, len(templates))))
            for number, attribute in enumerate(made)
        )
        return Said(
            intention=intention,
            place=self._policy(intention),
            rows=rows,
            standing=standing,
            source=source,
            note=note,
        )

    def _timeout(self) -> tuple[Attribute, ...]:
        # RFC 3580 section 3.17, as the answer to a login has them.
        action = "RADIUS-Request" if self.profile.reauthenticate else "Default"
        return (
            Attribute(name="Session-Timeout", value=self.profile.session_timeout_s),
            Attribute(name="Termination-Action", value=action),
        )

    def _note(self, said: Spoken) -> str:
        blanks, vlans = said.blanks, self.profile.vlans
        if said.listed:
            return f"the NAS fetches the {len(said.listed)} lines by this name, in requests of its own"
        if any(VLAN in blank.pieces[1::2] for blank in blanks):
            return f"{{vlan}} is looked up among {len(vlans.rows):,} devices; all others get {vlans.otherwise}"
        return "what stands in braces is filled in for each request, percent-encoded" if blanks else ""

    def _row(self, row: Attribute | Blank, place: str) -> Row:
        blank = isinstance(row, Blank)
        try:
            octets = self.dictionary.encode(widest(row, self.profile.vlan) if isinstance(row, Blank) else row)
        except (BadValue, UnknownAttribute):
            octets = b""  # what is wrong stands among the problems
        if isinstance(row, Blank):
            row = Attribute(name=row.name, value=shown(row), tag=row.tag)
        return Row(attribute=row, octets=octets, place=place, filled=blank)

    def _problems(self) -> Iterator[str]:
        try:
            render(self.profile, self.vendor, self.dictionary.encode)
        except CannotExpress as cannot:
            yield from str(cannot).splitlines()

    def _added(self, spelling: Spelling) -> Iterator[str]:
        yield "Message-Authenticator"
        yield "with EAP: EAP-Message (Success), and with EAP-TLS the two MS-MPPE keys"
        if "session_timeout" not in spelling.said:
            yield "Session-Timeout where the certificate ends within 30 days"
        rows = self.loaded.vendors[self.name]
        if "dynauth" in rows and parse_dynauth(self.name, rows).class_use is ClassUse.FREE:
            yield "Class with a token of nacd"

    def _policy(self, intention: str) -> str:
        file, line, column = self.loaded.position(profile=self.profile.name, intention=intention)
        return f"{Path(file).name}:{line}:{column}"

    def _data(self, intention: str, key: str, number: int) -> str:
        path = ("intentions", intention)
        row = None
        if key == "download":
            row = self.rows.spot((*path, key, "attribute"))
        elif intention != "session_timeout":
            row = self.rows.spot((*path, key, number))
        line = (row or self.rows.spot(path, key=True)).line
        return f"{self.rows.file}:{line}"


def _lines(page: Page) -> Iterator[str]:
    yield f"profile `{page.profile}` ({page.place}), said to {page.vendor}: {page.title}"
    width = max((len(value_text(row.attribute)) for each in page.said for row in each.rows), default=0)
    for each in page.said:
        yield ""
        yield f"{each.intention} ({each.place})"
        for row in each.rows:
            yield f"  {value_text(row.attribute):<{min(width, 72)}}  {row.place}"
        if each.source:
            yield f"  {each.standing}: {each.source}"
        if each.note:
            yield f"  {each.note}"
    if not page.said:
        yield "  no attributes"
    yield ""
    yield f"{page.octets:,} octets of the {FIXED_OCTETS:,} that a profile may fill"
    yield f"each answer adds: {'; '.join(page.added)}"
    for intention, why in page.left_out:
        yield f"left out: {intention}: {why}"
    for problem in page.problems:
        yield f"cannot be said: {problem}"


def _document(page: Page) -> dict[str, Any]:
    return {
        "profile": page.profile,
        "place": page.place,
        "vendor": page.vendor,
        "title": page.title,
        "octets": page.octets,
        "said": [
            {
                "intention": each.intention,
                "place": each.place,
                "standing": each.standing,
                "source": each.source,
                "note": each.note,
                "attributes": [
                    {
                        "name": row.attribute.name,
                        "tag": row.attribute.tag,
                        "value": value_text(row.attribute).partition(" = ")[2],
                        "octets": row.octets.hex(),
                        "place": row.place,
                        "filled_in": row.filled,
                    }
                    for row in each.rows
                ],
            }
            for each in page.said
        ],
        "left_out": [{"what": what, "why": why} for what, why in page.left_out],
        "problems": list(page.problems),
        "added": list(page.added),
    }
