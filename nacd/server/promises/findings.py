"""Problems and notes of a configuration, gathered while it is made ready.

Knows: at which place in the files each belongs, and which notes comments accept. Refuses to know: what is checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from nacd.config.findings.allowances import Settled, settle
from nacd.config.findings.survey import survey
from nacd.config.load import Loaded
from nacd.eap.server_certificate import WARNED, CertificateFinding, Severity
from nacd.errors import Problem
from nacd.findings import Code

T = TypeVar("T")
Setting: TypeAlias = tuple[str | int, ...]


class Findings:
    """Problems and notes so far, each at its place in the files."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []

    def problem(self, message: str, setting: Setting) -> None:
        self.problems.append(self.loaded.problem(message, setting=setting))

    def note(self, code: Code, message: str, setting: Setting) -> None:
        self.notes.append(self.loaded.config_document.problem(setting, message, code=code))

    def certificate(self, finding: CertificateFinding, setting: Setting) -> None:
        if finding.severity is Severity.ERROR:
            self.problem(finding.message, setting)
        else:
            self.note(WARNED[finding.code], finding.message, setting)

    def settled(self) -> Settled:
        """What is left of all notes, the config's too, when comments have accepted what they accept."""
        documents = (self.loaded.config_document, self.loaded.policy_document)
        return settle((*self.loaded.notes, *survey(self.loaded), *self.notes), documents)

    def attempt(self, build: Callable[[], T], setting: Setting) -> T | None:
        """What ``build`` makes; its ValueError or OSError becomes a problem there, and the result None."""
        try:
            return build()
        except OSError as wrong:
            what = f"`{wrong.filename}`" if wrong.filename else "this"
            self.problem(f"{what} cannot be read: {(wrong.strerror or 'error').lower()}", setting)
        except ValueError as wrong:
            self.problem(str(wrong), setting)
        return None
