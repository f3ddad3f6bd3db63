"""Who reaches what: nobody without a key, and nobody more than needed."""

import json
import re
import urllib.error

import pytest

from local.airflow_api import Airflow, Answered
from local.commands import CannotGoOn
from tests.stack.standing import Standing, status, until

PARTS = (
    *("postgres", "store", "mlflow", "serving", "spark-master", "spark-worker", "engine"),
    *("api-server", "scheduler", "dag-processor", "triggerer"),
)
SECRET_FILES = (
    *(
        "database-airflow",
        "airflow-fernet",
        "airflow-jwt",
        "mlflow-jobs",
        "mlflow-serving",
        "store-root",
        "store-engine",
    ),
    *("engine-token", "cluster-secret", "airflow-admin", "mlflow-admin", "mlflow-session"),
)


def secrets_of(stack: Standing) -> list[str]:
    """The words themselves: what stands behind the last sign of a line."""
    return [re.split(r"[:= ]", stack.secret(name).rstrip("="))[-1] for name in SECRET_FILES]


def test_every_part_is_well_and_none_is_root_or_may_more_than_it_must(stack: Standing) -> None:
    assert stack.well()
    for part in PARTS:
        found = stack.inspect(part)
        host = found["HostConfig"]
        assert found["Config"]["User"].split(":")[0] not in ("", "0", "root"), part
        assert (host["Privileged"], host["ReadonlyRootfs"], host["CapDrop"]) == (False, True, ["ALL"]), part
        assert "no-new-privileges:true" in host["SecurityOpt"], part
        assert host["Memory"] > 0, part
        assert host["RestartPolicy"]["Name"] == "unless-stopped", part
        assert host["LogConfig"]["Config"]["max-size"], part
        assert not any("docker.sock" in mount["Source"] for mount in found["Mounts"]), part


def test_four_doors_are_open_to_this_machine_and_none_to_others(stack: Standing) -> None:
    bound = {
        (part, port["HostIp"], int(port["HostPort"]))
        for part in PARTS
        for ports in stack.inspect(part)["HostConfig"]["PortBindings"].values()
        for port in ports
    }
    expected = {"api-server": "AIRFLOW_PORT", "mlflow": "MLFLOW_PORT", "store": "STORE_PORT", "serving": "SERVE_PORT"}
    assert bound == {(part, "127.0.0.1", stack.stack.ports[name]) for part, name in expected.items()}


def test_no_secret_stands_in_a_listing_an_image_or_a_log(stack: Standing) -> None:
    words = secrets_of(stack)
    assert all(len(word) > 30 for word in words)
    told = [json.dumps(stack.inspect(part)) for part in PARTS]
    told += [stack.stack.compose("config"), stack.stack.compose("logs", "--no-color")]
    told += [
        stack.stack.docker("history", "--no-trunc", stack.stack.image(side)) for side in ("spark", "airflow", "store")
    ]
    told += [stack.inside(part, "cat", "/proc/1/cmdline").stdout for part in PARTS]
    assert [word for word in words for text in told if word in text] == []


def test_secret_files_are_their_owner_s_and_are_not_made_twice(stack: Standing) -> None:
    files = {file.name: file.stat() for file in stack.stack.secrets.iterdir()}
    assert {oct(stat.st_mode & 0o777) for stat in files.values()} == {"0o600"}
    assert {f"{stat.st_uid}:{stat.st_gid}" for stat in files.values()} == {stack.stack.owner}
    from containers.up import make_secrets

    make_secrets(stack.stack)
    assert {file.name: file.stat().st_mtime_ns for file in stack.stack.secrets.iterdir()} == {
        name: stat.st_mtime_ns for name, stat in files.items()
    }


def test_airflow_and_mlflow_want_a_login(stack: Standing) -> None:
    with pytest.raises((Answered, urllib.error.HTTPError)):
        Airflow(stack.airflow.url, "admin", "wrong").call("GET", "/dags")
    assert status(f"{stack.airflow.url}/api/v2/dags") == 401
    until(lambda: stack.airflow.knows("bike_sharing"), "Reading dags/bike_sharing.py")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        stack.mlflow("/api/2.0/mlflow/experiments/search?max_results=1", password="wrong")  # noqa: S106 - the point of it
    assert stack.mlflow("/api/2.0/mlflow/experiments/search?max_results=1")["experiments"]


BUCKETS = """
import boto3, sys
from botocore.exceptions import ClientError
store, may = boto3.client("s3"), []
for bucket in ("lake", "landing", "mlflow"):
    for does, call in {
        "reads": lambda: store.list_objects_v2(Bucket=bucket),
        "writes": lambda: store.put_object(Bucket=bucket, Key="tried", Body=b""),
    }.items():
        try:
            call()
            may.append(f"{does} {bucket}")
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied", error
print(", ".join(may))
"""


def test_each_key_opens_its_own_buckets_only(stack: Standing) -> None:
    def may(part: str) -> str:
        said = stack.inside(part, ".venv/spark/bin/python", "-c", BUCKETS)
        return said.stdout.strip() or said.stderr

    assert may("scheduler") == "reads landing, writes landing"  # where jobs run: no way into the lake but the engine
    assert may("engine") == "reads lake, writes lake, reads landing"
    assert may("mlflow") == "reads mlflow, writes mlflow"
    assert status(f"{stack.store}/lake/.engine") == 403


DATABASES = """
import psycopg2, sys
me, other = sys.argv[1:]
url = "host=postgres user={} dbname={} passfile=/run/secrets/database-{}"
psycopg2.connect(url.format(me, me, me))
for database in (other, "postgres"):
    try:
        psycopg2.connect(url.format(me, database, me))
    except psycopg2.OperationalError as error:
        print(str(error).splitlines()[0])
"""


@pytest.mark.parametrize(("part", "me", "other"), [("scheduler", "airflow", "mlflow"), ("mlflow", "mlflow", "airflow")])
def test_neither_reads_the_other_s_database(stack: Standing, part: str, me: str, other: str) -> None:
    said = stack.inside(part, ".venv/spark/bin/python", "-c", DATABASES, me, other)
    assert said.stdout.count("no pg_hba.conf entry") == 2, said.stderr


KNOCKS = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor
def knock(where):
    host, port = where.split(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            return where
    except OSError:
        return ""
with ThreadPoolExecutor(10) as hands:
    print(*filter(None, hands.map(knock, sys.argv[1:])))
"""
EVERY_DOOR = ("postgres:5432", "store:7070", "spark-master:7077", "mlflow:5000", "api-server:8080", "engine:15003")


@pytest.mark.parametrize(
    ("part", "reaches"),
    [
        ("spark-worker", {"store:7070", "spark-master:7077", "mlflow:5000", "engine:15003"}),
        ("spark-master", {"engine:15003"}),
        ("engine", {"store:7070", "spark-master:7077", "mlflow:5000", "api-server:8080"}),
        ("serving", {"mlflow:5000"}),
        ("triggerer", {"postgres:5432", "mlflow:5000", "api-server:8080", "engine:15003"}),
    ],
)
def test_only_who_needs_a_part_shares_a_network_with_it(stack: Standing, part: str, reaches: set[str]) -> None:
    """Port 15002 of the engine is nobody's but its own."""
    tried = [where for where in (*EVERY_DOOR, "engine:15002") if not where.startswith(part)]
    said = stack.inside(part, "python3", "-c", KNOCKS, *tried)
    assert set(said.stdout.split()) == reaches, said.stderr


def test_the_engine_wants_its_token_and_is_believed_by_its_certificate_only(stack: Standing) -> None:
    ask = (
        "import sys, tempfile, os; from pathlib import Path; from dataclasses import replace\n"
        "from spark_jobs.declare import Place; from spark_jobs.session import spark_session\n"
        "word = Path(tempfile.mkdtemp(), 'word'); word.touch(mode=0o600); word.write_text(sys.argv[1])\n"
        "place = Place(lake='s3://lake', landing='', tracking='', registry='', engine='sc://engine:15003', "
        "token=sys.argv[2] or str(word))\n"
        "try:\n"
        "    with spark_session(place, 'asks') as spark: print(spark.range(3).count())\n"
        "except Exception as error:\n"
        "    from spark_jobs.failures import explained, cause; print(explained(error, place) or cause(error))\n"
    )

    def asked(word: str, file: str, *environment: str) -> str:
        return stack.inside("scheduler", "env", *environment, ".venv/spark/bin/python", "-c", ask, word, file).stdout

    assert asked("", "/run/secrets/engine-token").strip() == "3"
    assert "the engine does not take this token" in asked("wrong", "")
    strangers = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=/etc/ssl/certs/ca-certificates.crt"
    assert asked("", "/run/secrets/engine-token", strangers).strip() not in ("", "3")


def test_a_second_engine_on_the_lake_is_refused_by_name(stack: Standing) -> None:
    """Also when it comes from elsewhere, with keys that open the lake."""
    command = [".venv/spark/bin/python", "-m", "engine", "--port=15002", "--token=/run/secrets/engine-token"]
    with pytest.raises(CannotGoOn, match=r"another engine, engine \(\w+\), already works on s3://lake"):
        stack.stack.compose(
            "run", "--rm", "--no-deps", "engine", *command, "--lake=s3://lake", "--folder=/scratch/second"
        )
