"""When a record says that it happened, as far as it can be believed before it is read column by column."""

from pyspark.sql import DataFrame

from spark_jobs.declare import RawTable

MILLISECONDS = 86_400_000  # of a day


def dated(records: DataFrame, table: RawTable) -> DataFrame:
    """The event day in front: the arrival day where a record has none, or one it cannot have known.

    Of a time in milliseconds `at` comes after it: nothing where the day is not the record's.
    """
    if not table.day_column:
        return records.selectExpr("arrival_day AS day", "*")
    text = f"trim(fields[{table.column_names.index(table.day_column)}])"
    told = f"try_cast({text} AS BIGINT)"
    if table.in_milliseconds:
        day = f"date_add(DATE'1970-01-01', try_cast({told} div {MILLISECONDS} AS INT))"
    else:
        day = f"CASE WHEN {text} RLIKE '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}' THEN try_cast(left({text}, 10) AS DATE) END"
    believed = f"{day} <= date_add(arrival_day, {table.days_ahead})"
    if table.days_behind:
        believed += f" AND {day} >= date_sub(arrival_day, {table.days_behind})"
    at = [f"CASE WHEN {believed} THEN timestamp_millis({told}) END AS at"] if table.in_milliseconds else []
    return records.selectExpr(f"CASE WHEN {believed} THEN {day} ELSE arrival_day END AS day", *at, "*")
