"""An authority of our own, and the certificate it gives to a workspace on loopback."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Authority:
    known: Path  # what clients are told of it
    certificate: Path  # with its key: of the server


def authority(folder: Path) -> Authority:
    of_all, of_one = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    may_sign = x509.BasicConstraints(ca=True, path_length=0)
    named = x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))])
    above = _signed("An authority of a test", of_all, by=of_all, says=may_sign)
    below = _signed(LOOPBACK, of_one, by=of_all, says=named)
    key = of_one.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made = Authority(known=folder / "authority.pem", certificate=folder / "certificate.pem")
    made.known.write_bytes(above.public_bytes(Encoding.PEM))
    made.certificate.write_bytes(key + below.public_bytes(Encoding.PEM))
    return made


def _signed(
    name: str, key: EllipticCurvePrivateKey, *, by: EllipticCurvePrivateKey, says: x509.ExtensionType
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=_called("An authority of a test"),
        subject_name=_called(name),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - DAY,
        not_valid_after=now + DAY,
    )
    keys = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key())
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    for extension, critical in ((says, isinstance(says, x509.BasicConstraints)), (keys, False), (own, False)):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(by, SHA256())


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
