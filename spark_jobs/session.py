"""The only module that knows where Spark is: a session of the engine that the place names.

A session has a fixed number, made of its name, so that whoever comes next under that name can end what an earlier
holder left there, and does so before it begins. An earlier holder that still lives finds its session changed, and
writes nothing.
"""

import logging
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from spark_jobs import token
from spark_jobs.declare import BadRequest, Conflict, Place, Refused, Unreachable
from spark_jobs.declare.job import OVER

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.client import SparkConnectClient

LOG = logging.getLogger(__name__)

NAMES = UUID("5f0d1c0e-6d3c-4f0c-9a61-6e69676874aa")
HERE = "localhost"
THIS_MACHINE = (HERE, "127.0.0.1", "::1")
UP_WITHIN = 120.0  # seconds that a job waits for an engine that is being started
ENDED_WITHIN = 30.0  # seconds until the work of an earlier holder must have ended
# Few rows are read sooner than code to read them is written and compiled, query by query.
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
# What stages rely on, and every kind of compute lets a session set; our own engine is started with it.
RELIED_ON = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}
CHANGED = ("INVALID_HANDLE.SESSION", "NO_ACTIVE_SESSION", "SESSION_STATE_TRANSITION")
SIGN_OF_LIFE = 60.0  # seconds; a session nobody hears of for five minutes is closed
LATE = 30.0  # seconds, after which an answer is missed


@contextmanager
def spark_session(place: Place, name: str, *, small: bool = False) -> "Iterator[SparkSession]":
    """The one session of this name, for as long as the block lasts; `small` where it will read few rows."""
    if not place.engine:
        yield _all_around()
        return
    number = uuid5(NAMES, f"{place.lake} {name}")
    url = url_of(place, number)
    _wait_for(place.engine)
    with _missed(place.engine):
        _end_earlier(url, place.engine)
        spark = _connected(url)
    for setting, value in (INTERPRETED if small else {}).items():
        spark.conf.set(setting, value)
    over = threading.Event()
    threading.Thread(target=_keep, args=(spark, place.engine, over), name="keeps the session", daemon=True).start()
    try:
        yield spark
    finally:
        over.set()
        _close(spark, place.engine)


def _all_around() -> "SparkSession":
    """The session that a workspace gives each of its runs, and ends with it."""
    from pyspark.sql import SparkSession
    from pyspark.sql.utils import is_remote

    from spark_jobs.carried import carry_code

    spark = SparkSession.builder.getOrCreate()
    if is_remote():
        carry_code()
    for setting, value in RELIED_ON.items():
        spark.conf.set(setting, value)
    return spark


def url_of(place: Place, number: UUID) -> str:
    """To another machine a word is only sent encrypted."""
    host, port = _address(place.engine)
    word = token.read(Path(place.token))
    encrypted = "" if host == HERE else ";use_ssl=true"
    return f"sc://{host}:{port}/;user_id=nightshift;session_id={number};token={word}{encrypted}"


def _address(engine: str) -> tuple[str, int]:
    address = urlsplit(engine)
    with suppress(ValueError):  # a port that is no number
        if address.scheme == "sc" and address.hostname and address.port:
            return HERE if address.hostname in THIS_MACHINE else address.hostname, address.port
    raise BadRequest("engine", f"is an address like sc://localhost:15002, got {engine!r}")


def _wait_for(engine: str) -> None:
    """An engine that is just being started is waited for."""
    deadline, told = time.monotonic() + UP_WITHIN, False
    while not _answers(engine):
        if not told:
            LOG.warning("The engine at %s does not answer yet: waiting up to %.0f s", engine, UP_WITHIN)
            told = True
        if time.monotonic() > deadline:
            raise Unreachable(
                f"the engine at {engine} does not answer since {UP_WITHIN:.0f} s: start it (`make run` or "
                "`make stack` does), then run this job again"
            )
        time.sleep(0.25)


def _answers(engine: str) -> bool:
    host, port = _address(engine)
    with suppress(OSError), socket.create_connection(("127.0.0.1" if host == HERE else host, port), timeout=5):
        return True
    return False


def _connected(url: str) -> "SparkSession":
    import pyspark
    from pyspark.sql import SparkSession

    from spark_jobs.carried import carry_code

    carry_code()
    spark = SparkSession.builder.remote(url).create()
    _impatient(_client(spark))
    if spark.version != pyspark.__version__:
        raise Refused(
            f"the engine is Spark {spark.version}, this job brings {pyspark.__version__}: end `make run` and start it "
            "again"
        )
    return spark


def _end_earlier(url: str, engine: str) -> None:
    """Whoever held this session before: their work is over, for certain, when this returns."""
    from grpc import RpcError
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.client import SparkConnectClient

    deadline = time.monotonic() + ENDED_WITHIN
    while True:
        former = SparkConnectClient(url)
        _impatient(former)
        try:
            return _end(former, engine)
        except (PySparkException, RpcError) as error:
            if not _changed(error, engine) or time.monotonic() > deadline:
                raise
        finally:
            former.close()


def _end(client: "SparkConnectClient", engine: str) -> None:
    """The client's session; refused by the engine where another one has that number meanwhile."""
    client.interrupt_all()
    client.config(_over())
    _until_nothing_runs(client, engine)
    _release(client)


def _over() -> Any:
    """The engine sees it, and cancels again and again what an interruption alone did not end."""
    from pyspark.sql.connect.proto import ConfigRequest, KeyValue

    return ConfigRequest.Operation(set=ConfigRequest.Set(pairs=[KeyValue(key=OVER, value="true")]))


def _until_nothing_runs(former: "SparkConnectClient", engine: str) -> None:
    deadline = time.monotonic() + ENDED_WITHIN
    while running := _running(former):
        if time.monotonic() > deadline:
            raise Conflict(f"{len(running)} queries of a former try do not end: restart the engine at {engine}")
        time.sleep(0.1)


def _impatient(client: "SparkConnectClient") -> None:
    """An engine that has gone takes all of a session with it: to wait long for its return helps nobody."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    warnings.filterwarnings("ignore", r"\[RETRIES_EXCEEDED\]")  # the error says so too
    client.set_retry_policies([DefaultPolicy(max_retries=3, initial_backoff=100, max_backoff=2000)])


def _changed(error: Exception, engine: str) -> bool:
    """Its holder closed the session meanwhile, or another try took it: then look again, whose it is now."""
    if "StatusCode.UNAVAILABLE" in str(error) and _answers(engine) and _address(engine)[0] == HERE:
        raise Refused(
            f"what answers at {engine} is no engine: another program has its port. Choose another one: "
            "make run ENGINE_PORT=..."
        ) from None
    return any(sign in str(error) for sign in CHANGED)


def _running(client: "SparkConnectClient") -> list[Any]:
    from pyspark.sql.connect.proto.base_pb2 import GetStatusResponse

    states = GetStatusResponse.OperationStatus
    found = client._get_operation_statuses().operation_statuses
    return [one for one in found if one.state == states.OPERATION_STATE_RUNNING]


def _release(client: "SparkConnectClient") -> None:
    """In such a way that the same number may come again, which `release_session` does not offer."""
    from pyspark.sql.connect.proto.base_pb2 import ReleaseSessionRequest

    request = ReleaseSessionRequest(session_id=client._session_id, allow_reconnect=True)
    request.user_context.user_id = "nightshift"
    client._stub.ReleaseSession(request, metadata=client._builder.metadata())


def _keep(spark: "SparkSession", engine: str, over: threading.Event) -> None:
    """A fit that needs no Spark for an hour must not cost the session."""
    while not over.wait(SIGN_OF_LIFE):
        with suppress(Exception), _missed(engine):
            spark.conf.get("spark.sql.session.timeZone")


@contextmanager
def _missed(engine: str) -> Iterator[None]:
    """An engine that stands still is named while the block waits for it."""
    says = (
        "The engine at %s has not answered for %.0f s: it has too much to do, or its lake is away. Its log says which"
    )
    late = threading.Timer(LATE, LOG.warning, (says, engine, LATE))
    late.daemon = True
    late.start()
    try:
        yield
    finally:
        late.cancel()


def _close(spark: "SparkSession", engine: str) -> None:
    """An engine that has gone has no session to close any more, and one that was taken over is another's."""
    with suppress(Exception):
        try:
            if _answers(engine):
                _end(_client(spark), engine)
        except Conflict as error:
            LOG.warning("%s", error)
    cast(Any, spark).release_session_on_close = False
    spark.stop()


def _client(spark: "SparkSession") -> "SparkConnectClient":
    return cast("SparkConnectClient", cast(Any, spark).client)
