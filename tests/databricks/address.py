"""What Airflow is told of the fake workspace."""

import json
from pathlib import Path
from urllib.parse import urlsplit

CATALOG, SCHEMA = "spark_catalog", "bikes"
CLUSTER = {
    "spark_version": "17.3.x-cpu-ml-scala2.13",
    "node_type_id": "m5.large",
    "num_workers": 0,
    "data_security_mode": "SINGLE_USER",
    "spark_conf": {"spark.databricks.cluster.profile": "singleNode", "spark.master": "local[*]"},
    "custom_tags": {"ResourceClass": "SingleNode"},
}
TOKEN = "dapi-of-airflow"  # noqa: S105 - of the fake only


def connection(address: str, password: str, login: str = "") -> str:
    """Airflow's, by a token, or by id and secret of a service principal."""
    at = urlsplit(address if "//" in address else f"https://{address}")
    where = {"host": at.hostname, "port": at.port, "schema": at.scheme}
    who = {"login": login, "extra": {"service_principal_oauth": True}} if login else {}
    return json.dumps({"conn_type": "databricks", **where, "password": password, **who})


def told(address: str, volume: Path) -> dict[str, str]:
    return {
        "SPARK_TARGET": "databricks",
        "NIGHTSHIFT_CATALOG": CATALOG,
        "NIGHTSHIFT_SCHEMA": SCHEMA,
        "NIGHTSHIFT_VOLUME": str(volume),
        "NIGHTSHIFT_COMPUTE": json.dumps(CLUSTER),
        "AIRFLOW_CONN_DATABRICKS_DEFAULT": connection(address, TOKEN),
        "NIGHTSHIFT_SIMULATION": "predictive_maintenance.machines=10",
        "NO_PROXY": "127.0.0.1,localhost",
    }
