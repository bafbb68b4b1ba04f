"""``nacd sim ...``: the doubles, for trying things out. They import nothing of nacd."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, get_args

import typer

app = typer.Typer(
    help="Simulated Intune, NAS, supplicant and PKI, to try nacd without any of them.", no_args_is_help=True
)

Server = Annotated[str, typer.Option(help="Address of the RADIUS server.")]
Port = Annotated[int, typer.Option(help="Its UDP port for Access-Requests.")]
AccountingPort = Annotated[int, typer.Option(help="Its UDP port for accounting.")]
SecretFile = Annotated[Path, typer.Option(help="File with the shared secret.", exists=True, dir_okay=False)]
Source = Annotated[str, typer.Option(help="Local address to send from: it decides which NAS this is.")]
Mac = Annotated[str, typer.Option(help="The endpoint's MAC address.")]
Ssid = Annotated[str, typer.Option(help="SSID, for a Wi-Fi login.")]


def _secret(file: Path) -> bytes:
    return file.read_bytes().rstrip(b"\r\n")


@app.command()
def pki(folder: Annotated[Path, typer.Argument(help="A new folder for keys and certificates.")]) -> None:
    """Write a PKI: server, devices, users, and a simulated Microsoft. For trials only."""
    from nacd.sim.commands import run_pki

    raise typer.Exit(run_pki(folder))


@app.command()
def intune(
    folder: Annotated[Path | None, typer.Option(help="A PKI made by [b]nacd sim pki[/]; default: a new one.")] = None,
    port: Annotated[int, typer.Option(help="HTTPS port of login, Graph and Intune.")] = 8443,
    management_port: Annotated[int, typer.Option(help="HTTP port that takes orders (JSON).")] = 8444,
    second_port: Annotated[int, typer.Option(help="HTTPS port that Intune can move to.")] = 8445,
    devices: Annotated[Path | None, typer.Option(help="JSON list of devices to begin with.", exists=True)] = None,
    tenant: Annotated[str, typer.Option(help="Domain of the tenant it plays.")] = "contoso.onmicrosoft.com",
    host: Annotated[str, typer.Option(help="Address to bind.")] = "127.0.0.1",
    force: Annotated[bool, typer.Option("--force", help="Allow an address that is not loopback.")] = False,
) -> None:
    """Run a simulated Microsoft: login, Graph discovery and Intune's compliance service.

    Its management door sets devices and faults: GET / there lists them.
    """
    from nacd.sim.commands import run_intune

    raise typer.Exit(
        run_intune(
            folder=folder,
            port=port,
            management_port=management_port,
            second_port=second_port,
            devices=devices,
            tenant=tenant,
            host=host,
            force=force,
        )
    )


@app.command()
def nas(
    question: Annotated[str, typer.Argument(help="mab, vpn, accounting or status.")],
    secret_file: SecretFile,
    server: Server = "127.0.0.1",
    port: Port = 1812,
    accounting_port: AccountingPort = 1813,
    source: Source = "",
    mac: Mac = "02-00-5E-10-00-02",
    user: Annotated[str, typer.Option(help="User name of a VPN login.")] = "alice",
    device_uid: Annotated[str, typer.Option(help="AnyConnect device id, as in ID:Intune:DeviceID:GUID.")] = "",
    ssid: Ssid = "",
) -> None:
    """Ask one question as a NAS would, and print what comes back."""
    from nacd.sim.commands import Question, Target, run_nas

    if question not in get_args(Question):
        print(f"`{question}` is no question; there are: {', '.join(get_args(Question))}", file=sys.stderr)
        raise typer.Exit(2)
    target = Target(
        server=server, secret=_secret(secret_file), port=port, accounting_port=accounting_port, source=source
    )
    chosen: Question = question  # type: ignore[assignment]
    raise typer.Exit(run_nas(target, chosen, mac=mac, user=user, device_uid=device_uid, ssid=ssid))


@app.command()
def supplicant(
    identity: Annotated[str, typer.Argument(help="EAP identity, as in host/laptop.")],
    secret_file: SecretFile,
    ca: Annotated[Path, typer.Option(help="PEM root of the RADIUS server's certificate.", exists=True)],
    certificate: Annotated[Path | None, typer.Option(help="PEM chain of the client, leaf first.", exists=True)] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key.", exists=True)] = None,
    server: Server = "127.0.0.1",
    port: Port = 1812,
    source: Source = "",
    server_name: Annotated[str, typer.Option(help="Name the server's certificate must have.")] = "",
    mac: Mac = "02-00-5E-10-00-01",
    tls: Annotated[str, typer.Option(help="1.2, 1.3 or any.")] = "any",
    ssid: Ssid = "",
) -> None:
    """Log in once by EAP-TLS through a simulated NAS, and print what comes back."""
    from nacd.sim.commands import Target, run_supplicant
    from nacd.sim.supplicant import TlsChoice

    if tls not in get_args(TlsChoice):
        print(f"--tls is one of {', '.join(get_args(TlsChoice))}", file=sys.stderr)
        raise typer.Exit(2)
    version: TlsChoice = tls  # type: ignore[assignment]
    raise typer.Exit(
        run_supplicant(
            Target(server=server, secret=_secret(secret_file), port=port, source=source),
            identity=identity,
            certificate=certificate,
            key=key,
            ca=ca,
            server_name=server_name,
            mac=mac,
            tls=version,
            ssid=ssid,
        )
    )
