"""NAME: say in one line what people are to see."""

from spark_jobs.declare import END_OF_TIME, Bars, Column, Hours, Kind, Mark, RawTable, Report, Tables

PICTURES = (  # of the newest day, on one page: SQL of the report's columns
    Hours(title="People by hour", length="sum(people)"),
    Bars(title="People by door", by="door", length="sum(people)"),
)

USE_CASE = Tables(
    name="NAME",
    summary="How many people pass each door, hour by hour",
    grain="one row per count of a door",
    tables=(
        # Lines of JSON. A bad value refuses its row; the row lands in quarantine with its reasons.
        RawTable(
            name="counts",
            json=True,
            columns=(
                Column(name="door", kind=Kind.TEXT, codes=("north", "south")),
                Column(name="counted", kind=Kind.INTEGER, low=0, header="people.in"),  # within the object `people`
                Column(name="timestamp", kind=Kind.INTEGER, low=0, high=END_OF_TIME),  # milliseconds since 1970
            ),
            key=("door", "at"),
            day_column="timestamp",
            event_time="timestamp_millis(timestamp)",
            days_behind=30,  # what says it is older comes from a clock that is wrong
            marks=(Mark(name="is_many", sql="counted > 100"),),  # a row that is kept, and marked
        ),
    ),
    # A table for people, by the function of its name in reports.py; its newest day also as a file to open.
    reports=(Report(name="hours", key=("door", "hour"), export=True, pictures=PICTURES),),
    simulation={"seed": 1, "pause": 300, "broken": 0.002},
)
