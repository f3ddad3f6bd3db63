"""Bike sharing: how many bicycles will be rented in each hour of tomorrow?"""

from datetime import timedelta

from spark_jobs.declare import (
    Check,
    Column,
    Features,
    Gate,
    Kind,
    Labels,
    Publication,
    RawTable,
    Real,
    Report,
    Search,
    Space,
    TimeSplit,
    UseCase,
    Whole,
)

DAY = timedelta(days=1)
INTEGER = Kind.INTEGER

CALENDAR_AND_WEATHER = (
    Column(name="instant", kind=INTEGER, low=1),
    Column(name="dteday", kind=Kind.DAY),
    Column(name="season", kind=INTEGER, codes=(1, 2, 3, 4)),
    Column(name="yr", kind=INTEGER, low=-100, high=100),  # counted from 2011
    Column(name="mnth", kind=INTEGER, low=1, high=12),
    Column(name="hr", kind=INTEGER, low=0, high=23),
    Column(name="holiday", kind=INTEGER, codes=(0, 1)),
    Column(name="weekday", kind=INTEGER, low=0, high=6),
    Column(name="workingday", kind=INTEGER, codes=(0, 1)),
    Column(name="weathersit", kind=INTEGER, codes=(1, 2, 3, 4)),
    Column(name="temp", low=0, high=1),
    Column(name="atemp", low=0, high=1),
    Column(name="hum", low=0, high=1),
    Column(name="windspeed", low=0, high=1),
)
COUNTS = (
    Column(name="casual", kind=INTEGER, low=0),
    Column(name="registered", kind=INTEGER, low=0),
    Column(name="cnt", kind=INTEGER, low=0),
)
BOOSTING: Space = {
    "max_depth": Whole(low=3, high=6),
    "eta": Real(low=0.04, high=0.12, log=True),
    "colsample_bytree": Real(low=0.4, high=0.9),
    "lambda": Real(low=1, high=30, log=True),
}
HOUR = "timestampadd(HOUR, CAST(hr AS INT), CAST(dteday AS TIMESTAMP))"

USE_CASE = UseCase(
    name="bike_sharing",
    summary="How many bicycles will be rented in each hour of the next day",
    grain="one row per hour",
    tables=(
        RawTable(
            name="rides",
            columns=CALENDAR_AND_WEATHER + COUNTS,
            key=("at",),
            day_column="dteday",
            event_time=HOUR,
            checks=(Check(says="cnt is casual + registered", sql="cnt = casual + registered"),),
            known_after=DAY,
        ),
        RawTable(
            name="forecast",
            columns=CALENDAR_AND_WEATHER,
            key=("at",),
            day_column="dteday",
            event_time=HOUR,
            known_after=-DAY,
            days_ahead=1,
        ),
    ),
    features=Features(
        key=("at",),
        columns=(
            *("hour", "month", "season", "holiday", "weekday", "workingday"),
            *("weathersit", "temp", "atemp", "hum", "windspeed"),
            *("weathersit_1h", "weathersit_2h", "weathersit_3h", "weathersit_1d", "temp_1d", "temp_usual"),
            *("usual", "cnt_1d_share", "cnt_2d_share", "cnt_7d_share", "cnt_14d_share"),
            *("trend_1d", "trend_7d", "usual_trend"),
        ),
        lookback=29 * DAY,
    ),
    labels=Labels(columns=("cnt",), horizon=timedelta(), clock="rides"),
    split=TimeSplit(judge=28 * DAY, validate=28 * DAY, embargo=DAY),
    gate=Gate(metric="rmse", better="lower", limit=120.0, margin=0.01, rows=24 * 14),
    search=Search(trials=16, batch=4, seed=7, spaces={"boosting": BOOSTING}),
    history=1100 * DAY,
    ahead=DAY,
    reports=(Report(name="daily", key=("day",)),),
    publication=Publication(
        url="https://archive.ics.uci.edu/static/public/275/bike+sharing+dataset.zip",
        files={"hour.csv": "e03de4ee4ef4dc376ac6e04bf829673c6269e8eba5c60fa121640fa2f829504f"},
        licence="CC BY 4.0, Fanaee-T and Gama 2013",
        remark="perfect forecast: what it foretells of the weather is the weather that came",
    ),
    needs_classic=("linear",),
    simulation={"seed": 1, "broken": 0.002},
)
