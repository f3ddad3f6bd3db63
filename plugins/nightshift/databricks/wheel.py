"""The code of jobs as a wheel whose name is its content: who has the same code knows the name, and nobody keeps it."""

import io
import re
import zipfile
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from nightshift.settings import CHECKOUT
from spark_jobs.declare import BadDeclaration

PACKAGE, ENTRY = "nightshift_jobs", "nightshift-job"
NIGHT, PROMOTE, TAKE = "nightshift-night", "nightshift-promote", "nightshift-take"
FUNCTIONS = {
    ENTRY: "spark_jobs.wheel:run",
    NIGHT: "spark_jobs.wheel:night",
    PROMOTE: "nightshift.databricks.promotion:promote",
    TAKE: "spark_jobs.wheel:take",
}
# Of Airflow's side an act that needs no Airflow, with what it stands on.
ACTS = ("__init__.py", "registry.py", "databricks/__init__.py", "databricks/promotion.py")
VERSION, SUFFIX = "0.1.0", "-py3-none-any.whl"
# What a job imports, or a service that it starts, and a runtime may lack or have otherwise. Spark and Delta are the
# runtime's own.
LIBRARIES = (
    *("fairlearn", "fg-data-profiling", "matplotlib", "mlflow", "optuna", "pandas", "scikit-learn", "xgboost-cpu"),
    *("httptools", "orjson", "prometheus-client", "sqlglot", "starlette", "uvicorn", "uvloop"),
)
CODE = ("spark_jobs", "serving")
LOCKED, PAPERS = "requirements.txt", (".md",)
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes


@dataclass(frozen=True)
class Wheel:
    """Made of a checkout."""

    checkout: Path = CHECKOUT

    @property
    def name(self) -> str:
        return f"{PACKAGE}-{self.version}{SUFFIX}"

    @property
    def code(self) -> str:
        """What its name says of its content."""
        return self.version.rpartition("+")[2]

    @cached_property  # all of the code is read for it
    def version(self) -> str:
        content = sha256()
        for path, text in self.files().items():
            content.update(f"{path}\0{len(text)}\0".encode() + text)
        content.update("\n".join(self.requirements()).encode())
        return f"{VERSION}+{content.hexdigest()[:12]}"

    def files(self) -> dict[str, bytes]:
        """Also what a use case has beside its code, but for papers and what machines leave."""
        plugins, code = self.checkout / "plugins", dict[Path, Path]()
        for root in (self.checkout / name for name in CODE):
            kept = (path for path in sorted(root.rglob("*")) if path.is_file())
            code |= {path: self.checkout for path in kept if not _is_left_out(path.relative_to(root))}
        acts = {path: plugins for name in ACTS if (path := plugins / "nightshift" / name).exists()}
        return {path.relative_to(root).as_posix(): path.read_bytes() for path, root in (code | acts).items()}

    def requirements(self) -> list[str]:
        """Pinned as the Spark side is locked."""
        locked = (self.checkout / "spark_jobs" / LOCKED).read_text(encoding="utf-8")
        pins = dict(re.findall(r"^([\w.-]+)==(\S+)", locked, re.MULTILINE))
        if missing := [name for name in LIBRARIES if name not in pins]:
            raise BadDeclaration(f"spark_jobs/requirements.txt does not pin {', '.join(missing)}: type `make lock`")
        return [f"{name}=={pins[name]}" for name in LIBRARIES]

    def built(self) -> bytes:
        version, written = self.version, io.BytesIO()
        info = f"{PACKAGE}-{version}.dist-info"
        files = self.files() | {
            f"{info}/METADATA": _lines(
                *("Metadata-Version: 2.1", f"Name: {PACKAGE}", f"Version: {version}", "Requires-Python: >=3.11"),
                *(f"Requires-Dist: {requirement}" for requirement in self.requirements()),
            ),
            f"{info}/WHEEL": _lines("Wheel-Version: 1.0", "Root-Is-Purelib: true", "Tag: py3-none-any"),
            f"{info}/entry_points.txt": _lines(
                "[console_scripts]", *(f"{name} = {function}" for name, function in FUNCTIONS.items())
            ),
        }
        record = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in files.items()]
        files[f"{info}/RECORD"] = _lines(*record, f"{info}/RECORD,,")
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, text in files.items():
                archive.writestr(zipfile.ZipInfo(path, LONG_AGO), text, zipfile.ZIP_DEFLATED)
        return written.getvalue()


def _is_left_out(path: Path) -> bool:
    return (
        path.suffix in PAPERS
        or path.name == LOCKED
        or any(part.startswith((".", "__pycache__")) for part in path.parts)
    )


def _digest(content: bytes) -> str:
    return urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()


def _lines(*lines: str) -> bytes:
    return ("\n".join(lines) + "\n").encode()
