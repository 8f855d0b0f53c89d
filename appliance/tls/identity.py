"""The box's certificate, the certificates that it trusts, and what TLS is made of (PS3.15 B.12 and B.13, BCP 195).

```
tls/own.pem        our key, our certificate and what stands between it and its CA; mode 0600
tls/trusted/*.pem  a file for each certificate that we trust: a peer's own, or a CA's
```
Who runs changes of these notices them by `state`.
"""

from __future__ import annotations

import os
import ssl
import threading
from pathlib import Path

from appliance.errors import NotFoundError, PacsboxError
from appliance.storage.durable import fsync_folder, make_folder
from appliance.tls import certificates
from appliance.tls.certificates import Certificate

_SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2, what RFC 9325 4.2 recommends: forward secrecy and authenticated encryption. Those of 1.3 all are."""

State = tuple[tuple[str, int, int], ...]


class Identity:
    """The certificates of one box, in a folder of their own."""

    def __init__(self, folder: Path, name: str) -> None:
        """`name` is what our own certificate says that we are."""
        self._own = folder / "own.pem"
        self._trusted = folder / "trusted"
        self._name = name

    def make(self) -> None:
        """Make our certificate, unless there is one."""
        if self._own.exists():
            return
        draft = self._draft(self._own, certificates.made(self._name))
        try:
            # A link fails where another process was first.
            os.link(draft, self._own)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        fsync_folder(self._own.parent)

    def renew(self) -> Certificate:
        """Make a new key and certificate of our own; peers that pinned the old one must be told."""
        self._write(self._own, certificates.made(self._name))
        return self.own()

    def own(self) -> Certificate:
        """Our certificate. Raises `NotFoundError` before there is one."""
        try:
            return certificates.read(self._own.read_bytes())[0]
        except FileNotFoundError as fault:
            raise NotFoundError(
                "The box has no certificate yet.", "It is made when the receiver starts, or by `pacsbox tls renew`."
            ) from fault

    def pem(self) -> bytes:
        """Our certificate as others import it, without the key."""
        return certificates.without_key(self._own.read_bytes())

    def replace(self, certificate: bytes, key: bytes) -> Certificate:
        """Use this PEM certificate, with its chain, and its key. Raises ValueError when they don't fit."""
        self._write(self._own, certificates.joined(certificate, key))
        return self.own()

    def trust(self, pem: bytes) -> Certificate:
        """Trust a certificate: a peer's own, or a CA's and so all that it has signed. Raises ValueError."""
        found = certificates.read(pem)[0]
        self._write(self._file(found.fingerprint), found.pem)
        return found

    def keep(self, fingerprint: str, certificate: bytes) -> None:
        """Trust the one with this fingerprint, of a peer that is pinned to it, unless we do.

        OpenSSL knows callers by whole certificates alone.
        """
        if not self.trusts(fingerprint):
            self.trust(certificate)

    def trusts(self, fingerprint: str) -> bool:
        """Whether the certificate with this fingerprint is among those that we trust."""
        return self._file(fingerprint).exists()

    def distrust(self, fingerprint: str) -> Certificate:
        """Trust it no more; the beginning of its fingerprint will do. Raises `NotFoundError`."""
        wanted = fingerprint.lower().replace(":", "")
        found = [each for each in self.trusted() if wanted and each.fingerprint.startswith(wanted)]
        if len(found) != 1:
            raise NotFoundError(f"There is no one trusted certificate {fingerprint!r}.", "See `pacsbox tls show`.")
        self._file(found[0].fingerprint).unlink()
        fsync_folder(self._trusted)
        return found[0]

    def trusted(self) -> list[Certificate]:
        """All that we trust."""
        return [certificates.read(path.read_bytes())[0] for path in sorted(self._trusted.glob("*.pem"))]

    def state(self) -> State:
        """Something that changes whenever any of it does."""
        found = []
        for path in (self._own, *sorted(self._trusted.glob("*.pem"))):
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((path.name, status.st_ino, status.st_mtime_ns))
        return tuple(found)

    def server(self, clients: str) -> ssl.SSLContext:
        """For who calls us: `anyone`, or only the `trusted`; or `browsers`, which are not asked for a certificate.

        Else all are asked for one, once there is anybody whom we trust, and one that is shown must be trusted.
        Raises `PacsboxError` when our own can't be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION
        anybody = self._equip(context)
        if clients == "trusted":
            context.verify_mode = ssl.CERT_REQUIRED
        elif anybody and clients != "browsers":
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def client(self, *, verified: bool) -> ssl.SSLContext:
        """For calling peers: judged by our trust if `verified`; else by whoever asks, once connected."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Peers are known by address; what they are is in their certificate being the one, or a trusted CA's.
        context.check_hostname = False
        self._equip(context)
        context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
        return context

    def _equip(self, context: ssl.SSLContext) -> bool:
        """What both sides have in common; whether there is anybody whom we trust."""
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_SUITES)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        try:
            context.load_cert_chain(self._own)
        except (OSError, ssl.SSLError) as fault:
            raise PacsboxError(
                f"The box's certificate {self._own} cannot be used: {fault.strerror or fault}.",
                "Make a new one with `pacsbox tls renew`.",
            ) from fault
        trusted = self.trusted()
        if trusted:
            context.load_verify_locations(cadata=b"".join(each.pem for each in trusted).decode("ascii"))
        return bool(trusted)

    def _file(self, fingerprint: str) -> Path:
        return self._trusted / f"{fingerprint[:32]}.pem"

    def _write(self, path: Path, content: bytes) -> None:
        self._draft(path, content).replace(path)
        fsync_folder(path.parent)

    def _draft(self, path: Path, content: bytes) -> Path:
        """`content` in a file beside `path`, which nobody else can read."""
        make_folder(path.parent)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return draft
