"""`pacsbox tls`: the box's certificate for DICOM, and those that it trusts."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from appliance.cli.context import Context, pass_context
from appliance.errors import NotFoundError
from appliance.peers.checking import checked_fingerprint
from appliance.peers.faults import PeerError
from appliance.tls.certificates import Certificate

_PINNED = "{} is known by this certificate alone from now on, and must call by TLS."
_File = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def tls() -> None:
    """Keep the certificates of DICOM over TLS."""


@tls.command()
@click.option("--pem", is_flag=True, help="Only our certificate, as others import it.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def show(context: Context, pem: bool, as_json: bool) -> None:
    """Show our certificate and those that we trust."""
    identity = context.box.identity
    if pem:
        identity.own()
        click.echo(identity.pem().decode(), nl=False)
        return
    own, trusted = _own(context), identity.trusted()
    if as_json:
        known = {"own": _row(own) if own else None, "trusted": [_row(each) for each in trusted]}
        click.echo(orjson.dumps(known, option=orjson.OPT_INDENT_2).decode())
        return
    click.echo("Ours:")
    click.echo(_told(own) if own else "  none yet: it is made when the receiver starts, or by `pacsbox tls renew`")
    pinned = {peer.fingerprint: peer.name for peer in context.box.peers.all() if peer.fingerprint}
    click.echo("Trusted:")
    for each in trusted:
        click.echo(_told(each, pinned.get(each.fingerprint, "")))
    if not trusted:
        click.echo("  none yet: pacsbox tls import FILE")


@tls.command()
@pass_context
def renew(context: Context) -> None:
    """Make a new key and certificate for the box; who has pinned the old one must import the new one."""
    context.box.identity.renew()
    click.echo("The box has a new certificate. Give it to those who pinned the old one: pacsbox tls show --pem")


@tls.command(name="import")
@click.argument("certificate", type=_File)
@click.option("--key", type=_File, help="Its key: the certificate is to be the box's own.")
@click.option("--peer", help="The peer whose certificate it is: it goes by no other from now on.")
@pass_context
def import_(context: Context, certificate: Path, key: Path | None, peer: str | None) -> None:
    """Trust a CERTIFICATE, a peer's or a CA's; or, with its key, use it as the box's own."""
    identity, content = context.box.identity, certificate.read_bytes()
    if key is not None:
        if peer:
            raise ValueError("a certificate with its key is the box's own, not a peer's")
        click.echo(_told(identity.replace(content, key.read_bytes())))
        return
    if peer:
        peer = context.box.peers.get(peer).name
    found = identity.trust(content)
    click.echo(_told(found))
    if peer:
        context.box.peers.change(peer, fingerprint=found.fingerprint)
        click.echo(_PINNED.format(peer))


@tls.command()
@click.argument("peer")
@click.option("--fingerprint", default="", help="SHA-256 as the peer's staff read it out; without it you are asked.")
@pass_context
def pin(context: Context, peer: str, fingerprint: str) -> None:
    """Call PEER by TLS, and know it from now on by the certificate that it shows there; exit status 1 if it is not."""
    known, wanted = context.box.peers.get(peer), checked_fingerprint(fingerprint)
    try:
        shown = context.box.certificate_of(known.name)
    except PeerError as fault:
        click.echo(str(fault), err=True)
        sys.exit(1)
    click.echo(_told(shown))
    if wanted and wanted != shown.fingerprint:
        click.echo(f"That is not the certificate with this fingerprint: {known.name} is not pinned to it.", err=True)
        sys.exit(1)
    if not wanted:
        click.confirm(f"Does {known.name} read out the same fingerprint?", abort=True)
    context.box.identity.trust(shown.pem)
    context.box.peers.change(known.name, fingerprint=shown.fingerprint)
    click.echo(_PINNED.format(known.name))


@tls.command()
@click.argument("fingerprint")
@pass_context
def distrust(context: Context, fingerprint: str) -> None:
    """Trust the certificate no more whose FINGERPRINT begins so."""
    click.echo(_told(context.box.identity.distrust(fingerprint)))


def _own(context: Context) -> Certificate | None:
    try:
        return context.box.identity.own()
    except NotFoundError:
        return None


def _told(certificate: Certificate, peer: str = "") -> str:
    over = "EXPIRED" if certificate.expired else "valid"
    lines = [
        f"  {certificate.subject}{' (CA)' if certificate.is_authority else ''}{f', {peer}' if peer else ''}",
        f"    {over} until {certificate.ends.astimezone():%Y-%m-%d}",
        f"    SHA-256 {certificate.shown}",
    ]
    return "\n".join(lines)


def _row(certificate: Certificate) -> dict[str, object]:
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "ends": certificate.ends,
        "fingerprint": certificate.fingerprint,
        "is_authority": certificate.is_authority,
    }
