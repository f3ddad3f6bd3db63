"""Census income's raw files: people who could be, accidents that do happen, and the published people."""

import io
import logging
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from spark_jobs.declare import Job, Place, Stage, Window
from spark_jobs.stages import ingest, refine
from spark_jobs.use_cases.census_income.source import HEADER, PUBLISHED, begun, public
from spark_jobs.use_cases.census_income.use_case import CATEGORIES, EDUCATIONS, PEOPLE, USE_CASE
from spark_jobs.work import Work
from tests.use_cases.deliveries import accident, sound, struck, texts

DAY = timedelta(days=1)
CODES = {column.name: ", ".join(map(str, column.codes)) for column in PEOPLE.columns}
SPRING = Window(start=date(2024, 2, 20), end=date(2024, 4, 20))
NIGHT = Window.of(date(2024, 3, 1), date(2024, 3, 3))

# Of the published people, the share of each.
SHARES = {
    "sex": {"Male": 0.669, "Female": 0.331},
    "race": {"White": 0.854, "Black": 0.096, "Asian-Pac-Islander": 0.032, "Amer-Indian-Eskimo": 0.010, "Other": 0.008},
    "income": {"<=50K": 0.759, ">50K": 0.241},
    "education": {"HS-grad": 0.323, "Some-college": 0.224, "Bachelors": 0.164, "Masters": 0.053, "Doctorate": 0.013},
    "marital-status": {"Married-civ-spouse": 0.460, "Never-married": 0.328, "Divorced": 0.136, "Widowed": 0.031},
    "relationship": {"Husband": 0.405, "Not-in-family": 0.255, "Own-child": 0.156, "Unmarried": 0.106, "Wife": 0.048},
    "workclass": {"Private": 0.697, "Self-emp-not-inc": 0.078, "Local-gov": 0.064, "?": 0.056, "Federal-gov": 0.029},
    "occupation": {"Prof-specialty": 0.127, "Craft-repair": 0.126, "?": 0.057, "Tech-support": 0.029},
    "native-country": {"United-States": 0.896, "Mexico": 0.020, "?": 0.018, "Philippines": 0.006},
}
ABOVE = {"sex": {"Male": 0.306, "Female": 0.109}, "relationship": {"Husband": 0.449, "Wife": 0.475, "Own-child": 0.013}}


@pytest.fixture(scope="module")
def spring() -> dict[date, str]:
    return texts(USE_CASE.name, SPRING, sound(USE_CASE.name))


@pytest.fixture(scope="module")
def people(spring: dict[date, str]) -> pd.DataFrame:
    return pd.concat([pd.read_csv(io.StringIO(text)) for text in spring.values()], ignore_index=True)


def test_about_300_people_a_day_answer_as_the_published_ones_do(people: pd.DataFrame) -> None:
    assert tuple(people.columns) == HEADER
    assert 290 < len(people) / len(SPRING.days) < 310
    for column, shares in SHARES.items():
        found = people[column].value_counts(normalize=True)
        assert {answer: found[answer] for answer in shares} == pytest.approx(shares, abs=0.02, rel=0.2)
    assert people["age"].mean() == pytest.approx(38.6, abs=1)
    assert (people["hours-per-week"] == 40).mean() == pytest.approx(0.467, abs=0.02)
    assert (people["capital-gain"] > 0).mean() == pytest.approx(0.083, abs=0.01)
    assert (people["capital-loss"] > 0).mean() == pytest.approx(0.047, abs=0.01)
    assert people["fnlwgt"].mean() == pytest.approx(189_778, rel=0.05)


def test_who_earns_more_is_who_does_among_the_published_people(people: pd.DataFrame) -> None:
    above = people["income"] == ">50K"
    for column, shares in ABOVE.items():
        found = above.groupby(people[column]).mean()
        assert {answer: found[answer] for answer in shares} == pytest.approx(shares, abs=0.04)


def test_what_is_said_of_one_person_goes_together(people: pd.DataFrame) -> None:
    assert (people["education"].map(EDUCATIONS) == people["education-num"]).all()
    paired = people[people["relationship"].isin(["Husband", "Wife"])]
    assert ((paired["relationship"] == "Husband") == (paired["sex"] == "Male")).all()
    assert paired["marital-status"].isin(["Married-civ-spouse", "Married-AF-spouse"]).all()
    assert ((people["workclass"] == "?") == (people["occupation"] == "?")).all()
    assert not ((people["capital-gain"] > 0) & (people["capital-loss"] > 0)).any()


def test_as_many_answers_are_missing_and_as_many_people_come_twice_as_is_asked_for() -> None:
    window = Window.of(SPRING.start, SPRING.start + DAY * 9)
    asked = {"missing": 0.0, "repeated": 0.05}
    rows = [
        line
        for text in texts(USE_CASE.name, window, {**sound(USE_CASE.name), **asked}).values()
        for line in text.splitlines()[1:]
    ]
    assert not [row for row in rows if "?" in row.split(",")]
    again = sum(row == before for before, row in pairwise(rows))
    assert again / len(rows) == pytest.approx(0.05, abs=0.02)


def test_a_good_model_tells_incomes_about_as_well_as_on_real_ones(people: pd.DataFrame) -> None:
    from sklearn.metrics import roc_auc_score
    from xgboost import XGBClassifier

    once = people.drop_duplicates().reset_index(drop=True)
    told, above = once.drop(columns=["income", "race", "sex"]), once["income"] == ">50K"
    told = told.astype({name: "category" for name in told if told[name].dtype == object})
    cut = len(once) * 3 // 4
    model = XGBClassifier(n_estimators=150, max_depth=4, learning_rate=0.1, n_jobs=1, enable_categorical=True)
    model.fit(told[:cut], above[:cut])
    assert 0.905 < roc_auc_score(above[cut:], model.predict_proba(told[cut:])[:, 1]) < 0.94


# What silver has against each accident.
REASONS = {
    ("age", "thirty-nine"): "age is not a whole number",
    ("age", "1957"): "age is above 120",
    ("age", "12"): "age is below 17",
    ("workclass", "Retired"): f"workclass is none of {CODES['workclass']}",
    ("fnlwgt", "0"): "final_weight is below 1",
    ("fnlwgt", "NaN"): "final_weight is not a whole number",
    ("education", "B.Sc."): f"education is none of {CODES['education']}",
    ("education", "?"): "education is missing",
    ("education-num", "1"): "not so: education and education_num are of one level",
    ("education-num", "17"): "education_num is above 16",
    ("marital-status", "Married"): f"marital_status is none of {CODES['marital_status']}",
    ("occupation", "prof-specialty"): f"occupation is none of {CODES['occupation']}",
    ("relationship", "Wife, Husband"): "has 16 fields where the header has 15",
    ("race", ""): "race is missing",
    ("sex", "M"): "sex is none of Female, Male",
    ("capital-gain", "2,174"): "has 16 fields where the header has 15",
    ("capital-loss", "-1902"): "capital_loss is below 0",
    ("hours-per-week", "0"): "hours_per_week is below 1",
    ("hours-per-week", "37.5"): "hours_per_week is not a whole number",
    ("hours-per-week", "400"): "hours_per_week is above 168",
    ("native-country", "USA"): f"native_country is none of {CODES['native_country']}",
    ("income", ">50K."): "income is none of <=50K, >50K",
    ("income", "52000"): "income is none of <=50K, >50K",
    ("income", ""): "income is missing",
    ("occupation", None): "has 6 fields where the header has 15",
}
OWN = """\
39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, Male, 2174, 0, 40, Cuba, <=50K
54,?,180211,Some-college,10,Married-civ-spouse,?,Husband,Asian-Pac-Islander,Male,0,0,60,?,>50K
54,,180211,Some-college,10,Married-civ-spouse, ? ,Husband,Asian-Pac-Islander,Male,0,0,60,South,>50K
40,Private,180211,HS-grad,9,Divorced,Sales,Husband,White,Male,0,0,60,Peru,>50K
40,Private,180211,HS-grad,9,Divorced,Sales,Unmarried,White,?,0,0,60,Peru,>50K"""


def lines() -> list[tuple[str, str]]:
    """What is simulated for the night."""
    return struck(USE_CASE.name, NIGHT, 0.5)


def refined(work: Work) -> dict[str, Any]:
    ingest.run(work)
    counts: dict[str, Any] = refine.run(work)["rows"]["people"]
    return counts


def work_in(folder: Path, spark: SparkSession, window: Window, **place: str) -> Work:
    return Work(
        job=Job(stage=Stage.INGEST, use_case=USE_CASE.name, window=window),
        place=Place(lake=f"{folder}/lake", landing=f"{folder}/landing", tracking="", registry="", **place),
        use_case=USE_CASE,
        spark=spark,
    )


@pytest.fixture(scope="module")
def night(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Work:
    """Half of what is simulated is broken, and there is one file more."""
    folder = tmp_path_factory.mktemp("census")
    landing = folder / "landing" / "census_income"
    (landing / "people" / "2024-03-02").mkdir(parents=True)
    (landing / "people" / "2024-03-02" / "own.csv").write_text("\n".join([",".join(HEADER), OWN, ""]))
    (landing / "_source").write_text("simulated")
    return work_in(folder, spark, NIGHT, simulation="broken=0.5")


@pytest.fixture(scope="module")
def counts(night: Work) -> dict[str, Any]:
    return refined(night)


def test_every_kind_of_broken_row_is_refused_with_its_reason_and_no_other(night: Work, counts: dict[str, Any]) -> None:
    meant = [(line, REASONS[accident(USE_CASE.name, good, line)]) for good, line in lines() if good != line]
    assert {reason for _, reason in meant} == {*REASONS.values()}
    *_, divorced, nobody = OWN.splitlines()
    meant += [(divorced, "not so: a husband or a wife is married"), (nobody, "sex is missing")]
    refused = [(row.raw, *row.reasons) for row in night.lake.quarantine("people").read().collect()]
    assert Counter(refused) == Counter(meant)
    assert counts["in"] == len(lines()) + 5 == counts["kept"] + len(meant)


def test_what_is_missing_is_null_and_counted(night: Work, counts: dict[str, Any]) -> None:
    own = [[word.strip() for word in line.split(",")] for line in OWN.splitlines()[:3]]
    kept = [*own, *(line.split(",") for good, line in lines() if good == line)]
    named = {"workclass": "workclass", "occupation": "occupation", "native_country": "native-country"}
    missing = {name: sum(row[HEADER.index(head)] in ("?", "") for row in kept) for name, head in named.items()}
    assert min(missing.values()) > 5
    rows: pd.DataFrame = night.lake.silver("people").read().toPandas()
    assert counts["missing"] == missing == {name: rows[name].isna().sum() for name in named}
    assert not (rows[[*CATEGORIES]] == "?").any(axis=None)


def test_published_people_come_in_one_file_with_a_header_and_no_blanks(tmp_path: Path) -> None:
    one, other = OWN.splitlines()[0], OWN.splitlines()[1].replace(",", ", ")
    (tmp_path / "adult.data").write_text(f"{one}\n{other}\n{other}\n\n")
    (found,) = public(tmp_path, Window.of(date(2024, 3, 1)))
    assert (found.table, found.day, found.name) == ("people", date(1996, 5, 1), "adult.csv")
    plain = [line.replace(", ", ",") for line in (one, other, other)]
    assert found.text.splitlines() == [",".join(HEADER), *plain]
    assert list(public(tmp_path, Window.of(PUBLISHED - DAY))) == []
    assert list(public(tmp_path, Window.of(PUBLISHED))) == [found]


def test_all_published_people_are_kept_those_who_are_equal_too(
    spark: SparkSession, tmp_path: Path, published: Path | None, caplog: pytest.LogCaptureFixture
) -> None:
    """On a machine without the file, three lines in its form stand in."""
    folder = tmp_path / "landing" / "census_income" / "_public"
    folder.mkdir(parents=True)
    own = OWN.splitlines()[1].replace(",", ", ") + "\n"
    text = (published / "census_income" / "adult.data").read_text() if published else own * 3 + "\n"
    (folder / "adult.data").write_text(text)
    work = work_in(tmp_path, spark, Window.of(date(2024, 3, 1)), source="public")
    count, equal, *missing = (32_561, 24, 1_836, 1_843, 583) if published else (3, 2, 3, 3, 3)
    with caplog.at_level(logging.INFO):
        counts = refined(work)
    said = "people: rows without a value: {} of workclass, {} of occupation, {} of native_country"
    assert said.format(*missing) in caplog.messages
    assert counts == {
        **{"in": count, "kept": count, "superseded": 0, "quarantined": 0, "nulled": 0},
        "missing": dict(zip(("workclass", "occupation", "native_country"), missing, strict=True)),
    }
    rows: pd.DataFrame = work.lake.silver("people").read().toPandas()
    assert rows.duplicated(subset=[*PEOPLE.column_names]).sum() == equal
    assert sorted(rows["record"]) == list(range(1, count + 1))
    assert set(rows["day"]) == {PUBLISHED}


def test_published_files_are_given_the_header_that_they_lack() -> None:
    header = ",".join(HEADER) + "\n"
    first = "25, Private, 226802, 11th, 7\n"
    assert begun("|1x3 Cross validator\n") == header
    assert begun(first) == header + first
    assert begun(header) == header
    assert begun("\ufeffage,workclass\n") == "\ufeffage,workclass\n"
