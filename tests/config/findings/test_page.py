from __future__ import annotations

from pathlib import Path

from nacd.config.findings.page import document
from nacd.findings import FINDINGS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "lint.md"


def test_the_page_is_what_the_table_says() -> None:
    made = "`from nacd.config.findings.page import document; open('docs/lint.md', 'w').write(document())`"
    assert PAGE.read_text(encoding="utf-8") == document(), f"make it anew: {made}"


def test_every_code_has_its_section() -> None:
    sections = [line.strip("# `") for line in document().splitlines() if line.startswith("### ")]
    assert sections == [code.value for code in FINDINGS]
