"""Raw files and exports lie in a folder or in a bucket; nobody else asks which."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from spark_jobs.declare import is_bucket

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem

PIECE = 8 << 20  # bytes that one request reads ahead
SECOND = 10**9


@dataclass(frozen=True, kw_only=True, order=True)
class Stamp:
    """Changes when what lies under a name does; to be sure, compare digests."""

    size: int
    modified: int  # nanoseconds; of a bucket whole seconds, for a list may know more of them than the file itself


@dataclass(frozen=True)
class Files:
    """What lies under one address: a path, or s3://bucket/key. Keys and endpoint of a bucket are the machine's."""

    address: str

    def below(self, *names: str) -> "Files":
        return replace(self, address="/".join((self.address.rstrip("/"), *names)))

    @property
    def name(self) -> str:
        return self.address.rstrip("/").rpartition("/")[2]

    @property
    def is_bucket(self) -> bool:
        return is_bucket(self.address)

    def exists(self) -> bool:
        return bool(self._about().is_file)

    def stamp(self) -> Stamp:
        return self._stamp(self._about())

    def folders(self) -> list["Files"]:
        from pyarrow.fs import FileType

        return [self.below(info.base_name) for info in self._listed() if info.type == FileType.Directory]

    def files(self) -> list[tuple["Files", Stamp]]:
        return [(self.below(info.base_name), self._stamp(info)) for info in self._listed() if info.is_file]

    def read(self) -> bytes:
        with self.opened() as file:
            return file.read()

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        with self._system.open_input_stream(self._path, compression=None, buffer_size=PIECE) as file:
            yield cast(BinaryIO, file)

    def digest(self) -> str:
        with self.opened() as file:
            return file_digest(cast(Any, file), "sha256").hexdigest()

    def write(self, content: bytes) -> None:
        """A reader sees the whole file or none: a bucket takes it so, in a folder it is moved onto its name."""
        if self.is_bucket:
            with self._system.open_output_stream(self._path) as file:
                file.write(content)
            return
        path = Path(self._path)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            draft.write_bytes(content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)  # half of it is left on a full disk

    @contextmanager
    def here(self) -> Iterator[Path]:
        """The files of this folder, as a folder of this machine, to be read."""
        if not self.is_bucket:
            yield Path(self._path)
            return
        with TemporaryDirectory(prefix="nightshift-") as folder:
            for file, _ in self.files():
                with file.opened() as content, (Path(folder) / file.name).open("wb") as copy:
                    shutil.copyfileobj(content, copy)
            yield Path(folder)

    def _stamp(self, info: "FileInfo") -> Stamp:
        if not info.is_file:
            raise FileNotFoundError(info.path)
        modified = int(info.mtime_ns)
        return Stamp(size=int(info.size), modified=modified - modified % SECOND if self.is_bucket else modified)

    def _about(self) -> "FileInfo":
        return self._system.get_file_info(self._path)

    def _listed(self) -> "list[FileInfo]":
        from pyarrow.fs import FileSelector

        try:
            found = self._system.get_file_info(FileSelector(self._path, allow_not_found=True))
        except NotADirectoryError:
            return []
        return sorted(found, key=lambda info: str(info.base_name))

    @property
    def _path(self) -> str:
        return self.address.partition("://")[2] if self.is_bucket else str(Path(self.address).absolute())

    @property
    def _system(self) -> "FileSystem":
        return _buckets() if self.is_bucket else _folders()


@cache
def _folders() -> "FileSystem":
    from pyarrow.fs import LocalFileSystem

    return LocalFileSystem()


@cache
def _buckets() -> "FileSystem":
    """All else that a bucket needs, pyarrow finds by itself where every program for S3 does."""
    from pyarrow.fs import S3FileSystem

    return S3FileSystem(endpoint_override=os.environ.get("AWS_ENDPOINT_URL"))
