"""Clients that ask over HTTP as fast as they are answered, by wrk, which takes little of the machine for itself."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

SCRIPT = """
wrk.method = "POST"
for name, value in pairs(HEADERS) do wrk.headers[name] = value end
local file = io.open(BODY, "rb")
wrk.body = file:read("*a")
file:close()
done = function(all, latency)
  local failed = all.errors.connect + all.errors.read + all.errors.write + all.errors.status + all.errors.timeout
  io.write(string.format('LOAD{"requests": %d, "microseconds": %d, "p50": %f, "p99": %f, "failed": %d}\\n',
    all.requests, all.duration, latency:percentile(50), latency:percentile(99), failed))
end
"""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What clients met."""

    a_second: float
    p50: float  # milliseconds
    p99: float
    failed: int


def load(url: str, headers: Mapping[str, str], body: bytes, *, clients: int, seconds: float) -> Load:
    if shutil.which("wrk") is None:
        raise SystemExit("this asks with wrk, which is not here: install the package wrk of your system")
    with TemporaryDirectory() as folder:
        script, file = Path(folder) / "ask.lua", Path(folder) / "body"
        file.write_bytes(body)
        named = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items())
        script.write_text(f"HEADERS = {{{named}}}\nBODY = {json.dumps(str(file))}\n{SCRIPT}")
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds:.0f}s", "--timeout", "60s", "-s", str(script), url]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in told.splitlines() if line.startswith("LOAD")]
    found = json.loads(line.removeprefix("LOAD"))
    return Load(
        a_second=1e6 * found["requests"] / found["microseconds"],
        p50=found["p50"] / 1000,
        p99=found["p99"] / 1000,
        failed=found["failed"],
    )
