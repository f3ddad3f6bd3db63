"""What is known of a machine at the end of every step, and what befalls it after. Pure functions: frames in, frame out.

A stamp knows what happened before it, the very moment excluded. Everything is counted in time, never in rows.
"""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from spark_jobs.use_cases.predictive_maintenance.histories import ASKED, FAILED, REPLACED, SCHEMA, told
from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, HORIZON, MODELS, SENSORS, USE_CASE

SLICES = 128  # of the fleet: what one call of numpy gets is small in memory and large beside the price of a call


def features(frames: Mapping[str, DataFrame]) -> DataFrame:
    """One row per machine and step of the asked days, whether or not anything was measured in it."""
    slices = f.pmod(f.xxhash64("machineID"), f.lit(SLICES))
    rows = _facts(frames).groupBy(slices).applyInArrow(told, SCHEMA)
    models = (f.expr(f"INT(model = '{model}')").alias(model) for model in MODELS)
    machines = frames["machines"].select("machineID", "age", *models)
    return rows.join(f.broadcast(machines), "machineID").select(*USE_CASE.features.key, *USE_CASE.features.columns)


def labels(frames: Mapping[str, DataFrame]) -> DataFrame:
    """Per component whether it fails in (at, at + horizon], and in how many hours it does so first."""
    soon = {component: _hours_until(component) for component in COMPONENTS}
    failing = {component: f.expr(f"INT({component}_hours IS NOT NULL)") for component in COMPONENTS}
    return (
        frames["stamps"]
        .join(_failures(frames["failures"]), "machineID", "left")
        .withColumns({f"{component}_hours": hours for component, hours in soon.items()})
        .withColumns(failing)
        .select(*USE_CASE.features.key, *USE_CASE.labels.columns, *USE_CASE.labels.facts)
    )


def _facts(frames: Mapping[str, DataFrame]) -> DataFrame:
    """All that is told of machines, in one table, so that it is shuffled once: a reading has no `what`."""
    nothing = {sensor: f.lit(None).cast("double") for sensor in SENSORS}

    def events(table: str, what: Column) -> DataFrame:
        return _fact(frames[table], "at", what).withColumns(nothing)

    asked = _fact(frames["machines"].crossJoin(frames["days"]), "day", f.lit(ASKED)).withColumns(nothing)
    readings = _fact(frames["telemetry"], "at", f.lit(None).cast("string"), *SENSORS)
    told_of = [
        events("errors", f.col("errorID")),
        events("maintenance", f.concat("comp", f.lit(REPLACED))),
        events("failures", f.concat("failure", f.lit(FAILED))),
    ]
    return reduce(DataFrame.unionByName, told_of, readings.unionByName(asked))


def _fact(frame: DataFrame, time: str, what: Column, *columns: str) -> DataFrame:
    return frame.select(
        "machineID", f.unix_seconds(f.col(time).cast("timestamp")).alias("second"), what.alias("what"), *columns
    )


def _failures(failures: DataFrame) -> DataFrame:
    """One row per machine: when each component failed, ever."""
    times = (f.collect_list(f.when(f.col("failure") == name, f.col("at"))).alias(name) for name in COMPONENTS)
    return failures.groupBy("machineID").agg(*times)


def _hours_until(component: str) -> Column:
    """To the first failure within the horizon, null where there is none."""
    until = f"at + INTERVAL '{int(HORIZON.total_seconds())}' SECOND"
    first = f"array_min(filter({component}, time -> time > at AND time <= {until}))"
    return f.expr(f"(unix_micros({first}) - unix_micros(at)) / 3.6e9D")
