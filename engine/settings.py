"""What the server is started with: Spark's settings for all jobs. A job sets only how its own queries run."""

import sys
from collections.abc import Mapping
from pathlib import Path

from spark_jobs.declare import BadRequest

INSTALLED = Path(sys.prefix) / "share" / "nightshift"
JARS = INSTALLED / "jars"
JAVA = INSTALLED / "java"
FAIR = Path(__file__).parent / "fair.xml"

LOOPBACK = "127.0.0.1"
# Workers are forked, and a fork beside a second thread may hang: Arrow's allocator would start one.
ARROW = "background_thread:false"
LEAST = 1000  # megabytes
MEMORY = "2g"  # of Java; Python's workers come on top, as many as there are cores

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",  # a tenth faster through Python than 10,000
    # Of longer methods Java compiles none, so rows went through them interpreted; beyond it Spark writes several.
    "spark.sql.codegen.hugeMethodLimit": "8000",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.scheduler.mode": "FAIR",  # a short night beside a long training gets its turn
    "spark.scheduler.allocation.file": FAIR.as_uri(),
    "spark.ui.enabled": "false",
    "spark.log.level": "WARN",
    "spark.driver.host": LOOPBACK,
    "spark.driver.bindAddress": LOOPBACK,
}

# Work is on a lease that its client renews: every second the stream of answers ends, and a living client takes it up
# again. Where nobody does, because the client was killed or hangs, the engine ends the work by itself.
LEASE = {
    "spark.connect.execute.reattachable.senderMaxStreamDuration": "1s",
    "spark.connect.execute.manager.detachedTimeout": "60s",  # then forgotten; engine/ending.py has ended it before
    "spark.python.task.killTimeout": "500ms",
    "spark.sql.streaming.stopTimeout": "2s",  # engine/ending.py tells a stream again
    # The session of a job that was killed, with all it had cached; jobs that live are heard from more often.
    "spark.connect.session.manager.defaultSessionTimeout": "5m",
}

JAVA_OPTIONS = (
    "-XX:+UseSerialGC",
    # A heap that is full makes everything fail slowly and by turns: rather end, and be started again.
    "-XX:+ExitOnOutOfMemoryError",
    "-Dderby.system.home=/nonexistent",
    # Half of a young engine's processor time goes into compiling, most of that for the second time: a night needs much
    # of Spark, and little of it often. So only what ran 25 times as often as Java's own choice is compiled again.
    "-XX:Tier4InvocationThreshold=125000",
    "-XX:Tier4MinInvocationThreshold=15000",
    "-XX:Tier4CompileThreshold=375000",
    "-XX:Tier4BackEdgeThreshold=1000000",
    "-XX:ReservedCodeCacheSize=512m",
)


def settings(*, port: int, token: str, folder: Path, cores: str, memory: str) -> dict[str, str]:
    own = {
        "spark.master": f"local[{cores}]",
        "spark.driver.memory": memory,
        # A query that would fill the engine with its answer fails alone.
        "spark.driver.maxResultSize": f"{megabytes(memory) // 4}m",
        "spark.driver.extraClassPath": ":".join(map(str, sorted(JARS.glob("*.jar")))),
        "spark.driver.extraJavaOptions": " ".join((*JAVA_OPTIONS, f"-Djava.io.tmpdir={folder}")),
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.python.daemon.module": "engine.workers",
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": LOOPBACK,
        "spark.connect.grpc.binding.port": str(port),
        "spark.connect.authenticate.token": token,
    }
    return SETTINGS | LEASE | own


def of_buckets(environment: Mapping[str, str]) -> dict[str, str]:
    """A lake in a bucket. Who may, and where it is, is told as to every program for S3."""
    s3a = {
        # As such programs look for keys; a file of them is better than the environment.
        "aws.credentials.provider": "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
        "endpoint": environment.get("AWS_ENDPOINT_URL", ""),
        "endpoint.region": environment.get("AWS_REGION", ""),
        "path.style.access": "true" if "AWS_ENDPOINT_URL" in environment else "",
        # What the store cannot do (its disk is full) is asked five times within seconds, not for many minutes.
        "retry.http.5xx.errors": "false",
    }
    told = {f"spark.hadoop.fs.s3a.{name}": value for name, value in s3a.items() if value}
    return told | {"spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem"}


def of_cluster(master: str, host: str, secret: str, memory: str) -> dict[str, str]:
    """The work is done by workers elsewhere, which start from the same installation."""
    return {
        "spark.master": master,
        "spark.driver.host": host,
        "spark.driver.bindAddress": "0.0.0.0",  # noqa: S104 - workers reach it; clients only through loopback or the door
        "spark.executor.cores": "1",
        "spark.executor.memory": memory,
        "spark.executor.extraClassPath": str(JARS / "*"),
        # What Java unpacks there must be executable; a worker's own folder is, /tmp need not be.
        "spark.executor.extraJavaOptions": " ".join((*JAVA_OPTIONS, "-Djava.io.tmpdir=.")),
        "spark.executorEnv.PYTHONPATH": str(FAIR.parents[1]),
        "spark.executorEnv.JE_ARROW_MALLOC_CONF": ARROW,
        "spark.authenticate": "true",
        "spark.authenticate.secret": secret,
    }


def megabytes(memory: str) -> int:
    """Of a size as Java writes it; less than Spark can start with is refused."""
    number, unit = memory[:-1], memory[-1:]
    size = int(number) * {"g": 1024, "m": 1}[unit] if number.isdigit() and unit in ("g", "m") else 0
    if size < LEAST:
        raise BadRequest("ENGINE_MEMORY", f"is a size like 2g or 1500m, at least {LEAST}m, got {memory!r}")
    return size
