"""What is left to do after ``nacd init``: commands to be copied, for these answers.

Knows: what an admin does next, and how what only the admin has is made. Refuses to know: whether it has been done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote

from nacd.cli.setup.answers import Answers
from nacd.cli.setup.made import LAB_DEVICES
from nacd.cli.setup.policy_yaml import LIST
from nacd.cli.setup.writing import account_of
from nacd.sim.pki import COMPLIANT_GUID


def missing(answers: Answers, folder: Path) -> tuple[str, ...]:
    """Files that only the admin can supply and that are not there yet, as they are written."""
    return tuple(file for file in answers.supplied() if not (folder / file).exists())


def to_supply(answers: Answers, folder: Path, lacking: Sequence[str]) -> Iterator[str]:
    """How each of the files that are missing comes about."""
    yield "not there yet, and nobody but you can supply it; nacd refuses to start until then:"
    for file in lacking:
        yield f"  {folder / file}"
    folders = dict.fromkeys(quote(str((folder / file).parent)) for file in lacking)
    yield "where they belong:"
    yield f"  mkdir -p {' '.join(folders)}"
    if {answers.certificate, answers.private_key} & set(lacking):
        key, request = quote(str(folder / answers.private_key)), quote(str(folder / answers.private_key) + ".csr")
        yield "a certificate for this RADIUS server, from a CA that your devices trust, with serverAuth and a DNS name:"
        yield (
            "  openssl req -new -newkey rsa:3072 -noenc -subj /CN=radius.example.com -addext"
            f" subjectAltName=DNS:radius.example.com -keyout {key} -out {request}"
        )
        yield f"  have the request signed; certificate and intermediates into {folder / answers.certificate}"
        yield f"  chmod 600 {key}{_given(folder, key)}"
    if answers.client_ca in lacking:
        yield f"the CA (PEM) of your SCEP or PKCS profile in Intune, into {folder / answers.client_ca}"
    if "certs/app.pem" in lacking:
        yield "a certificate for the app registration (docs/microsoft.md, section 1), then upload app.pem there:"
        yield (
            "  openssl req -x509 -newkey rsa:3072 -sha256 -days 365 -noenc -subj /CN=nacd"
            f" -keyout {quote(str(folder / 'certs/app.key'))} -out {quote(str(folder / 'certs/app.pem'))}"
        )
    if "secrets/app" in lacking:
        yield f"the Value of a client secret of the app registration, with mode 0600, into {folder / 'secrets/app'}"
    yield "only to look around first, with certificates that are thrown away: `nacd init --lab FOLDER`"


def _given(folder: Path, key: str) -> str:
    """What else a key needs where the service has an account of its own."""
    owner = account_of(folder) if folder.is_dir() else None
    return f"; chown {owner[0]}:{owner[1]} {key}" if owner is not None else ""


def following(answers: Answers, folder: Path) -> Iterator[str]:
    """The next steps, each with its command."""
    config = f"--config {quote(str(folder / 'nacd.yaml'))}"
    secret = quote(str(folder / answers.secret_file))
    yield "next:"
    if answers.lab:
        yield from _lab(answers, folder, config, secret)
        return
    yield f"  nacd check {config}        after every change"
    if answers.tenant:
        yield f"  nacd doctor {config}       everything between here and Microsoft, and what to click"
    else:
        yield "  docs/microsoft.md          when Intune is to be asked: what to click, then `intune` in nacd.yaml"
    if "mab" in answers.access:
        yield f"  {folder / LIST}   the MACs of printers and the like"
    yield f"  the NAS gets this host as RADIUS server, ports 1812 and 1813, and the secret in {secret}"
    if answers.network == "192.0.2.1":
        yield f"  {folder / 'nacd.yaml'}   `network` is an example that is nobody's: write the address of the NAS"
    yield f"  nacd explain {config} {_question(answers)}"
    yield f"  nacd serve {config}        as a service: docs/install.md"


def _question(answers: Answers) -> str:
    if "dot1x" in answers.access:
        return f"--certificate laptop.pem --nas {answers.nas}"
    return f"--mac 00-00-5E-00-53-01 --nas {answers.nas}" + (" --access vpn" if answers.vpn else "")


def _lab(answers: Answers, folder: Path, config: str, secret: str) -> Iterator[str]:
    pki = folder / "pki"
    if answers.tenant:
        yield f"  nacd sim intune --folder {quote(str(pki))} --devices {quote(str(folder / LAB_DEVICES))}"
    yield f"  nacd serve --demo {config}"
    if "dot1x" in answers.access:
        yield (
            f"  nacd sim supplicant host/laptop --secret-file {secret} --ca {quote(str(pki / 'server-ca.pem'))}"
            f" --certificate {quote(str(pki / 'compliant.pem'))} --key {quote(str(pki / 'compliant.key'))}"
        )
    if "mab" in answers.access:
        yield f"  nacd sim nas mab --secret-file {secret}      refused, until its MAC is in {LIST}"
    if answers.vpn:
        uid = f" --device-uid ID:Intune:DeviceID:{COMPLIANT_GUID}" if answers.tenant else ""
        yield f"  nacd sim nas vpn --secret-file {secret}{uid}"
    yield "  each in a terminal of its own. Keys and certificates in pki/ are for trials: `nacd serve` wants --demo"
