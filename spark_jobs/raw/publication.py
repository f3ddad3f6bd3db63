"""Fetches the published data of a use case once: from where they were published, or from a place of one's own."""

import shutil
from collections.abc import Collection, Mapping
from fnmatch import fnmatch
from hashlib import file_digest
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen
from zipfile import BadZipFile, ZipFile

from spark_jobs.declare import BadRequest, Refused, Tables, Unreachable
from spark_jobs.raw.landing import PUBLIC

PATIENCE = 60  # seconds without a byte
INSTEAD = "Type: make data USE_CASE={} FROM=<folder, zip archive or URL>"


def fetch(use_case: Tables, landing: Path, origin: str = "") -> Path:
    """All files or none, each with the sha256 of what was published; returns the folder that holds them.

    `origin` is a folder, an archive or an address instead of where they were published.
    """
    name, publication = use_case.name, use_case.publication
    if use_case.reads:
        raise BadRequest(
            "use_case", f"{name} reads what {use_case.source} brings in. Type: make data USE_CASE={use_case.source}"
        )
    if publication is None:
        raise BadRequest("use_case", f"{name} has no published data: it runs on simulated or own files")
    folder, wanted = landing / name / PUBLIC, publication.files
    if not origin and not _problems(folder, wanted):
        return folder
    origin = origin or publication.url
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".public.") as parent:
        draft = Path(parent) / "new"
        draft.mkdir()
        _collect(origin, wanted, draft)
        if problems := _problems(draft, wanted):
            raise Refused(f"{origin}: {'; '.join(problems)}. Nothing was kept. {INSTEAD.format(name)}")
        if folder.exists():
            folder.rename(Path(parent) / "old")
        draft.rename(folder)
    return folder


def _problems(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Why these are not the published files; a name may be a pattern, like telemetry*.csv."""
    found = []
    for pattern, expected in wanted.items():
        files = sorted(folder.glob(pattern))
        if not files:
            found.append(f"there is no {pattern}")
        found += [
            f"{file.name} has sha256 {_sha256(file)}, what was published has {expected}"
            for file in files
            if expected and _sha256(file) != expected
        ]
    return found


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def _collect(origin: str, wanted: Collection[str], draft: Path) -> None:
    """Copies what is wanted from a folder or an archive, here or elsewhere."""
    address = urlsplit(origin)
    if address.scheme in ("https", "http"):
        _collect_from_afar(origin, wanted, draft)
        return
    path = Path(unquote(address.path)) if address.scheme == "file" else Path(origin)
    if path.is_dir():
        for file in path.iterdir():
            if file.is_file() and _matches(file.name, wanted):
                shutil.copyfile(file, draft / file.name)
    elif path.is_file():
        _unpack(path, origin, wanted, draft)
    else:
        raise BadRequest("FROM", f"{origin} is neither a folder, nor a file, nor an http(s) or file URL")


def _collect_from_afar(origin: str, wanted: Collection[str], draft: Path) -> None:
    if not urlsplit(origin).path.endswith(".zip"):
        for name in (pattern.replace("*", "") for pattern in wanted):  # no list of what else there is
            _download(f"{origin.rstrip('/')}/{name}", draft / name)
        return
    archive = draft.with_name("archive.zip")
    _download(origin, archive)
    _unpack(archive, origin, wanted, draft)


def _download(url: str, file: Path) -> None:
    try:
        with urlopen(url, timeout=PATIENCE) as answer, file.open("wb") as copy:  # noqa: S310 - _collect let http(s) through
            shutil.copyfileobj(answer, copy)
    except (OSError, HTTPException) as error:  # URLError, HTTPError and time-outs are OSErrors
        raise Unreachable(f"{url} cannot be downloaded: {error}. Try again later, or give FROM= a copy") from error


def _unpack(archive: Path, origin: str, wanted: Collection[str], draft: Path) -> None:
    """By the last part of each name alone: an archive cannot choose where its files go."""
    try:
        with ZipFile(archive) as opened:
            for member in opened.infolist():
                name = Path(member.filename).name
                if not member.is_dir() and _matches(name, wanted):
                    with opened.open(member) as content, (draft / name).open("wb") as copy:
                        shutil.copyfileobj(content, copy)
    except (BadZipFile, EOFError) as error:
        raise Refused(f"{origin} is no zip archive, or a broken one: {error}") from error


def _matches(name: str, wanted: Collection[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in wanted)
