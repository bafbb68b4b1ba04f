"""From ``actions.yaml`` to what can act: one ``GraphActions`` for each tenant.

Knows: both vocabularies, ``config``'s and ``intune``'s. Refuses to know: who asks, and what for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from nacd.config.actions_file import LoadedActions
from nacd.config.sections import intune
from nacd.config.sections.actions import ActionApp
from nacd.errors import ConfigError
from nacd.intune import options
from nacd.intune.cloud import CLOUDS, cloud
from nacd.intune.graph.actions import GraphActions
from nacd.values import NO_SECRET


def tenants(loaded: LoadedActions) -> Mapping[str, GraphActions]:
    """Every tenant by its name; nothing is asked yet. Raises ConfigError with the place of each that cannot work."""
    made: dict[str, GraphActions] = {}
    problems = []
    for name, app in loaded.settings.apps.items():
        path = ("intune",) if loaded.settings.intune is not None else ("tenants", name)
        try:
            wanted = graph_options(app)
            problems += [loaded.problem(words, *path, key) for key, words in _unusable(wanted.credentials)]
            made[name] = GraphActions(wanted)
        except (ValueError, OSError) as wrong:
            words = wrong.strerror if isinstance(wrong, OSError) and wrong.strerror else str(wrong)
            problems.append(loaded.problem(words, *path))
    if problems:
        raise ConfigError(tuple(problems))
    return made


def _unusable(credentials: tuple[options.Credential, ...]) -> Iterator[tuple[str, str]]:
    """The key of each credential that cannot work, and why. One may have expired while the other is good."""
    over = []
    for key, credential in zip(("credential", "next_credential"), credentials, strict=False):
        seen = options.inspect(credential)
        if seen.problem:
            yield key, seen.problem
        elif 0 < seen.not_after < time.time():
            over.append(key)
    if len(over) == len(credentials):
        yield from ((key, "the certificate of this credential has expired: Microsoft refuses it") for key in over)


def graph_options(app: ActionApp) -> options.IntuneOptions:
    """How one tenant's Graph is asked. Raises ValueError in words, OSError."""
    given = {"login": app.authority, "graph": app.graph}
    overrides = {key: value.rstrip("/") for key, value in given.items() if value}
    if not CLOUDS[app.cloud].resource:
        # Intune's own audience: no action needs it, but a cloud is whole only with one.
        overrides["resource"] = overrides.get("graph", CLOUDS[app.cloud].graph) + "/"
    credentials = [app.credential, *([app.next_credential] if app.next_credential else [])]
    return options.IntuneOptions(
        cloud=cloud(app.cloud, overrides),
        tenant=app.tenant,
        client_id=app.client_id,
        credentials=tuple(_credential(one) for one in credentials),
        ca_file=str(app.ca_file) if app.ca_file else "",
        proxy=app.proxy or "",
    )


def _credential(wanted: intune.Credential) -> options.Credential:
    match wanted:
        case intune.SecretCredential():
            return options.SecretCredential(secret=wanted.secret)
        case intune.PemCredential():
            return options.PemCredential(certificate=wanted.certificate.read_bytes(), private_key=wanted.private_key)
        case intune.PfxCredential():
            return options.pem_out_of_pfx(wanted.pfx, wanted.passphrase or NO_SECRET)
        case intune.ManagedIdentity():
            system = wanted.managed_identity == "system"
            return options.ManagedIdentity(client_id="" if system else wanted.managed_identity)
