"""X.509 certificates: making our own, and reading what people bring (RFC 5280)."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_YEARS = 10
"""Nobody comes to renew it: who pinned it trusts this one certificate, not a date."""
_KEY_BITS = 3072
"""RSA, since older modalities know nothing else; PS3.15 B.13 asks for 2048 at least."""
_LEAST_BITS = 2048


@dataclass(frozen=True)
class Certificate:
    """What people want to know of one."""

    subject: str
    issuer: str
    begins: datetime
    ends: datetime
    fingerprint: str
    """SHA-256, hex."""
    is_authority: bool
    pem: bytes

    @property
    def shown(self) -> str:
        """The fingerprint as programs show it."""
        text = self.fingerprint.upper()
        return ":".join(text[at : at + 2] for at in range(0, len(text), 2))

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.ends <= datetime.now(UTC)


def made(name: str) -> bytes:
    """A new key and a certificate signed with it, for `name` on this machine; PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A clock that is a little behind must not refuse it.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(socket.gethostname())]), critical=False)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return secret + certificate.public_bytes(Encoding.PEM)


def read(pem: bytes) -> list[Certificate]:
    """The certificates of a PEM or DER file, in their order. Raises ValueError when there is none."""
    return [_described(each) for each in _parsed(pem)]


def without_key(pem: bytes) -> bytes:
    """The certificates alone."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in _parsed(pem))


def joined(certificate: bytes, key: bytes) -> bytes:
    """A key with its certificate and chain, as servers load it. Raises ValueError when they don't fit."""
    chain = _parsed(certificate)
    try:
        secret = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError) as fault:
        raise ValueError(f"the key must be PEM and without a passphrase: {fault}") from fault
    if _public(secret.public_key()) != _public(chain[0].public_key()):
        raise ValueError("the key is not the one of the certificate; its own certificate must come first in the file")
    if isinstance(secret, rsa.RSAPrivateKey) and secret.key_size < _LEAST_BITS:
        raise ValueError(f"the key has {secret.key_size} bits; PS3.15 B.13 asks for {_LEAST_BITS} at least")
    pem = secret.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem + b"".join(each.public_bytes(Encoding.PEM) for each in chain)


def _parsed(content: bytes) -> list[x509.Certificate]:
    try:
        if b"-----BEGIN" in content:
            return x509.load_pem_x509_certificates(content)
        return [x509.load_der_x509_certificate(content)]
    except ValueError as fault:
        raise ValueError(f"this is no certificate (PEM or DER): {fault}") from fault


def _described(certificate: x509.Certificate) -> Certificate:
    return Certificate(
        certificate.subject.rfc4514_string(),
        certificate.issuer.rfc4514_string(),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
        _is_authority(certificate),
        certificate.public_bytes(Encoding.PEM),
    )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _public(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]
