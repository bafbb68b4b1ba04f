from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from nacd.config.load import vendors
from nacd.config.policy_conditions import When
from nacd.config.schema import schemas
from nacd.vendor.profile import INTENTIONS
from tools.reference.__main__ import PAGE, main
from tools.reference.flow import flow
from tools.reference.page import FILES, anchor, page
from tools.reference.tree import mappings

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_is_what_the_models_say() -> None:
    assert page() == TEXT, "make reference"


def test_check_says_so_and_wrong_words_are_refused() -> None:
    assert main(["--check"]) == 0
    assert main(["--chekc"]) == 2


@pytest.mark.parametrize("file", FILES)
def test_every_key_of_every_model_is_told_once_or_referred_to(file: str) -> None:
    schema = schemas()[f"{file.removesuffix('.yaml')}.schema.json"]
    told = [mapped for mapped in mappings(schema) if not mapped.same_as]
    referred = [mapped.path for mapped in mappings(schema) if mapped.same_as]
    models = {**schema.get("$defs", {}), "top": schema}
    known = [tuple(made["properties"]) for made in models.values() if "properties" in made]
    shown = {tuple(setting.key for setting in mapped.settings) for mapped in told}
    for each in known:
        assert each in shown or any(set(each) <= set(one) for one in shown), each
    paths = [mapped.path for mapped in told if not mapped.variant]
    assert len(paths) == len(set(paths))
    assert not set(paths) & set(referred)


def test_every_setting_of_the_page_has_type_default_example_and_description() -> None:
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in TEXT.splitlines() if line.startswith("| <a id")]
    assert len(rows) > 200
    for row in rows:
        name, *cells = (cell.strip() for cell in row)
        assert len(cells) == 5, name
        assert all(cells), name


def test_every_link_and_every_anchor_is_there_once() -> None:
    headings = Counter(anchor(heading) for heading in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE))
    marks = Counter(re.findall(r'<a id="([^"]+)">', TEXT))
    assert {name for name, count in (headings + marks).items() if count > 1} == set()
    for target in re.findall(r"\]\(#([^)]+)\)", TEXT):
        assert target in headings


def test_every_condition_and_every_intention_is_told() -> None:
    conditions = {field.alias or name for name, field in When.model_fields.items()}
    for key in conditions:
        assert f'<a id="policy--rules-when-{key}">' in TEXT
    for intention in INTENTIONS:
        assert f'<a id="policy--profiles-NAME-{intention}">' in TEXT


def test_every_vendor_says_of_every_intention_whether_it_has_words_for_it() -> None:
    for name, rows in vendors().items():
        [line] = [line for line in TEXT.splitlines() if line.startswith(f"| `{name}` ")]
        cells = [cell.strip() for cell in line.split("|")[2:-1]]
        has = [cell != "-" for cell in cells]
        assert has == [intention in rows["intentions"] for intention in INTENTIONS]


@pytest.mark.parametrize(
    "value", ["on", "12:34", "1.2", "a: b", "*x", "{", "10.0.0.0/8", "5m", "", ["a", "b c"], {"k": ["x", 1, True]}, 3]
)
def test_a_value_on_one_line_comes_back_as_it_was(value: Any) -> None:
    assert yaml.safe_load(f"k: {flow(value)}") == {"k": value}


def test_what_needs_no_quotes_has_none() -> None:
    assert flow({"at_most": "4h", "mac": "AA-BB-CC-*"}) == "{at_most: 4h, mac: AA-BB-CC-*}"


def test_bounds_units_and_defaults_are_those_of_the_models() -> None:
    [compliant] = [line for line in TEXT.splitlines() if '<a id="nacd--compliance-lifetimes-compliant">' in line]
    assert "| time, `1s` to `7d` | `d` `h` `m` `s` `ms` | `1h` |" in compliant
    [rate] = [line for line in TEXT.splitlines() if '<a id="nacd--clients-dynauth-rate">' in line]
    assert "| whole number, 1 to 10,000 | requests a second | `50` |" in rate


def test_the_command_writes_where_the_docs_lie() -> None:
    assert Path(__file__).parents[2] / "docs" / "reference.md" == PAGE
