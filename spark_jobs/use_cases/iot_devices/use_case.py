"""iot_devices: what devices in many countries report, and what is wrong with them. It learns nothing."""

from datetime import timedelta

from spark_jobs.declare import (
    END_OF_TIME,
    Bars,
    Column,
    Hours,
    Kind,
    Listed,
    Mark,
    Often,
    Publication,
    RawTable,
    Report,
    Tables,
)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
EVERY = timedelta(minutes=10)

# Carbon dioxide, in parts per million, and what a display shows of it.
YELLOW, RED = 1001, 1401
SHOWN = f"CASE WHEN c02_level < {YELLOW} THEN 'green' WHEN c02_level < {RED} THEN 'yellow' ELSE 'red' END"

READINGS = RawTable(
    name="readings",
    json=True,
    columns=(
        Column(name="device_id", kind=Kind.INTEGER, low=1),
        Column(name="device_name", kind=Kind.TEXT),
        Column(name="ip", kind=Kind.TEXT, required=False),
        Column(name="cca2", kind=Kind.TEXT, required=False),
        Column(name="cca3", kind=Kind.TEXT),
        Column(name="cn", kind=Kind.TEXT, required=False),
        Column(name="latitude", low=-90, high=90),
        Column(name="longitude", low=-180, high=180),
        Column(name="scale", kind=Kind.TEXT, codes=("Celsius",)),
        Column(name="temp", low=-90, high=100),
        Column(name="humidity", low=0, high=100),
        Column(name="battery_level", kind=Kind.INTEGER, low=0, high=9),
        Column(name="c02_level", kind=Kind.INTEGER, low=0, high=10_000),
        Column(name="lcd", kind=Kind.TEXT, codes=("green", "yellow", "red")),
        Column(name="timestamp", kind=Kind.INTEGER, low=0, high=END_OF_TIME),
    ),
    key=("device_id", "at"),
    day_column="timestamp",
    event_time="timestamp_millis(timestamp)",
    days_behind=30,
    stream=True,
    often=Often(unit=EVERY),
    marks=(Mark(name="lcd_is_wrong", sql=f"lcd <> {SHOWN}"),),
)

OPEN = "until IS NULL"  # at the day's end
OF_HOURS = (
    Hours(title="Readings by hour", length="sum(readings)"),
    Bars(title="Readings by country", by="country", length="sum(readings)"),
)
OF_ALARMS = (
    Bars(title="Open alarms by kind", by="alarm", where=OPEN),
    Listed(title="Open alarms, the oldest first", columns=("since", "device_id", "alarm", "evidence"), where=OPEN),
)

USE_CASE = Tables(
    name="iot_devices",
    summary="What devices in many countries report, and which of them need somebody",
    grain="one row per reading of a device",
    tables=(READINGS,),
    every=EVERY,
    reports=(
        Report(name="device_hours", key=("device_id", "hour"), moment="hour", unit=HOUR),
        Report(name="country_hours", key=("hour", "country"), moment="hour", unit=HOUR, export=True, pictures=OF_HOURS),
        Report(name="alarm_pieces", key=("device_id", "kind", "since"), moment="hour", unit=HOUR),
        Report(
            name="alarms",
            key=("device_id", "alarm", "since"),
            reads=("device_hours", "alarm_pieces"),
            export=True,
            lookback=DAY,
            pictures=OF_ALARMS,
        ),
    ),
    publication=Publication(
        url="https://raw.githubusercontent.com/dmatrix/examples/master/spark/databricks/notebooks/py/data/iot_devices.json",
        files={"iot_devices*.json": ""},
        licence="not said; simulated by its author, who calls them sample data",
        remark="all of them within seven seconds of 20 March 2016",
    ),
    simulation={
        "devices": 40,  # of a fleet; with `pause` this is how many readings a second
        "pause": 600,  # seconds between two readings of one device
        "seed": 1,
        "broken": 0.002,
        "late": 0.01,
        "twice": 0.005,
    },
)
