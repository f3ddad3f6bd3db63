"""What a write answers, asked of the table itself."""

from pathlib import Path

import pytest
from pyspark.errors import NumberFormatException
from pyspark.sql import SparkSession

from spark_jobs import lakehouse, session
from spark_jobs.declare import Place
from spark_jobs.lakehouse import Commit, Lake, State, Table


@pytest.fixture
def table(spark: SparkSession, tmp_path: Path) -> Table:
    return Lake(spark, str(tmp_path / "lake"), "shop").silver("sales")


def test_a_write_answers_with_the_version_it_made(table: Table, spark: SparkSession, tmp_path: Path) -> None:
    """A write of no rows is one too, and what other tables come to meanwhile is no matter."""
    other, rows = Lake(spark, str(tmp_path / "lake"), "shop").silver("closures"), spark.range(3)
    assert (other.append(rows, {}), table.append(rows, {})) == (0, 0)
    assert table.replace(rows.where("FALSE"), "id = 7", {"of": "b"}) == Commit(rows=0, version=1)
    assert table.state() == State(version=1, note={"of": "b"})
    assert table.replace(rows.where("FALSE"), "id = 7", {"of": "b"}) == Commit(rows=0, version=1)  # said already
    assert table.append(rows.where("FALSE"), {"of": "b"}) == 1
    assert other.append(rows, {}) == other.version() == 1
    assert table.append(rows, {}) == table.version() == 2
    assert table.replace(rows.where("id > 0"), "id > 0", {}) == Commit(rows=2, version=3)
    assert sorted(row.id for row in table.read(1).collect()) == [0, 1, 2]


def test_a_note_stands_until_the_next_one_whatever_upkeep_others_do(table: Table, spark: SparkSession) -> None:
    for number in (1, 2):
        table.append(spark.range(1), {"bronze": number})
    spark.sql(f"OPTIMIZE {table.sql_name}")
    assert table.state() == State(version=2, note={"bronze": 2})


def test_where_delta_does_not_say_the_table_is_asked(
    table: Table, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lakehouse, "COMMITTED", "nightshift.nobody.says")
    spark.conf.set("nightshift.nobody.says", "7")  # of somebody's earlier write
    assert [table.append(spark.range(1), {}) for _ in range(2)] == [0, 1]
    for note in ({"of": "b"}, {"of": "c"}):
        table.append(spark.range(0), note)
        assert table.note() == note
    assert table.version() == 3
    assert table.read().count() == 2


def test_what_stages_rely_on_is_set_where_the_session_is_given(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a workspace gives it, with what its runtime has by default."""
    monkeypatch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")
    monkeypatch.setenv("SPARK_REMOTE", "sc://localhost")  # of the session that is there already
    try:
        for setting in session.RELIED_ON:
            spark.conf.set(setting, {"spark.sql.session.timeZone": "Asia/Tokyo"}.get(setting, "false"))
        with session.spark_session(Place(lake="main.bikes", landing="", tracking="", registry=""), "a job") as found:
            assert found.sql("SELECT current_timezone()").first() == ("UTC",)
            with pytest.raises(NumberFormatException):
                found.sql("SELECT CAST('a' AS INT)").collect()
    finally:
        for setting, value in session.RELIED_ON.items():
            spark.conf.set(setting, value)


def test_a_table_of_a_catalog_answers_as_one_of_a_path_does(spark: SparkSession, tmp_path: Path) -> None:
    """But that it was made, empty, before anything is written: what makes one could leave no note."""
    schema = f"spark_catalog.named_{abs(hash(tmp_path))}"
    spark.sql(f"CREATE SCHEMA {schema}")
    table, rows = Lake(spark, schema, "shop").silver("sales"), spark.range(3)
    assert not table.exists()
    assert table.state() == State(version=None, note={})
    assert table.append(rows, {"of": "a"}) == 1
    assert table.state() == State(version=1, note={"of": "a"})
    assert table.replace(rows.where("FALSE"), "id = 7", {"of": "b"}) == Commit(rows=0, version=2)
    assert table.note() == {"of": "b"}
    wider = rows.where("id > 0").selectExpr("id", "id * 2 AS more")
    assert table.replace(wider, "id > 0", {}) == Commit(rows=2, version=3)
    assert sorted((row.id, row.more) for row in table.read().collect()) == [(0, None), (1, 2), (2, 4)]
    assert table.replace(spark.range(1).selectExpr("'a' AS other"), None, {"of": "c"}) == Commit(rows=1, version=4)
    assert table.read().columns == ["other"]
    spark.sql(f"DROP SCHEMA {schema} CASCADE")
