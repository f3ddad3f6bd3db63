"""`python -m containers.keeping save|refuse|put-back [FOLDER]`, inside the stack: all it knows, out and in.

The order makes a copy of a living stack whole: registry before tables, a table's log before the files it names; and
back again the other way round, so that nothing names what is not there yet.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from containers.places import DATABASES, POSTGRES, SECRETS
from containers.prepare_store import MAY, UNFINISHED, keys_of

HANDS = 16
ASK = ("--tuples-only", "--no-align", "--command")
HELD = {"Dag runs": "SELECT count(*) FROM dag_run", "more people": "SELECT count(*) - 1 FROM ab_user"}
LOG = "_delta_log/"
OURS = (".engine", UNFINISHED)  # of a living stack, not of its data


@dataclass(frozen=True, kw_only=True)
class Kept:
    bucket: str
    name: str
    size: int


def save(folder: Path) -> None:
    for database in DATABASES:
        _postgres("pg_dump", database, "--format=custom", f"--file={folder / database}.dump")
    store = _store()
    for bucket in ("mlflow", "lake", "landing"):
        found = [one for one in objects(store, bucket) if one.name not in OURS]
        for group in _logs_first(found):
            _each(group, lambda one: _fetch(store, one, folder / one.bucket / one.name))
        _tell("saved", bucket, found)


def put_back(folder: Path) -> None:
    store = _store()
    _make_room(store)
    store.put_object(Bucket="lake", Key=UNFINISHED, Body=b"")
    for bucket in ("landing", "lake", "mlflow"):
        found = [one for one in _files(folder / bucket, bucket) if one.name not in OURS]
        for group in reversed(_logs_first(found)):
            _each(group, lambda one: _send(store, one, folder / one.bucket / one.name))
        _tell("put back", bucket, found)
    for database in DATABASES:
        dump = folder / f"{database}.dump"
        _postgres(
            "pg_restore",
            database,
            "--no-owner",
            "--no-privileges",
            "--single-transaction",
            "--exit-on-error",
            str(dump),
        )
    store.delete_object(Bucket="lake", Key=UNFINISHED)


def objects(store: Any, bucket: str) -> list[Kept]:
    pages = store.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [
        Kept(bucket=bucket, name=one["Key"], size=one["Size"])
        for page in pages
        for one in page.get("Contents", ())
        if not one["Key"].endswith("/")  # what some stores say of a folder
    ]


def refuse_what_is_held(*, replacing: bool) -> None:
    """Data that nobody gave up stay."""
    there = _there(_store())
    unfinished = any(one.name == UNFINISHED for one in there["lake"])
    held = [f"{len(found)} files in {bucket}" for bucket, found in there.items() if found]
    held += [
        f"{count} {what}" for what, query in HELD.items() if (count := int(_postgres("psql", "airflow", *ASK, query)))
    ]
    if held and not (replacing or unfinished):
        sys.exit(f"This stack is not empty: it holds {', '.join(held)}. REPLACE=yes takes all of it away first.")


def _there(store: Any) -> dict[str, list[Kept]]:
    return {bucket: [one for one in objects(store, bucket) if one.name != ".engine"] for bucket in MAY}


def _make_room(store: Any) -> None:
    for found in _there(store).values():
        _each(found, lambda one: store.delete_object(Bucket=one.bucket, Key=one.name))
    for database in DATABASES:
        _postgres("psql", database, "--quiet", "--command=DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def _files(folder: Path, bucket: str) -> Iterator[Kept]:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield Kept(bucket=bucket, name=file.relative_to(folder).as_posix(), size=file.stat().st_size)


def _logs_first(found: list[Kept]) -> list[list[Kept]]:
    return [[one for one in found if LOG in one.name], [one for one in found if LOG not in one.name]]


def _fetch(store: Any, one: Kept, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    store.download_file(one.bucket, one.name, str(file))


def _send(store: Any, one: Kept, file: Path) -> None:
    store.upload_file(str(file), one.bucket, one.name)


def _each(found: list[Kept], do: Callable[[Kept], object]) -> None:
    with ThreadPoolExecutor(HANDS) as hands:
        list(hands.map(do, found))


def _postgres(program: str, database: str, *words: str) -> str:
    given = ["--host=postgres", f"--username={database}", f"--dbname={database}", "--no-password"]
    passwords = {"PGPASSFILE": str(SECRETS / f"database-{database}")}
    said = subprocess.run(
        [POSTGRES / program, *given, *words], env=os.environ | passwords, capture_output=True, text=True, check=False
    )
    if said.returncode:
        sys.exit(f"{program} of {database} failed: {said.stderr[-2000:]}")
    return said.stdout


def _store() -> Any:
    root = keys_of("root")
    return boto3.client("s3", aws_access_key_id=root.access_key, aws_secret_access_key=root.secret_key)


def _tell(done: str, bucket: str, found: list[Kept]) -> None:
    sys.stdout.write(f"  {done}: {bucket}, {len(found)} files, {sum(one.size for one in found):,} bytes\n")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["refuse"]:
            refuse_what_is_held(replacing=os.environ.get("REPLACE") == "yes")
        case ["save", folder]:
            save(Path(folder))
        case ["put-back", folder]:
            put_back(Path(folder))
