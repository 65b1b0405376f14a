"""Certificates with one fault each, made at run time: none is checked in, none expires by itself."""

from __future__ import annotations

import datetime as dt
import ipaddress
import itertools
import ssl
import string
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable

    Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

HOST = "origin.test"
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)
#: The two algorithms' object identifiers as DER has them (RFC 8017, appendix C).
_SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")
_SHA1_WITH_RSA = bytes.fromhex("06092a864886f70d010105")


class Issued(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def elliptic_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def general_name(text: str | x509.GeneralName) -> x509.GeneralName:
    if isinstance(text, x509.GeneralName):
        return text
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def issue(
    *names: str | x509.GeneralName,
    by: Issued | None = None,
    common_name: str = "fluxhttp test",
    key: Key | None = None,
    is_authority: bool = False,
    valid: tuple[dt.datetime, dt.datetime] = (NOW - DAY, NOW + DAY),
    constraints: x509.NameConstraints | None = None,
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
) -> Issued:
    """A certificate for these names; ``by`` None signs it with its own key."""
    key = key or elliptic_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    issuer = Issued(None, key) if by is None else by  # type: ignore[arg-type]  # it is asked for its key alone
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(map(general_name, names)), critical=False)
    if is_authority:
        builder = builder.add_extension(_key_usage(), critical=True)
    else:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if constraints is not None:
        builder = builder.add_extension(constraints, critical=True)
    return Issued(builder.sign(issuer.key, hashes.SHA256()), key)


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def signed_with_sha1(issued: Issued, by: rsa.RSAPrivateKey) -> Issued:
    """The same certificate with a signature that ``cryptography`` does not make any more."""
    old = issued.certificate
    tbs = old.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    # Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature }, all as long as before.
    der = old.public_bytes(Encoding.DER).replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    signature = by.sign(tbs, padding.PKCS1v15(), hashes.SHA1())
    der = der[: -len(signature)] + signature
    return Issued(x509.load_der_x509_certificate(der), issued.key)


@cache
def root() -> Issued:
    """The one authority that clients of the matrix trust."""
    return issue(common_name="fluxhttp test root", is_authority=True)


@cache
def rsa_root() -> Issued:
    """Another one that they trust, with an RSA key."""
    return issue(common_name="fluxhttp test RSA root", key=rsa_key(2048), is_authority=True)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fluxhttp-certificates-")


def pem_file(*parts: bytes) -> str:
    """The path of a new file with these PEM texts."""
    folder = Path(_folder().name)
    path = folder / f"{len(list(folder.iterdir()))}.pem"
    path.write_bytes(b"".join(parts))
    return str(path)


@cache
def trusted_file() -> str:
    """What clients of the matrix are told to trust."""
    return pem_file(root().pem, rsa_root().pem)


def server_context(*chain: Issued) -> ssl.SSLContext:
    """The context of a server that shows this certificate, and those after it.

    Its security level is 0, so that it may show what clients are to refuse.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.load_cert_chain(pem_file(*(issued.pem for issued in chain), chain[0].key_pem))
    return context


def only(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    """The same context, with one version of TLS."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
        context.minimum_version = version
    return context


def short_names(count: int) -> Iterable[str]:
    """That many names of six characters, so that ten thousand fit into what OpenSSL takes for a chain."""
    letters = string.ascii_lowercase + string.digits
    return ("".join(name) + ".t" for name in itertools.islice(itertools.product(letters, repeat=3), count))
