"""How the service is heard over HTTP: by uvicorn, which waits for ever for a client to read; here it does not."""

import logging
from asyncio import TimerHandle, Transport
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.app import Service

LOG = logging.getLogger(__name__)
IDLE = 30  # seconds


def heard(service: Service, **told: Any) -> uvicorn.Config:
    seconds = service.doors.limits.seconds
    return uvicorn.Config(
        service.app(),
        http=reading_within(seconds),
        access_log=False,  # an address may hold what should not be kept
        server_header=False,
        timeout_graceful_shutdown=seconds,
        timeout_keep_alive=IDLE,
        **told,
    )


def reading_within(seconds: float) -> type[HttpToolsProtocol]:
    """A connection whose other side takes longer to read what was written is ended."""

    class Connection(HttpToolsProtocol):
        waiting: TimerHandle | None = None

        def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as uvicorn has it
            super().connection_made(transport)
            transport.set_write_buffer_limits(high=1, low=0)  # it is told of whatever is not yet sent

        def pause_writing(self) -> None:
            super().pause_writing()
            self.waiting = self.loop.call_later(seconds, self.give_up)

        def resume_writing(self) -> None:
            super().resume_writing()
            self.wait_no_more()

        def connection_lost(self, exc: Exception | None) -> None:
            self.wait_no_more()
            super().connection_lost(exc)

        def wait_no_more(self) -> None:
            if self.waiting is not None:
                self.waiting.cancel()
                self.waiting = None

        def give_up(self) -> None:
            LOG.info("an answer was not read within %s s: its connection is ended", seconds)
            self.transport.abort()

    return Connection
