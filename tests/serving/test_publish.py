"""A version goes into another MLflow, a real server, and is there what it is here."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test

from local import publish
from local.home import Home
from spark_jobs.declare import BadRequest, Refused, Unreachable, tags
from spark_jobs.declare.elsewhere import place_of
from spark_jobs.publishing import elsewhere
from spark_jobs.publishing.giving import give, in_words
from spark_jobs.publishing.taking import Taken, take
from spark_jobs.tracking import tracking
from spark_jobs.tracking.digest import digest
from spark_jobs.tracking.inputs import Used
from spark_jobs.use_cases import learning
from tests.elsewhere import killed_at, mlflow_server
from tests.serving.shelf import CENSUS, Shelf
from tests.serving.standing import standing
from tests.serving.test_interface import person

DAY = datetime(2024, 3, 1)
USED = Used(table="gold/features", place="/lake/gold", version=7, part="train", start=DAY, end=DAY, rows=99)

STEPS = (
    *("create_registered_model", "create_experiment", "create_run", "log_batch", "log_inputs", "log_artifacts"),
    *("set_terminated", "create_model_version", "set_registered_model_alias"),
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("there")) as found:
        yield found


@pytest.fixture(scope="module")
def there(address: str) -> MlflowClient:
    return MlflowClient(address, address)


@pytest.fixture(scope="module")
def trained(full_shelf: Shelf) -> Shelf:
    """Its champion has been trained and judged as a night does it."""
    client = full_shelf.client
    with tracking(full_shelf.place, learning(CENSUS)) as book:
        run = str(book.version("1").run_id)
        book.write(run, metrics={"auc": 0.9}, params={"eta": "0.1"}, labels={tags.INPUTS: '{"gold/features": 7}'})
        book.name_data(run, [USED])
        client.log_dict(run, {"verdict": "PROMOTE"}, "verdict.json")
        client.log_text(run, "passed", "verdict.md")
        client.log_text(run, "rows of people", "misjudged.json")
        told = {tags.VERDICT: "PROMOTE", tags.INPUTS: '{"gold/features": 7}', tags.REASONS: "é " * 900}
        book.label("1", told | {"of.somebody": "a note", f"{tags.HISTORY}0001": "{}"}, "what it is")
        book.describe("who earns much")
        book.end(run, "FINISHED")
    return full_shelf


@pytest.fixture
def taken(trained: Shelf, tmp_path: Path, request: pytest.FixtureRequest) -> Taken:
    """By a name of its own there, so that tests do not meet."""
    found = take(trained.client, trained.place, CENSUS, "", tmp_path)
    return replace(found, use_case=re.sub(r"\W+", "_", request.node.name))


def numbers(there: MlflowClient, taken: Taken) -> list[str]:
    return sorted(str(one.version) for one in there.search_model_versions(f"name = '{taken.use_case}'"))


def runs(there: MlflowClient, taken: Taken) -> list[Any]:
    found = there.get_experiment_by_name(f"{taken.use_case}.published")
    assert found is not None
    return list(there.search_runs([found.experiment_id]))


def datasets(run: Any) -> list[Any]:
    return [one.dataset.to_dictionary() for one in run.inputs.dataset_inputs]


def files(there: MlflowClient, run: Any) -> list[str]:
    return sorted(one.path for one in there.list_artifacts(run.info.run_id))


def test_all_that_is_known_of_a_version_is_there(
    taken: Taken, address: str, there: MlflowClient, trained: Shelf, tmp_path: Path
) -> None:
    told = give(there, place_of(address), taken)
    assert (told["version"], told["from"], told["new"], told["aliases"]) == ("1", "1", True, ["champion"])
    found, here = there.get_model_version(taken.use_case, "1"), trained.client.get_model_version(CENSUS, "1")
    origin = {"registry": trained.address, "model": CENSUS, "version": "1", "run": here.run_id}
    left = ("of.somebody", f"{tags.HISTORY}0001")
    ours = {name: text for name, text in here.tags.items() if name not in left}
    published = json.loads(found.tags.pop(tags.PUBLISHED))
    assert published == origin | {"files": here.tags[tags.FILES]}
    assert found.tags == ours | {tags.IMPORTED: here.run_id}
    assert found.description == "what it is"
    assert there.get_registered_model(taken.use_case).description == "who earns much"
    run, of = there.get_run(str(found.run_id)), trained.client.get_run(str(here.run_id))
    assert (run.data.metrics, run.data.params) == ({"auc": 0.9}, {"eta": "0.1"})
    assert (run.info.status, run.info.start_time, run.info.end_time) == (
        of.info.status,
        of.info.start_time,
        of.info.end_time,
    )
    assert run.data.tags[tags.INPUTS] == '{"gold/features": 7}'
    assert datasets(run) == datasets(of)
    assert len(datasets(run)) == 1
    assert sorted(one.path for one in there.list_artifacts(str(found.run_id))) == [
        "model",
        "verdict.json",
        "verdict.md",
    ]
    from mlflow.artifacts import download_artifacts
    from mlflow.models import Model

    copied = Path(download_artifacts(found.source, dst_path=str(tmp_path / "copied"), tracking_uri=address))
    assert digest(copied) == here.tags[tags.FILES]
    assert Model.load(str(copied)).signature == Model.load(str(taken.model)).signature


def test_again_and_again_it_is_there_once_and_nothing_is_written(
    taken: Taken, address: str, there: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = give(there, place_of(address), taken)
    for writes in (*STEPS, "set_model_version_tag", "update_model_version"):
        monkeypatch.setattr(MlflowClient, writes, lambda *_, **__: 1 / 0)
    assert give(there, place_of(address), taken) == first | {"new": False}
    assert numbers(there, taken) == ["1"]


def test_what_is_said_of_it_later_comes_after_it(
    taken: Taken, address: str, there: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(there, place_of(address), taken)
    (taken.verdict / "verdict.md").write_text("judged again")
    taken.version.tags[tags.JUDGED] = "later rows"
    taken.version._description = "other words"
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(MlflowClient, "log_artifacts", lambda *_: 1 / 0)
        give(there, place_of(address), taken)
    give(there, place_of(address), taken)
    found = there.get_model_version(taken.use_case, "1")
    assert (found.tags[tags.JUDGED], found.description) == ("later rows", "other words")
    file = there.download_artifacts(str(found.run_id), "verdict.md")
    assert Path(file).read_text() == "judged again"
    assert len(runs(there, taken)) == 1


def test_no_alias_is_moved_there_unless_told(taken: Taken, address: str, there: MlflowClient, trained: Shelf) -> None:
    to = place_of(address)
    give(there, to, taken)
    folder = taken.model.parent / "other"
    other = replace(take(trained.client, trained.place, CENSUS, "2", folder), use_case=taken.use_case)
    other = replace(other, aliases=("challenger", "champion"))
    told = give(there, to, other, ["production"])
    assert (told["version"], told["aliases"], told["left"]) == ("2", ["production"], {"champion": "1"})
    assert in_words(told) == (
        f"Version 2 is now version 2 of {taken.use_case} in {address}, called production. champion stays with version "
        "1 there; ALIASES=champion would move it."
    )
    assert give(there, to, taken)["aliases"] == ["champion"]
    assert give(there, to, other, ["champion"])["aliases"] == ["champion", "production"]
    assert there.get_registered_model(taken.use_case).aliases == {"champion": "2", "production": "2"}
    assert give(there, to, taken)["left"] == {"champion": "2"}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_one_that_was_killed_is_finished_by_the_next(step: str, when: str, taken: Taken, there: MlflowClient) -> None:
    address = there.tracking_uri
    with killed_at(MlflowClient, step, when):
        give(there, place_of(address), taken)
    told = give(there, place_of(address), taken)
    assert (told["version"], told["aliases"], numbers(there, taken)) == ("1", ["champion"], ["1"])
    (run,) = runs(there, taken)
    assert (run.data.metrics, run.info.status) == ({"auc": 0.9}, taken.run.info.status)
    assert len(run.inputs.dataset_inputs) == 1
    assert files(there, run) == ["model", "verdict.json", "verdict.md"]


def test_two_who_publish_the_same_at_once_leave_one(
    taken: Taken, address: str, there: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    to, makes = place_of(address), MlflowClient.create_model_version

    def second(*given: Any, **more: Any) -> Any:
        monkeypatch.setattr(MlflowClient, "create_model_version", makes)
        give(there, to, taken)
        return makes(*given, **more)

    monkeypatch.setattr(MlflowClient, "create_model_version", second)
    assert give(there, to, taken)["version"] == "1"
    assert numbers(there, taken) == ["1"]


@pytest.mark.parametrize("step", ["create_registered_model", "create_experiment"])
def test_what_somebody_makes_in_the_same_moment_is_taken_as_it_is(
    step: str, taken: Taken, address: str, there: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    makes = getattr(MlflowClient, step)

    def second(*given: Any, **more: Any) -> Any:
        makes(*given, **more)
        return makes(*given, **more)

    monkeypatch.setattr(MlflowClient, step, second)
    assert give(there, place_of(address), taken)["version"] == "1"


def test_other_files_of_the_same_run_are_another_version(taken: Taken, address: str, there: MlflowClient) -> None:
    give(there, place_of(address), taken)
    taken.version.tags[tags.FILES] = "of others"
    told = give(there, place_of(address), taken)
    assert (told["version"], told["new"]) == ("2", True)
    assert len(runs(there, taken)) == 2  # so that neither has the other's files


def test_a_registry_whose_nights_train_it_is_refused_and_its_own_one_too(
    taken: Taken, address: str, there: MlflowClient, trained: Shelf
) -> None:
    there.create_registered_model(taken.use_case)
    run = there.create_run(there.create_experiment(f"{taken.use_case} by night"))
    source = f"{run.info.artifact_uri}/model"
    there.create_model_version(taken.use_case, source, run.info.run_id, tags={tags.KIND: "xgboost"})
    with pytest.raises(Refused, match="were trained there, like 1, and nights would take ours"):
        give(there, place_of(address), taken)
    with pytest.raises(Refused, match="is the registry that version 1 is in already"):
        give(trained.client, trained.place, replace(taken, use_case=CENSUS))
    assert len(trained.client.search_model_versions(f"name = '{CENSUS}'")) == 2


def test_what_is_not_to_be_had_is_not_published(trained: Shelf, shelf: Shelf, tmp_path: Path) -> None:
    def asked(number: str) -> Taken:
        return take(shelf.client, shelf.place, CENSUS, number, tmp_path / f"of{number}")

    with pytest.raises(Refused, match="model census_income has no version 99"):
        asked("99")
    shelf.client.set_model_version_tag(CENSUS, "2", tags.WITHDRAWN, "{}")
    with pytest.raises(Refused, match="version 2 of census_income was withdrawn: a person may bring it back"):
        asked("2")
    shelf.client.set_model_version_tag(CENSUS, "1", tags.FILES, "others")
    with pytest.raises(Refused, match="are not those it was registered with, so nobody gets them"):
        asked("1")
    shelf.client.delete_model_version_tag(CENSUS, "1", tags.FILES)
    with pytest.raises(Refused, match="does not say which files it is made of"):
        asked("1")
    shelf.client.delete_registered_model_alias(CENSUS, tags.CHAMPION)
    with pytest.raises(Refused, match="census_income has no champion yet: promote a version, or name one"):
        asked("")


def test_a_server_that_keeps_files_on_its_own_machine_is_refused_before_they_land_on_ours(
    taken: Taken, address: str, there: MlflowClient, tmp_path: Path
) -> None:
    there.create_experiment(f"{taken.use_case}.published", artifact_location=str(tmp_path / "theirs"))
    with pytest.raises(Refused, match="of its own machine, where nobody else can write"):
        give(there, place_of(address), taken)
    assert not (tmp_path / "theirs").exists()
    assert numbers(there, taken) == []


class Answering(BaseHTTPRequestHandler):
    """Says no in one way, and who asked."""

    def do_GET(self) -> None:
        server: Any = self.server
        server.seen.append(self.headers.get("Authorization", ""))
        body = server.says.encode()
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - as the library calls them

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def answering(status: int, says: str) -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Answering)
    server.status, server.says, server.seen = status, says, []
    server.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def typed(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`make publish`, but for the registry of the home; it is asked without the login of the other one."""

    @contextmanager
    def registry_of(_: Home) -> Iterator[str]:
        assert not [name for name in elsewhere.LOGIN if name in os.environ]
        yield shelf.address

    monkeypatch.setattr(publish, "registry_of", registry_of)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return lambda **words: publish.main(Home(root=shelf.folder), {"MODEL": CENSUS, **words})


def test_a_service_answers_from_there_as_it_does_from_here(
    typed: Any, shelf: Shelf, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(TO=f"{address}/", VERSION="2", ALIASES="production")
    said = capsys.readouterr().out
    assert f"Version 2 is now version 1 of {CENSUS} in {address}, called production." in said
    asked: Any = {"rows": [person(), person(age=12), person(**{"hours-per-week": 60})], "reasons": True}
    with (
        standing(shelf, VERSION="2") as here,
        standing(shelf, VERSION="1", SERVE_REGISTRY=address, SERVE_KEPT=str(shelf.folder / "other")) as there,
    ):
        answers = []
        for one in (here, there):
            one.wait()
            answers.append(one.client.post(f"/v1/models/{CENSUS}:predict", json=asked).json())
    assert [one.pop("version") for one in answers] == ["2", "1"]
    assert answers[0] == answers[1]
    assert "probability" in answers[0]["rows"][0]


@pytest.mark.parametrize(
    ("status", "says", "means"),
    [
        (401, "You are not authenticated", "does not let us in, or not do this: look at MLFLOW_TRACKING_USERNAME and"),
        (403, "Permission denied", "and at the rights of whom it is"),
        (403, '{"error_code": "PERMISSION_DENIED", "message": "no"}', "does not let us in"),
        (404, "<html>not found</html>", "answers, but not as MLflow does: give the address that its pages have"),
    ],
)
def test_whatever_the_other_registry_refuses_is_one_sentence(
    status: int, says: str, means: str, typed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "of-ann")
    with answering(status, says) as server, pytest.raises(Refused, match=means) as raised:
        typed(TO=server.address)
    assert str(raised.value).startswith(server.address)
    assert "of-ann" not in str(raised.value)
    assert set(server.seen) == {"Basic YW5uOm9mLWFubg=="}
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "of-ann"  # noqa: S105 - of nobody


def test_files_that_need_a_library_of_their_own_are_one_sentence() -> None:
    says = r"^http://a keeps files where this machine cannot write \(No module named 'boto3'"
    with pytest.raises(Refused, match=says), elsewhere.registry_of(place_of("http://a"), ""):
        raise ImportError("No module named 'boto3'")


def test_a_registry_that_is_away_is_one_sentence(typed: Any) -> None:
    with pytest.raises(Unreachable, match=r"^http://127\.0\.0\.1:9 does not answer: see that it is up"):
        typed(TO="http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("words", "means"),
    [
        ({}, "TO: is missing. Like this: make publish MODEL=census_income TO=https://"),
        ({"TO": "https://ann:secret@mlflow.example.org"}, "TO: is an address alone: a login stands in the environment"),
        ({"TO": "https://mlflow.example.org/?token=secret"}, "TO: is an address alone"),
        ({"TO": "databricks"}, "TO: is the address of an MLflow, like https://mlflow.example.org, or databricks-uc:"),
        ({"TO": "databricks-uc:main"}, "TO: is the address of an MLflow"),
        ({"TO": "sqlite:///mlflow.db"}, "TO: is the address of an MLflow"),
        ({"TO": "http://mlflow:port"}, "TO: is the address of an MLflow"),
        ({"TO": "http://a", "VERSION": "-1"}, "VERSION: is a number, got '-1'"),
        ({"TO": "http://a", "ALIASES": "champion,v3"}, "ALIASES: aliases are lower-case words, like champion, but not"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(
    words: dict[str, str], means: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(publish, "registry_of", lambda _: 1 / 0)
    with pytest.raises(BadRequest) as raised:
        publish.main(Home(root=tmp_path), {"MODEL": CENSUS, **words})
    assert str(raised.value).startswith(means)
    assert "secret" not in str(raised.value)
