"""What a service answers, and in which words."""

import io
from typing import Any

import pyarrow as pa
import pytest

from serving.settings import Limits
from serving.tables import ARROW
from spark_jobs import use_cases
from tests.serving.conftest import Asked
from tests.serving.shelf import CENSUS, delivered, gold

USE_CASE = use_cases.learning(CENSUS)
READ = list(USE_CASE.features.read)


def person(**other: Any) -> dict[str, Any]:
    """A good row, as JSON has it."""
    found: dict[str, Any] = {name: value for name, value in delivered(CENSUS)[0].items() if name != "income"}
    whole = ("age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week")
    return found | {name: int(found[name]) for name in whole} | other


def features(count: int) -> list[dict[str, Any]]:
    rows = gold(CENSUS)[READ].head(count)
    return [{k: None if v != v else v for k, v in row.items()} for row in rows.to_dict("records")]  # noqa: PLR0124 - NaN


def test_each_row_gets_its_probability_its_decision_and_the_version_that_said_so(asked: Asked) -> None:
    told = asked.predict([person(), person(age=60)])
    assert told.status_code == 200
    found = told.json()
    assert (found["model"], found["version"], told.headers["Model-Version"]) == (CENSUS, "1", "1")
    for row in found["rows"]:
        assert {*row} == {"probability", "called_above_50k"}
        assert 0 < row["probability"] < 1
        assert row["called_above_50k"] == int(row["probability"] >= 0.4)


def test_a_refused_row_comes_back_with_its_reasons_and_the_others_are_answered(asked: Asked) -> None:
    bad = person(age=12, sex="?", workclass=None)
    odd = person(education="Preschool", **{"education-num": 9})
    found = asked.predict([person(), bad, odd, person()]).json()["rows"]
    assert found[1] == {"refused": ["age is below 17", "sex is missing"]}
    assert found[2] == {"refused": ["not so: education and education_num are of one level"]}
    assert found[0] == found[3] != {}
    assert "probability" in found[0]
    told = asked.client.get("/metrics").text
    assert 'serving_rows_total{model="census_income",outcome="refused",version="1"} 2.0' in told
    assert 'serving_rows_total{model="census_income",outcome="answered",version="1"} 2.0' in told


def test_reasons_come_when_they_are_asked_for_and_only_from_where_they_are_kept(asked: Asked) -> None:
    rows = [person(), person(**{"capital-gain": 99999, "education": "Doctorate", "education-num": 16})]
    found = asked.predict(rows, reasons=True).json()["rows"]
    assert [row["probability"] >= 0.4 for row in found] == [False, True]
    assert found[0]["reasons"] is None
    assert len(found[1]["reasons"]) == 3
    strongest = found[1]["reasons"][0]
    assert strongest["feature"] == "capital_gain"
    assert strongest["value"] == 99999
    assert "reasons" not in asked.predict(rows).json()["rows"][0]


def test_what_nobody_knows_is_named_and_what_no_row_names_is_asked_for(asked: Asked) -> None:
    found = asked.predict([person(shoe=43)]).json()
    assert found["ignored"] == ["shoe"]
    lacking = {name: value for name, value in person().items() if name != "age"}
    told = asked.predict([lacking])
    assert told.status_code == 422
    assert "no row names age: census_income is asked with the columns of its raw table people" in told.json()["error"]
    assert asked.predict([person(), lacking]).json()["rows"][1] == {"refused": ["age is missing"]}


def test_no_rows_are_no_answers(asked: Asked) -> None:
    assert asked.predict([]).json()["rows"] == []
    assert asked.predict([person(age=1)]).json()["rows"] == [{"refused": ["age is below 17"]}]


def test_a_table_is_answered_with_a_table_that_says_the_same(asked: Asked) -> None:
    rows = [person(), person(age=12), person(age=60)]
    table, sink = pa.Table.from_pylist(rows), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    told = asked.client.post(f"/v1/models/{CENSUS}:predict", data=sink.getvalue(), headers={"Content-Type": ARROW})
    assert told.headers["content-type"] == ARROW
    found = pa.ipc.open_stream(told.content).read_all()
    in_json = asked.predict(rows).json()["rows"]
    assert found.schema.metadata[b"version"] == b"1"
    assert found["refused"].to_pylist() == [None, ["age is below 17"], None]
    assert found["probability"].to_pylist() == [row.get("probability") for row in in_json]
    as_json = asked.client.post(
        f"/v1/models/{CENSUS}:predict",
        data=sink.getvalue(),
        headers={"Content-Type": ARROW, "Accept": "application/json"},
    )
    assert as_json.json()["rows"] == in_json


def test_bytes_that_are_no_text_are_a_value_like_another(asked: Asked) -> None:
    columns: dict[str, Any] = {name: pa.array([value]) for name, value in person().items()}
    table, sink = pa.table({**columns, "workclass": pa.array([b"\xff"]).dictionary_encode()}), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    told = asked.client.post(f"/v1/models/{CENSUS}:predict", data=sink.getvalue(), headers={"Content-Type": ARROW})
    found = pa.ipc.open_stream(told.content).read_all()
    ((refused,),) = found["refused"].to_pylist()
    assert refused.startswith("workclass is none of Private, ")


def shapes(rows: list[dict[str, Any]]) -> dict[str, Any]:
    names = list(rows[0])
    return {
        "dataframe_records": rows,
        "dataframe_split": {"columns": names, "data": [list(row.values()) for row in rows]},
        "inputs": {name: [row[name] for row in rows] for name in names},
        "instances": rows,
    }


@pytest.mark.parametrize("shape", ["dataframe_records", "dataframe_split", "inputs", "instances"])
def test_a_client_of_mlflow_s_own_server_is_answered_as_by_it(asked: Asked, shape: str) -> None:
    """By the model as MLflow opens it."""
    import mlflow

    model = mlflow.pyfunc.load_model(str(next(asked.champions[CENSUS].kept.root.glob("1-*/model"))))
    rows = features(20)
    wanted = model.predict(gold(CENSUS)[READ].head(20).astype({n: "float64" for n in READ if n not in model_words()}))
    told = asked.client.post("/invocations", json={shape: shapes(rows)[shape]})
    assert told.status_code == 200, told.text
    assert told.json() == {"predictions": [{"probability": one} for one in wanted["probability"]]}


def model_words() -> tuple[str, ...]:
    return USE_CASE.features.categories


def test_mlflow_s_protocol_says_in_its_own_words_what_is_wrong(asked: Asked) -> None:
    told = asked.client.post("/invocations", json={"dataframe_records": [{"age": 30}]})
    assert told.status_code == 400
    assert told.json() == {
        "error_code": "BAD_REQUEST",
        "message": f"the model reads {', '.join(READ[1:11])}, which the body does not name",
    }
    rows = features(2)
    rows[1]["age"] = "old"
    told = asked.client.post("/invocations", json={"dataframe_records": rows})
    assert told.json()["message"] == "row 1: age is not a number"
    assert asked.client.get("/ping").status_code == 200
    assert asked.client.get("/health").json() == {"status": "ok", "models": {CENSUS: {"version": "1"}}}
    assert asked.client.get("/version").text.startswith("3.")


def test_the_models_say_since_when_they_are_champions_and_what_they_read(asked: Asked) -> None:
    (found,) = asked.client.get("/v1/models").json()["models"]
    assert found["reads"] == READ
    assert found["asked_with"][2] == "fnlwgt"
    assert "income" not in found["asked_with"]
    assert (found["kind"], found["data"], found["constants"]) == ("xgboost", "simulated", {"threshold": 0.4})


def test_the_example_of_the_page_is_answered_and_columns_have_their_codes_and_bounds(asked: Asked) -> None:
    told = asked.client.get("/openapi.json").json()
    body = told["paths"][f"/v1/models/{CENSUS}:predict"]["post"]["requestBody"]["content"]["application/json"]
    row = body["schema"]["properties"]["rows"]["items"]
    assert row["properties"]["age"] == {"type": "integer", "minimum": 17, "maximum": 120}
    assert row["properties"]["workclass"]["type"] == ["string", "null"]
    assert "Masters" in row["properties"]["education"]["enum"]
    assert "income" not in row["properties"]
    (answer,) = asked.client.post(f"/v1/models/{CENSUS}:predict", json=body["example"]).json()["rows"]
    assert "probability" in answer
    other = told["paths"]["/invocations"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert asked.client.post("/invocations", json=other).status_code == 200


MISUNDERSTOOD: dict[str, tuple[Any, int, str]] = {
    "no JSON": (b"{", 422, "the body is no JSON"),
    "not a number": (b'{"rows": [{"age": NaN}]}', 422, "the body is no JSON"),
    "half a surrogate": (b'{"rows": [{"age": "\\ud800"}]}', 422, "the body is no JSON"),
    "a list": (b"[]", 422, "the body is a JSON object, got list"),
    "no rows": (b"{}", 422, "rows is a list of objects"),
    "rows of lists": (b'{"rows": [[1]]}', 422, "rows is a list of objects"),
    "another word": (b'{"rows": [], "row": 1}', 422, "the body holds 'row'; it takes rows and reasons"),
    "deep": (b'{"rows": [{"age": ' + b"[" * 900 + b"]" * 900 + b"}]}", 413, "age holds a value of more than"),
    "deeper": (b"[" * 100_000, 422, "the body is no JSON"),
    "not UTF-8": (b'{"rows": [{"age": "\xff"}]}', 422, "the body is no JSON"),
}  # fmt: skip


@pytest.mark.parametrize("body", MISUNDERSTOOD)
def test_what_cannot_be_understood_is_told_in_a_sentence(asked: Asked, body: str) -> None:
    content, status, says = MISUNDERSTOOD[body]
    told = asked.client.post(f"/v1/models/{CENSUS}:predict", data=content)
    assert (told.status_code, told.json()["error"][: len(says)]) == (status, says)


def test_other_addresses_methods_and_kinds_are_told_so(asked: Asked) -> None:
    assert asked.client.post("/v1/models/wine_quality:predict", json={}).status_code == 404
    assert "there is nothing at this address" in asked.client.get("/nothing").json()["error"]
    assert asked.client.get("/invocations").status_code == 405
    told = asked.client.post("/invocations", data=b"a,b", headers={"Content-Type": "text/csv"})
    assert told.status_code == 415
    told = asked.client.post("/invocations", data=b"PAR1 or not", headers={"Content-Type": ARROW})
    assert (told.status_code, "the body is no stream of Arrow" in told.text) == (422, True)


def test_limits_of_rows_columns_and_text_are_told(shelf: Any) -> None:
    small = Asked(shelf, limits=Limits(rows=2, columns=20, text=50, body=5000))
    assert small.predict([person()] * 3).status_code == 413
    assert "at most 2 rows, got 3" in small.predict([person()] * 3).json()["error"]
    assert "at most 20 columns" in small.predict([{str(n): 1 for n in range(21)}]).json()["error"]
    assert "age holds a value of more than 50" in small.predict([person(age="1" * 51)]).json()["error"]
    told = small.client.post("/invocations", data=b"x" * 5001)
    assert (told.status_code, told.json()["message"]) == (413, "a body has at most 5,000 bytes, got 5,001")

    def parts() -> Any:
        yield from [b"x" * 3000] * 2

    told = small.client.post("/invocations", data=parts())
    assert (told.status_code, told.json()["message"]) == (413, "a body has at most 5,000 bytes")
    columns, sink = {str(n): [1] for n in range(3)}, io.BytesIO()
    with pa.ipc.new_stream(sink, pa.table(columns).schema) as stream:
        for _ in range(3):
            stream.write_table(pa.table(columns))
    told = small.client.post("/invocations", data=sink.getvalue(), headers={"Content-Type": ARROW})
    assert (told.status_code, "at most 2 rows, got 3" in told.text) == (413, True)
