"""Under which terms each bundled package comes, read from the package itself, in Debian's form.

Knows: the licences that may be handed out together with Apache-2.0. Refuses to know: where files lie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from importlib.metadata import Distribution
from pathlib import Path
from typing import Final

COMPATIBLE: Final = frozenset(
    {"Apache-2.0", "MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "PSF-2.0", "MPL-2.0"}
)
"""All permissive but MPL-2.0, which binds its own files only: they are handed out unchanged, and their source is where
the package's homepage says."""
_WORDS: Final = {
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "Apache License, Version 2.0": "Apache-2.0",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "Apache Software License": "Apache-2.0",
}
_FILES: Final = ("licen", "copying", "notice", "authors")


class Unknown(Exception):
    """A package whose licence nobody has looked at; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Of one package. expression: SPDX. texts: what it ships of licences and notices."""

    name: str
    version: str
    expression: str
    homepage: str
    texts: tuple[str, ...]


def of(package: Distribution) -> Terms:
    """Raises Unknown."""
    told: Message = package.metadata  # type: ignore[assignment]
    name = str(told["Name"])
    expression = _expression(told)
    words = expression.replace("(", " ").replace(")", " ").split()
    unknown = {word for word in words if word not in ("AND", "OR")} - COMPATIBLE
    if not words or unknown:
        raise Unknown(f"`{name}` comes under `{expression or 'nothing it names'}`: look at it, then name it here")
    texts = [
        Path(str(file.locate())).read_text(encoding="utf-8", errors="replace").strip()
        for file in sorted(package.files or (), key=str)
        if ".dist-info" in str(file) and file.name.lower().startswith(_FILES)
    ]
    return Terms(
        name=name, version=package.version, expression=expression, homepage=_homepage(told), texts=tuple(texts)
    )


def _expression(told: Message) -> str:
    stated = str(told.get("License-Expression") or "")
    if stated:
        return stated
    short = str(told.get("License") or "").strip()
    if "\n" not in short and (short in COMPATIBLE or short in _WORDS):
        return _WORDS.get(short, short)
    classifiers = [each for each in told.get_all("Classifier", []) if each.startswith("License ::")]
    classified = [each.rpartition(" :: ")[2] for each in classifiers]
    return " AND ".join(_WORDS.get(each, each) for each in classified)


def _homepage(told: Message) -> str:
    links = [link.split(",", 1) for link in told.get_all("Project-URL", []) if "," in link]
    by_name = {name.strip().lower(): url.strip() for name, url in links}
    for wanted in ("source", "source code", "repository", "github", "homepage"):
        if wanted in by_name:
            return by_name[wanted]
    return str(told.get("Home-page") or f"https://pypi.org/project/{told['Name']}/")


def copyright_file(own_licence: str, bundled: Sequence[Terms], site: str, compiler: Terms | None = None) -> str:
    """Debian's copyright file (copyright-format/1.0). site: where the packages lie, without a leading slash. compiler:
    whose support code is in what it made of nacd."""
    return "\n".join(_lines(own_licence, bundled, site, compiler)) + "\n"


def _lines(own_licence: str, bundled: Sequence[Terms], site: str, compiler: Terms | None) -> Iterator[str]:
    yield "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
    yield "Upstream-Name: nacd"
    yield "Comment: nacd brings the Python packages that it runs with; each comes under its own terms, below."
    yield ""
    yield "Files: *"
    yield "Copyright: the authors of nacd"
    yield "License: Apache-2.0"
    yield from _indented(own_licence)
    named = [(each, f"{site}/{each.name.lower().replace('-', '_')}*") for each in bundled]
    if compiler is not None:
        named.append((compiler, f"{site}/*__mypyc*.so {site}/nacd/*.so"))
    for each, files in named:
        yield ""
        yield f"Files: {files}"
        yield f"Copyright: the authors of {each.name} {each.version}, see the text of the licence"
        # The words of one package's licence are its own, so each has a name of its own.
        yield f"License: {each.expression.replace(' AND ', ' and ').replace(' OR ', ' or ')}"
        yield from _indented(
            f"{each.name} {each.version}, {each.homepage}\n\n" + ("\n\n".join(each.texts) or f"{each.expression}.")
        )


def _indented(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield f" {line.rstrip()}" if line.strip() else " ."
