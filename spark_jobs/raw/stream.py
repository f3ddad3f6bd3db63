"""Raw files as a stream: Spark finds those that came since, and takes them in batches of a declared size.

A file goes through the same reader as in a night, under the same name and hash. Which files are wanted the ledger
says; whatever a stream has not brought (a file without a record, one that its checkpoint took for read), the ordinary
way brings after it. So a checkpoint saves time, and nothing but time.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from spark_jobs.declare import RawTable, Refused
from spark_jobs.files import Files
from spark_jobs.raw.landing import RawFile
from spark_jobs.raw.records import SCHEMA, Reader, Task, read_file, reader

if TYPE_CHECKING:
    from pyspark.sql.streaming.listener import StreamingQueryProgress
    from pyspark.sql.streaming.query import StreamingQuery

LOG = logging.getLogger(__name__)

FOUND = "path string, modificationTime timestamp, length bigint, content binary"  # Spark's own, of files as they are
LANDED = r"/\d{4}-\d{2}-\d{2}/[^/]+(?<!\.tmp)(?<!\.part)$"
CHECKPOINT = r"streaming\.checkpointing|StreamMetadata|CompactibleFileStreamLog|STREAM_CHECKPOINT|CHECKPOINT_"
LISTEN = 2  # seconds, after which the log says how far it is


def waiting_records(spark: SparkSession, table: RawTable, folder: Files, waiting: Iterable[RawFile]) -> DataFrame:
    """The records of these files, as a stream; whatever else lies in the folder is left to others."""
    found = (
        spark.readStream.format("binaryFile")
        .schema(FOUND)
        .option("maxBytesPerTrigger", table.batch_megabytes << 20)
        .option("recursiveFileLookup", "true")
        .option("pathGlobFilter", "[^._]*")
        .option("__globPaths__", "false")  # of the files it found; else a [ in one name has it read all others twice
        .load(folder.address)
    )
    wanted = {file.name: file for file in waiting}
    read = partial(_read, wanted, reader(table))
    files = found.select("path").where(f.col("path").rlike(LANDED)).observe("taken", f.count("*").alias("files"))
    return files.mapInArrow(read, SCHEMA).observe("read", f.count("*").alias("records"))


def followed(query: "StreamingQuery", files: int) -> None:
    """Until it has come to its end; the log says how far it is."""
    told, done = -1, False
    while not done:
        done = bool(query.awaitTermination(LISTEN))
        for progress in query.recentProgress:
            taken, came = (_observed(progress, what) for what in ("taken", "read"))
            if progress.batchId > told and taken:
                told, files = progress.batchId, files - taken
                LOG.info("batch %d: %d files, %d records, %d left", told, taken, came, max(files, 0))


def _observed(progress: "StreamingQueryProgress", what: str) -> int:
    """Spark Connect's client, as of 4.2, gives a row of the row's parts, not the row."""
    row = progress.observedMetrics.get(what)
    return 0 if row is None else int(row["values"][0] if "values" in row else row[0])


def broken(error: Exception, checkpoint: str, use_case: str) -> Exception:
    """A checkpoint can be done without, and a person says so; what else went wrong is told as ever."""
    if not re.search(CHECKPOINT, str(error)):
        return error
    return Refused(
        f"the stream cannot read how far it was: {checkpoint} is broken, or of another release. Nothing is lost. Type: "
        f"make stream-anew USE_CASE={use_case} (elsewhere than on a laptop: remove that folder), then run this again. "
        f"It said: {str(error).splitlines()[0][:200]}"
    )


def _read(wanted: Mapping[str, RawFile], reader: Reader, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for path in batch.column(0).to_pylist():
            file = wanted.get("/".join(path.rsplit("/", 2)[1:]))
            if file:
                yield from read_file(Task(file=file, hash=Files(file.address).digest()), reader)
