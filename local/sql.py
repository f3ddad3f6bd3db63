"""`make sql`: Spark SQL over every table of the lake. Runs in the Spark environment, with one query or as a shell."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from local.at_hand import engine_for
from local.commands import tell
from local.home import Home, from_environment
from spark_jobs import use_cases
from spark_jobs.declare import NightshiftError, Place
from spark_jobs.session import spark_session
from spark_jobs.tables.live import live_sql

MOST_ROWS = 1000
WELCOME = """
End a statement with ; and leave with Ctrl-D. SHOW TABLES IN {0} lists what there is.
An older version: SELECT count(*) FROM {0}.silver_rides VERSION AS OF 0;
"""


def main(home: Home, query: str) -> int:
    with opened(home, f"make sql {os.getpid()}") as spark:
        names = [name for name in use_cases.names() if (home.lake / name).is_dir()]
        with ThreadPoolExecutor(4) as hands:
            list(hands.map(spark.sql, _databases(names)))
            list(hands.map(spark.sql, _tables(home.lake, names)))
        for view in _live_views(home.lake, names):
            spark.sql(view)
        if query:
            return _answer(spark, query)
        tell(WELCOME.format(names[0]) if names else f"\nNo tables yet in {home.lake}: type `make run` first.\n")
        for statement in _typed():
            _answer(spark, statement)
    return 0


@contextmanager
def opened(home: Home, name: str) -> Iterator[SparkSession]:
    """A session that sees the lake of this home."""
    where = Place(lake=str(home.lake), landing="", tracking="", registry="")
    with engine_for(home, where, home.engine) as place, spark_session(place, name, small=True) as spark:
        yield spark


def _databases(names: list[str]) -> list[str]:
    return [f"CREATE DATABASE IF NOT EXISTS `{name}`" for name in names]


def _tables(lake: Path, names: list[str]) -> list[str]:
    """Real tables rather than views: only those can be asked for an older version."""
    return [
        f"CREATE TABLE IF NOT EXISTS `{name}`.`{log.parts[-3]}_{log.parts[-2]}` USING delta LOCATION '{log.parent}'"
        for name in names
        for log in sorted((lake / name).glob("*/*/_delta_log"))
    ]


def _live_views(lake: Path, names: list[str]) -> Iterator[str]:
    for name in names:
        if (lake / name / "gold" / "predictions").is_dir():
            query = live_sql(f"`{name}`.gold_predictions", use_cases.learning(name).features.key)
            yield f"CREATE OR REPLACE VIEW `{name}`.predictions_live AS {query}"


def _typed() -> Iterator[str]:
    with suppress(ImportError):
        import readline  # noqa: F401, PLC0415 - importing it gives the prompt a memory; not every Python has it
    lines: list[str] = []
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            lines.append(input("      -> " if lines else "sql> "))
            if lines[-1].rstrip().endswith(";"):
                yield "\n".join(lines)
                lines = []


def _answer(spark: SparkSession, statement: str) -> int:
    try:
        spark.sql(statement.strip().rstrip(";")).show(MOST_ROWS, truncate=False)
    except PySparkException as error:
        tell(str(error).partition("\n\nJVM stacktrace")[0])
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(from_environment(), os.environ.get("QUERY", "")))
    except NightshiftError as error:
        sys.exit(str(error))
