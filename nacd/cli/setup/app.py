"""``nacd init``: names, options and help texts. The work is in ``run``, imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_FOLDER = Path("/etc/nacd")


def init(
    folder: Annotated[Path, typer.Argument(help="Where the files go.", file_okay=False)] = DEFAULT_FOLDER,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: what is not given has its default.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Rename files that are there (NAME.old) instead of refusing.")
    ] = False,
    lab: Annotated[
        bool, typer.Option("--lab", help="On loopback, with certificates to throw away and a simulated Intune.")
    ] = False,
    nas: Annotated[str, typer.Option(help="Name of the first NAS.")] = "",
    network: Annotated[str, typer.Option(help="Address or network of that NAS.")] = "",
    vendor: Annotated[str, typer.Option(help="Its vendor, as in [b]cisco-ios[/].")] = "",
    access: Annotated[str, typer.Option(help="How endpoints come: dot1x, mab, dot1x+mab or vpn.")] = "",
    corporate: Annotated[str, typer.Option(help="VLAN (or role, group policy ...) of healthy devices.")] = "",
    quarantine: Annotated[str, typer.Option(help="The same of devices that Intune finds at fault.")] = "",
    devices: Annotated[str, typer.Option(help="The same of printers and the like, by MAC.")] = "",
    certificate: Annotated[str, typer.Option(help="PEM file: certificate of this server.")] = "",
    private_key: Annotated[str, typer.Option(help="PEM file: its private key.")] = "",
    client_ca: Annotated[str, typer.Option(help="PEM file: CA of the device certificates.")] = "",
    tenant: Annotated[str, typer.Option(help="Intune tenant, by domain or id, or [b]none[/].")] = "",
    client_id: Annotated[str, typer.Option(help="Client id of its app registration.")] = "",
    credential: Annotated[str, typer.Option(help="certificate, secret or managed-identity.")] = "",
) -> None:
    """Write a first configuration: a few questions, each with a default that lets nobody in.

    nacd.yaml, policy.yaml with its cases, a list for MACs, and a new RADIUS secret with mode 0600; all
    of them or none, and never over what is there. Ends with what [b]nacd check[/] says, and what to do next.

    Exit code 0: written (and sound, or only what you must supply is missing); 1: written, and something else
    is wrong; 2: nothing was written; 130: stopped, nothing was written.
    """
    from nacd.cli.setup.run import Order, run

    options = {
        "nas": nas,
        "network": network,
        "vendor": vendor,
        "access": access,
        "corporate": corporate,
        "quarantine": quarantine,
        "devices": devices,
        "certificate": certificate,
        "private_key": private_key,
        "client_ca": client_ca,
        "tenant": tenant,
        "client_id": client_id,
        "credential": credential,
    }
    raise typer.Exit(run(Order(folder=folder, options=options, ask=not yes, aside=force, lab=lab)))
