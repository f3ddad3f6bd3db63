"""What a service is told, by names of the environment; each limit has a clear answer to who goes beyond it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spark_jobs import use_cases
from spark_jobs.declare import BadRequest

LOOPBACK = ("127.0.0.1", "::1", "localhost")
YES = "yes"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of what one request may ask for, and of how many may ask at once."""

    body: int = 16_000_000  # bytes: 413
    rows: int = 10_000  # of a request: 413
    columns: int = 500  # of a row: 413
    text: int = 10_000  # characters of one value: 413
    seconds: int = 10  # until a request is there, and until it is answered: 408, 503
    waiting: int = 64  # requests that are being answered: 503
    each: int = 32  # of these, of one client: 429
    threads: int = 2  # that ask models


@dataclass(frozen=True, kw_only=True)
class Settings:
    models: tuple[str, ...]
    version: str = ""  # of the one model, instead of its champion
    early: bool = False  # begins before there is a champion or a key, and waits for both
    registry: str = ""  # where MLflow answers; empty: what is kept here alone
    lake: str = ""  # a catalog that models are registered in
    kept: Path
    keys: Path
    anybody: bool = False  # asks without a key
    host: str = "127.0.0.1"
    port: int = 8200
    every: int = 3  # seconds between two looks at the registry
    watch: float = 0.0  # share of the requests that are written to landing, with their answers
    landing: str = ""
    certificate: str = ""  # TLS, with its key
    certificate_key: str = ""
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def of(cls, told: Mapping[str, str]) -> "Settings":
        early = told.get("SERVE_EARLY", "")
        if early not in ("", YES):
            raise BadRequest("SERVE_EARLY", f"is {YES!r}, and then it waits for champions and keys; got {early!r}")
        models = tuple(told.get("MODEL", "").replace(",", " ").split()) or (_declared() if early else ())
        if not models:
            raise BadRequest("MODEL", "is missing. Like this: make serve MODEL=census_income")
        home = Path(told.get("NIGHTSHIFT_HOME") or ".nightshift").expanduser().resolve() / "serving"
        version = told.get("VERSION", "")
        if version and (len(models) > 1 or not (version.isascii() and version.isdigit())):
            raise BadRequest("VERSION", f"is the number of a version of one model, got {version!r} of {models}")
        anybody = told.get("ANYBODY", "")
        if anybody not in ("", YES):
            raise BadRequest("ANYBODY", f"is {YES!r}, and then whoever reaches the port may ask; got {anybody!r}")
        limits = Limits(**{name: _number(told, f"SERVE_{name.upper()}", usual) for name, usual in _limits().items()})
        return cls(
            models=models,
            version=version,
            early=early == YES,
            registry=told.get("SERVE_REGISTRY", ""),
            lake=told.get("SERVE_CATALOG", ""),
            kept=Path(told.get("SERVE_KEPT") or home / "kept"),
            keys=Path(told.get("SERVE_KEYS") or home / "keys"),
            anybody=anybody == YES,
            host=told.get("SERVE_HOST") or "127.0.0.1",
            port=_number(told, "SERVE_PORT", 8200, most=65535),
            every=_number(told, "SERVE_EVERY", 3),
            watch=_share(told, "SERVE_WATCH"),
            landing=told.get("SERVE_LANDING") or str(home.parent / "landing"),
            certificate=told.get("SERVE_CERTIFICATE", ""),
            certificate_key=told.get("SERVE_CERTIFICATE_KEY", ""),
            limits=limits,
        )


def _declared() -> tuple[str, ...]:
    """What is asked before it is promoted."""
    return tuple(name for name in use_cases.models() if use_cases.learning(name).serving is not None)


def _limits() -> dict[str, Any]:
    return dict(vars(Limits()))


def _share(told: Mapping[str, str], name: str) -> float:
    given = told.get(name) or "0"
    try:
        found = float(given)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise BadRequest(name, f"is a share of the requests, from 0 to 1, got {given!r}")
    return found


def _number(told: Mapping[str, str], name: str, usual: int, most: int = 2**31) -> int:
    given = told.get(name) or str(usual)
    if not (given.isascii() and given.isdigit()) or not 1 <= int(given) <= most:
        raise BadRequest(name, f"is a whole number from 1 to {most}, got {given!r}")
    return int(given)
