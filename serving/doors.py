"""Who comes in: by a key in the header, one of so many at once; and how much of a body is read."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request

from serving.keys import Keys
from serving.refusals import Told
from serving.settings import Limits

SOON = 1  # seconds


@dataclass(kw_only=True)
class Doors:
    keys: Keys | None  # None: anybody
    limits: Limits
    inside: Counter[str] = field(default_factory=Counter)  # requests that are being answered, by client

    def client(self, request: Request) -> str:
        if request.url.query:
            raise Told(400, "the address holds a query and takes none: a key belongs in a header, values in the body")
        if self.keys is None:
            return "anybody"
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        key = given.strip() if kind.lower() == "bearer" else request.headers.get("x-api-key", "")
        if not key:
            raise Told(401, "who asks names a key, in the header: Authorization: Bearer <key>")
        client = self.keys.client(key)
        if client is None:
            raise Told(401, "this key is none of those that may ask")
        return client

    def enter(self, client: str) -> None:
        if self.inside.total() >= self.limits.waiting:
            raise Told(503, f"{self.limits.waiting} requests are being answered: ask again in a moment", wait=SOON)
        if self.keys is not None and self.inside[client] >= self.limits.each:
            raise Told(429, f"{self.limits.each} requests of yours are being answered: wait for some", wait=SOON)
        self.inside[client] += 1

    def leave(self, client: str) -> None:
        self.inside[client] -= 1
        if not self.inside[client]:
            del self.inside[client]

    async def body(self, request: Request) -> bytes:
        """As it comes, and no more of it than may be sent, nor slower."""
        most = self.limits.body
        said = request.headers.get("content-length", "")
        if said.isdigit() and int(said) > most:
            raise Told(413, f"a body has at most {most:,} bytes, got {int(said):,}")
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await self._read(request, most)
        except TimeoutError:
            raise Told(408, f"the body was not there within {self.limits.seconds} s") from None
        except ClientDisconnect:
            raise Told(400, "the body ended before its end") from None

    async def _read(self, request: Request, most: int) -> bytes:
        found = bytearray()
        async for part in request.stream():
            found += part
            if len(found) > most:
                raise Told(413, f"a body has at most {most:,} bytes")
        return bytes(found)
