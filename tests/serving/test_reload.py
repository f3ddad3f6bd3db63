"""A service follows its champion: at once, wholly, and never to its own harm."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving.champion import follow
from serving.version import About, Answer, Question, Version
from spark_jobs.declare import Place, Refused, Unreachable, tags
from tests.campaign.disk import SmallDisk
from tests.serving.conftest import Asked, champion
from tests.serving.shelf import CENSUS, Shelf
from tests.serving.test_interface import person

THRESHOLDS = {"1": 0.4, "2": 0.6}
NOWHERE = Place(lake="", landing="", tracking="http://127.0.0.1:9", registry="http://127.0.0.1:9")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def people() -> list[dict[str, Any]]:
    return [person(age=age, **{"capital-gain": gain}) for age in range(20, 70, 5) for gain in (0, 3000, 9999)]


def version_of(asked: Asked) -> str:
    """By an answer; all of it is of this version."""
    found = asked.predict(people()).json()
    called = [row["called_above_50k"] for row in found["rows"]]
    assert called == [int(row["probability"] >= THRESHOLDS[found["version"]]) for row in found["rows"]]
    return str(found["version"])


def test_after_a_promotion_and_a_roll_back_each_answer_is_of_one_version_and_none_is_lost(
    asked: Asked, shelf: Shelf
) -> None:
    seen: list[str] = []
    over = threading.Event()

    def asking() -> None:
        while not over.is_set():
            seen.append(version_of(asked))

    asker, stop = threading.Thread(target=asking), threading.Event()
    follow(list(asked.champions.values()), 0.2, stop)
    asker.start()
    for wanted in ("2", "1"):
        began = time.monotonic()
        shelf.crown(CENSUS, wanted)
        while not seen or seen[-1] != wanted:
            assert time.monotonic() - began < 10
            assert asker.is_alive()
            time.sleep(0.01)
    over.set()
    asker.join()
    stop.set()
    order = [one for place, one in enumerate(seen) if not place or one != seen[place - 1]]
    assert order in (["1", "2", "1"], ["2", "1"])


def test_a_version_that_does_not_load_leaves_the_old_one_and_all_say_so(
    asked: Asked, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Version.load
    number = shelf.add(CENSUS)
    (file,) = Path(str(shelf.client.get_model_version(CENSUS, number).source)).glob("data/*/*.ubj")
    file.write_bytes(file.read_bytes()[:-100])
    shelf.crown(CENSUS, number)
    tried: list[str] = []

    def loading(about: About, folder: Path) -> Version:
        tried.append(about.version)
        return load(about, folder)

    monkeypatch.setattr(Version, "load", loading)
    for _ in range(3):
        asked.champions[CENSUS].look()
    assert tried == [number]
    assert version_of(asked) == "1"
    health = asked.client.get("/health")
    assert health.status_code == 200
    trouble = health.json()["models"][CENSUS]["trouble"]
    assert f"version {number} of census_income: its files are not those that were registered" in trouble
    told = asked.client.get("/metrics").text
    assert 'serving_trouble{model="census_income"} 1.0' in told
    assert 'serving_reloads_total{model="census_income",outcome="failed"} 1.0' in told
    shelf.crown(CENSUS, "2")
    asked.champions[CENSUS].look()
    assert version_of(asked) == "2"
    assert asked.client.get("/health").json()["models"][CENSUS] == {"version": "2"}
    assert 'serving_live{model="census_income",version="2"} 1.0' in asked.client.get("/metrics").text


def test_of_two_promotions_within_a_second_the_last_one_answers_in_the_end(
    asked: Asked, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of them while the first is being loaded."""
    load, during = Version.load, list[str]()

    def loading(about: About, folder: Path) -> Version:
        if about.version == "2":
            shelf.crown(CENSUS, "1")
            during.append(version_of(asked))
        return load(about, folder)

    monkeypatch.setattr(Version, "load", loading)
    shelf.crown(CENSUS, "2")
    seen = []
    for _ in range(3):
        asked.champions[CENSUS].look()
        seen.append(version_of(asked))
    assert (during, seen) == (["1"], ["2", "1", "1"])
    assert asked.client.get("/health").json()["models"][CENSUS] == {"version": "1"}
    assert (again := asked.champions[CENSUS].kept.live()) is not None
    assert again.version == "1"


HALVES: dict[str, Callable[[Path], object]] = {
    "a file that is cut": lambda file: file.write_bytes(file.read_bytes()[:100]),
    "an empty file": lambda file: file.write_bytes(b""),
    "a file that is not there": lambda file: file.unlink(),
    "no file at all": lambda file: shutil.rmtree(file.parents[2]),
}


@pytest.mark.parametrize("half", HALVES)
def test_a_version_whose_files_are_half_written_answers_once_they_are_whole(
    asked: Asked, shelf: Shelf, half: str, tmp_path: Path
) -> None:
    one, number = asked.champions[CENSUS], shelf.add(CENSUS)
    source = Path(str(shelf.client.get_model_version(CENSUS, number).source))
    (file,) = source.glob("data/*/*.ubj")
    shutil.copytree(source, tmp_path / "whole")
    HALVES[half](file)
    shelf.crown(CENSUS, number)
    one.look()
    trouble = one.trouble
    assert trouble
    assert version_of(asked) == "1"
    shutil.copytree(tmp_path / "whole", source, dirs_exist_ok=True)
    one.look()
    assert one.trouble == trouble  # it is not looked at every three seconds
    one.again = 0
    one.look()
    assert asked.predict(people()).json()["version"] == number
    assert asked.client.get("/health").json()["models"][CENSUS] == {"version": number}


def test_a_version_has_answered_once_before_it_is_the_one_that_answers(
    asked: Asked, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So nobody waits for what a library does the first time."""
    one, answer, seen = asked.champions[CENSUS], Version.answer, list[Any]()

    def answering(self: Version, question: Question) -> Answer:
        assert one.live is not None
        seen.append((self.about.version, one.live.about.version))
        return answer(self, question)

    monkeypatch.setattr(Version, "answer", answering)
    shelf.crown(CENSUS, "2")
    one.look()
    assert seen == [("2", "1")]


def test_a_version_without_a_hash_of_its_files_is_not_loaded(asked: Asked, shelf: Shelf) -> None:
    shelf.client.delete_model_version_tag(CENSUS, "2", tags.FILES)
    shelf.crown(CENSUS, "2")
    asked.champions[CENSUS].look()
    assert "registered without a hash of its files" in asked.champions[CENSUS].trouble
    assert version_of(asked) == "1"


def test_without_the_registry_it_goes_on_and_says_since_when(asked: Asked) -> None:
    one = asked.champions[CENSUS]
    there, one.place = one.place, NOWHERE
    for _ in range(2):
        one.look()
    assert version_of(asked) == "1"
    assert asked.client.get("/health").json()["models"][CENSUS]["registry"].startswith("does not answer since 20")
    assert 'serving_registry_away{model="census_income"} 1.0' in asked.client.get("/metrics").text
    one.place = there
    one.look()
    assert asked.client.get("/health").json()["models"][CENSUS] == {"version": "1"}


def test_it_starts_without_the_registry_from_what_it_has_kept_and_says_so(asked: Asked, shelf: Shelf) -> None:
    shelf.crown(CENSUS, "2")
    asked.champions[CENSUS].look()
    again = champion(shelf, CENSUS)
    again.place = NOWHERE
    again.start()
    assert again.live is not None
    assert again.live.about.version == "2"
    asked.champions[CENSUS] = asked.service.champions[CENSUS] = again  # type: ignore[index] # a dict, here
    assert asked.client.get("/health").json()["models"][CENSUS]["registry"].startswith("was not asked yet")
    assert version_of(asked) == "2"


def test_what_is_kept_and_is_not_what_it_was_is_fetched_again_or_refused(asked: Asked, shelf: Shelf) -> None:
    (file,) = asked.champions[CENSUS].kept.root.glob("1-*/model/data/*/*.ubj")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    away = champion(shelf, CENSUS)
    away.place = NOWHERE
    with pytest.raises(Unreachable):
        away.start()
    assert away.live is None
    again = champion(shelf, CENSUS)
    again.start()
    assert again.live is not None
    assert file.read_bytes() == whole


@pytest.mark.parametrize("broken", ["live", "1-*/about.json"])
def test_a_copy_that_is_half_there_is_none(asked: Asked, shelf: Shelf, broken: str) -> None:
    (file,) = asked.champions[CENSUS].kept.root.glob(broken)
    file.write_text(file.read_text()[:3])
    again = champion(shelf, CENSUS)
    again.start()
    assert again.live is not None
    assert again.asked


def test_a_disk_that_takes_no_copy_keeps_no_champion_from_answering(asked: Asked, shelf: Shelf) -> None:
    again = champion(shelf, CENSUS)
    again.kept.root.rename(shelf.folder / "elsewhere")
    again.kept.root.write_text("a file, where folders should be made")
    again.start()
    assert again.live is not None
    shelf.crown(CENSUS, "2")
    again.look()
    assert again.live.about.version == "2"


def test_a_disk_that_fills_up_while_a_version_is_kept_leaves_nothing_half_there(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    disk = SmallDisk(shelf.folder / "kept", megabytes=4)
    disk.mount()
    if disk.refused:
        pytest.skip(f"a small disk cannot be mounted here: {disk.refused}")
    try:
        one = champion(shelf, CENSUS)
        one.start()
        with disk.full():
            shelf.crown(CENSUS, "2")
            one.look()
            assert one.live is not None
            assert one.live.about.version == "2"
            assert "version 2 is not kept here: " in caplog.text
            assert "No space left on device" in caplog.text
            assert [path.name[:2] for path in one.kept.root.iterdir() if path.is_dir()] == ["1-"]
            assert (kept := one.kept.live()) is not None
            assert kept.version == "1"
        one.again = 0
        one.look()
        assert (kept := one.kept.live()) is not None
        assert kept.version == "2"
    finally:
        disk.unmount()


def test_the_one_before_is_kept_too_and_older_ones_are_not(asked: Asked, shelf: Shelf) -> None:
    third = shelf.add(CENSUS)
    for number in ("2", third):
        shelf.crown(CENSUS, number)
        asked.champions[CENSUS].look()
    kept = sorted(path.name.partition("-")[0] for path in asked.champions[CENSUS].kept.root.iterdir() if path.is_dir())
    assert kept == ["2", third]


def test_a_version_that_is_named_is_not_exchanged(shelf: Shelf) -> None:
    named = Asked(shelf, version="2")
    shelf.crown(CENSUS, "1")
    named.champions[CENSUS].look()
    assert version_of(named) == "2"
    named.end()


def test_without_a_champion_there_is_nothing_to_start_with(shelf: Shelf) -> None:
    shelf.client.delete_registered_model_alias(CENSUS, tags.CHAMPION)
    with pytest.raises(Refused, match="census_income has no champion yet: promote a version, or name one"):
        champion(shelf, CENSUS).start()
