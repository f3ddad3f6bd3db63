"""What always holds, asked of an installation that is at rest. Each broken law is one sentence."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from spark_jobs import use_cases
from spark_jobs.declare import Job, Place, RawTable, Stage, Window, tags
from spark_jobs.files import Files
from spark_jobs.lakehouse import Lake, Table
from spark_jobs.raw.landing import OWNER, Landing
from spark_jobs.stages import features, ingest, refine
from spark_jobs.work import Work
from tests.campaign import registry
from tests.campaign.installation import Installation
from tests.end_to_end.scheduler import DAG

USE_CASE = use_cases.learning(DAG)
KEYS = {"gold/features": ("at",), "gold/labels": ("at",), "gold/predictions": ("at", "model_version")}
KEYS |= {"gold/daily": ("day",)}
HOUR = "try_cast(concat(fields[1], ' ', fields[5], ':00:00') AS TIMESTAMP)"  # dteday and hr


@dataclass(frozen=True, kw_only=True)
class Laws:
    """`whole` holds every day that any run was about."""

    spark: SparkSession
    here: Installation
    folder: Path
    whole: Window

    @property
    def lake(self) -> Lake:
        return Lake(self.spark, str(self.here.lake), DAG)

    def broken(self) -> list[str]:
        return [*self.counts(), *self.doubled(), *self.differences(), *self.left_over()]

    def counts(self) -> Iterator[str]:
        """Law 1, record by record: each is in silver, in quarantine, or superseded by a newer one of its key."""
        for table in USE_CASE.tables:
            yield from self._unaccounted(table)
            yield from self._unloaded(table)

    def _unaccounted(self, table: RawTable) -> Iterator[str]:
        bronze = self.lake.bronze(table.name).read()
        silver, refused = (layer(table.name).read() for layer in (self.lake.silver, self.lake.quarantine))
        own = ["file", "record"]
        both = silver.join(refused, own, "left_semi").count()
        left = bronze.join(silver, own, "left_anti").join(refused, own, "left_anti")
        won = silver.selectExpr("at", "struct(file, record) AS winner")  # a file's name begins with its arrival day
        mine = left.selectExpr(f"{HOUR} AS at", "struct(file, record) AS mine")
        lost = mine.join(won, "at", "left").where("winner IS NULL OR winner <= mine").count()
        if both or lost:
            yield f"law 1: of {table.name}, {both} records are kept and refused, {lost} are neither and not superseded"
        there = bronze.select(*own)
        strangers = sum(rows.select(*own).join(there, own, "left_anti").count() for rows in (silver, refused))
        if strangers:
            yield f"law 1: {strangers} rows of {table.name} came of no record"

    def _unloaded(self, table: RawTable) -> Iterator[str]:
        delivered = {f"{path.parent.name}/{path.name}" for path in (self.here.raw / table.name).glob("*/[!._]*")}
        listed = {row.file for row in self.lake.files(table.name).read().select("file").collect()}
        if delivered != listed:
            yield f"law 1: files of {table.name} in landing or in the ledger alone: {sorted(delivered ^ listed)}"

    def doubled(self) -> Iterator[str]:
        """Law 6: no row twice."""
        keys: dict[str, tuple[str, ...]] = dict(KEYS)
        for table in USE_CASE.tables:
            keys[f"bronze/{table.name}"] = keys[f"quarantine/{table.name}"] = ("file", "record")
            keys |= {f"bronze/{table.name}_files": ("file", "hash"), f"silver/{table.name}": ("at",)}
        for row in reduce(DataFrame.union, (self._doubled(name, key) for name, key in keys.items())).collect():
            yield f"law 6: {row.twice} keys of {row.table} have more than one row"

    def _doubled(self, name: str, key: tuple[str, ...]) -> DataFrame:
        layer, _, table = name.partition("/")
        twice = self.lake.table(layer, table).read().groupBy(*key).count().where("count > 1")
        return twice.agg(f.count("*").alias("twice")).select(f.lit(name).alias("table"), "twice").where("twice > 0")

    def differences(self) -> Iterator[str]:
        """Law 2: the rows that one run over everything delivered makes of the same files."""
        clean = self._made_again()
        names = [(layer, t.name) for layer in ("bronze", "silver", "quarantine") for t in USE_CASE.tables]
        for layer, name in [*names, ("gold", "features"), ("gold", "labels")]:
            ours, theirs = (_rows(lake.table(layer, name)) for lake in (self.lake, clean))
            both = ours.withColumn("more", f.lit(1)).unionByName(theirs.withColumn("more", f.lit(-1)))
            unlike = both.groupBy(*ours.columns).agg(f.sum("more").alias("more")).where("more <> 0")
            if some := unlike.take(4):
                yield f"law 2: {layer}/{name} has other rows (more: so many too many, or too few): {some}"

    def _made_again(self) -> Lake:
        """Only where files came since it was last made."""
        again, of, landing_there = (
            self.folder / "again",
            self.folder / "again.made-of",
            Landing(Files(str(self.here.raw))),
        )
        delivered = repr([sorted(landing_there.files(table.name)) for table in USE_CASE.tables])
        lake, landing = str(again / "lake"), str(again / "landing")
        if of.exists() and of.read_text() == delivered:
            return Lake(self.spark, lake, DAG)
        of.unlink(missing_ok=True)
        shutil.rmtree(again, ignore_errors=True)
        shutil.copytree(self.here.raw, again / "landing" / DAG, ignore=shutil.ignore_patterns(OWNER))
        place = Place(lake=lake, landing=landing, tracking="", registry="", source="own")
        for stage, module in ((Stage.INGEST, ingest), (Stage.REFINE, refine), (Stage.FEATURES, features)):
            job = Job(stage=stage, use_case=DAG, window=self.whole)
            module.run(Work(job=job, place=place, use_case=USE_CASE, spark=self.spark))
        of.write_text(delivered)
        return Lake(self.spark, lake, DAG)

    def left_over(self) -> Iterator[str]:
        """Law 6: no second version of one training, no process running, no MLflow run open."""
        home = self.here.home
        trained = [version["run_id"] for version in registry.versions(home)]
        if len(set(trained)) < len(trained):
            yield f"law 6: two versions came of one training: {trained}"
        nights = [run["tags"].get(registry.PARENT) for run in registry.runs(home) if run["id"] in trained]
        if len(set(nights)) < len(nights):
            yield f"law 6: two trainings of one Dag run made versions: {nights}"
        if left := {stage: pids for stage in Stage if (pids := self.here.job(stage))}:
            yield f"law 6: processes are left: {left}"
        still = [run["tags"].get(tags.RUN_KEY, run["id"]) for run in registry.runs(home) if run["status"] == "RUNNING"]
        if still:
            yield f"law 6: MLflow runs are open: {still}"


def _rows(table: Table) -> DataFrame:
    """Columns by name; a set has no order."""
    rows = table.read()
    arrays = {name: f.array_sort(name) for name, kind in rows.dtypes if name == "reasons" and kind.startswith("array")}
    return rows.withColumns(arrays).select(*sorted(rows.columns)) if arrays else rows.select(*sorted(rows.columns))
