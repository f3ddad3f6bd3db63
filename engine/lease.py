"""Who holds a lake in a bucket: one engine, as long as it gives signs of life. Laptops lack boto3."""

import json
import logging
import os
import signal
import socket
import threading
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from spark_jobs.declare import Refused

LOG = logging.getLogger(__name__)

SIGN = 3.0  # seconds between two signs of life
SILENCE = 15.0  # seconds without any, after which another engine may take the lake
TAKEN = (409, 412)  # somebody else was there first
AT_ONCE = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1})


class Lease:
    """A bucket knows no locks, but writes an object only if it is still what was read: that makes one."""

    def __init__(self, lake: str) -> None:
        address = urlsplit(lake)
        key = "/".join(filter(None, (address.path.strip("/"), ".engine")))
        self._lake, self._where = lake, {"Bucket": address.netloc, "Key": key}
        self._store: Any = boto3.client("s3", config=AT_ONCE)
        self._state = ""
        self._me = f"{socket.gethostname()} ({uuid4().hex[:8]})"

    def take(self) -> None:
        """Waits until an engine that was killed has been silent for long enough; one that lives is named."""
        holder, state = self._read()
        deadline = time.monotonic() + SILENCE
        while state and time.monotonic() < deadline:
            time.sleep(SIGN)
            now_holder, now_state = self._read()
            if now_state != state:
                raise self._refused(now_holder or holder)
        if not self._write(state):
            raise self._refused(self._read()[0])

    def keep(self, java: int) -> None:
        """Gives signs of life, and has Java write only while nobody else may have the lake."""
        threading.Thread(target=self._sign, args=(java,), name="holds the lake", daemon=True).start()

    def _sign(self, java: int) -> None:
        """Little is said, and nothing while Java stands still: what is written here reaches a log through Java."""
        heard, missed, halted = time.monotonic(), False, False
        while True:
            time.sleep(SIGN)
            try:
                ours = self._write(self._state)
            except (BotoCoreError, ClientError) as error:
                if not missed:
                    LOG.warning(
                        "no sign of life on %s: %s. Java will stand still until there is one", self._lake, error
                    )
                missed = True
                if not halted and time.monotonic() - heard > SILENCE - 2 * SIGN:
                    halted = True
                    os.kill(java, signal.SIGSTOP)
                continue
            if not ours:
                LOG.error("%s", self._refused(self._read()[0]))
                os.kill(java, signal.SIGKILL)  # what it would still write is another engine's by now
                return
            if halted:
                os.kill(java, signal.SIGCONT)
            if missed:
                LOG.warning("a sign of life on %s again, after %.0f s", self._lake, time.monotonic() - heard)
            heard, missed, halted = time.monotonic(), False, False

    def _read(self) -> tuple[str, str]:
        """Who holds it, and the state that whoever writes next must name. Empty where nobody has been."""
        try:
            found = self._store.get_object(**self._where)
        except ClientError as error:
            if _status(error) == 404:
                return "", ""
            raise
        return str(json.load(found["Body"])["engine"]), str(found["ETag"])

    def _write(self, state: str) -> bool:
        """Whether it was still in that state; a write whose answer was lost is seen to be ours."""
        said = json.dumps({"engine": self._me, "at": datetime.now(tz=UTC).isoformat()}).encode()
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
