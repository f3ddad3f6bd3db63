"""What Airflow is told of the fake workspace."""

import json
from pathlib import Path

CATALOG, SCHEMA = "spark_catalog", "bikes"
CLUSTER = {
    "spark_version": "16.4.x-cpu-ml-scala2.12",
    "node_type_id": "m5.large",
    "num_workers": 0,
    "data_security_mode": "SINGLE_USER",
}
TOKEN = "dapi-of-airflow"  # noqa: S105 - of the fake only


def told(address: str, volume: Path) -> dict[str, str]:
    host, _, port = address.removeprefix("http://").partition(":")
    connection = {"conn_type": "databricks", "host": host, "port": int(port), "schema": "http", "password": TOKEN}
    return {
        "SPARK_TARGET": "databricks",
        "NIGHTSHIFT_CATALOG": CATALOG,
        "NIGHTSHIFT_SCHEMA": SCHEMA,
        "NIGHTSHIFT_VOLUME": str(volume),
        "NIGHTSHIFT_COMPUTE": json.dumps(CLUSTER),
        "AIRFLOW_CONN_DATABRICKS_DEFAULT": json.dumps(connection),
        "NIGHTSHIFT_SIMULATION": "predictive_maintenance.machines=10",
        "NO_PROXY": "127.0.0.1,localhost",
    }
