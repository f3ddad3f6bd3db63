"""Does what `<landing>/<stage>.json` tells: `lines`, `error`, `wait`, `size`; and writes down that it began."""

import json
import os
import sys
import time
from pathlib import Path


def run() -> None:
    landing = next(Path(word.partition("=")[2]) for word in sys.argv if word.startswith("--landing="))
    does(landing, next(word for word in sys.argv[1:] if not word.startswith("--")))


def take() -> None:
    """What `take.json` beside the folder that it was given tells."""
    does(Path(sys.argv[3]).parent, "take")


def does(landing: Path, stage: str) -> None:
    landing.mkdir(parents=True, exist_ok=True)
    file = landing / f"{stage}.json"
    told = json.loads(file.read_text()) if file.exists() else {}
    with (landing / "began.jsonl").open("a") as began:
        began.write(json.dumps({"pid": os.getpid(), "argv": sys.argv[1:], "environment": sorted(os.environ)}) + "\n")
    sys.stdout.buffer.write(bytes.fromhex(told.get("bytes", "")))
    for _ in range(told.get("size", 0)):
        sys.stdout.write("x" * (1 << 20) + "\n")
    for line in told.get("lines", ["2024-01-01 02:00:00,001 WARNING 3 files were refused"]):
        print(line, flush=True)
    until = time.monotonic() + float(told.get("wait", 0))
    while time.monotonic() < until and not (landing / "go on").exists():
        time.sleep(0.05)
    if "error" in told:
        raise RuntimeError(told["error"])
    for line in told.get("last", ['{"nightshift": 1, "rows": {"rides": 24}}']):
        print(line, flush=True)
