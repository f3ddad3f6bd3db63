"""`python -m containers.secrets FOLDER [NAME ...]`: each secret once, readable by its owner only; those named anew."""

import base64
import os
import secrets
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

YEARS = timedelta(days=3650)


def word() -> str:
    return secrets.token_urlsafe(32)


def passfile(database: str) -> Callable[[], str]:
    return lambda: f"*:*:{database}:{database}:{word()}\n"


def keys(name: str) -> Callable[[], str]:
    return lambda: f"[default]\naws_access_key_id = {name}\naws_secret_access_key = {word()}\n"


def credentials(user: str) -> Callable[[], str]:
    return lambda: f"[mlflow]\nmlflow_tracking_username = {user}\nmlflow_tracking_password = {word()}\n"


def fernet() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


MADE: dict[str, Callable[[], str]] = {
    "database-airflow": passfile("airflow"),
    "database-mlflow": passfile("mlflow"),
    "airflow-fernet": fernet,
    "airflow-session": word,
    "airflow-jwt": word,
    "airflow-admin": word,
    "mlflow-session": word,
    "mlflow-admin": word,
    "mlflow-jobs": credentials("nightshift"),
    "mlflow-serving": credentials("serving"),
    "store-root": keys("root"),
    "store-engine": keys("engine"),
    "store-jobs": keys("jobs"),
    "store-mlflow": keys("mlflow"),
    "store-reader": keys("reader"),
    "engine-token": word,
    "cluster-secret": word,
}
CERTIFICATE, AUTHORITY = "engine-certificate", "engine-authority"
FIRST_PASSWORDS = ("airflow-admin", "mlflow-admin")  # people change these themselves
FIXED = ("airflow-fernet",)  # what is kept in the database was encrypted with it
ROTATED = (*(name for name in MADE if name not in (*FIRST_PASSWORDS, *FIXED)), CERTIFICATE)


def main(folder: Path, anew: list[str]) -> None:
    for name, make in MADE.items():
        if name in anew or not (folder / name).exists():
            write(folder / name, make())
    if CERTIFICATE in anew or not (folder / AUTHORITY).exists():
        certificate, public = pair("engine")
        write(folder / CERTIFICATE, certificate)  # first: the other one says that both are there
        write(folder / AUTHORITY, public)


def write(file: Path, text: str) -> None:
    """Nobody else can read it at any moment, and nobody ever finds half of it."""
    draft = file.with_name(f".{file.name}")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)


def pair(host: str) -> tuple[str, str]:
    """A certificate with its key, and the certificate alone: it vouches for itself, to those who have it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(tz=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + YEARS)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    public = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode() + public, public


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
