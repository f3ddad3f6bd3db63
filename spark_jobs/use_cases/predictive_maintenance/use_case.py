"""Predictive maintenance: which component of which machine will fail within a day?"""

from datetime import timedelta

from spark_jobs.declare import (
    Bound,
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

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEP, HORIZON = 12 * HOUR, 24 * HOUR
REMEMBERED = 14 * DAY  # how long an alarm that stands is followed back

SENSORS = {"volt": (0, 400), "rotate": (0, 1000), "pressure": (0, 300), "vibration": (0, 150)}  # what can be measured
STATISTICS = ("mean", "deviation", "minimum", "maximum", "slope")
WINDOWS = {"12h": 12 * HOUR, "24h": 24 * HOUR, "36h": 36 * HOUR, "7d": 7 * DAY}
ERRORS = ("error1", "error2", "error3", "error4", "error5")
ERROR_WINDOWS = {"24h": 24 * HOUR, "7d": 7 * DAY}
COMPONENTS = ("comp1", "comp2", "comp3", "comp4")
MODELS = ("model1", "model2", "model3", "model4")

BOOSTING: Space = {
    "max_depth": Whole(low=3, high=6),
    "eta": Real(low=0.03, high=0.12, log=True),
    "min_child_weight": Real(low=0.02, high=2, log=True),
    "colsample_bytree": Real(low=0.2, high=0.7),
    "lambda": Real(low=0.3, high=10, log=True),
    "positive_weight": Real(low=1, high=20, log=True),
}

TIME, MACHINE = Column(name="datetime", kind=Kind.MOMENT), Column(name="machineID", kind=Kind.INTEGER, low=1)
CLOCK_IS_SET = Check(says="the clock was set: it shows 2000 or later", sql="datetime >= TIMESTAMP'2000-01-01'")


def events(name: str, what: str, codes: tuple[str, ...], *, whole_history: bool) -> RawTable:
    """A table of things that happened to machines."""
    return RawTable(
        name=name,
        columns=(TIME, MACHINE, Column(name=what, kind=Kind.TEXT, codes=codes)),
        key=("machineID", what, "at"),
        day_column="datetime",
        event_time="datetime",
        checks=(CLOCK_IS_SET,),
        refers_to=("machines", "machineID"),
        repeats_refused=True,
        whole_history=whole_history,
    )


USE_CASE = UseCase(
    name="predictive_maintenance",
    summary="Which components of which machines will fail within 24 hours",
    grain="one row per machine and 12 hours, at their end",
    tables=(
        RawTable(
            name="machines",
            columns=(
                MACHINE,
                Column(name="model", kind=Kind.TEXT, codes=MODELS),
                Column(name="age", kind=Kind.INTEGER, low=0, high=100),
            ),
            key=("machineID",),
        ),
        RawTable(
            name="telemetry",
            columns=(
                TIME,
                MACHINE,
                *(
                    Column(name=name, low=low, high=high, required=False, bad_becomes_null=True)
                    for name, (low, high) in SENSORS.items()
                ),
            ),
            key=("machineID", "at"),
            day_column="datetime",
            event_time="date_trunc('HOUR', datetime)",  # one reading an hour, whatever the minute
            checks=(CLOCK_IS_SET,),
            refers_to=("machines", "machineID"),
            repeats_refused=True,
        ),
        events("errors", "errorID", ERRORS, whole_history=False),
        events("maintenance", "comp", COMPONENTS, whole_history=True),
        events("failures", "failure", COMPONENTS, whole_history=True),
    ),
    features=Features(
        key=("machineID", "at"),
        columns=(
            *(f"{sensor}_{how}_{window}" for sensor in SENSORS for window in WINDOWS for how in STATISTICS),
            *(f"missing_{window}" for window in WINDOWS),
            *(f"{error}_{window}" for error in ERRORS for window in ERROR_WINDOWS),
            *(f"{component}_{what}_days" for what in ("replaced", "failed") for component in COMPONENTS),
            *(f"{component}_never_{what}" for what in ("replaced", "failed") for component in COMPONENTS),
            "age",
            *MODELS,
        ),
        lookback=max(WINDOWS.values()),
        step=STEP,
    ),
    labels=Labels(
        columns=COMPONENTS,
        horizon=HORIZON,
        clock="telemetry",
        facts=tuple(f"{component}_hours" for component in COMPONENTS),  # until it fails, where it does
    ),
    split=TimeSplit(judge=60 * DAY, validate=60 * DAY, embargo=HORIZON + max(WINDOWS.values())),
    gate=Gate(
        metric="recall",  # of all components together, at the precision the thresholds were chosen for
        better="higher",
        limit=0.5,
        margin=0.0,
        rows=1000,
        block="machineID",  # the rows before one failure belong together
        bounds=(
            Bound(metric="precision", better="higher", limit=0.75, may_worsen=0.05),  # or a low threshold wins
            Bound(metric="warned", better="higher", limit=0.5),
            *(Bound(metric=f"{component}_recall", better="higher", may_worsen=0.15) for component in COMPONENTS),
        ),
    ),
    search=Search(trials=8, batch=4, seed=7, spaces={"boosting": BOOSTING}, on_request=("forest",)),
    history=1100 * DAY,
    predictions=(
        *(f"{component}_probability" for component in COMPONENTS),
        *(f"{component}_alarm" for component in COMPONENTS),
    ),
    reasons=3,
    reasons_from="threshold",  # a row without an alarm needs none
    reports=(Report(name="machines_to_visit", key=("machineID", "component"), export=True, lookback=REMEMBERED),),
    publication=Publication(
        url="http://azuremlsamples.azureml.net/templatedata",
        files={
            "PdM_machines.csv": "711f25f2e88ebd77ba1633f347edb0fd8144bfd7a1ff1ba30fe245e7e04dafb0",
            "PdM_errors.csv": "585ce81fe71a71091f554045fd31de5fdfbda959150f2f76b26f8901c3b4e812",
            "PdM_failures.csv": "6715d70a5fdd71196be4c98bbc9075438869270a0893f0b3b3f945dbef9bc59f",
            "PdM_maint.csv": "a1e853a87d4f94badf92597b8665e7059e432272e6c9a1006f8476466ac4c639",
            "PdM_telemetry*.csv": "",  # whole, or cut to some machines or days
        },
        licence="Microsoft's sample data for predictive maintenance, as Azure published them; see there",
    ),
    needs_classic=("forest",),
    simulation={
        "seed": 1,
        "machines": 20,
        "gaps": 0.002,  # shares of readings: none came,
        "missing": 0.002,  # a sensor was silent,
        "absurd": 0.001,  # a sensor said what cannot be;
        "clock": 0.0005,  # of all lines: the clock was wrong,
        "stranger": 0.0005,  # the machine is unknown,
        "repeated": 0.001,  # the line came twice
    },
)
