"""Who holds a lake in a bucket: one engine, as long as it gives signs of life. Laptops lack boto3."""

import json
import logging
import socket
import threading
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
from botocore.exceptions import ClientError

from spark_jobs.declare import Refused

LOG = logging.getLogger(__name__)

SIGN = 3.0  # seconds between two signs of life
SILENCE = 15.0  # seconds without any, after which another engine may take the lake
TAKEN = (409, 412)  # somebody else was there first


class Lease:
    """A bucket knows no locks, but writes an object only if it is still what was read: that makes one."""

    def __init__(self, lake: str) -> None:
        address = urlsplit(lake)
        key = "/".join(filter(None, (address.path.strip("/"), ".engine")))
        self._lake, self._where = lake, {"Bucket": address.netloc, "Key": key}
        self._store: Any = boto3.client("s3")
        self._state = ""
        self._me = f"{socket.gethostname()} ({uuid4().hex[:8]})"

    def take(self) -> None:
        """Waits until an engine that was killed has been silent for long enough; one that lives is named."""
        holder, state = self._read()
        deadline = time.monotonic() + SILENCE
        while state and holder and time.monotonic() < deadline:
            time.sleep(SIGN)
            now_holder, now_state = self._read()
            if now_state != state:
                raise self._refused(now_holder or holder)
        if not self._write(state):
            raise self._refused(self._read()[0])

    def keep(self, lost: "threading.Event") -> None:
        """Gives signs of life from a thread of its own, until somebody else has the lake."""

        def sign() -> None:
            while not lost.wait(SIGN):
                try:
                    if not self._write(self._state):
                        LOG.error("%s", self._refused(self._read()[0]))
                        lost.set()
                except Exception as error:  # noqa: BLE001 - a store that is away: nobody else can take the lake either
                    LOG.warning("no sign of life on %s: %s", self._lake, error)

        threading.Thread(target=sign, name="holds the lake", daemon=True).start()

    def leave(self) -> None:
        """An end in order: the next engine need not wait."""
        self._write(self._state, holder="")

    def _read(self) -> tuple[str, str]:
        """Who holds it, and the state that whoever writes next must name. Empty where nobody has been."""
        try:
            found = self._store.get_object(**self._where)
        except ClientError as error:
            if _status(error) == 404:
                return "", ""
            raise
        return str(json.load(found["Body"])["engine"]), str(found["ETag"])

    def _write(self, state: str, holder: str | None = None) -> bool:
        """Whether it was still in that state; a write whose answer was lost is seen to be ours."""
        name = self._me if holder is None else holder
        said = json.dumps({"engine": name, "at": datetime.now(tz=UTC).isoformat()}).encode()
        condition = {"IfMatch": state} if state else {"IfNoneMatch": "*"}
        try:
            self._state = str(self._store.put_object(**self._where, Body=said, **condition)["ETag"])
        except ClientError as error:
            if _status(error) not in TAKEN:
                raise
            found, self._state = self._read()
            return found == self._me
        return True

    def _refused(self, holder: str) -> Refused:
        return Refused(
            f"another engine, {holder}, already works on {self._lake}: end that one first, or choose another lake"
        )


def _status(error: Any) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
