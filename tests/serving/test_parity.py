"""What is answered over HTTP is what a night's batch scores: bit for bit, for every kind and use case."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from serving import answers, bodies
from serving.settings import Limits
from serving.version import About, Answer, Version
from spark_jobs import use_cases
from spark_jobs.declare import BadDeclaration, Refused, UseCase
from spark_jobs.kinds import Columns, Params, Why, kind
from spark_jobs.learning.model_part import model_part
from spark_jobs.tables.typed import GOOD, OVERFLOW_IS_NULL, as_silver, typed, with_all_reasons, with_event_time
from spark_jobs.tables.typed import settings as session
from spark_jobs.tracking.digest import digest
from tests.serving.shelf import BLEND, BOOSTING, FOREST, LOGISTIC, delivered

LIMITS = Limits()
SOME = 700
TREES: Params = {"estimator": "ExtraTreesRegressor", "n_estimators": 10}
NET: Params = {"estimator": "ElasticNet", "alpha": 0.01, "scaled": True, "missing": "usual"}
SUMS: Params = {"rounds": 20, "max_depth": 3}
OF_CLASSES = {"boosting": ("xgboost", BOOSTING), "forest": ("sklearn", FOREST), "logistic": ("sklearn", LOGISTIC)}
OF_NUMBERS = {"boosting": ("xgboost", SUMS), "forest": ("sklearn", TREES), "net": ("sklearn", NET)}
MEAN = {"members": [{"kind": "sklearn", "params": NET}, {"kind": "xgboost", "params": SUMS}]}
WAYS = {True: [*OF_NUMBERS.values(), ("blend", MEAN)], False: [*OF_CLASSES.values(), ("blend", BLEND)]}
EVERY = [
    (name, of, params) for name, one in use_cases.that_learn().items() for of, params in WAYS[len(one.predictions) == 1]
]
NAMES = [f"{name} {of} {params.get('estimator', '')}" for name, of, params in EVERY]
CONSTANTS = {"threshold": 0.3}
PIECES = [(1, 0), (3, 1), (1, 4), (40, 5), (1, 45)]  # of requests that are answered together: rows, and the first


def gold(spark: SparkSession, name: str) -> tuple[DataFrame, list[dict[str, Any]]]:
    """Features by `at`, and the rows they were made of as who asks has them."""
    use_case = use_cases.learning(name)
    return _of_raw(spark, use_case) if use_case.of_one_row else _drawn(spark, use_case)


def _of_raw(spark: SparkSession, use_case: UseCase) -> tuple[DataFrame, list[dict[str, Any]]]:
    (table,) = use_case.tables
    rows = delivered(use_case.source)[:SOME]
    names = [f"text{place}" for place in range(len(table.columns))]
    texts = [pa.array([row[head] for row in rows]) for head in table.header]
    bronze = {"day": f"DATE'{date(2024, 1, 1)}'", "arrival_day": f"DATE'{date(2024, 1, 1)}'", "file": "'f'"}
    bronze |= {"record": "record", "line": "NULL", "raw": "NULL", "problem": "CAST(NULL AS STRING)"}
    bronze |= {"fields": f"array({', '.join(names)})"}
    with session(spark, OVERFLOW_IS_NULL):
        given = spark.createDataFrame(pa.table([pa.array(range(len(rows))), *texts], names=["record", *names]))
        frame = given.selectExpr(*(f"{what} AS {one}" for one, what in bronze.items()))
        judged = with_all_reasons(with_event_time(typed(frame, table), table), table).where(GOOD)
        marked = judged.withColumn("at", f.expr("timestampadd(MICROSECOND, _record, at)"))
        silver: Any = marked.selectExpr(*as_silver(table)).toPandas()
    good = silver["record"].tolist()
    made = use_cases.part(use_case.name, "features").features({table.name: spark.createDataFrame(silver)})
    later = {head for head, one in zip(table.header, table.column_names, strict=True) if table.known_at(one).days > 0}
    return made, [{head: text for head, text in rows[place].items() if head not in later} for place in good]


def _drawn(spark: SparkSession, use_case: UseCase) -> tuple[DataFrame, list[dict[str, Any]]]:
    chance, names = np.random.default_rng(7), use_case.features.columns
    values = chance.normal(3, 2, (SOME, len(names)))
    values[:, ::3] = values[:, ::3].round()
    values[chance.random(values.shape) < 0.05] = np.nan
    rows = pd.DataFrame(values, columns=list(names)).assign(
        at=pd.Timestamp("2024-01-01") + pd.to_timedelta(range(SOME))
    )
    rows["at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(SOME), unit="us")
    frame = spark.createDataFrame(rows).withColumns({one: f.nanvl(one, f.lit(None)) for one in names})
    asked = [{k: None if v != v else v for k, v in row.items()} for row in rows[list(names)].to_dict("records")]  # noqa: PLR0124 - NaN
    return frame, asked


def _learned(use_case: UseCase, rows: pd.DataFrame) -> pd.DataFrame:
    """With labels that mean nothing."""
    chance, yes = np.random.default_rng(3), len(use_case.predictions) > 1
    some = (
        chance.integers(2, size=len(rows)) if yes else chance.normal(size=len(rows)) for _ in use_case.labels.columns
    )
    return rows.assign(**dict(zip(use_case.labels.columns, some, strict=True)))


@pytest.fixture(scope="module")
def made(spark: SparkSession) -> Iterator[dict[str, Any]]:
    yield {}


def asks(rows: list[dict[str, Any]], version: Version, *, reasons: bool = False) -> answers.Asked:
    raw = orjson.dumps({"rows": rows, "reasons": reasons})
    return answers.typed(version, bodies.typed(raw, bodies.JSON, LIMITS), arrow=False)


def written(asked: answers.Asked, answer: Answer) -> list[dict[str, Any]]:
    """As it comes back over HTTP."""
    found: list[dict[str, Any]] = json.loads(asked.write(answer)[0])["rows"]
    return found


def bits(rows: list[dict[str, Any]]) -> list[str]:
    return [repr(sorted(row.items())) for row in rows]


@pytest.mark.parametrize(("name", "of", "params"), EVERY, ids=NAMES)
def test_over_http_and_in_the_batch_a_row_gets_the_same(
    spark: SparkSession, made: dict[str, Any], name: str, of: str, params: Params
) -> None:
    use_case = use_cases.learning(name)
    if name not in made:
        frame, asked = gold(spark, name)
        made[name] = frame, asked, frame.orderBy("at").toPandas()
    frame, asked, rows = made[name]
    model = kind(of).fit(_learned(use_case, rows), params, Columns.of(use_case))
    with TemporaryDirectory() as folder:
        files = Path(folder) / "model"
        model.save(files, dict.fromkeys(use_case.features.read, "double"))
        about = About(
            model=name, version="7", kind=of, features=use_case.features.read, constants=CONSTANTS, files=digest(files)
        )
        version = Version.load(about, files)
        scored = kind(of).load(files, Columns.of(use_case), spark).score(
            frame.select("at", *about.features), ["at"], Why.of(use_case, CONSTANTS)
        )  # fmt: skip
        said = [*use_case.predictions, *(["reasons"] if use_case.reasons else [])]
        decided = model_part(name).decide(scored, CONSTANTS).orderBy("at").select(*said).toArrow()
    batch = json.loads(orjson.dumps(decided.to_pylist()))
    assert len(batch) == len(asked) > 300
    whole = asks(asked, version, reasons=bool(use_case.reasons))
    assert bits(written(whole, version.answer(whole.question))) == bits(batch)
    some = [asks([row], version, reasons=bool(use_case.reasons)) for row in asked[:60]]
    alone = [written(one, version.answer(one.question))[0] for one in some]
    assert bits(alone) == bits(batch[:60])
    some = [asks(asked[place : place + size], version) for size, place in PIECES]
    together = [
        written(one, answer) for one, answer in zip(some, version.answers([one.question for one in some]), strict=True)
    ]
    plain = [{name: value for name, value in row.items() if name != "reasons"} for row in batch]
    assert [bits(rows) for rows in together] == [bits(plain[place : place + size]) for size, place in PIECES]


def test_a_champion_of_spark_ml_is_refused_in_a_sentence(tmp_path: Path) -> None:
    about = About(model="census_income", version="3", kind="spark_ml", features=("age",), constants={}, files="x")
    with pytest.raises(Refused, match="version 3 of census_income is of kind spark_ml, which scores frames of Spark"):
        Version.load(about, tmp_path)


def test_files_that_are_not_those_that_were_registered_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "boosters.json").write_text("{}")
    about = About(model="census_income", version="3", kind="xgboost", features=("age",), constants={}, files="x")
    with pytest.raises(Refused, match="its files are not those that were registered"):
        Version.load(about, tmp_path)
    unknown = About(model="census_income", version="3", kind="xgboost", features=("age",), constants={}, files="")
    with pytest.raises(Refused, match="registered without a hash of its files"):
        Version.load(unknown, tmp_path)


def test_a_decision_that_only_spark_can_take_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from serving import version

    monkeypatch.delattr(use_cases.part("wine_quality", "model"), "decisions")
    with pytest.raises(BadDeclaration, match=r"wine_quality/model.py: called_good is decided by a function of Spark"):
        version._decisions(use_cases.learning("wine_quality"), {})
