"""NAME: say in one line what is to be foretold."""

from datetime import timedelta

from spark_jobs.declare import (
    Column,
    Features,
    Gate,
    Kind,
    Labels,
    RawTable,
    Real,
    Search,
    Space,
    TimeSplit,
    UseCase,
    Whole,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

BOOSTING: Space = {
    "max_depth": Whole(low=2, high=6),
    "eta": Real(low=0.02, high=0.3, log=True),
    "subsample": Real(low=0.6, high=1.0),
}

USE_CASE = UseCase(
    name="NAME",
    summary="Whether a visitor buys something, foretold when the visit begins",
    grain="one row per visit",
    tables=(
        # What the files look like. A bad value refuses its row; the row lands in quarantine with its reasons.
        RawTable(
            name="visits",
            columns=(
                Column(name="began", kind=Kind.MOMENT, known_after=-HOUR),
                Column(name="visitor", kind=Kind.INTEGER, low=1, known_after=-HOUR),
                Column(name="pages", kind=Kind.INTEGER, low=1, high=500, known_after=-HOUR),
                Column(name="minutes", low=0, high=24 * 60, known_after=-HOUR),
                Column(name="device", kind=Kind.TEXT, codes=("phone", "desktop", "tablet"), known_after=-HOUR),
                # Known a day after the visit began: a feature that reads it must look further back than that.
                Column(name="bought", kind=Kind.INTEGER, codes=(0, 1), known_after=DAY),
            ),
            key=("visitor", "at"),
            day_column="began",
            event_time="began",
        ),
    ),
    features=Features(
        key=("visitor", "at"),
        columns=("pages", "minutes", "on_phone", "hour", "bought_share_7d"),
        lookback=9 * DAY,
    ),
    labels=Labels(columns=("bought",), horizon=DAY, clock="visits"),
    split=TimeSplit(judge=14 * DAY, validate=14 * DAY, embargo=DAY),
    gate=Gate(metric="log_loss", better="lower", limit=0.69, margin=0.005, rows=300),
    search=Search(trials=8, spaces={"boosting": BOOSTING}),
    history=365 * DAY,
    simulation={"seed": 1, "visits": 60, "broken": 0.002},
)
