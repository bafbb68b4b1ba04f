"""The questions of ``nacd init``, in their order, and how they are asked on a terminal.

Knows: words, defaults, which question follows from which answer. Refuses to know: what is made of the answers.

A question that was answered by an option is not asked. Without anybody to ask (``--yes``) every other has its default;
each default is one that lets nobody in: a network that is nobody's, a tenant that is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import typer
from rich.columns import Columns
from rich.console import Console

from nacd.cli.setup import answers as read
from nacd.cli.setup.answers import ACCESS, LAB_CLIENT_ID, LAB_TENANT, NONE, Answers

Given: TypeAlias = dict[str, str]
SEPARATES: Final = {True: ("group_policy", "role", "acl", "vlan"), False: ("vlan", "role", "acl", "group_policy")}
"""What keeps healthy endpoints from the others, best first; by whether it is a VPN concentrator."""
IN_WORDS: Final = {"vlan": "VLAN", "role": "role", "acl": "access list", "group_policy": "group policy"}
_PLACES: Final = {"corporate": ("120", "CORPORATE"), "quarantine": ("999", "QUARANTINE"), "devices": ("140", "DEVICES")}


class WrongAnswers(Exception):
    """Options that cannot be taken; one line for each, with its name and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where the answers are for: who can be told what. vendors: rows of the vendors' data, by name."""

    lab: bool
    vendors: Mapping[str, Mapping[str, Any]]
    intentions: Mapping[str, frozenset[str]]

    def separates(self, given: Given) -> str:
        """The intention by which this NAS keeps endpoints apart."""
        [*wanted] = SEPARATES[given["access"] == "vpn"]
        return next(word for word in wanted if word in self.intentions[given["vendor"]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. key: of the answer, and its option. text, default: of what was answered before.

    read: raises ValueError in words. wanted: whether it is asked at all after these answers.
    """

    key: str
    text: Callable[[Setting, Given], str]
    default: Callable[[Setting, Given], str]
    read: Callable[[Setting, Given, str], str]
    wanted: Callable[[Setting, Given], bool] = lambda _setting, _given: True
    lists_vendors: bool = False

    @property
    def option(self) -> str:
        """Its option on the command line."""
        return f"--{self.key.replace('_', '-')}"


def _certified(_setting: Setting, given: Given) -> bool:
    return "dot1x" in ACCESS[given["access"]]


def _asked_intune(setting: Setting, given: Given) -> bool:
    return given["tenant"] != NONE and not setting.lab


def _kept_apart(_setting: Setting, given: Given) -> bool:
    return given["access"] != "mab"


def _place(key: str, whom: str, wanted: Callable[[Setting, Given], bool]) -> Question:
    return Question(
        key=key,
        text=lambda setting, given: f"{IN_WORDS[setting.separates(given)]} for {whom}",
        default=lambda setting, given: _PLACES[key][setting.separates(given) != "vlan"],
        read=lambda setting, given, written: read.place(written, setting.separates(given)),
        wanted=wanted,
    )


def _file(key: str, text: str, default: str) -> Question:
    return Question(
        key=key,
        text=lambda _setting, _given: f"{text}, PEM; it may come later",
        default=lambda _setting, _given: default,
        read=lambda _setting, _given, written: read.path(written),
        wanted=lambda setting, given: _certified(setting, given) and not setting.lab,
    )


QUESTIONS: Final = (
    Question(
        key="nas",
        text=lambda _setting, _given: "Name of the first NAS (switch, Wi-Fi controller, VPN concentrator)",
        default=lambda _setting, _given: "nas-1",
        read=lambda _setting, _given, written: read.name(written),
    ),
    Question(
        key="network",
        text=lambda _setting, _given: "The address or network that its requests come from",
        default=lambda setting, _given: "127.0.0.1" if setting.lab else "192.0.2.1",
        read=lambda _setting, _given, written: read.network(written),
    ),
    Question(
        key="vendor",
        text=lambda _setting, _given: "Its vendor",
        default=lambda _setting, _given: "generic",
        read=lambda setting, _given, written: read.vendor(written, setting.vendors),
        lists_vendors=True,
    ),
    Question(
        key="access",
        text=lambda _setting, _given: f"How endpoints come through it: {', '.join(ACCESS)}",
        default=lambda _setting, _given: "dot1x",
        read=lambda _setting, _given, written: read.access(written),
    ),
    _place("corporate", "healthy devices", _kept_apart),
    _place("quarantine", "devices that Intune finds at fault", _kept_apart),
    _place("devices", "printers and the like, by MAC", lambda _setting, given: "mab" in ACCESS[given["access"]]),
    _file("certificate", "Certificate of this RADIUS server, with its intermediates", "certs/server.pem"),
    _file("private_key", "Its private key", "certs/server.key"),
    _file("client_ca", "CA that issues the certificates of your devices", "certs/devices-ca.pem"),
    Question(
        key="tenant",
        text=lambda _setting, _given: f"Intune tenant, by domain or id; `{NONE}`: not yet",
        default=lambda setting, _given: LAB_TENANT if setting.lab else NONE,
        read=lambda _setting, _given, written: read.tenant(written),
    ),
    Question(
        key="client_id",
        text=lambda _setting, _given: "Application (client) id of its app registration",
        default=lambda _setting, _given: "00000000-0000-0000-0000-000000000000",
        read=lambda _setting, _given, written: read.client_id(written),
        wanted=_asked_intune,
    ),
    Question(
        key="credential",
        text=lambda _setting, _given: f"How the app proves itself: {', '.join(read.CREDENTIALS)}",
        default=lambda _setting, _given: "certificate",
        read=lambda _setting, _given, written: read.credential(written),
        wanted=_asked_intune,
    ),
)


def answered(setting: Setting, options: Mapping[str, str], *, ask: bool) -> Answers:
    """All answers: those given as options, the others asked for or, without ``ask``, by default.

    Raises WrongAnswers with every option that cannot be taken; then nothing has been asked.
    """
    given: Given = {}
    checked = _checked(setting, options)
    for question in QUESTIONS:
        if not question.wanted(setting, given):
            continue
        default = question.default(setting, given)
        if question.key in checked:
            given[question.key] = question.read(setting, given, checked[question.key])
        elif ask:
            given[question.key] = _ask(question, setting, given, default)
        else:
            given[question.key] = default
    return _answers(setting, given)


def _checked(setting: Setting, options: Mapping[str, str]) -> Mapping[str, str]:
    """The options that were given, every one of them read once for what is wrong with it."""
    given: Given = {}
    wrong: list[str] = []
    for question in QUESTIONS:
        written = options.get(question.key, "")
        wanted = question.wanted(setting, given)
        if written and not wanted:
            wrong.append(f"{question.option}: nobody asks for this after the other answers: leave it out")
        if not wanted:
            continue
        given[question.key] = question.default(setting, given)
        try:
            given[question.key] = question.read(setting, given, written) if written else given[question.key]
        except ValueError as refused:
            wrong.append(f"{question.option}: {refused}")
    if wrong:
        raise WrongAnswers("\n".join(wrong))
    return {key: written for key, written in options.items() if written}


def _ask(question: Question, setting: Setting, given: Given, default: str) -> str:
    if question.lists_vendors:
        names = [f"[b]{name}[/]  {rows['title']}" for name, rows in setting.vendors.items()]
        Console().print(Columns(names, column_first=True, padding=(0, 3)))
    while True:
        written = typer.prompt(question.text(setting, given), default=default)
        try:
            return question.read(setting, given, str(written).strip())
        except ValueError as refused:
            typer.echo(f"  {refused}")


def _answers(setting: Setting, given: Given) -> Answers:
    words = dict(_lab_words(setting, given)) | given
    if words.get("tenant") == NONE:
        words["tenant"] = ""
    return Answers(
        lab=setting.lab,
        access=ACCESS[words.pop("access")],
        separates=setting.separates(given),
        intentions=setting.intentions[given["vendor"]],
        asked="dynauth" in setting.vendors[given["vendor"]],
        **words,
    )


def _lab_words(setting: Setting, given: Given) -> Iterator[tuple[str, str]]:
    """What nobody is asked in a lab: everything is made there."""
    if not setting.lab:
        return
    if _certified(setting, given):
        yield from (("certificate", "pki/server.pem"), ("private_key", "pki/server.key"))
        yield "client_ca", "pki/devices-ca.pem"
    if given["tenant"] != NONE:
        yield from (("client_id", LAB_CLIENT_ID), ("credential", "secret"))
