"""Where things are in the checkout."""

import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = (CHECKOUT / ".venv").resolve()  # several checkouts may share them by a link
AIRFLOW = ENVIRONMENTS / "airflow"
SPARK = ENVIRONMENTS / "spark"
TOOLS = ENVIRONMENTS / "tools"

INSTALLED = SPARK / "share" / "nightshift"  # as the engine looks for it
JARS = INSTALLED / "jars"
JAVA = INSTALLED / "java"


def python(environment: Path) -> Path:
    return environment / "bin" / "python"


def site_packages(environment: Path) -> Path:
    return environment / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


def uv() -> str:
    """The person's own, or the one we installed."""
    private = TOOLS / "bin" / "uv"
    return str(private) if private.exists() else "uv"
