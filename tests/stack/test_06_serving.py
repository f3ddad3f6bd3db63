"""Champions over HTTP out of containers: a version in an image of its own, and the stack's service that follows."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from containers import image, up
from containers.compose import Stack
from containers.key import key_of
from engine.running import free_port
from local.home import Home
from serving.__main__ import THROUGH
from serving.tables import ARROW
from spark_jobs.declare import tags
from tests.serving.conftest import Asked, Client
from tests.serving.shelf import CENSUS, Shelf, delivered, gold
from tests.spark.conftest import THIRD_PARTY
from tests.stack import daemon
from tests.stack.standing import Standing, until

pytestmark = [pytest.mark.filterwarnings(line) for line in THIRD_PARTY]
MEGABYTES = 700
PREDICT = f"/v1/models/{CENSUS}:predict"


# An image of one version.
@pytest.fixture(scope="module")
def full_shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """The champion is boosted trees; the other version a blend with a forest."""
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    for made in ("boosting", "blend"):
        shelf.add(CENSUS, made)
    shelf.crown(CENSUS, "1")
    return shelf


@pytest.fixture(scope="module")
def builder(docker: Path) -> Iterator[Stack]:
    """By another name than people's, whose images stay as they are."""
    made = Stack(name="nightshift-tried", folder=docker / "served", base=daemon.base(docker))
    up.trust(made)
    up.build_one(made, "serving", "containers/serving/Dockerfile")
    yield made
    made.docker("rmi", "-f", *(f"{made.name}-{CENSUS}:{version}" for version in ("1", "2")))


@contextmanager
def contained(builder: Stack, name: str) -> Iterator[tuple[Client, str]]:
    """As its builder says it is to be run; how long its first answer takes is said too."""
    key, port = key_of(builder, "tester"), free_port()
    keys, where = f"{builder.serving}:/keys:ro", f"127.0.0.1:{port}:8200"
    began = time.monotonic()
    run = ["run", "-d", "--read-only", "--cap-drop", "ALL", "--user", builder.owner, "-v", keys, "-p", where]
    container = builder.docker(*run, name).strip()
    try:
        with Client(f"http://127.0.0.1:{port}", key) as client:
            rows = {"rows": delivered(CENSUS)[:1]}
            until(lambda: answer(client, rows), "its first answer", every=0.02)
            print(f"\n{name} answered {time.monotonic() - began:.1f} s after docker run")
            yield client, container
    finally:
        builder.docker("rm", "-f", container)


def answer(client: Client, body: Any) -> bytes:
    try:
        told = client.post(PREDICT, json=body)
    except requests.ConnectionError:
        return b""
    return told.content if told.ok else b""


def rows_of(client: Client) -> list[bytes]:
    """As they are delivered, broken ones too, with reasons; and as a table."""
    rows = [{name: value for name, value in row.items() if name != "income"} for row in delivered(CENSUS)[:300]]
    return contents(
        client.post(PREDICT, json={"rows": rows, "reasons": True}),
        client.post(PREDICT, json={"rows": rows}, headers={"Accept": ARROW}),
    )


def features_of(client: Client) -> list[bytes]:
    """By MLflow's protocol."""
    features = json.loads(gold(CENSUS).head(50).drop(columns="income", errors="ignore").to_json(orient="split"))
    return contents(client.post("/invocations", json={"dataframe_split": features}))


def contents(*told: requests.Response) -> list[bytes]:
    assert {one.status_code for one in told} == {200}, [one.text[:300] for one in told]
    return [one.content for one in told]


@pytest.mark.parametrize(("version", "wanted"), [("", "1"), ("2", "2")])
def test_an_image_answers_byte_for_byte_as_the_service_does_without_a_container(
    builder: Stack, full_shelf: Shelf, tmp_path: Path, version: str, wanted: str
) -> None:
    about = image.packed(tmp_path, CENSUS, version, full_shelf.address)
    name = image.with_model(builder, tmp_path, about)
    assert name == f"nightshift-tried-{CENSUS}:{wanted}"
    beside = Asked(full_shelf, version=wanted)
    try:
        with contained(builder, name) as (client, container):
            assert rows_of(client) == rows_of(beside.client)
            assert features_of(client) == features_of(beside.client)
            health = client.get("/health").json()["models"][CENSUS]
            assert health == {"version": wanted, "registry": "none is asked: this version was kept here"}
            until(lambda: inspected(builder, container)["State"]["Health"]["Status"] == "healthy", "a healthy state")
            assert client.post(PREDICT, json={"rows": []}, headers={"Authorization": "Bearer no"}).status_code == 401
    finally:
        beside.end()


def test_what_make_image_builds_is_small_and_nobody_s_and_says_what_is_in_it(
    builder: Stack,
    full_shelf: Shelf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(image, "registry_of", lambda _: nullcontext(full_shelf.address))
    image.main(Home(root=tmp_path), builder, {"MODEL": CENSUS})
    name = f"nightshift-tried-{CENSUS}:1"
    assert f"-v {tmp_path}/serving:/keys:ro -p 127.0.0.1:8200:8200 {name}\n" in capsys.readouterr().out
    found = inspected(builder, name)
    megabytes = found["Size"] / 1_000_000
    print(f"\nan image of {megabytes:.0f} MB")
    assert megabytes <= MEGABYTES
    assert found["Config"]["User"] == "10001:10001"
    assert found["Config"]["Labels"] == {
        "nightshift.model": CENSUS,
        "nightshift.version": "1",
        "nightshift.files": full_shelf.client.get_model_version(CENSUS, "1").tags[tags.FILES],
        "nightshift.serving": builder.version,
    }
    has = "import importlib.util as u; print([n for n in ('pyspark', 'airflow', 'pandas', 'pip') if u.find_spec(n)])"
    run = ("run", "--rm", "--read-only", "--network", "none", found["Id"])
    assert builder.docker(*run, "python3", "-c", has).strip() == "[]"


def test_an_image_without_keys_does_not_begin(builder: Stack, full_shelf: Shelf, tmp_path: Path) -> None:
    about = image.packed(tmp_path, CENSUS, "", full_shelf.address)
    command = ["docker", "run", "--rm", "--network", "none", image.with_model(builder, tmp_path, about)]
    done = subprocess.run(command, env=builder.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "SERVE_KEYS: /keys/keys holds no key, so nobody could ask" in done.stderr


def inspected(builder: Stack, what: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(builder.docker("inspect", what))[0]
    return found


# The stack's service.
@dataclass(frozen=True)
class Registry(Shelf):
    """The stack's own, as an admin sees it."""

    url: str = ""

    @property
    def address(self) -> str:
        return self.url


@pytest.fixture
def registry(stack: Standing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    for name, value in THROUGH.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", stack.secret("mlflow-admin"))
    found = Registry(tmp_path, url=f"http://127.0.0.1:{stack.stack.ports['MLFLOW_PORT']}")
    if found.client.get_experiment_by_name(CENSUS) is None:
        found.client.create_experiment(CENSUS)
    return found


def test_the_stack_s_service_waits_for_a_champion_then_answers_and_follows(stack: Standing, registry: Registry) -> None:
    """`make stack` has ended well without one: that is how this stack came to stand."""
    address = f"http://127.0.0.1:{stack.stack.ports['SERVE_PORT']}"
    with Client(address, key_of(stack.stack, "tester")) as client:
        health = client.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "waiting")
        none = client.post(PREDICT, json={"rows": delivered(CENSUS)[:1]})
        assert (none.status_code, none.headers["Retry-After"]) == (503, "1")
        assert Client(address).post(PREDICT, json={"rows": []}).status_code == 401
        for threshold in (0.4, 0.6):
            number = registry.add(CENSUS, threshold=threshold)
            registry.crown(CENSUS, number)
            until(partial(answers_with, client, number), f"version {number}")
            beside = Asked(registry, version=number)
            try:
                assert rows_of(client) == rows_of(beside.client)
            finally:
                beside.end()
        assert client.get("/health").json()["models"] == {
            CENSUS: {"version": number},
            "wine_quality": {"version": None, "waits": "for a first champion"},
        }
        assert stack.well()
        other = Client(address, key_of(stack.stack, "other"))
        lines = (stack.stack.serving / "keys").read_text().splitlines(keepends=True)
        revoked = stack.stack.serving / "edited"  # as an editor does: another file takes the place
        revoked.write_text("".join(line for line in lines if not line.startswith("tester ")))
        revoked.replace(stack.stack.serving / "keys")
        stack.stack.give(stack.stack.serving)
        assert (client.get("/v1/models").status_code, other.get("/v1/models").status_code) == (401, 200)


def answers_with(client: Client, version: str) -> bool:
    return client.post(PREDICT, json={"rows": delivered(CENSUS)[:1]}).headers.get("Model-Version") == version


TRIES = """
import mlflow, sys
from pathlib import Path
client = mlflow.MlflowClient("http://mlflow:5000", "http://mlflow:5000")
tries = {
    "alias": lambda: client.set_registered_model_alias("tried", "champion", "1"),
    "tag": lambda: client.set_registered_model_tag("tried", "any", "thing"),
    "model": lambda: client.delete_registered_model("tried"),
    "file": lambda: Path("/opt/nightshift/serving/more.py").write_text(""),
    "keys": lambda: Path("/keys/keys").write_text(""),
}
for name, does in tries.items():
    try:
        does()
        print(name, "done")
    except Exception as error:
        print(name, "Permission denied" in str(error) or "Read-only" in str(error) or error)
"""


def test_it_may_read_the_registry_and_change_nothing(stack: Standing, registry: Registry) -> None:
    registry.client.create_registered_model("tried")
    said = stack.inside("serving", "python3", "-c", TRIES)
    assert said.stdout.split("\n")[:-1] == [f"{name} True" for name in ("alias", "tag", "model", "file", "keys")]
    registry.client.delete_registered_model("tried")  # it is there
