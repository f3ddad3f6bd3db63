"""A folder and a bucket are the same to whoever reads raw files. A bucket is asked where one is named."""

from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest

from spark_jobs.files import Files
from tests.spark.shop import BUCKET


@pytest.fixture(params=["", BUCKET] if BUCKET else [""], ids=lambda bucket: "bucket" if bucket else "folder")
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    return Files(request.param or str(tmp_path)).below(uuid4().hex)


def test_what_is_written_is_read_and_listed_under_its_name(files: Files) -> None:
    files.below("sales", "2024-03-01", "b.csv").write(b"two")
    files.below("sales", "2024-03-01", "a.csv").write("größer\n".encode())
    day = files.below("sales", "2024-03-01")
    assert [file.name for file, _ in day.files()] == ["a.csv", "b.csv"]
    assert [folder.name for folder in files.below("sales").folders()] == ["2024-03-01"]
    assert not files.below("sales").files()
    assert not day.folders()
    assert day.below("a.csv").read().decode() == "größer\n"
    assert day.below("b.csv").digest() == sha256(b"two").hexdigest()


def test_what_lies_there_is_listed_by_name_in_whatever_order_it_came(files: Files) -> None:
    names = [f"{number}.csv" for number in (5, 2, 8, 1, 9, 4, 7, 3, 6)]
    for name in names:
        files.below(name).write(b"")
        files.below(name.removesuffix(".csv"), "a.csv").write(b"")
    assert [file.name for file, _ in files.files()] == sorted(names)
    assert [folder.name for folder in files.folders()] == list("123456789")


def test_a_file_that_is_not_there_is_neither_listed_nor_an_error(files: Files) -> None:
    assert not files.below("nowhere").files()
    assert not files.below("nowhere").folders()
    assert not files.below("nowhere", "a.csv").exists()
    with pytest.raises(FileNotFoundError):
        files.below("nowhere", "a.csv").stamp()
    files.below("a.csv").write(b"")
    assert files.below("a.csv").exists()
    assert not files.below("a").exists()
    assert not files.below("a.csv").files()


def test_the_stamp_of_a_listed_file_is_its_own_and_changes_with_its_size(files: Files) -> None:
    file = files.below("a.csv")
    file.write(b"one")
    [(found, stamp)] = files.files()
    assert (found, stamp) == (file, file.stamp())
    file.write(b"three")
    assert file.stamp() != stamp
    assert file.stamp().size == 5


def test_a_file_is_read_in_pieces(files: Files) -> None:
    file = files.below("a.csv")
    file.write(b"1234567")
    with file.opened() as content:
        assert [content.read(3), content.read(3), content.read(3), content.read(3)] == [b"123", b"456", b"7", b""]


def test_a_folder_is_at_hand_for_who_needs_paths(files: Files) -> None:
    files.below("public", "hour.csv").write(b"hours")
    with files.below("public").here() as folder:
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"hour.csv": b"hours"}


def test_nothing_but_the_file_is_left_beside_it(files: Files) -> None:
    files.below("a.csv").write(b"one")
    files.below("a.csv").write(b"two")
    assert [file.name for file, _ in files.files()] == ["a.csv"]
