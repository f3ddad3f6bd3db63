"""`python -m containers.start SERVICE`: what a service needs before its program takes the place of this one."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from containers.places import DATABASES, PACKAGES, POSTGRES, SPARK, secret, url

MASTER = "spark://spark-master:7077"
QUIET = {"spark.ui.killEnabled": "false", "spark.master.rest.enabled": "false"}

# A server's, for two programs: each reaches its own database, with a password, and nothing else.
ACCESS = "host sameuser all all scram-sha-256\n"
SETTINGS = {
    "listen_addresses": "*",
    "unix_socket_directories": "/tmp",  # noqa: S108 - the container's own
    "max_connections": "200",
    "shared_buffers": "128MB",
    "io_method": "sync",
    "password_encryption": "scram-sha-256",
}


def postgres() -> list[str]:
    """There is no all-mighty role that could log in: this start is the only one who makes roles."""
    data = Path("/data/postgres")
    if not data.exists():  # under another name first: a start that was killed must not leave half of it
        draft = data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        _say([POSTGRES / "initdb", "--username=owner", "--no-locale", "--encoding=UTF8", "--auth=reject", "-D", draft])
        draft.rename(data)
    (data / "postmaster.pid").unlink(missing_ok=True)  # of a container that is gone
    roles, databases = (
        _alone(data, f"SELECT {one}name FROM pg_{two}") for one, two in (("rol", "roles"), ("dat", "database"))
    )
    for name in DATABASES:
        _alone(data, *_role(name, has_role=f'"{name}"' in roles, has_database=f'"{name}"' in databases))
    (data / "pg_hba.conf").write_text(ACCESS, encoding="utf-8")
    told = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    return [str(POSTGRES / "postgres"), "-D", str(data), *told]


def _role(name: str, *, has_role: bool, has_database: bool) -> list[str]:
    """The password is set at each start: a new secret needs no more than that."""
    password = secret(f"database-{name}").rpartition(":")[2]
    role = f"{'ALTER' if has_role else 'CREATE'} ROLE {name} LOGIN PASSWORD '{password}'"
    made = [f"CREATE DATABASE {name} OWNER {name}", f"REVOKE ALL ON DATABASE {name} FROM PUBLIC"]
    return [role, *([] if has_database else made)]


def _alone(data: Path, *statements: str) -> str:
    """By the server's single-user mode. What fails is not repeated in words: a password stands in it."""
    run = [POSTGRES / "postgres", "--single", "-c", "log_min_error_statement=panic", "-D", data, "postgres"]
    return _say(run, "\n".join(statements) + "\n")


def mlflow() -> list[str]:
    os.environ["MLFLOW_FLASK_SERVER_SECRET_KEY"] = secret("mlflow-session")
    seen = os.environ["MLFLOW_BASE_URL"]
    port = os.environ["MLFLOW_PORT"]
    own = ("mlflow:5000", "127.0.0.1:5000", f"127.0.0.1:{port}", f"localhost:{port}", urlsplit(seen).netloc)
    return [
        *(str(SPARK / "bin" / "mlflow"), "server", "--app-name", "basic-auth", "--host", "0.0.0.0", "--port", "5000"),  # noqa: S104 - inside a container
        *("--workers", "1", "--allowed-hosts", ",".join(own), "--cors-allowed-origins", seen),
        *("--backend-store-uri", url("mlflow"), "--artifacts-destination", "s3://mlflow"),
    ]


def master() -> list[str]:
    return _spark("master.Master", "--host", "spark-master", "--port", "7077", "--webui-port", "8080")


def worker() -> list[str]:
    memory = os.environ["WORKER_MEMORY"]
    os.environ["SPARK_WORKER_DIR"] = os.environ["SPARK_LOCAL_DIRS"] = os.environ["TMPDIR"] = "/scratch"
    os.environ["SPARK_WORKER_OPTS"] = "-Dspark.worker.cleanup.enabled=true"  # of engines that are gone for a week
    given = ["--cores", "1", "--memory", memory, "--webui-port", "8081"]
    return _spark("worker.Worker", "--host", _address(), *given, MASTER)


def _address() -> str:
    """Ours in the cluster's network. A name would stand for one in each network, and executors listen on one only."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # nothing is sent
        probe.connect(("spark-master", 7077))
        address: str = probe.getsockname()[0]
        return address


def _spark(program: str, *given: str) -> list[str]:
    """The word that cluster and engine share stands in a file of this container's memory."""
    home = SPARK / PACKAGES / "pyspark"
    file = Path("/tmp/spark.conf")  # noqa: S108 - the container's own
    file.touch(mode=0o600)
    told = QUIET | {"spark.authenticate": "true", "spark.authenticate.secret": secret("cluster-secret")}
    file.write_text("".join(f"{name} {value}\n" for name, value in told.items()), encoding="utf-8")
    os.environ |= {
        "SPARK_HOME": str(home),
        "JAVA_HOME": str(SPARK / "share" / "nightshift" / "java"),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC",
        "SPARK_NO_DAEMONIZE": "1",
        "PYSPARK_PYTHON": str(SPARK / "bin" / "python"),
    }
    return [
        str(home / "bin" / "spark-class"),
        f"org.apache.spark.deploy.{program}",
        "--properties-file",
        str(file),
        *given,
    ]


def _say(command: Sequence[object], words: str = "") -> str:
    done = subprocess.run([*map(str, command)], input=words, capture_output=True, text=True, check=False)
    if done.returncode or "ERROR" in done.stderr:
        sys.exit(f"{command[0]} failed: {done.stderr[-2000:]}")
    return done.stdout


STARTS = {"postgres": postgres, "mlflow": mlflow, "master": master, "worker": worker}

if __name__ == "__main__":
    command = STARTS[sys.argv[1]]()
    os.execv(command[0], command)  # noqa: S606 - signals reach the program itself
