"""Runs commands that say nothing unless they fail, and tells a person what is going on."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from spark_jobs.declare import NightshiftError

LAST_LINES = 25


class CannotGoOn(NightshiftError):
    """Something outside of Nightshift failed; the text says what to do about it."""


def tell(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)


@contextmanager
def step(says: str) -> Iterator[None]:
    """Announces what takes a while, and how long it took."""
    print(f"  {says} ...", end="", flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        print(" failed", flush=True)
        raise
    print(f" {time.monotonic() - began:.0f} s", flush=True)


def quietly(
    command: Sequence[str | Path], *, hint: str, cwd: Path | None = None, extra: Mapping[str, str] | None = None
) -> str:
    """Its standard output; when it fails, the last lines of both and what to do."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(extra or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-LAST_LINES:])
        raise CannotGoOn(f"{tail}\n\nThis failed: {' '.join(map(str, command))}\n{hint}")
    return done.stdout
