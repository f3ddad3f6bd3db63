"""The same features as one DuckDB query: readings folded into steps, windows as differences of running totals."""

from pathlib import Path

import duckdb

from spark_jobs.use_cases.predictive_maintenance.histories import HOUR, SCALE, STEP_SECONDS
from spark_jobs.use_cases.predictive_maintenance.use_case import (
    COMPONENTS,
    ERROR_WINDOWS,
    ERRORS,
    MODELS,
    SENSORS,
    STEP,
    WINDOWS,
)

TERMS = {
    "n": "count({0})",
    "x": "sum(x) FILTER ({0} IS NOT NULL)",
    "xx": "sum(x * x) FILTER ({0} IS NOT NULL)",
    "v": "sum({0})",
    "vv": "sum({0} * {0})",
    "xv": "sum(x * {0})",
}
STEPS = {name: window // STEP for name, window in {**WINDOWS, **ERROR_WINDOWS}.items()}
TOTALS = [f"{sensor}_{term}" for sensor in SENSORS for term in TERMS]
EXTREMES = {f"{sensor}_{least}": least for sensor in SENSORS for least in ("min", "max")}
LAST = {f"{component}_{what}": (component, what) for what in ("replaced", "failed") for component in COMPONENTS}
SECOND = 'epoch("at")::BIGINT'
END = f"({SECOND} // {STEP_SECONDS} + 1) * {STEP_SECONDS} AS e"


def connection() -> duckdb.DuckDBPyConnection:
    connected = duckdb.connect(config={"threads": 2})
    connected.execute("SET TimeZone = 'UTC'")
    return connected


def query(folder: Path, days: int) -> str:
    """From the Parquet files of a fleet to one of features."""
    return f"""
        COPY (WITH {_folded(folder)}, {_grid(folder, days)}, {_running()}, {_windows()}
              SELECT machineID, to_timestamp(e) AS "at", {_features()}
              FROM windows JOIN '{folder}/machines.parquet' USING (machineID))
        TO '{folder}/duckdb.parquet' (FORMAT parquet)"""


def _folded(folder: Path) -> str:
    """Every table, per machine and step."""
    whole = [f"round_even({sensor} * {SCALE}, 0)::BIGINT AS {sensor}" for sensor in SENSORS]
    sums = [f"{term.format(sensor)}::BIGINT AS {sensor}_{n}" for sensor in SENSORS for n, term in TERMS.items()]
    extremes = [f"{least}({name.split('_')[0]}) AS {name}" for name, least in EXTREMES.items()]
    errors = [f"count(*) FILTER (errorID = '{error}') AS {error}" for error in ERRORS]
    return f"""
        readings AS (SELECT machineID, {SECOND} // {HOUR} AS x, {END}, {_all(whole)}
                     FROM '{folder}/telemetry/*.parquet'),
        steps AS (SELECT machineID, e, {_all(sums, extremes)} FROM readings GROUP BY ALL),
        wrong AS (SELECT machineID, {END}, {_all(errors)} FROM '{folder}/errors.parquet' GROUP BY ALL),
        replaced AS (SELECT machineID, {END}, {_last("comp", "replaced")}
                     FROM '{folder}/maintenance.parquet' GROUP BY ALL),
        failed AS (SELECT machineID, {END}, {_last("failure", "failed")}
                   FROM '{folder}/failures.parquet' GROUP BY ALL)"""


def _last(column: str, what: str) -> str:
    return _all([f"max({SECOND}) FILTER ({column} = '{name}') AS {name}_{what}" for name in COMPONENTS])


def _grid(folder: Path, days: int) -> str:
    """Every machine and step, so that rows are time."""
    none_is_zero = [f"coalesce({name}, 0) AS {name}" for name in (*TOTALS, *ERRORS)]
    joined = " ".join(f"LEFT JOIN {table} USING (machineID, e)" for table in ("steps", "wrong", "replaced", "failed"))
    return f"""
        stamps AS (SELECT machineID, epoch(DATE '2024-01-01')::BIGINT + {STEP_SECONDS} * i AS e
                   FROM '{folder}/machines.parquet', range(1, {days * 86400 // STEP_SECONDS} + 1) t(i)),
        grid AS (SELECT machineID, e, {_all(none_is_zero, list(EXTREMES), list(LAST))} FROM stamps {joined})"""


def _running() -> str:
    totals = [f"sum({name}) OVER w AS {name}" for name in (*TOTALS, *ERRORS)]
    last = [f"max({name}) OVER w AS {name}" for name in LAST]
    return f"""
        running AS (SELECT machineID, e, {_all(totals, last, list(EXTREMES))} FROM grid
                    WINDOW w AS (PARTITION BY machineID ORDER BY e ROWS UNBOUNDED PRECEDING))"""


def _windows() -> str:
    wanted = [(name, w) for w in WINDOWS for name in TOTALS] + [(name, w) for w in ERROR_WINDOWS for name in ERRORS]
    sums = [f"{name} - coalesce(lag({name}, {STEPS[w]}) OVER w, 0) AS {name}_{w}" for name, w in wanted]
    extremes = [f"{least}({name}) OVER w{w} AS {name}_{w}" for name, least in EXTREMES.items() for w in WINDOWS]
    spans = [f"w{w} AS (w ROWS {steps - 1} PRECEDING)" for w, steps in STEPS.items()]
    return f"""
        windows AS (SELECT machineID, e, {_all(sums, extremes, list(LAST))} FROM running
                    WINDOW w AS (PARTITION BY machineID ORDER BY e), {_all(spans)})"""


def _features() -> str:
    statistics = [_statistics(sensor, window) for sensor in SENSORS for window in WINDOWS]
    missing = [
        f"1 - ({' + '.join(f'{sensor}_n_{w}' for sensor in SENSORS)})::DOUBLE"
        f" / {len(SENSORS) * STEPS[w] * STEP_SECONDS // HOUR} AS missing_{w}"
        for w in WINDOWS
    ]
    errors = [f"{error}_{w}::INT AS {error}_{w}" for error in ERRORS for w in ERROR_WINDOWS]
    since = [f"(e - {name})::DOUBLE / 86400 AS {name}_days" for name in LAST]
    never = [f"({name} IS NULL)::INT AS {component}_never_{what}" for name, (component, what) in LAST.items()]
    models = [f"(model = '{model}')::INT AS {model}" for model in MODELS]
    return _all(statistics, missing, errors, since, never, ["age"], models)


def _statistics(sensor: str, w: str) -> str:
    n, x, xx, v, vv, xv = (f"{sensor}_{term}_{w}" for term in TERMS)
    return f"""
        CASE WHEN {n} > 0 THEN {v}::DOUBLE / ({n} * {SCALE}) END AS {sensor}_mean_{w},
        CASE WHEN {n} > 1 THEN sqrt(({n} * {vv} - {v} * {v})::DOUBLE / ({n} * ({n} - 1))) / {SCALE} END
            AS {sensor}_deviation_{w},
        {sensor}_min_{w}::DOUBLE / {SCALE} AS {sensor}_minimum_{w},
        {sensor}_max_{w}::DOUBLE / {SCALE} AS {sensor}_maximum_{w},
        CASE WHEN {n} > 1 THEN ({n} * {xv} - {x} * {v})::DOUBLE / ({n} * {xx} - {x} * {x}) / {SCALE} END
            AS {sensor}_slope_{w}"""


def _all(*columns: list[str]) -> str:
    return ", ".join(name for some in columns for name in some)
