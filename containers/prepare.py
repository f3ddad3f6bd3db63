"""`python -m containers.prepare`: migrations, buckets and users, each made once; may be run at any time, and again."""

import subprocess
import sys

from containers.places import AIRFLOW, SPARK

STEPS = (
    (SPARK / "bin" / "python", "-m", "containers.prepare_store"),
    (SPARK / "bin" / "python", "-m", "containers.prepare_mlflow"),
    (AIRFLOW / "bin" / "airflow", "db", "migrate"),
    (AIRFLOW / "bin" / "python", "-m", "containers.prepare_airflow"),
)

if __name__ == "__main__":
    for step in STEPS:
        if status := subprocess.run([*map(str, step)], check=False).returncode:
            sys.exit(status)
