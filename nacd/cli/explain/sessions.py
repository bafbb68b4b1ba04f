"""``nacd explain --session``: why a session has what it has, what the policy says of it now, what would change that.

Knows: how the daemon's answer reads. Refuses to know: how the daemon comes to it (``server/people/explaining``): its
policy, its verdicts and its orders are the ones that count for a session, whatever lies in files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nacd.cli.explain.daemon import Socket
from nacd.cli.explain.sheet import Sheet, answer_text, code_of, moment_text, width_of
from nacd.values import Effect

_MARK: Final = "  "


def tell(socket: Socket, sheet: Sheet, id: int, at: float) -> None:
    """at: seconds since the epoch, 0.0 for now. Raises NoPlace, NobodyListens, OrderFailed."""
    found = socket.give("explain.session", id=id, at=at)
    sheet.put(**found)
    tell_session(sheet, found)


def tell_session(sheet: Sheet, found: Mapping[str, Any]) -> None:
    """One session, in lines. found: as the daemon says it."""
    full, standing = found["full"], found["full"]["standing"]
    sheet.field("session", f"{found['id']}, {found['phase']}, {_times(found)}")
    _tell_place(sheet, found)
    if standing is None or full["grounds"] is None:
        sheet.field("then", "it was not authorized by this nacd: nothing is known of how it was decided")
        return
    _tell_grounds(sheet, found, full["grounds"])
    _tell_then(sheet, found, standing)
    _tell_now(sheet, found)
    _tell_changes(sheet, found)
    _tell_wanted(sheet, found["pending"])


def _times(found: Mapping[str, Any]) -> str:
    words = (("authorized_at", "authorized"), ("started_at", "began"), ("seen_at", "seen"), ("ended_at", "ended"))
    told = [f"{word} {moment_text(found[name])}" for name, word in words if found[name]]
    return ", ".join([*told, found["cause"]] if found["ended_at"] and found["cause"] else told)


def _tell_place(sheet: Sheet, found: Mapping[str, Any]) -> None:
    place = found["full"]["place"]
    port = f", port {found['port']}" if found["port"] else ""
    sheet.field("nas", f"`{found['nas']}` at {place['source']}{port}")
    for title, text in (("mac", found["mac"] or found["calling_station_id"]), ("user", found["user"])):
        if text:
            sheet.field(title, text)


def _tell_grounds(sheet: Sheet, found: Mapping[str, Any], grounds: Mapping[str, Any]) -> None:
    sheet.field("access", grounds["access"])
    sheet.field("device" if found["device"] else "endpoint", found["device"] or found["mac"] or "nothing names it")
    for title in ("tenant", "ssid"):
        if grounds[title]:
            sheet.field(title, grounds[title])
    certificate = grounds["certificate"]
    if certificate is not None:
        sheet.field("certificate", f"{certificate['subject']}, until {moment_text(certificate['not_after'])}")


def _tell_then(sheet: Sheet, found: Mapping[str, Any], standing: Mapping[str, Any]) -> None:
    policy = found["policy"]
    which = "the one in force" if policy["digest"] == standing["policy_digest"] else "not the one in force"
    answer = answer_text(Effect(standing["effect"]), standing["rule"], standing["profile"])
    sheet.field(
        "then", f"{answer}, {moment_text(standing['at'])} (policy {standing['policy_digest'][:12] or '?'}, {which})"
    )
    sheet.field("", f"compliance was {_verdict(standing['compliance'])}")
    known, order = found["verdict"], found["override"]
    sheet.field("compliance", _verdict(known) if known else "nobody is asked about it, or nothing is known now")
    if order is not None:
        until = moment_text(order["until"]) or "it is lifted"
        sheet.field("override", f"{order['id']}: {order['effect']} by {order['by']} until {until}: {order['reason']}")


def _verdict(known: Mapping[str, Any]) -> str:
    as_of = f" as of {moment_text(known['as_of'])}" if known["as_of"] else ""
    detail = f": {known['detail']}" if known["detail"] else ""
    return f"{known['state']}{as_of}, source {known['source']}{detail}"


def _tell_now(sheet: Sheet, found: Mapping[str, Any]) -> None:
    now, rules = found["now"], found["rules"]
    sheet.say("rules, now")
    width = width_of(each["rule"] for each in rules)
    for each in rules:
        sheet.say(f"{_MARK}{each['number']:>2} {each['rule']:<{width}}  {each['result']}: {each['detail']}")
    above = "" if not now["above_policy"] else " (it stands above the rules)"
    same = "the same" if now["same"] else "another decision" + (", which takes access away" if now["down"] else "")
    sheet.field("now", f"{answer_text(Effect(now['effect']), now['rule'], now['profile'])}{above}: {same}")
    for reason in now["reasons"]:
        sheet.say(f"{_MARK}{reason}")
    if not found["policy"]["counts"]:
        sheet.field("", "`sessions.policy_changes` keeps a session as it is where only the policy has changed")


def _tell_changes(sheet: Sheet, found: Mapping[str, Any]) -> None:
    by_state, turns = found["by_compliance"], found["turns"]
    sheet.say("what would change it")
    if not by_state and not turns:
        sheet.say(f"{_MARK}neither compliance nor, within a week, the time")
    for each in by_state:
        sheet.say(f"{_MARK}{each['compliance']:<22}{_short(each)}")
    for each in turns:
        sheet.say(f"{_MARK}{moment_text(each['at']):<22}{_short(each)}: {each['why']}")
    if found["ends_at"]:
        sheet.say(f"{_MARK}{moment_text(found['ends_at']):<22}its session timeout: it has to log in again")


def _short(each: Mapping[str, Any]) -> str:
    return f"{code_of(Effect(each['effect']))}  {each['profile'] or '-':<14}rule `{each['rule']}`"


def _tell_wanted(sheet: Sheet, pending: Mapping[str, Any] | None) -> None:
    if pending is None:
        sheet.field("wanted", "nothing: its NAS is asked for nothing")
        return
    aim = f"profile `{pending['profile']}`" if pending["profile"] else "no access"
    asked = f"{pending['verb']} asked {pending['tries']} times" if pending["verb"] else "not asked yet"
    step = f", step {pending['step'] + 1}" if pending["verb"] else ""
    sheet.field("wanted", f"{aim} by rule `{pending['rule']}` since {moment_text(pending['since'])}: {asked}{step}")
    if pending["held"]:
        sheet.field("", f"held: {pending['held']}")
    if pending["detail"]:
        sheet.field("", f"its NAS said: {pending['detail']}")
