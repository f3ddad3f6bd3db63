"""`make bench [DATA=folder]`: the figures measured so far; a folder with hour.csv adds those of the published data."""

import sys
from pathlib import Path

from benchmarks import bike_sharing, maintenance_features, predictive_maintenance, scoring
from spark_jobs.declare import BadRequest

if __name__ == "__main__":
    data = sys.argv[1] if sys.argv[1:] else ""
    if data and not (Path(data) / "hour.csv").is_file():
        raise BadRequest("DATA", f"{data} holds no hour.csv")
    scoring.main(scoring.ROWS)
    maintenance_features.main()
    predictive_maintenance.main(predictive_maintenance.SEEDS)
    if data:
        bike_sharing.main(Path(data))
