"""A door to the outside for an engine that itself listens to its own machine only: TLS, and nothing but TLS."""

import asyncio
import ssl
import threading
from contextlib import suppress
from pathlib import Path

from engine.settings import LOOPBACK

PIECE = 1 << 18


def opened(door: int, certificate: Path, engine: int) -> None:
    """Stands open for as long as this process lives; `certificate` holds the private key too."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2"])
    threading.Thread(target=asyncio.run, args=(_serve(door, context, engine),), name="the door", daemon=True).start()


async def _serve(door: int, context: ssl.SSLContext, engine: int) -> None:
    async def enter(outside: asyncio.StreamReader, to_outside: asyncio.StreamWriter) -> None:
        try:
            inside, to_inside = await asyncio.open_connection(LOOPBACK, engine, limit=PIECE)
        except OSError:  # not up yet
            to_outside.close()
            return
        await asyncio.gather(_carry(outside, to_inside), _carry(inside, to_outside))

    server = await asyncio.start_server(enter, None, door, ssl=context, limit=PIECE)
    await server.serve_forever()


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Until one side ends; then the other end is closed too."""
    with suppress(OSError):
        while piece := await source.read(PIECE):
            sink.write(piece)
            await sink.drain()
    sink.close()
