"""What was asked and answered, as files of landing: only when told to, without what is protected, in nobody's way."""

import csv
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from serving.settings import Settings
from serving.tables import ARROW
from serving.watching import Watch, protected
from spark_jobs import use_cases
from spark_jobs.files import Files
from spark_jobs.raw.landing import Landing
from tests.campaign.disk import SmallDisk
from tests.serving.conftest import Asked, until
from tests.serving.shelf import CENSUS, Shelf
from tests.serving.standing import standing
from tests.serving.test_interface import features, person

PREDICT = f"/v1/models/{CENSUS}:predict"
KEPT = [
    *("asked_at", "client", "model_version", "age", "workclass", "fnlwgt", "education", "education-num"),
    *("marital-status", "occupation", "relationship", "capital-gain", "capital-loss", "hours-per-week"),
    *("native-country", "probability", "called_above_50k", "refused"),
]


@contextmanager
def watched(shelf: Shelf, landing: Files | None = None, **told: Any) -> Iterator[Asked]:
    """It writes when it is told to, and not by a clock."""
    usual = {"share": 1.0, "landing": landing or Files(str(shelf.folder / "landing")), "seconds": 3600}
    watch = Watch(**{**usual, **told})
    asked = Asked(shelf, watch=watch)
    yield asked
    asked.end()


def written(shelf: Shelf, table: str = "people") -> list[dict[str, str]]:
    files = sorted((shelf.folder / "landing" / f"{CENSUS}_asked" / table).glob("*/*.csv"))
    return [row for file in files for row in csv.DictReader(io.StringIO(file.read_text(), newline=""))]


def write(asked: Asked) -> None:
    assert asked.service.watch is not None
    asked.service.watch.write()


def outcomes(asked: Asked) -> dict[str, float]:
    told = asked.client.get("/metrics").text
    start = "serving_watched_total{"
    lines = [line.removeprefix(start).split("} ") for line in told.splitlines() if line.startswith(start)]
    return {labels.partition('outcome="')[2].strip('"'): float(value) for labels, value in lines}


def test_each_row_is_written_as_it_was_asked_with_its_answer_and_without_what_is_protected(shelf: Shelf) -> None:
    odd = person(workclass='of "two", or\nmore\x00', age="old")
    with watched(shelf) as asked:
        answer = asked.predict([person(), odd, person(age=60)], reasons=True).json()["rows"]
        assert written(shelf) == []
        write(asked)
        first, second, third = written(shelf)
        assert outcomes(asked) == {"kept": 3}
    assert list(first) == KEPT
    names = KEPT[3:-3]
    assert {name: first[name] for name in names} == {name: str(person()[name]) for name in names}
    assert (first["client"], first["model_version"], first["asked_at"][:2]) == ("tester", "1", "20")
    assert [float(row["probability"]) for row in (first, third)] == [answer[0]["probability"], answer[2]["probability"]]
    assert [row["called_above_50k"] for row in (first, third)] == [str(answer[at]["called_above_50k"]) for at in (0, 2)]
    assert (second["workclass"], second["age"], second["probability"]) == (odd["workclass"], "old", "")
    assert second["refused"].split("; ") == answer[1]["refused"]
    (file,) = (shelf.folder / "landing").rglob("*.csv")
    assert not any(word in file.read_text() for word in ("race", asked.key, *["White", "Black", "Male", "Female"]))


def test_tables_and_features_are_written_too_each_kind_of_question_to_a_folder_of_its_own(shelf: Shelf) -> None:
    table, sink = pa.Table.from_pylist([person(), person(age=1)]), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    with watched(shelf) as asked:
        asked.client.post(PREDICT, data=sink.getvalue(), headers={"Content-Type": ARROW})
        told = asked.client.post("/invocations", json={"dataframe_records": features(2)}).json()["predictions"]
        asked.predict([])
        assert asked.client.post(PREDICT, data=b"{").status_code == 422
        write(asked)
    assert [row["age"] for row in written(shelf)] == [str(person()["age"]), "1"]
    assert [row["refused"] for row in written(shelf)] == ["", "age is below 17"]
    assert [float(row["probability"]) for row in written(shelf, "features")] == [row["probability"] for row in told]


def test_they_lie_as_raw_files_do_and_in_the_way_of_none(shelf: Shelf) -> None:
    place = replace(shelf.place, landing=str(shelf.folder / "landing"))
    with watched(shelf) as asked:
        asked.predict([person()])
        write(asked)
    (file,) = Landing.of(place, f"{CENSUS}_asked").files("people")
    assert file.name.startswith(f"{file.arrival_day}/")
    Landing.of(place, CENSUS).claim("simulated")  # as if nothing had been dropped there
    assert list(Landing.of(place, CENSUS).files("people")) == []


def test_of_the_requests_a_share_is_drawn(shelf: Shelf) -> None:
    chance = Random(5)
    wanted = sum(chance.random() < 0.3 for _ in range(30))
    with watched(shelf, share=0.3, chance=Random(5)) as asked:
        for _ in range(30):
            asked.predict([person()] * 2)
        write(asked)
    assert 0 < len(written(shelf)) == 2 * wanted < 60


@dataclass(frozen=True)
class Stuck(Files):
    """A disk that takes nothing until it is let go."""

    go: threading.Event = field(default_factory=threading.Event)

    def write(self, content: bytes) -> None:
        assert self.go.wait(60)
        super().write(content)


def test_what_does_not_fit_until_it_is_written_is_dropped_and_counted_and_no_answer_waits(shelf: Shelf) -> None:
    landing = Stuck(str(shelf.folder / "landing"))
    with watched(shelf, landing, each=2, most=5) as asked:
        watch = asked.service.watch
        assert watch is not None
        assert asked.predict([person()] * 2).status_code == 200
        until(lambda: not watch._count, "what was asked is being written")
        for _ in range(4):
            assert asked.predict([person()] * 2).status_code == 200
        assert outcomes(asked) == {"dropped": 4}
        landing.go.set()
        watch.end(60)
        assert outcomes(asked) == {"dropped": 4, "kept": 6}
    assert len(written(shelf)) == 6


def test_a_disk_that_is_full_is_told_of_once_and_answers_go_on(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    disk = SmallDisk(shelf.folder / "landing", megabytes=4)
    disk.mount()
    if disk.refused:
        pytest.skip(f"a small disk cannot be mounted here: {disk.refused}")
    try:
        with watched(shelf) as asked:
            with disk.full():
                for _ in range(3):
                    assert asked.predict([person()] * 1000).status_code == 200
                    write(asked)
                assert outcomes(asked) == {"lost": 3000}
                assert not [path for path in disk.folder.rglob("*") if path.is_file() and path.name != ".ballast"]
            assert caplog.text.count("what is asked is not kept in") == 1
            assert "No space left on device" in caplog.text
            asked.predict([person()])
            write(asked)
            assert outcomes(asked) == {"lost": 3000, "kept": 1}
        assert len(written(shelf)) == 1
    finally:
        disk.unmount()


def test_what_waits_when_a_service_is_told_to_end_is_written(shelf: Shelf) -> None:
    with standing(shelf, SERVE_WATCH="1") as service:
        service.wait()
        assert service.client.post(PREDICT, json={"rows": [person()] * 3}).status_code == 200
        assert "of the requests 1.0 are written to" in service.end()
    assert [row["client"] for row in written(shelf)] == ["tester"] * 3


def test_it_is_off_unless_it_is_told_to() -> None:
    assert Settings.of({"MODEL": CENSUS}).watch == 0
    found = Settings.of({"MODEL": CENSUS, "NIGHTSHIFT_HOME": "/there", "SERVE_WATCH": "0.01"})
    assert (found.watch, found.landing) == (0.01, "/there/landing")
    assert Settings.of({"MODEL": CENSUS, "SERVE_LANDING": "s3://landing"}).landing == "s3://landing"


def test_what_a_protected_feature_is_made_of_is_protected_too() -> None:
    wine = use_cases.learning("wine_score")
    features = replace(wine.features, protected=("bound_sulfur_dioxide",))
    assert protected(replace(wine, features=features)) == {
        *("bound_sulfur_dioxide", "total_sulfur_dioxide", "free_sulfur_dioxide"),
    }
    assert protected(use_cases.learning(CENSUS)) == {"race", "sex"}
