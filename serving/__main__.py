"""The service as a process: `python -m serving`, told by its environment what to serve."""

import gc
import logging
import os
import socket
import sys
import threading
from collections.abc import Mapping

import uvicorn

from serving.app import Service
from serving.champion import Champion, follow
from serving.connection import heard
from serving.doors import Doors
from serving.keeping import Kept
from serving.keys import Keys
from serving.settings import LOOPBACK, Settings
from serving.watching import Watch
from spark_jobs import use_cases
from spark_jobs.declare import BadRequest, NightshiftError, Place
from spark_jobs.files import Files
from spark_jobs.life import end_with_parent

OF_A_JOB = "--of-a-job"  # which may be killed
LOG = logging.getLogger("serving")
# One short try each time: the next look at the registry is seconds away.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
TURN = 0.0002  # seconds that a thread may keep others from Python: an answer is ready in a few times as long
# Files come through MLflow: the store behind it may be out of reach, and its address another's.
THROUGH = {"MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false"}


def service(settings: Settings) -> Service:
    """With its champions in hand: what cannot answer at all does not begin."""
    if strange := [name for name in settings.models if name not in use_cases.models()]:
        raise BadRequest("MODEL", f"is one of {', '.join(use_cases.models())}, got {strange[0]!r}")
    keys = None if settings.anybody else Keys(settings.keys)
    if keys is not None and not keys.some:
        _without_keys(settings)
    place = Place(lake=settings.lake, landing="", tracking=settings.registry, registry=settings.registry)
    champions = {
        name: Champion(
            model=name,
            place=place,
            kept=Kept(settings.kept / name),
            version=settings.version,
            early=settings.early,
        )
        for name in settings.models
    }
    for champion in champions.values():
        champion.start()
    watch = Watch(share=settings.watch, landing=Files(settings.landing)) if settings.watch else None
    return Service(champions=champions, doors=Doors(keys=keys, limits=settings.limits), watch=watch)


def _without_keys(settings: Settings) -> None:
    if settings.early:
        LOG.warning("%s holds no key yet, so nobody can ask: make stack-key NAME=<a client>", settings.keys)
        return
    raise BadRequest(
        "SERVE_KEYS",
        f"{settings.keys} holds no key, so nobody could ask: make serve-key NAME=<a client>, or ANYBODY=yes, and "
        "then whoever reaches the port may ask",
    )


def _refuse_taken(settings: Settings) -> None:
    """Before a model is looked for."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            says = f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}): choose another"
            raise BadRequest("SERVE_PORT", says) from None


def main(told: Mapping[str, str]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    os.environ.update(PATIENCE | THROUGH)
    sys.setswitchinterval(TURN)
    settings = Settings.of(told)
    _refuse_taken(settings)
    if settings.anybody and settings.host not in LOOPBACK:
        LOG.warning("without keys, and not on this machine alone: whoever reaches %s may ask", settings.host)
    made, over = service(settings), threading.Event()
    follow(list(made.champions.values()), settings.every, over)
    scheme = "https" if settings.certificate else "http"
    if made.watch is not None:
        LOG.info("of the requests %s are written to %s, with their answers", settings.watch, settings.landing)
    LOG.info("answers at %s://%s:%d, page /docs", scheme, settings.host, settings.port)
    config = heard(
        made,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        ssl_certfile=settings.certificate or None,
        ssl_keyfile=settings.certificate_key or None,
    )
    gc.freeze()
    uvicorn.Server(config).run()
    over.set()


if __name__ == "__main__":
    if OF_A_JOB in sys.argv[1:]:
        end_with_parent()
    try:
        main(os.environ)
    except NightshiftError as error:
        sys.exit(str(error))
