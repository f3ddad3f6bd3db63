"""Volumes, files of models and artifacts of runs: the Files API over one folder."""

import shutil
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path

from tests.databricks.fake.answers import Answer, Asked, Refusal

ROOTS = ("/Volumes/", "/Models/", "/WorkspaceInternal/Mlflow/Artifacts/")
FILES, FOLDERS = "/api/2.0/fs/files", "/api/2.0/fs/directories"


@dataclass(frozen=True)
class Files:
    root: Path

    def place(self, path: str) -> Path:
        """Paths below our own folder are taken as they are: so that jobs find there what a volume would show them."""
        if path.startswith(f"{self.root}/"):
            return Path(path)
        if not path.startswith(ROOTS) or ".." in path:
            raise Refusal(HTTPStatus.BAD_REQUEST, "INVALID_PARAMETER_VALUE", f"Invalid path: {path}")
        return self.root / path.lstrip("/")

    def answer(self, asked: Asked) -> Answer:
        if asked.path.startswith(FILES):
            return self.file(asked, self.place(asked.path.removeprefix(FILES)))
        return self.folder(asked, asked.path.removeprefix(FOLDERS).rstrip("/"))

    def file(self, asked: Asked, file: Path) -> Answer:
        if asked.method == "PUT":
            if file.exists() and asked.query.get("overwrite") != "true":
                raise Refusal(HTTPStatus.CONFLICT, "ALREADY_EXISTS", f"The file {file.name} exists already")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(asked.body)
            return Answer(status=HTTPStatus.NO_CONTENT)
        if not file.is_file():
            raise Refusal(HTTPStatus.NOT_FOUND, "NOT_FOUND", f"The file being accessed is not found: {file.name}")
        if asked.method == "DELETE":
            file.unlink()
            return Answer(status=HTTPStatus.NO_CONTENT)
        headers = {"Content-Type": "application/octet-stream", "Last-Modified": formatdate(usegmt=True)}
        return Answer(content=file.read_bytes(), headers=headers)

    def folder(self, asked: Asked, path: str) -> Answer:
        folder = self.place(path)
        if asked.method == "PUT":
            folder.mkdir(parents=True, exist_ok=True)
            return Answer(status=HTTPStatus.NO_CONTENT)
        if not folder.is_dir():
            raise Refusal(HTTPStatus.NOT_FOUND, "NOT_FOUND", f"The directory being accessed is not found: {path}")
        if asked.method == "DELETE":
            shutil.rmtree(folder)
            return Answer(status=HTTPStatus.NO_CONTENT)
        found = [
            {
                "path": f"{path}/{one.name}",
                "name": one.name,
                "is_directory": one.is_dir(),
                **({} if one.is_dir() else {"file_size": one.stat().st_size}),
                "last_modified": int(one.stat().st_mtime * 1000),
            }
            for one in sorted(folder.iterdir())
        ]
        return Answer(json={"contents": found})
