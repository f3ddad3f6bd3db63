"""A service that has no registry, as in an image of one model; and one that begins before there is a champion."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from containers import image
from containers.compose import Stack
from containers.image import packed
from containers.secrets import pair
from local.home import Home
from serving import well
from serving.champion import Champion
from serving.keeping import Kept
from serving.keys import new
from serving.settings import Settings
from spark_jobs.declare import BadRequest, Place, Refused, tags
from tests.serving.conftest import Client
from tests.serving.shelf import CENSUS, Shelf
from tests.serving.standing import Standing, standing
from tests.serving.test_interface import person
from tests.serving.test_process import AWAY, PREDICT

ALONE = {"SERVE_REGISTRY": "", "SERVE_EVERY": "1"}


def until(happens: Callable[[], Any], within: float = 60.0) -> Any:
    deadline = time.monotonic() + within
    while not (found := happens()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def listens(service: Standing) -> bool:
    """It answers, whatever it says."""
    try:
        return bool(Client(service.client.address).get("/ping").ok)
    except OSError:
        assert service.process.poll() is None, service.log.read_text()
        return False


def port(service: Standing) -> str:
    return service.client.address.rpartition(":")[2]


def test_what_was_packed_answers_without_a_registry_and_is_never_exchanged(shelf: Shelf, tmp_path: Path) -> None:
    about = packed(tmp_path, CENSUS, "2", shelf.address)
    assert about.version == "2"  # not the champion
    with standing(shelf, SERVE_KEPT=str(tmp_path / "kept"), **ALONE) as service:
        service.wait()
        assert service.client.post(PREDICT, json={"rows": [person()]}).json()["version"] == "2"
        told = service.client.get("/health").json()
        assert told["models"][CENSUS] == {"version": "2", "registry": "none is asked: this version was kept here"}
        assert well.trouble({"SERVE_PORT": port(service)}) == ""
        said = service.end()
    assert "version 2, as it was kept here; no registry is asked" in said
    assert "ERROR" not in said
    assert well.trouble({"SERVE_PORT": port(service)}) != ""


def test_where_there_is_no_registry_none_is_looked_for(shelf: Shelf, tmp_path: Path) -> None:
    packed(tmp_path, CENSUS, "", shelf.address)
    nowhere = Place(lake="", landing="", tracking="", registry="")
    alone = Champion(model=CENSUS, place=nowhere, kept=Kept(tmp_path / "kept" / CENSUS))
    alone.start()
    alone.look()
    assert (alone.asked, alone.away, alone.trouble) == (False, "", "")


def test_a_disk_that_is_full_is_no_image(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(Refused, match=r"census_income could not be written to .*: free some space on that disk"):
        packed(tmp_path, CENSUS, "", shelf.address)


def test_what_is_no_version_is_asked_for_before_anything_is_built(tmp_path: Path) -> None:
    home, stack = Home(root=tmp_path), Stack()
    with pytest.raises(BadRequest, match=r"MODEL: is missing\. Like this: make image MODEL=census_income"):
        image.main(home, stack, {})
    with pytest.raises(BadRequest, match="VERSION: is the number of a version, got 'last'"):
        image.main(home, stack, {"MODEL": CENSUS, "VERSION": "last"})


def test_without_a_version_the_champion_is_packed(shelf: Shelf, tmp_path: Path) -> None:
    assert packed(tmp_path, CENSUS, "", shelf.address).version == "1"
    modes = {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "kept").rglob("*") if path.is_file()}
    assert modes == {"0o644"}
    folders = [tmp_path / "kept", *(path for path in (tmp_path / "kept").rglob("*") if path.is_dir())]
    assert {oct(path.stat().st_mode & 0o777) for path in folders} == {"0o755"}


def test_files_that_are_not_those_that_were_registered_are_not_packed(shelf: Shelf, tmp_path: Path) -> None:
    shelf.client.set_model_version_tag(CENSUS, "1", tags.FILES, "0" * 64)
    with pytest.raises(Refused, match="its files are not those that were registered"):
        packed(tmp_path, CENSUS, "1", shelf.address)


def test_nor_does_a_service_without_a_registry_read_them(shelf: Shelf, tmp_path: Path) -> None:
    about = packed(tmp_path, CENSUS, "1", shelf.address)
    model = Kept(tmp_path / "kept" / CENSUS).files(about) / "data"
    (model / "more").write_text("something")
    with standing(shelf, SERVE_KEPT=str(tmp_path / "kept"), **ALONE) as service:
        told = service.ended()
    assert "its files are not those that were registered" in told
    assert "nothing that could answer is kept in" in told
    assert service.process.returncode == 1
    shutil.rmtree(tmp_path / "kept")
    with standing(shelf, SERVE_KEPT=str(tmp_path / "kept"), **ALONE) as service:
        assert "nothing that could answer is kept in" in service.ended()


def test_it_is_asked_how_it_is_by_tls_where_it_speaks_that(shelf: Shelf, tmp_path: Path) -> None:
    whole, _ = pair("models.example.org")
    certificate = tmp_path / "certificate"
    certificate.write_text(whole)
    told = {"SERVE_CERTIFICATE": str(certificate), "SERVE_CERTIFICATE_KEY": str(certificate)}
    with standing(shelf, **told) as service:
        until(lambda: well.trouble({"SERVE_PORT": port(service), **told}) == "")
        assert well.trouble({"SERVE_PORT": port(service)}) != ""
        assert service.process.poll() is None


def test_one_that_begins_early_waits_for_a_champion_and_a_key_and_is_well_meanwhile(shelf: Shelf) -> None:
    shelf.client.delete_registered_model_alias(CENSUS, tags.CHAMPION)
    keys = shelf.folder / "early"
    with standing(shelf, SERVE_EARLY="yes", SERVE_EVERY="1", SERVE_KEYS=str(keys)) as service:
        until(lambda: listens(service))
        told = service.client.get("/health")
        assert (told.status_code, told.json()["status"]) == (200, "waiting")
        assert told.json()["models"][CENSUS] == {"version": None, "waits": "for a first champion"}
        assert well.trouble({"SERVE_PORT": port(service)}) == ""
        client = Client(service.client.address, new(keys, "late"))
        assert service.client.post(PREDICT, json={"rows": [person()]}).status_code == 401  # its key is in another file
        none = client.post(PREDICT, json={"rows": [person()]})
        assert (none.status_code, none.json()["error"]) == (
            503,
            f"{CENSUS} has nothing to answer with: no version of it is champion yet",
        )
        assert f'serving_trouble{{model="{CENSUS}"}} 0.0' in client.get("/metrics").text
        shelf.crown(CENSUS, "2")
        until(lambda: client.post(PREDICT, json={"rows": [person()]}).ok)
        told = client.get("/health")
        assert told.json()["status"] == "ok"
        assert told.json()["models"][CENSUS] == {"version": "2"}
        said = service.end()
    assert "holds no key yet, so nobody can ask" in said
    assert said.count("has no champion yet, and is waited for") == 1


def test_a_first_champion_that_does_not_load_is_no_waiting(shelf: Shelf) -> None:
    shelf.client.delete_registered_model_alias(CENSUS, tags.CHAMPION)
    with standing(shelf, SERVE_EARLY="yes", SERVE_EVERY="1") as service:
        until(lambda: listens(service))
        shelf.client.set_model_version_tag(CENSUS, "1", tags.FILES, "0" * 64)
        shelf.crown(CENSUS, "1")
        until(lambda: service.client.get("/health").status_code == 503)
        told = service.client.get("/health").json()
        assert told["status"] == "nothing to answer with"
        assert "its files are not those that were registered" in told["models"][CENSUS]["trouble"]
        assert "waits" not in told["models"][CENSUS]
        assert "nothing to answer with" in well.trouble({"SERVE_PORT": port(service)})


def test_who_waits_again_and_gets_the_same_bad_champion_again_says_so_again(shelf: Shelf) -> None:
    shelf.client.set_model_version_tag(CENSUS, "1", tags.FILES, "0" * 64)
    early = Champion(model=CENSUS, place=shelf.place, kept=Kept(shelf.folder / "kept"), early=True)
    early.start()
    assert (early.waits, "its files are not those" in early.trouble) == (False, True)
    shelf.client.delete_registered_model_alias(CENSUS, tags.CHAMPION)
    early.look()
    assert (early.waits, early.trouble) == (True, "")
    shelf.crown(CENSUS, "1")
    early.look()
    assert (early.waits, "its files are not those" in early.trouble) == (False, True)


def test_nor_is_a_registry_that_never_answered(shelf: Shelf) -> None:
    with standing(shelf, SERVE_EARLY="yes", SERVE_REGISTRY=AWAY) as service:
        until(lambda: listens(service))
        told = service.client.get("/health")
        assert told.status_code == 503
        assert "does not answer since" in told.json()["models"][CENSUS]["registry"]
        none = service.client.post(PREDICT, json={"rows": [person()]})
        assert none.status_code == 503
        assert "nothing to answer with: the registry does not answer since" in none.json()["error"]


def test_a_champion_that_was_there_and_is_nobody_s_now_is_trouble_and_goes_on(shelf: Shelf) -> None:
    place = shelf.place
    early = Champion(model=CENSUS, place=place, kept=Kept(shelf.folder / "kept"), early=True)
    early.start()
    shelf.client.delete_registered_model_alias(CENSUS, tags.CHAMPION)
    early.look()
    assert early.live is not None
    assert not early.waits
    assert "has no champion yet" in early.trouble


def test_who_begins_early_and_names_no_model_serves_what_is_asked_before_it_is_promoted() -> None:
    assert Settings.of({"SERVE_EARLY": "yes", "MODEL": ""}).models == ("census_income", "wine_quality")
    assert Settings.of({"SERVE_EARLY": "yes", "MODEL": "bike_sharing"}).models == ("bike_sharing",)
    with pytest.raises(BadRequest, match="SERVE_EARLY: is 'yes', and then it waits for champions and keys; got 'no'"):
        Settings.of({"SERVE_EARLY": "no"})
