"""`make bench` measures everything, BENCH="NAME ..." some of it; DATA=folder adds the published data."""

import os
from importlib import import_module
from pathlib import Path

from benchmarks.measured import tell
from nightshift.settings import QUIET
from spark_jobs.declare import BadRequest

OF_MAINTENANCE = ("maintenance_features", "maintenance_nights", "predictive_maintenance")
NAMES = (
    "dags",
    "start",
    "night",
    "days",
    "records",
    "memory",
    "fair",
    "scoring",
    "predict",
    "serving",
    "looking",
    "streams",
    "often",
    *OF_MAINTENANCE,
    "bike_sharing",
    "wine_quality",
    "census_income",
    "wine_search",
    "census_search",
)
ON_REQUEST = ("stack",)  # needs a stack that is up


def main(names: list[str], data: str) -> None:
    if unknown := sorted(set(names) - {*NAMES, *ON_REQUEST}):
        raise BadRequest("BENCH", f"are {', '.join((*NAMES, *ON_REQUEST))}; got {', '.join(unknown)}")
    if data and not (Path(data) / "hour.csv").is_file():
        raise BadRequest("DATA", f"{data} holds no hour.csv")
    os.environ.update(QUIET)
    os.environ["DATA"] = str(Path(data).resolve()) if data else ""
    for name in names or NAMES:
        import_module(f"benchmarks.{name}").main()
        tell()


if __name__ == "__main__":
    main(os.environ.get("BENCH", "").split(), os.environ.get("DATA", ""))
