"""`python -m engine --port= --token= --lake= --folder=`: becomes the Spark Connect server of this lake."""

import argparse
import ctypes
import os
import shutil
import signal
import sys
from pathlib import Path

import pyspark

from engine import settings
from engine.holding import hold_folder
from engine.settings import ARROW, JAVA, LOOPBACK, MEMORY
from spark_jobs import token
from spark_jobs.declare import BadRequest, NightshiftError, is_bucket

PR_SET_PDEATHSIG = 1  # the kernel's number for it
CHECKOUT = Path(__file__).resolve().parents[1]


def main(argv: list[str]) -> None:
    given = _parser().parse_args(argv)
    if given.with_starter:
        _end_with_starter()
    for one, other in (("door", "certificate"), ("master", "secret")):
        if (getattr(given, one) is None) != (getattr(given, other) is None):
            raise BadRequest(f"--{one}", f"goes with --{other}, and --{other} with --{one}")
    if not is_bucket(given.lake):
        hold_folder(Path(given.lake))
    folder = _emptied(given.folder.resolve())
    file = folder / "engine.conf"
    file.touch(mode=0o600)  # the token stands in it, and so in no argument list and no environment
    file.write_text("".join(f"{name} {value}\n" for name, value in _told(given, folder).items()), encoding="utf-8")
    os.chdir(folder)
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    serving = [str(CHECKOUT / "engine" / "serving.py"), f"--lake={given.lake}", f"--port={given.port}"]
    serving += [f"--door={given.door}", f"--certificate={given.certificate.resolve()}"] if given.door else []
    command = [str(submit), "--properties-file", str(file), *serving]
    os.execve(submit, command, _surroundings(folder, given.host))  # noqa: S606 - it takes our place, and our number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine", description="The Spark Connect server of one lake.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", type=Path, required=True, help="the file that holds it")
    parser.add_argument("--lake", required=True, help="a folder, or s3://bucket")
    parser.add_argument("--folder", type=Path, required=True, help="for its temporary files; emptied at each start")
    parser.add_argument("--cores", default="*")
    parser.add_argument("--memory", default=MEMORY)
    parser.add_argument("--with-starter", action="store_true", help="ends when the process that starts it does")
    parser.add_argument("--master", help="of a cluster, like spark://host:7077; without it, all is done here")
    parser.add_argument("--host", default=LOOPBACK, help="under which the cluster's workers reach the engine")
    parser.add_argument("--secret", type=Path, help="the file with the word that engine and cluster share")
    parser.add_argument("--worker-memory", default="1g", help="of one executor's Java; its Python comes on top")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any other setting of Spark")
    parser.add_argument("--door", type=int, help="a port on every address of this machine, for TLS only")
    parser.add_argument("--certificate", type=Path, help="of the door, with its private key")
    return parser


def _told(given: argparse.Namespace, folder: Path) -> dict[str, str]:
    told = settings.settings(
        port=given.port, token=token.read(given.token), folder=folder, cores=given.cores, memory=given.memory
    )
    if is_bucket(given.lake):
        told |= settings.of_buckets(os.environ)
    if given.master:
        told |= settings.of_cluster(given.master, given.host, token.read(given.secret), given.worker_memory)
    return told | dict(_setting(one) for one in given.set)


def _setting(words: str) -> tuple[str, str]:
    name, is_one, value = words.partition("=")
    if not is_one:
        raise BadRequest("--set", f"is like spark.network.crypto.enabled=true, got {words!r}")
    return name, value


def _end_with_starter() -> None:
    """Should that be killed; macOS knows nothing of the kind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _emptied(folder: Path) -> Path:
    """What an engine that was killed left lying about goes with the next start."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # a disk of its own stays where it is mounted
    return folder


def _surroundings(folder: Path, host: str) -> dict[str, str]:
    """Workers find our daemon here; the code of a function comes with it, and goes before what lies here."""
    own = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "HADOOP_CONF_DIR", "YARN_CONF_DIR", "KUBECONFIG")
    kept = {name: value for name, value in os.environ.items() if name in own or name.startswith("AWS_")}
    return kept | {
        "JAVA_HOME": str(JAVA),
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(CHECKOUT),
        "SPARK_LOCAL_IP": LOOPBACK if host == LOOPBACK else "0.0.0.0",  # noqa: S104 - workers reach it
        "TMPDIR": str(folder),
        "JE_ARROW_MALLOC_CONF": ARROW,
    }


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NightshiftError as error:
        sys.exit(str(error))
