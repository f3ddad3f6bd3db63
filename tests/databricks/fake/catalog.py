"""Schemas, volumes, rights and folders of a workspace, as far as our commands ask for them."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from tests.databricks.fake.answers import Answer, Asked, Refusal, malformed, missing

UNITY = "/api/2.1/unity-catalog/"
WORKSPACE = "/api/2.0/workspace/"
ME = "/api/2.0/preview/scim/v2/Me"
Rights = dict[str, set[str]]


@dataclass
class Catalog:
    user: str = "ann@example.org"
    schemas: set[str] = field(default_factory=set)
    volumes: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=lambda: {"/Shared"})
    comments: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    rights: dict[tuple[str, str], Rights] = field(default_factory=dict)  # of a kind and name: by principal

    def answer(self, asked: Asked) -> Answer:
        if asked.path == ME:
            return Answer(json={"userName": self.user, "id": "1"})
        if asked.path.startswith(WORKSPACE):
            return Answer(json=self.folder(asked.path.removeprefix(WORKSPACE), asked.given["path"]))
        what, _, name = asked.path.removeprefix(UNITY).partition("/")
        if what in ("permissions", "effective-permissions"):
            return Answer(json=self.permissions(asked, *name.split("/")))
        return Answer(json=self.things(asked, what, name))

    def things(self, asked: Asked, what: str, name: str) -> dict[str, Any]:
        held: set[str] = getattr(self, what)
        if asked.method == "POST":
            return self.made(asked.json, what, held)
        if not name:
            over = ".".join(asked.query[one] for one in ("catalog_name", "schema_name") if one in asked.query)
            found = [self.shown(one) for one in sorted(held) if one.startswith(f"{over}." if over else "")]
            return {"registered_models" if what == "models" else what: found}
        if name not in held:
            raise missing(f"{what.removesuffix('s').title()} '{name}' does not exist.")
        if asked.method == "DELETE":
            if what == "schemas" and any(
                one.startswith(f"{name}.") for one in self.tables | self.models | self.volumes
            ):
                raise malformed(f"Schema '{name}' is not empty")
            held.remove(name)
        if asked.method == "PATCH":
            self.owners[name] = asked.json["owner"]
        return self.shown(name)

    def shown(self, name: str) -> dict[str, str]:
        told = {"owner": self.owners.get(name, self.user), "comment": self.comments.get(name, "")}
        return {"full_name": name, "name": name.rpartition(".")[2], **told}

    def made(self, given: dict[str, Any], what: str, held: set[str]) -> dict[str, Any]:
        over = [given[one] for one in ("catalog_name", "schema_name") if one in given]
        name = ".".join([*over, given["name"]])
        if what == "volumes" and ".".join(over) not in self.schemas:
            raise missing(f"Schema '{'.'.join(over)}' does not exist.")
        if name in held:
            raise Refusal(HTTPStatus.CONFLICT, "ALREADY_EXISTS", f"'{name}' already exists")
        held.add(name)
        self.comments[name] = given.get("comment", "")
        return self.shown(name)

    def permissions(self, asked: Asked, kind: str, name: str) -> dict[str, Any]:
        held = self.rights.setdefault((kind, name), {})
        for change in asked.json.get("changes", []):
            held.setdefault(change["principal"], set()).update(change.get("add", []))
        asks = asked.query.get("principal")
        shown = {who: rights for who, rights in held.items() if asks in (None, who)}
        effective = "effective" in asked.path
        return {
            "privilege_assignments": [
                {"principal": who, "privileges": [{"privilege": one} if effective else one for one in sorted(rights)]}
                for who, rights in shown.items()
            ]
        }

    def folder(self, what: str, path: str) -> dict[str, Any]:
        if what == "mkdirs":
            self.folders.add(path)
        elif path not in self.folders:
            raise missing(f"Path ({path}) doesn't exist.")
        elif what == "delete":
            self.folders = {one for one in self.folders if one != path and not one.startswith(f"{path}/")}
        return {"path": path, "object_type": "DIRECTORY"} if what == "get-status" else {}
