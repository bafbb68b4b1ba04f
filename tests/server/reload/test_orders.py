"""What people may order about configurations."""

from __future__ import annotations

import pytest

from nacd.cli.control.order import OrderFailed
from nacd.server.people.roles import Role
from nacd.server.reload import orders
from tests.server.house import Site
from tests.server.reload.street import Daemon, live

WISH = {"group": "wired", "for": "10m"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"for": ""}, "say how long to try it, as in `10m`"),
        ({"for": "soon"}, "`soon` is no length of time"),
        ({"for": "10s"}, "for a minute at least, and for a day at most"),
        ({"for": "3d"}, "for a minute at least, and for a day at most"),
        ({"max_change": "0%"}, "`0%` is no share"),
        ({"max_change": "many"}, "`many` is no share"),
        ({"max_change": "101"}, "`101` is no share"),
        ({"min_sample": 0}, "`min_sample` is a number of answers"),
        ({"min_sample": "20"}, "`min_sample` is a number of answers"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_words(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(orders.OrderRefused, match=words.replace("(", r"\(")):
        orders._wish({**WISH, **wrong})


def test_a_wish_has_usual_limits() -> None:
    wish = orders._wish(WISH)
    assert wish is not None
    assert (wish.group, wish.for_s, wish.limits.max_change, wish.limits.min_sample) == ("wired", 600.0, 0.2, 20)
    assert orders._wish({}) is None


def test_loading_is_for_the_role_config_and_looking_for_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    roles: dict[str, Role] = {}

    def story(daemon: Daemon) -> None:
        with pytest.raises(OrderFailed, match="`soon` is no length of time"):
            daemon.give("reload", group="wired", **{"for": "soon"})

    real = orders.commands

    def seen(reloader: orders.Reloader) -> object:
        made = real(reloader)
        roles.update({name: command.role for name, command in made.items()})
        return made

    monkeypatch.setattr(orders, "commands", seen)
    live(site, monkeypatch, story)
    assert roles == {
        "reload": Role.CONFIG,
        "reload.promote": Role.CONFIG,
        "reload.discard": Role.CONFIG,
        "reload.status": Role.READ,
    }
