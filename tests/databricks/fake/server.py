"""A workspace on loopback: strict about who asks and what, and able to misbehave."""

import json
import math
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.databricks.fake.answers import Answer, Asked, Refusal
from tests.databricks.fake.catalog import ME, UNITY, WORKSPACE, Catalog
from tests.databricks.fake.compute import ALL, Compute
from tests.databricks.fake.files import FILES, FOLDERS, Files
from tests.databricks.fake.models import MLFLOW, Mlflow
from tests.databricks.fake.runs import RUNS, Runs

JOBS = "/api/2.2/jobs/list"

Trouble = Callable[[Asked, "Workspace"], Answer | None]  # in the place of an answer; None: answer as always


class Cut(Exception):
    """The connection is closed without an answer."""


@dataclass
class Workspace:
    files: Files
    runs: Runs
    mlflow: Mlflow
    tokens: set[str]
    catalog: Catalog = field(default_factory=Catalog)
    compute: Compute = field(default_factory=Compute)
    jobs: list[str] = field(default_factory=list)  # their names
    clients: dict[str, str] = field(default_factory=dict)  # service principals: id and secret
    lasts: float = 3600  # seconds that a token of theirs is good for
    ends: dict[str, float] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    trouble: list[Trouble] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)  # by token; of others it is the one who signed in first
    address: str = ""

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        for trouble in list(self.trouble):
            if (instead := trouble(asked, self)) is not None:
                return instead
        return self.usual(asked)

    def usual(self, asked: Asked) -> Answer:
        if asked.path == "/.well-known/databricks-config":
            return Answer(json={"oidc_endpoint": f"{self.address}/oidc"})
        if asked.path.startswith("/oidc/"):
            return self.sign_in(asked)
        asked = replace(asked, who=self.let_in(asked))
        if asked.path == JOBS:
            return Answer(
                json={"jobs": [{"job_id": at, "settings": {"name": one}} for at, one in enumerate(self.jobs)]}
            )
        for starts, part in (
            ((RUNS,), self.runs),
            ((FILES, FOLDERS), self.files),
            ((UNITY, WORKSPACE, ME), self.catalog),
            (ALL, self.compute),
            ((MLFLOW,), self.mlflow),
        ):
            if asked.path.startswith(starts):
                return part.answer(asked)
        raise Refusal(HTTPStatus.NOT_FOUND, "ENDPOINT_NOT_FOUND", f"No API found for '{asked.method} {asked.path}'")

    def let_in(self, asked: Asked) -> str:
        """Who asks."""
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        if kind != "Bearer":
            raise Refusal(HTTPStatus.UNAUTHORIZED, "UNAUTHENTICATED", "Credential was not sent")
        if token not in self.tokens or time.monotonic() > self.ends.get(token, math.inf):
            raise Refusal(HTTPStatus.FORBIDDEN, "PERMISSION_DENIED", "Invalid access token.")
        return self.people.get(token, self.catalog.user)

    def sign_in(self, asked: Asked) -> Answer:
        import base64

        if asked.method == "GET":
            there = f"{self.address}/oidc/v1"
            return Answer(json={"authorization_endpoint": f"{there}/authorize", "token_endpoint": f"{there}/token"})
        named = base64.b64decode(asked.headers.get("authorization", " ").split(" ")[1]).decode()
        name, _, secret = named.partition(":")
        if self.clients.get(name) != secret or not secret:
            raise Refusal(HTTPStatus.UNAUTHORIZED, "invalid_client", "Client authentication failed")
        token = f"of-{name}-{len(self.asked)}"
        self.tokens.add(token)
        self.people[token] = name
        self.ends[token] = time.monotonic() + self.lasts
        return Answer(json={"access_token": token, "token_type": "Bearer", "expires_in": self.lasts})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answered(self) -> None:
        address = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.body(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_json = "json" in headers.get("content-type", "") and bool(body)
        asked = Asked(
            method=self.command,
            path=unquote(address.path),
            query=dict(parse_qsl(address.query)),
            body=body,
            headers=headers,
            json=json.loads(body) if is_json else {},
        )
        try:
            answer = cast(Any, self.server).workspace.answer(asked)
        except Refusal as refused:
            answer = Answer(json=refused.body, status=refused.status)
        except Cut:
            self.close_connection = True
            self.connection.close()
            return
        self.say(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = answered  # noqa: N815 - as the library calls them

    def body(self, length: int) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(length)
        read = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            read += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return read

    def say(self, answer: Answer) -> None:
        content = answer.content or (b"" if answer.json is None else json.dumps(answer.json).encode())
        self.send_response(answer.status)
        headers = {} if answer.content else {"Content-Type": "application/json"}
        for name, value in {**headers, "Content-Length": str(len(content)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        return


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # many may knock in the same moment
    workspace: Workspace

    def speak_tls(self, certificate: Path) -> None:
        """Hands are shaken by whoever answers, so that one client who does not keeps nobody waiting."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, *_: object) -> None:
        """Clients that went away."""


@contextmanager
def workspace(
    folder: Path,
    *,
    mlflow: str = "",
    port: int = 0,
    found: Mapping[str, str] | None = None,
    certificate: Path | None = None,
) -> Iterator[Workspace]:
    """`found`: what runs find in their environment, beside address and token of this workspace."""
    files = Files(folder)
    server = Server(("127.0.0.1", port), Handler)
    if certificate:
        server.speak_tls(certificate)
    address = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
    token = "dapi-of-runs"  # noqa: S105 - of this fake only
    own = {"DATABRICKS_HOST": address, "DATABRICKS_TOKEN": token, "MLFLOW_DISABLE_TELEMETRY": "true"}
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    runs = Runs(folder / "runs", files, own | dict(found or {}), address=address)
    server.workspace = Workspace(files, runs, Mlflow(mlflow), {token, "dapi-of-airflow"}, address=address)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.workspace
    finally:
        runs.close()
        server.shutdown()
        server.server_close()
        thread.join()
