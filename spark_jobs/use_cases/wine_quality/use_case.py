"""Wine quality: is this wine of high quality? Static: samples have no date, they arrive."""

from datetime import timedelta

from spark_jobs.declare import (
    CONTENT,
    RECORD,
    Bound,
    Check,
    Choice,
    Column,
    Features,
    Gate,
    HashSplit,
    Kind,
    Labels,
    Publication,
    RawTable,
    Real,
    Search,
    Serving,
    Space,
    UseCase,
    Whole,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVER = 36_500 * DAY  # nothing about a wine grows old
MEASURED, GRADED = -HOUR, DAY  # the laboratory is done before a file is sent; people have tasted within a day after

COLOURS = ("red", "white")
# As the published files call them: the name here, what can be measured.
MEASUREMENTS = {
    "fixed acidity": ("fixed_acidity", 2, 20),
    "volatile acidity": ("volatile_acidity", 0, 3),
    "citric acid": ("citric_acid", 0, 3),
    "residual sugar": ("residual_sugar", 0, 150),
    "chlorides": ("chlorides", 0, 1),
    "free sulfur dioxide": ("free_sulfur_dioxide", 0, 400),
    "total sulfur dioxide": ("total_sulfur_dioxide", 0, 600),
    "density": ("density", 0.95, 1.1),
    "pH": ("ph", 2.5, 4.5),
    "sulphates": ("sulphates", 0, 3),
    "alcohol": ("alcohol", 5, 20),
}

MADE = {
    "bound_sulfur_dioxide": "total_sulfur_dioxide - free_sulfur_dioxide",
    "is_red": "CAST(colour = 'red' AS INT)",
}

FOREST: Space = {"max_features": Real(low=0.1, high=0.5), "criterion": Choice(options=("gini", "entropy"))}
BOOSTING: Space = {
    "max_depth": Whole(low=6, high=20),
    "eta": Real(low=0.05, high=0.2, log=True),
    "subsample": Real(low=0.5, high=1.0),
    "colsample_bynode": Real(low=0.2, high=0.8),
    "min_child_weight": Real(low=0.1, high=3, log=True),
    "lambda": Real(low=0.05, high=5, log=True),
}

USE_CASE = UseCase(
    name="wine_quality",
    summary="Whether a wine is of high quality: graded 7 or better",
    grain="one row per sample",
    tables=(
        RawTable(
            name="samples",
            columns=(
                Column(name="colour", kind=Kind.TEXT, codes=COLOURS),
                *(
                    Column(name=name, header=head, low=low, high=high)
                    for head, (name, low, high) in MEASUREMENTS.items()
                ),
                Column(name="quality", kind=Kind.INTEGER, low=0, high=10, known_after=GRADED),
            ),
            key=RECORD,
            at_arrival=True,
            checks=(
                Check(
                    says="free sulfur dioxide is part of the total",
                    sql="free_sulfur_dioxide <= total_sulfur_dioxide",
                ),
            ),
            known_after=MEASURED,
            delimiter=",;",
        ),
    ),
    features=Features(
        key=("at", "sample"),
        columns=(*(name for name, _, _ in MEASUREMENTS.values()), *MADE),
        lookback=timedelta(),
        made=MADE,
    ),
    labels=Labels(columns=("good",), horizon=timedelta(), clock="samples"),
    split=HashSplit(judge=0.25, validate=0.15),
    gate=Gate(
        metric="auc",
        better="higher",
        limit=0.85,
        margin=0.002,
        rows=300,
        block=CONTENT,
        bounds=tuple(Bound(metric=f"auc_{colour}", better="higher", may_worsen=0.02) for colour in COLOURS),
    ),
    search=Search(
        trials=96,
        folds=3,
        batch=8,
        spaces={"random_forest": FOREST, "extra_trees": FOREST, "boosting": BOOSTING},
        longest=timedelta(minutes=5),
    ),
    history=EVER,
    predictions=("probability", "called_good"),
    reasons=3,
    reasons_from="threshold",
    approval=True,
    serving=Serving(),
    profile=True,
    publication=Publication(
        url="https://archive.ics.uci.edu/static/public/186/wine+quality.zip",
        files={
            "winequality-red.csv": "4a402cf041b025d4566d954c3b9ba8635a3a8a01e039005d97d6a710278cf05e",
            "winequality-white.csv": "76c3f809815c17c07212622f776311faeb31e87610d52c26d87d6e361b169836",
        },
        licence="CC BY 4.0, Cortez, Cerdeira, Almeida, Matos and Reis 2009",
        remark="wines of one Portuguese region, many measured more than once",
    ),
    simulation={"seed": 1, "samples": 200, "red": 0.25, "repeated": 0.1, "broken": 0.002},
)
