"""The service: routes, and what each of them answers. Models are asked in threads, and others are heard meanwhile."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving import answers, bodies, described
from serving.champion import Champion
from serving.doors import SOON, Doors
from serving.metrics import CONTENT, Metrics
from serving.refusals import Told
from serving.tables import ARROW
from serving.together import Together
from serving.version import Answer, CannotAnswer, Version
from serving.watching import Exchange, Watch

LOG = logging.getLogger(__name__)
Handler = Callable[[Request], Awaitable[Response]]
Work = Callable[[Version, bytes, str], answers.Asked]
OPEN = ("/ping", "/health", "/version", "/docs")  # without a key: whether it is up, and a page that asks for one


@dataclass(kw_only=True)
class Service:
    champions: Mapping[str, Champion]
    doors: Doors
    watch: Watch | None = None
    metrics: Metrics = field(default_factory=Metrics)
    together: Together = field(init=False)

    def __post_init__(self) -> None:
        self.together = Together(self.doors.limits.threads)
        for champion in self.champions.values():
            champion.reloaded = lambda model, outcome: self.metrics.reloads.labels(model, outcome).inc()
        if self.watch is not None:
            self.watch.told = lambda model, outcome, rows: self.metrics.watched.labels(model, outcome).inc(rows)

    def app(self) -> Starlette:
        get: dict[str, Handler] = {
            "/ping": self.ping,
            "/health": self.health,
            "/version": self.mlflow,
            "/v1/models": self.models,
            "/metrics": self.measured,
            "/openapi.json": self.openapi,
            "/docs": self.docs,
        }
        post: dict[str, Handler] = {"/invocations": self.invocations, "/v1/models/{name}:predict": self.predict}
        routes = [Route(path, self._heard(path, handler), methods=["GET"]) for path, handler in get.items()]
        routes += [Route(path, self._heard(path, handler), methods=["POST"]) for path, handler in post.items()]
        failing: dict[Any, Any] = {HTTPException: _no_route, Exception: _failed}
        return Starlette(routes=routes, exception_handlers=failing, lifespan=self.watching)

    @asynccontextmanager
    async def watching(self, _: Starlette) -> AsyncIterator[None]:
        if self.watch is None:
            yield
            return
        self.watch.start()
        yield
        await asyncio.to_thread(self.watch.end)

    # Routes.
    async def ping(self, _: Request) -> Response:
        return Response(b"\n", media_type="application/json")

    async def health(self, _: Request) -> Response:
        told = {name: described.health(champion) for name, champion in self.champions.items()}
        waits = any(champion.waits for champion in self.champions.values())
        if not all(champion.waits or champion.live is not None for champion in self.champions.values()):
            return _json({"status": "nothing to answer with", "models": told}, 503)
        return _json({"status": "waiting" if waits else "ok", "models": told})

    async def mlflow(self, _: Request) -> Response:
        try:
            return Response(installed("mlflow"), media_type="text/plain")
        except PackageNotFoundError:
            return Response(installed("mlflow-skinny"), media_type="text/plain")

    async def models(self, _: Request) -> Response:
        return _json({"models": [described.model(one.live) for one in self.champions.values() if one.live]})

    async def measured(self, _: Request) -> Response:
        told = self.metrics
        told.asking.set(self.doors.inside.total())
        told.live.clear()
        for name, champion in self.champions.items():
            if champion.live is not None:
                told.live.labels(name, champion.live.about.version).set(1)
            told.trouble.labels(name).set(bool(champion.trouble))
            told.away.labels(name).set(bool(champion.away))
        return Response(told.text(), media_type=CONTENT)

    async def openapi(self, _: Request) -> Response:
        live = [one.live for one in self.champions.values() if one.live]
        return _json(described.openapi(live, locked=self.doors.keys is not None))

    async def docs(self, _: Request) -> Response:
        return Response(described.PAGE, media_type="text/html")

    async def invocations(self, request: Request) -> Response:
        if len(self.champions) != 1:
            raise Told(404, f"several models answer here: POST /v1/models/<one of {', '.join(self.champions)}>:predict")
        (champion,) = self.champions.values()
        return await self._ask(request, champion, partial(_protocol, limits=self.doors.limits))

    async def predict(self, request: Request) -> Response:
        champion = self.champions.get(request.path_params["name"])
        if champion is None:
            raise Told(404, f"no such model answers here; there is {', '.join(self.champions)}")
        accepts = request.headers.get("accept", "")
        kind = _kind(request)
        arrow = ARROW in accepts or (kind != bodies.JSON and bodies.JSON not in accepts)
        return await self._ask(request, champion, partial(_typed, limits=self.doors.limits, arrow=arrow))

    # How they are answered.
    async def _ask(self, request: Request, champion: Champion, work: Work) -> Response:
        client, limits = request.state.client, self.doors.limits
        self.doors.enter(client)
        try:
            raw = await self.doors.body(request)
            version = champion.live
            if version is None:
                raise Told(503, f"{champion.model} has nothing to answer with: {champion.why_not}", wait=SOON)
            asked = self.together.ask(version, partial(work, version, raw, _kind(request)), len(raw))
        except BaseException:
            self.doors.leave(client)
            raise
        asked.add_done_callback(lambda _: self.doors.leave(client))  # a thread cannot be ended, so it is waited for
        try:
            (body, media), question, answer = await asyncio.wait_for(asyncio.shield(asked), limits.seconds)
        except TimeoutError:
            asked.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise Told(503, f"there was no answer within {limits.seconds} s: ask about fewer rows", wait=SOON) from None
        self._count(answer)
        if self.watch is not None:
            use_case, wanted = version.use_case, question.wanted
            self.watch.take(
                Exchange(use_case=use_case, wanted=wanted, body=question.body, answer=answer, client=client)
            )
        return Response(body, media_type=media, headers={"Model-Version": answer.about.version})

    def _count(self, answer: Answer) -> None:
        about, refused = answer.about, len(answer.rows.reasons)
        self.metrics.rows.labels(about.model, about.version, "answered").inc(answer.rows.length - refused)
        if refused:
            self.metrics.rows.labels(about.model, about.version, "refused").inc(refused)

    def _heard(self, path: str, handler: Handler) -> Handler:
        """Whatever comes, it is counted, and what goes wrong is told in a sentence."""
        seconds = self.metrics.seconds.labels(path)

        async def heard(request: Request) -> Response:
            began = time.perf_counter()
            try:
                if request.url.query or path not in OPEN:
                    request.state.client = self.doors.client(request)
                response = await handler(request)
            except Told as told:
                response = _told(path, told.status, str(told), told.wait)
            except CannotAnswer as error:
                LOG.exception("%s", path)
                response = _told(path, 500, str(error), 0)
            seconds.observe(time.perf_counter() - began)
            self.metrics.requests.labels(path, response.status_code).inc()
            if response.status_code >= 400:
                client = getattr(request.state, "client", "nobody")
                LOG.info("%s %s of %s: %d", request.method, path, client, response.status_code)
            return response

        return heard


def _typed(version: Version, raw: bytes, kind: str, *, limits: Any, arrow: bool) -> answers.Asked:
    return answers.typed(version, bodies.typed(raw, kind, limits), arrow=arrow)


def _protocol(version: Version, raw: bytes, kind: str, *, limits: Any) -> answers.Asked:
    return answers.protocol(version, bodies.protocol(raw, kind, limits))


def _kind(request: Request) -> str:
    return request.headers.get("content-type", bodies.JSON).partition(";")[0].strip().lower()


def _json(told: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(told), status, media_type=bodies.JSON)


def _told(path: str, status: int, says: str, wait: int) -> Response:
    """`/invocations` in MLflow's words."""
    code = "INTERNAL_ERROR" if status >= 500 else "BAD_REQUEST"
    told = {"error_code": code, "message": says} if path == "/invocations" else {"error": says}
    response = _json(told, status)
    if wait:
        response.headers["Retry-After"] = str(wait)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def _no_route(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    says = {404: "there is nothing at this address; /openapi.json says what there is", 405: "not by this method"}
    return _told("", status, says.get(status, "this cannot be answered"), 0)


async def _failed(_: Request, error: Exception) -> Response:
    LOG.error("a request failed", exc_info=error)
    return _told("", 500, "this request could not be answered; the log of the service says why", 0)
