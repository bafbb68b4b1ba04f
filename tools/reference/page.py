"""``docs/reference.md``: the mappings of each file as tables, the conditions, the intentions and who can say them.

Knows: headings, tables and links. Refuses to know: what any setting means; all words come from the models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from nacd.config.load import vendors
from nacd.config.schema import schemas
from nacd.policy.answered import DEVICE_KEYS
from nacd.vendor.model import Standing, VendorData, parse
from nacd.vendor.profile import INTENTIONS
from tools.reference.flow import flow
from tools.reference.tree import Mapped, Setting, mappings

FILES: Final = {
    "nacd.yaml": "who asks, how endpoints prove themselves, what Intune is asked, where it is written down",
    "policy.yaml": "who gets in, and with what",
    "policy-cases.yaml": "what the policy is to say of logins that count (`nacd test`)",
    "actions.yaml": "device actions: `nacd device` and the service `nacd actions`",
}
WHEN: Final = "rules[].when"
_LONGEST_EXAMPLE: Final = 110

_HEAD: Final = """\
# Reference: every setting

Made by `make reference` from the models that check the files; an editor shows the same words by the schemas in
`config/` (`nacd schema`). What to write, and why, is in [policy.md](policy.md), [profiles.md](profiles.md),
[microsoft.md](microsoft.md), [compliance.md](compliance.md) and [deployment.md](deployment.md).

- A path names keys from the top of the file: `clients[].name` is the key `name` of each entry of the list `clients`,
  `profiles.NAME.vlan` the key `vlan` under a name that you choose.
- **time**: numbers with units, largest first: `90s`, `5m`, `4h15m`, `7d`, `500ms`. **size**: `16MiB`. **secret**: never
  the secret itself, but `file:PATH` (mode 0600), `env:NAME` or `cred:NAME` (a credential of systemd). **path**,
  **file**, **folder**: counted from the folder of the file that they stand in; file and folder must be there.
- Default: `-` is none; **required** must be there.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, *_contents()]
    for file, about in FILES.items():
        parts.append(f"## {file}\n\n{about[0].upper()}{about[1:]}.\n")
        for mapped in _mappings(file):
            parts.append(_mapped(file, mapped))
            if file == "policy.yaml" and mapped.path == "profiles.NAME":
                parts.append("\n".join(_who_can()))
    return "\n".join(parts).rstrip() + "\n"


@cache
def _mappings(file: str) -> tuple[Mapped, ...]:
    return mappings(schemas()[f"{file.removesuffix('.yaml')}.schema.json"])


def _contents() -> Iterator[str]:
    for file, about in FILES.items():
        yield f"- [{file}](#{anchor(file)}): {about}"
        tops = [mapped for mapped in _mappings(file) if mapped.path and _depth(mapped.path) == 1]
        links = dict.fromkeys(f"[`{each.path}`](#{anchor(_heading(file, each))})" for each in tops if not each.same_as)
        if links:
            yield f"  - {', '.join(links)}"
    yield f"- [Who can say what](#{anchor(_WHO)}): intentions of profiles by vendor\n"


def _depth(path: str) -> int:
    return path.replace("[]", "").replace(".NAME", "").count(".") + 1


def anchor(heading: str) -> str:
    """What a heading is linked by, as GitHub spells it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _heading(file: str, mapped: Mapped) -> str:
    number = f", way {mapped.variant}" if mapped.variant else ""
    return f"{file}: `{mapped.path}`{number}" if mapped.path else f"{file}: top"


def _mapped(file: str, mapped: Mapped) -> str:
    title = f"### {_heading(file, mapped)}\n"
    if mapped.same_as:
        but = f", without {_listed(mapped.without)}" if mapped.without else ""
        about = f"{_sentence(mapped.description)} " if mapped.description else ""
        return f"{title}\n{about}As [`{mapped.same_as}`](#{_leads(file, mapped.same_as)}){but}.\n"
    told = when(mapped.settings) if mapped.path == WHEN else ()
    lines = [title, f"{_sentence(mapped.description)}\n", *told, *_table(file, mapped)]
    return "\n".join(lines) + "\n"


def _sentence(words: str) -> str:
    return words.replace("``", "`").replace("\n", " ").rstrip(".") + "."


def _table(file: str, mapped: Mapped) -> Iterator[str]:
    yield "| setting | what it is | type | unit | default | example |"
    yield "|---|---|---|---|---|---|"
    for each in mapped.settings:
        mark = f'<a id="{_mark(file, each)}"></a>' if not mapped.variant else ""
        cells = (
            f"{mark}`{each.key}`",
            each.description,
            _kind(file, each),
            each.unit or "-",
            _default(each),
            _example(file, each),
        )
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _mark(file: str, setting: Setting) -> str:
    """What one row is linked by: the file and the path with hyphens."""
    path = re.sub(r"[^A-Za-z0-9_]+", "-", setting.path.replace("[]", "")).strip("-")
    return f"{file.removesuffix('.yaml')}--{path}"


def _kind(file: str, setting: Setting) -> str:
    if not setting.leads_to:
        return setting.kind
    return f"[{setting.kind}](#{_leads(file, setting.leads_to)})"


def _leads(file: str, path: str) -> str:
    """The first mapping at a path."""
    return anchor(_heading(file, next(each for each in _mappings(file) if each.path == path)))


def _default(setting: Setting) -> str:
    if setting.required:
        return "**required**"
    if setting.leads_to or setting.default in (None, [], {}):
        return "-"
    return f"`{flow(setting.default)}`"


def _example(file: str, setting: Setting) -> str:
    shown = [each for each in setting.examples if each != setting.default] or list(setting.examples)
    written = [flow(each) for each in shown[:3]]
    short = [each for each in written if len(each) <= _LONGEST_EXAMPLE]
    if not short and setting.leads_to:
        return f"[key by key](#{_leads(file, setting.leads_to)})"
    short = short or [written[0]]
    return "<br>".join(f"`{each}`" for each in short[:2])


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


# -- conditions and intentions ------------------------------------------------------------------


def when(settings: Iterable[Setting]) -> Iterator[str]:
    """What conditions wait for."""
    waits = [each.key for each in settings if each.key.startswith("compliance") or each.key in DEVICE_KEYS]
    graph = [key for key in waits if key in DEVICE_KEYS]
    yield (
        f"A rule that asks for {_listed(waits)} waits for Intune; all others are decided without. Of these"
        f" {_listed(graph)} are told by Microsoft Graph alone (`source: graph` or `fallback: graph`).\n"
    )


def _listed(words: Iterable[str]) -> str:
    *most, last = [f"`{word}`" for word in words]
    return f"{', '.join(most)} and {last}" if most else last


_WHO: Final = "policy.yaml: who can say what"


def _who_can() -> Iterator[str]:
    """Each vendor's words for each intention."""
    made = [parse(name, rows) for name, rows in vendors().items()]
    yield f"### {_WHO}\n"
    yield (
        "Which intentions of a profile a vendor's NASes can be told of. **yes**: the vendor documents it; *assumed*: by"
        " analogy, or seen in the field; `-`: it has no words for it, so a profile that promises it there is an error,"
        " and under `optional` it is left out. `nacd profiles show` tells the attributes.\n"
    )
    yield f"| vendor | {' | '.join(f'`{word}`' for word in INTENTIONS)} |"
    yield f"|---|{'---|' * len(INTENTIONS)}"
    for vendor in made:
        yield f"| `{vendor.name}` {vendor.title} | {' | '.join(_can(vendor, word) for word in INTENTIONS)} |"
    yield "\nWhat stands in place of what is missing:\n"
    for vendor in made:
        yield from (f"- `{vendor.name}`, `{word}`: {why}" for word, why in sorted(vendor.cannot.items()))
    yield ""


def _can(vendor: VendorData, intention: str) -> str:
    if intention not in vendor.wordings:
        return "-"
    return "yes" if vendor.wordings[intention].standing is Standing.DOCUMENTED else "*assumed*"
