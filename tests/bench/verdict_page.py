"""What the page of a quick run has to say of verdicts."""

from __future__ import annotations

import re


def judge_quick_page(text: str) -> None:
    """What a quick run has to say of verdicts, whatever the figures."""
    rows = {
        row[0]: row[1:] for row in re.findall(r"^\| ([^|]+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \| (\w*) \|$", text, re.M)
    }
    assert re.fullmatch(r"\d+ MB, \d+ octets each", rows["memory, by NAC 2.0"][1])
    assert re.fullmatch(r"[\d.]+ us \(p99 [\d.]+\)", rows["cached lookup, graph"][1])
    assert rows["rows on disk, VPN by a verdict from disk"][3] in ("ok", "MISSED")
    assert rows["replies missing; wrong"] == ("100 devices", "0; 0", "0; 0", "ok")
    answered = rows["answered `unavailable`; of them at the deadline; turned away by a limit; answered `compliant`"]
    unavailable, at_deadline, refused, compliant = (int(count) for count in answered[1].split("; "))
    # Intune takes as long as the deadline: whoever came first may just get his answer.
    assert (unavailable + compliant, at_deadline, refused) == (100, unavailable, 0)
    kept = rows["late answers kept; devices asked about that are known afterwards; and forgotten"]
    assert kept[1].endswith("; 0")
    assert kept[3] == "ok"
    assert "the kernel forgot the database alone" in text
    assert rows["a decision, mean"][0] == "200 rules"
    assert rows["a decision, mean"][3] in ("ok", "MISSED")
