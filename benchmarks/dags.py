"""How long Airflow needs to load every Dag, beyond importing Airflow itself: fresh processes, taking turns."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measured import alternated, asked, run, tell
from local.airflow_config import write
from local.home import Home
from local.places import AIRFLOW, CHECKOUT, python

TURNS = 7
IMPORTED = "import airflow.sdk, airflow.dag_processing.dagbag"
LOADED = f"""
{IMPORTED}
from pathlib import Path
import runpy
loaded = [runpy.run_path(str(file)) for file in Path("{CHECKOUT}/dags").glob("*.py")]
found = [value for file in loaded for value in file.values() if isinstance(value, airflow.sdk.DAG)]
if len(found) < 2:
    raise SystemExit(f"found {{found}}")
"""


def main() -> None:
    with TemporaryDirectory() as folder:
        home = Home(root=Path(folder))
        write(home)

        def seconds(script: str) -> float:
            return run([str(python(AIRFLOW)), "-c", script], home.settings() | {"PYTHONPATH": PATHS}).seconds

        seconds(LOADED)  # byte code of our own is written once
        found = alternated({"airflow": lambda: seconds(IMPORTED), "dags": lambda: seconds(LOADED)}, TURNS)
    tell(f"loading all Dags: {found['dags']:.2f} s, importing Airflow alone {found['airflow']:.2f} s")
    asked("seconds over importing Airflow", found["dags"] - found["airflow"], at_most=0.3)


PATHS = f"{CHECKOUT}:{CHECKOUT}/plugins"

if __name__ == "__main__":
    main()
