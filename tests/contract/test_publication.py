"""Published data are fetched whole, checked, or not at all."""

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from local.data import main
from spark_jobs import use_cases
from spark_jobs.declare import BadRequest, Publication, Refused, Unreachable, UseCase
from spark_jobs.raw.publication import fetch
from spark_jobs.use_cases.bike_sharing.use_case import USE_CASE

HOURS, DAYS = b"hour,cnt\n1,2\n", b"day,cnt\n1,2\n"
PINNED = {"hour.csv": hashlib.sha256(HOURS).hexdigest()}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a server that shows the folder `web`."""
    folder = tmp_path / "web"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def archive(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def publishing(url: str, files: Mapping[str, str] = PINNED) -> UseCase:
    return replace(USE_CASE, publication=Publication(url=url, files=files, licence="none"))


def held(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_an_archive_is_downloaded_and_only_what_is_declared_is_kept(web: str, tmp_path: Path) -> None:
    archive(tmp_path / "web" / "bikes.zip", {"Readme.txt": b"read", "data/hour.csv": HOURS, "day.csv": DAYS})
    bikes = publishing(f"{web}/bikes.zip")
    assert held(fetch(bikes, tmp_path / "landing")) == {"hour.csv": HOURS}
    assert [path.name for path in (tmp_path / "landing" / "bike_sharing").iterdir()] == ["_public"]


@pytest.mark.parametrize("kind", ["folder", "file URL of a folder", "zip", "file URL of a zip", "web folder"])
def test_a_copy_can_be_anywhere(kind: str, web: str, tmp_path: Path) -> None:
    bikes = publishing("https://example.invalid/gone.zip")
    copy = tmp_path / "web"
    (copy / "hour.csv").write_bytes(HOURS)
    packed = archive(tmp_path / "a copy.zip", {"hour.csv": HOURS})
    origin = {
        "folder": str(copy),
        "file URL of a folder": copy.as_uri(),
        "zip": str(packed),
        "file URL of a zip": packed.as_uri(),
        "web folder": f"{web}/",
    }[kind]
    assert held(fetch(bikes, tmp_path / "landing", origin)) == {"hour.csv": HOURS}


def test_what_lies_there_is_not_downloaded_again(tmp_path: Path) -> None:
    bikes = publishing("https://example.invalid/gone.zip")
    packed = archive(tmp_path / "copy.zip", {"hour.csv": HOURS})
    first = fetch(bikes, tmp_path / "landing", str(packed))
    assert fetch(bikes, tmp_path / "landing") == first


def test_files_that_were_tampered_with_are_refused_and_the_good_ones_stay(tmp_path: Path) -> None:
    bikes = publishing("https://example.invalid/gone.zip")
    folder = fetch(bikes, tmp_path / "landing", str(archive(tmp_path / "good.zip", {"hour.csv": HOURS})))
    bad = archive(tmp_path / "bad.zip", {"hour.csv": DAYS})
    with pytest.raises(Refused, match=r"bad\.zip: hour\.csv has sha256 .*, what was published has .* FROM="):
        fetch(bikes, tmp_path / "landing", str(bad))
    assert held(folder) == {"hour.csv": HOURS}
    assert [path.name for path in folder.parent.iterdir()] == ["_public"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    bikes = publishing("", {"hour.csv": "", "day.csv": ""})
    with pytest.raises(Refused, match=r"there is no day\.csv"):
        fetch(bikes, tmp_path / "landing", str(archive(tmp_path / "half.zip", {"hour.csv": HOURS})))
    assert not (tmp_path / "landing" / "bike_sharing" / "_public").exists()


def test_a_name_may_be_a_pattern(tmp_path: Path) -> None:
    bikes = publishing("", {"telemetry*.csv": ""})
    packed = archive(tmp_path / "some.zip", {"telemetry_1.csv": HOURS, "telemetry_2.csv": DAYS, "errors.csv": b""})
    found = fetch(bikes, tmp_path / "landing", str(packed))
    assert held(found) == {"telemetry_1.csv": HOURS, "telemetry_2.csv": DAYS}


def test_of_a_pattern_the_plain_name_is_downloaded(web: str, tmp_path: Path) -> None:
    (tmp_path / "web" / "telemetry.csv").write_bytes(HOURS)
    bikes = publishing(web, {"telemetry*.csv": ""})
    assert held(fetch(bikes, tmp_path / "landing")) == {"telemetry.csv": HOURS}


def test_an_archive_cannot_write_elsewhere(tmp_path: Path) -> None:
    bikes = publishing("")
    packed = archive(tmp_path / "sly.zip", {"../../../hour.csv": HOURS})
    assert held(fetch(bikes, tmp_path / "landing", str(packed))) == {"hour.csv": HOURS}
    assert not list(tmp_path.glob("*.csv"))


@pytest.mark.parametrize("content", [b"<html>moved</html>", b"PK\x03\x04 cut off"])
def test_what_is_no_archive_is_said_to_be_none(content: bytes, web: str, tmp_path: Path) -> None:
    (tmp_path / "web" / "bikes.zip").write_bytes(content)
    bikes = publishing(f"{web}/bikes.zip")
    with pytest.raises(Refused, match="is no zip archive, or a broken one"):
        fetch(bikes, tmp_path / "landing")


def test_a_server_that_says_no_is_named(web: str, tmp_path: Path) -> None:
    bikes = publishing(f"{web}/none.zip")
    with pytest.raises(Unreachable, match=r"none\.zip cannot be downloaded: HTTP Error 404.* FROM="):
        fetch(bikes, tmp_path / "landing")


@pytest.mark.parametrize("origin", ["/no/such/folder", "ftp://example.invalid/bikes.zip"])
def test_an_origin_that_cannot_be_is_refused(origin: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"FROM: .* is neither a folder, nor a file, nor an http"):
        fetch(USE_CASE, tmp_path / "landing", origin)


def test_a_use_case_without_published_data_says_so(tmp_path: Path) -> None:
    bikes = replace(USE_CASE, publication=None)
    with pytest.raises(BadRequest, match="bike_sharing has no published data"):
        fetch(bikes, tmp_path / "landing")


def test_a_use_case_that_reads_another_names_that_one(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"wine_score reads what wine_quality brings in.*USE_CASE=wine_quality"):
        fetch(use_cases.learning("wine_score"), tmp_path / "landing")


def test_the_command_says_what_it_has(
    published: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the real file, against the sha256 that is declared, where there is one."""
    origin = published / "bike_sharing" if published else archive(tmp_path / "bikes.zip", {"hour.csv": HOURS})
    if not published:
        monkeypatch.setattr(use_cases, "load", lambda _: publishing(""))
    main({"USE_CASE": "bike_sharing", "NIGHTSHIFT_HOME": str(tmp_path), "FROM": str(origin)})
    assert capsys.readouterr().out == f"{tmp_path}/landing/bike_sharing/_public holds hour.csv\n"
