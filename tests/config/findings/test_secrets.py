from __future__ import annotations

from nacd.config.findings.secrets import remarks
from nacd.values import Secret
from tests.config.conftest import Site


def test_what_is_remarked_of_a_secret_stands_where_it_was_named(site: Site) -> None:
    settings = site.load().settings
    own = settings.clients[1].secret
    assert list(remarks(settings, [(own, "kept badly")])) == [(("clients", 1, "secret"), "kept badly")]
    assert list(remarks(settings, [])) == []


def test_an_equal_secret_elsewhere_is_another_one(site: Site) -> None:
    settings = site.load().settings
    copy = Secret(settings.clients[1].secret.reveal())
    assert list(remarks(settings, [(copy, "kept badly")])) == []
