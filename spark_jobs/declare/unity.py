"""Tags of models in Unity Catalog: there names may hold no dot, values are short, and what a search finds has none."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from spark_jobs.declare.tags import HISTORY

PIECE = "___"  # of a long value: what follows counts
READY = "READY"  # before that its files may be missing, and what was begun and not ended stays so
MOST = 50  # tags of a model, and of each of its versions
KEPT = 30  # of a model's tags are the newest entries of its history; older ones are on the version they speak of
LONGEST = 1000  # characters of a value
PAGE = 100  # versions that a registry is asked for at a time
SHOWN = {
    " ": "\u2423",
    "\n": "\u2424",
    "\t": "\u2409",
}  # no value may begin or end with these: what stands for them there
MEANT = {sign: letter for letter, sign in SHOWN.items()}


def versions_of(client: Any, name: str, run: str = "") -> list[Any]:
    """All of a model, or those of one run, however many pages they are."""
    wanted, found, token = f"name = '{name}'" + (f" AND run_id = '{run}'" if run else ""), list[Any](), None
    while True:
        page = client.search_model_versions(wanted, max_results=PAGE, page_token=token)
        found += page
        if not (token := page.token):
            return found


class Told:
    """MLflow's model or version, with the tags as they were given."""

    def __init__(self, found: Any) -> None:
        self._found, self.tags = found, _joined(found.tags)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)


class UnityClient:
    """An MlflowClient to whom our tags look as they do everywhere else."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_registered_model(self, name: str) -> Any:
        return Told(self._client.get_registered_model(name))

    def get_model_version(self, name: str, version: str) -> Any:
        return Told(self._client.get_model_version(name, version))

    def search_model_versions(self, filter_string: str, max_results: int = 100, page_token: str | None = None) -> Any:
        """Each is asked for by itself, for what a search finds has no tags; it finds by the model's name only."""
        model, _, run = filter_string.partition(" AND run_id = ")
        found = self._client.search_model_versions(model, max_results=max_results, page_token=page_token)
        wanted = [one for one in found if one.status == READY and (not run or str(one.run_id) == run.strip("'"))]
        return _Page([self.get_model_version(one.name, str(one.version)) for one in wanted], found.token)

    def unfinished_versions(self, name: str) -> list[Any]:
        """Those that were begun and not ended."""
        found = versions_of(self._client, name)
        return [self.get_model_version(name, str(one.version)) for one in found if one.status != READY]

    def get_model_version_download_uri(self, name: str, version: str) -> str:
        """Its real address is of a store that only the registry has the keys of."""
        return f"models:/{name}/{version}"

    def create_model_version(self, name: str, source: str, run_id: str, tags: Mapping[str, str], **more: Any) -> Any:
        written = dict(pair for key, value in tags.items() for pair in _written(key, value))
        return self._client.create_model_version(name, source, run_id, tags=written, **more)

    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        former = self._client.get_registered_model(name).tags
        parts = dict(_written(key, value))
        if key.startswith(HISTORY):
            entries = _joined({part: text for part, text in former.items() if part.startswith(_name(HISTORY))})
            for one, text in _older(entries | {key: value}).items():
                self._hand_down(name, one, text)
                if one == key:
                    return
                self.delete_registered_model_tag(name, one)
        for part in _parts(former, key) - set(parts):
            self._client.delete_registered_model_tag(name, part)
        for part, text in parts.items():
            self._client.set_registered_model_tag(name, part, text)

    def _hand_down(self, name: str, key: str, entry: str) -> None:
        """To the version it speaks of, as long as that is there and has room: the catalog's audit log knows more."""
        version = json.loads(entry).get("to", "")
        if version in {str(one.version) for one in versions_of(self._client, name)}:
            tags = self._client.get_model_version(name, version).tags
            if len(set(tags) | set(dict(_written(key, entry)))) <= MOST:
                self.set_model_version_tag(name, version, key, entry)

    def set_model_version_tag(self, name: str, version: str, key: str, value: str) -> None:
        former = self._client.get_model_version(name, version).tags
        parts = dict(_written(key, value))
        for part in _parts(former, key) - set(parts):
            self._client.delete_model_version_tag(name, version, part)
        for part, text in parts.items():
            self._client.set_model_version_tag(name, version, part, text)

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        for part in _parts(self._client.get_registered_model(name).tags, key):
            self._client.delete_registered_model_tag(name, part)

    def delete_model_version_tag(self, name: str, version: str, key: str) -> None:
        for part in _parts(self._client.get_model_version(name, version).tags, key):
            self._client.delete_model_version_tag(name, version, part)


class _Page(list[Any]):
    def __init__(self, found: Iterable[Any], token: str | None) -> None:
        super().__init__(found)
        self.token = token


def _written(key: str, value: str) -> list[tuple[str, str]]:
    name = _name(key)
    pieces = [value[at : at + LONGEST] for at in range(0, len(value), LONGEST)] or [""]
    named = [f"{name}{PIECE}{number}" if number else name for number in range(len(pieces))]
    return [(part, _at_ends(piece, SHOWN)) for part, piece in zip(named, pieces, strict=True)]


def _at_ends(piece: str, signs: Mapping[str, str]) -> str:
    """Its first letter and its last one in other signs, where there are such."""
    first, last = (signs.get(letter, letter) for letter in (piece[:1], piece[-1:]))
    return first + piece[1:-1] + (last if len(piece) > 1 else "")


def _parts(tags: Mapping[str, str], key: str) -> set[str]:
    name = _name(key)
    return {part for part in tags if part == name or part.startswith(f"{name}{PIECE}")}


def _name(key: str) -> str:
    return key.replace(".", "__")


def _joined(tags: Mapping[str, str]) -> dict[str, str]:
    read: dict[str, str] = {}
    for part in sorted(tags, key=_place):
        name = part.partition(PIECE)[0].replace("__", ".")
        read[name] = read.get(name, "") + _at_ends(tags[part], MEANT)
    return read


def _older(entries: Mapping[str, str]) -> dict[str, str]:
    """Of a history what the newest entries leave no room for; each takes as many tags as it is long."""
    left, older = KEPT, dict[str, str]()
    for key in sorted(entries, reverse=True):
        left -= len(_written(key, entries[key]))
        if left < 0:
            older[key] = entries[key]
    return dict(sorted(older.items()))


def _place(part: str) -> tuple[str, int]:
    name, _, number = part.partition(PIECE)
    return name, int(number or 0)
