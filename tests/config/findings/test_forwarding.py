"""Records in clear are a finding; what stays here or is encrypted is none."""

from __future__ import annotations

from typing import Any

from nacd.findings import Code


def test_records_that_leave_in_clear_are_a_finding_at_their_url(site: Any, survey: Any) -> None:
    text = (site.folder / "nacd.yaml").read_text()
    line = next(each for each in text.splitlines() if each.startswith("audit:"))
    file = line.partition("file:")[2].strip(" }")
    urls = ["syslog+udp://siem.example.net", "syslog+tcp://127.0.0.1:601", "syslog+tls://siem.example.net"]
    many = "".join(f"    - {{name: siem{number}, url: '{url}'}}\n" for number, url in enumerate(urls))
    site.write("nacd.yaml", text.replace(line, f"audit:\n  file: {file}\n  forward:\n{many.rstrip()}"))
    found = [each for each in survey() if each.code == Code.FORWARD_IN_CLEAR]
    assert len(found) == 1
    assert "`siem0` gets records in clear over `syslog+udp`" in found[0].message
    assert (site.folder / "nacd.yaml").read_text().splitlines()[found[0].line - 1].startswith("    - {name: siem0")
