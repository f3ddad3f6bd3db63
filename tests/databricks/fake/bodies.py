"""What may stand in a request: the SDK's own types, walked strictly, and what they cannot say."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum
from graphlib import CycleError, TopologicalSorter
from inspect import signature
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from databricks.bundles.jobs import Job
from databricks.sdk.service.jobs import JobsAPI, SubmitTask

from tests.databricks.fake.answers import malformed

KINDS = {name for name in get_type_hints(SubmitTask) if name.endswith("_task")}
COMPUTE = ("new_cluster", "existing_cluster_id", "environment_key")
LONGEST_TOKEN, LONGEST_KEY = 64, 100


def check_submit(body: dict[str, Any]) -> None:
    problems = [*unknown_or_wrong(body), *contradictions(body), *unread_as_a_job(body)]
    if problems:
        raise malformed("; ".join(problems))


def unknown_or_wrong(body: dict[str, Any]) -> Iterator[str]:
    hints = get_type_hints(JobsAPI.submit)
    allowed = {name: hints[name] for name in signature(JobsAPI.submit).parameters if name != "self"}
    for name, value in body.items():
        if name not in allowed:
            yield f"unknown field {name}"
        else:
            yield from walked(name, value, allowed[name])


def unread_as_a_job(body: dict[str, Any]) -> Iterator[str]:
    """What Databricks' own reader of jobs refuses; it knows no names and tokens of runs."""
    named: Any = {"name": body.get("run_name", "Untitled"), **body}
    for name in ("run_name", "idempotency_token", "access_control_list"):
        named.pop(name, None)
    try:
        Job.from_dict(named)
    except (ValueError, TypeError) as error:
        yield str(error)


def walked(where: str, value: Any, kind: Any) -> Iterator[str]:
    """Everything in `value` that is not as `kind` says."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        (kind,) = [one for one in get_args(kind) if one is not NoneType] or [NoneType]
        yield from walked(where, value, kind)
    elif origin in (list, dict):
        yield from _collection(where, value, origin, get_args(kind))
    elif is_dataclass(kind):
        yield from _fields(where, value, kind)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        if value not in [one.value for one in kind]:
            yield f"{where} is not one of {[one.value for one in kind]}: {value!r}"
    elif kind is not Any and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        yield f"{where} must be {kind.__name__}, got {value!r}"


def _collection(where: str, value: Any, origin: Any, kinds: tuple[Any, ...]) -> Iterator[str]:
    if not isinstance(value, origin):
        yield f"{where} must be {origin.__name__}, got {value!r}"
        return
    inner = value.items() if origin is dict else enumerate(value)
    for name, one in inner:
        yield from walked(f"{where}.{name}", one, kinds[-1])


def _fields(where: str, value: Any, kind: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} must be an object, got {value!r}"
        return
    hints = get_type_hints(kind)
    for name, one in value.items():
        if name not in hints:
            yield f"{where} has an unknown field {name}"
        else:
            yield from walked(f"{where}.{name}", one, hints[name])
    for name, hint in hints.items():
        if NoneType not in get_args(hint) and name not in value:
            yield f"{where} lacks {name}"


def contradictions(body: dict[str, Any]) -> Iterator[str]:
    tasks = [task for task in body.get("tasks") or [] if isinstance(task, dict)]
    if not tasks:
        yield "tasks is empty"
    if len(str(body.get("idempotency_token", ""))) > LONGEST_TOKEN:
        yield f"idempotency_token is longer than {LONGEST_TOKEN}"
    keys = [task.get("task_key") for task in tasks]
    environments = {one.get("environment_key") for one in body.get("environments") or []}
    if len(set(keys)) < len(keys):
        yield "a task_key is used twice"
    yield from _orders(tasks)
    for task in tasks:
        yield from _task(task, environments)


def _task(task: dict[str, Any], environments: set[Any]) -> Iterator[str]:
    key = str(task.get("task_key", ""))
    if len(key) > LONGEST_KEY or not key.replace("-", "").replace("_", "").isalnum():
        yield f"task_key {key!r} holds what it must not, or is too long"
    kinds = sorted(KINDS & set(task))
    if len(kinds) != 1:
        yield f"task {key} must be of one kind, got {kinds}"
    compute = [name for name in COMPUTE if name in task]
    if len(compute) != 1:
        yield f"task {key} must name one compute, got {compute}"
    if "environment_key" in task and task["environment_key"] not in environments:
        yield f"task {key} names environment {task['environment_key']}, which is not defined"
    if "environment_key" in task and "libraries" in task:
        yield f"task {key}: libraries are not for serverless; put them into its environment"
    if "new_cluster" in task:
        yield from _new_cluster(key, task["new_cluster"])


def _new_cluster(key: str, cluster: dict[str, Any]) -> Iterator[str]:
    if not cluster.get("spark_version"):
        yield f"task {key}: new_cluster lacks spark_version"
    conf, tags = cluster.get("spark_conf") or {}, cluster.get("custom_tags") or {}
    told = (conf.get("spark.databricks.cluster.profile"), str(conf.get("spark.master"))[:5], tags.get("ResourceClass"))
    if cluster.get("num_workers") == 0 and told != ("singleNode", "local", "SingleNode"):
        yield f"task {key}: a cluster of 0 workers runs nothing, and is told to be no single node"


def _orders(tasks: list[dict[str, Any]]) -> Iterator[str]:
    """A task waits for tasks of the same run, and for none that waits for it."""
    before = {task.get("task_key"): [one["task_key"] for one in task.get("depends_on") or []] for task in tasks}
    for key, waits_for in before.items():
        yield from (f"task {key} depends on {one}, which there is not" for one in waits_for if one not in before)
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        yield f"tasks wait for each other: {error.args[1]}"
