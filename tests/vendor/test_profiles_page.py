"""The table of docs/profiles.md, held against the vendor data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nacd.config.load import vendors as shipped
from nacd.vendor.dynauth_page import BEGIN, END
from nacd.vendor.model import Standing, VendorData, parse
from nacd.vendor.profile import INTENTIONS

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "profiles.md"
WORDS = {Standing.DOCUMENTED: "yes", Standing.ASSUMED: "(yes)"}


def table(vendors: Mapping[str, VendorData]) -> str:
    """One row a vendor, one column an intention."""
    lines = [f"| vendor | {' | '.join(INTENTIONS)} |", "|---" * (len(INTENTIONS) + 1) + "|"]
    for name, vendor in sorted(vendors.items()):
        cells = [WORDS[vendor.wordings[each].standing] if each in vendor.wordings else "-" for each in INTENTIONS]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def expected(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    found = {name: parse(name, rows) for name, rows in shipped().items()}
    return f"{before}{BEGIN}\n\n{table(found)}\n{END}{rest.partition(END)[2]}"


def test_the_page_says_what_each_vendor_has_words_for() -> None:
    """Otherwise: .venv/bin/python -c "from tests.vendor.test_profiles_page import rewrite; rewrite()"."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == expected(page)


def rewrite() -> None:
    PAGE.write_text(expected(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def test_every_intention_can_be_said_to_somebody() -> None:
    found = [parse(name, rows) for name, rows in shipped().items()]
    assert {each for vendor in found for each in vendor.wordings} == set(INTENTIONS)
