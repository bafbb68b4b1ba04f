"""The laboratory of the command line: a daemon of its own process, and people of other users."""

from tests.cli.control.conftest import as_root, certificates, lab, launch, microsoft, open_folder

__all__ = ["as_root", "certificates", "lab", "launch", "microsoft", "open_folder"]
