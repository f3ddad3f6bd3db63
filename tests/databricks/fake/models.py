"""MLflow: a real server behind the workspace, whose registry is told what Unity Catalog is asked."""

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.databricks.fake.answers import Answer, Asked, Refusal, malformed

MLFLOW = "/api/2.0/mlflow/"
UNITY = f"{MLFLOW}unity-catalog/"
OWN_FILES = re.compile(r"mlflow-artifacts:/(\w+)/(\w+)/artifacts")
THEIR_FILES = re.compile(r"dbfs:/databricks/mlflow-tracking/(\w+)/(\w+)/artifacts")
BAD_KEY = re.compile(r"[.,\-=/:]")
MOST_TAGS, LONGEST_KEY, LONGEST_VALUE = 50, 255, 1000
VERSION = "model_version"


@dataclass(frozen=True)
class Mlflow:
    """`server` is its address."""

    server: str

    def answer(self, asked: Asked) -> Answer:
        if asked.path.startswith(UNITY):
            return Answer(json=shown(json.dumps(self.unity(asked.path.removeprefix(UNITY), asked.method, asked.given))))
        if "experiments/create" in asked.path and not str(asked.json.get("name", "")).startswith("/"):
            raise malformed(f"Got an invalid experiment name '{asked.json.get('name')}': it must be an absolute path")
        path = f"{asked.path}?{urlencode(asked.query)}" if asked.query else asked.path
        text = self.asked(asked.method, path, asked.body or None).decode()
        return Answer(json=shown(text or "{}"))

    def asked(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.server}{path}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            said = json.loads(error.read() or b"{}")
            raise Refusal(error.code, said.get("error_code", "INTERNAL_ERROR"), said.get("message", "")) from None

    def registry(self, method: str, path: str, given: dict[str, Any]) -> dict[str, Any]:
        query = f"?{urlencode(given)}" if method == "GET" else ""
        body = None if method == "GET" else json.dumps(given).encode()
        return dict(json.loads(self.asked(method, f"{MLFLOW}{path}{query}", body) or b"{}"))

    def unity(self, path: str, method: str, given: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("artifact-repository-enabled"):
            return {"is_databricks_sdk_models_artifact_repository_enabled": True}
        if path.endswith("emit-lineage"):
            return {}
        if (name := given.get("name", "a.b.c")).count(".") != 2:
            raise malformed(f"'{name}' is not a name of three parts")
        self.check_tags(path, given)
        if path == "model-versions/search":
            return self.search(given)
        if path == "model-versions/finalize":
            return self.finalize(given)
        if path == "model-versions/create":
            given = {k: v for k, v in given.items() if k in ("name", "source", "run_id", "description", "tags")}
            given["tags"] = [*given.get("tags", []), {"key": "fake.status", "value": "PENDING_REGISTRATION"}]
            given["source"] = THEIR_FILES.sub(r"mlflow-artifacts:/\1/\2/artifacts", given["source"])
        if path == "model-versions/get-download-uri":
            return {"artifact_uri": "s3://of-the-account/nobody-else-may-read-it"}
        return self.seen(self.registry(method, path, given))

    def check_tags(self, path: str, given: dict[str, Any]) -> None:
        tags = given.get("tags", []) if "create" in path else [given] if path.endswith("set-tag") else []
        for tag in tags:
            if BAD_KEY.search(tag["key"]) or len(tag["key"]) > LONGEST_KEY:
                raise malformed(f"Tag key '{tag['key']}' holds characters that are not allowed, or is too long")
            if len(tag.get("value", "")) > LONGEST_VALUE:
                raise malformed(f"The value of tag '{tag['key']}' is longer than {LONGEST_VALUE} characters")
            if (tag["key"].strip(), tag.get("value", "").strip()) != (tag["key"], tag.get("value", "")):
                raise malformed(f"Tag '{tag['key']}': trailing and leading spaces are not allowed")
        if len(tags) > MOST_TAGS:
            raise malformed(f"A securable may have {MOST_TAGS} tags")
        if path.endswith("set-tag"):
            kind = path.partition("/")[0]
            names = ("name", "version") if kind == "model-versions" else ("name",)
            found = self.registry("GET", f"{kind}/get", {name: given[name] for name in names})
            keys = {tag["key"] for one in found.values() for tag in one.get("tags", [])} - {"fake.status"}
            if len(keys | {given["key"]}) > MOST_TAGS:
                raise malformed(f"A securable may have {MOST_TAGS} tags")

    def search(self, given: dict[str, Any]) -> dict[str, Any]:
        """By the model's name only, and without tags and aliases."""
        if not re.fullmatch(r"name = '[^']+'", given.get("filter", "")):
            raise malformed(f"Unsupported filter: {given.get('filter')}")
        found = self.registry("GET", "model-versions/search", given)
        for version in found.get("model_versions", []):
            self.seen({VERSION: version})
            version.pop("tags", None)
            version.pop("aliases", None)
        return found

    def finalize(self, given: dict[str, Any]) -> dict[str, Any]:
        named = {name: given[name] for name in ("name", "version")}
        self.registry("DELETE", "model-versions/delete-tag", {**named, "key": "fake.status"})
        return self.seen(self.registry("GET", "model-versions/get", named))

    def seen(self, answer: dict[str, Any]) -> dict[str, Any]:
        """As Unity Catalog shows it."""
        for one in answer.values():
            if isinstance(one, dict) and "tags" in one:
                states = [tag["value"] for tag in one["tags"] if tag["key"] == "fake.status"]
                one["tags"] = [tag for tag in one["tags"] if tag["key"] != "fake.status"]
                one.update({"status": (states or ["READY"])[0]} if "version" in one else {})
            if isinstance(one, dict) and "version" in one:
                one.setdefault("status", "READY")
                for unknown in ("current_stage", "run_link"):
                    one.pop(unknown, None)
        return answer


def shown(text: str) -> Any:
    """Files of runs lie where a workspace keeps them."""
    return json.loads(OWN_FILES.sub(r"dbfs:/databricks/mlflow-tracking/\1/\2/artifacts", text))
