"""Stands in for the Spark side's Python: keeps its rules (argv, last line, exit status, stdin), needs no Spark.

What it does is told, per stage, by `<home>/<stage>.json`: `result`, `status`, `stdout`, `stderr`, and `wait`, which
holds it up until its stdin closes; with `deaf` it does not care about stdin, and its child does not either.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

sys.path.insert(1, str(Path(__file__).parents[2] / "plugins"))

from nightshift.processes import marked
from spark_jobs.declare import parse

USUAL: dict[str, dict[str, Any]] = {
    "ingest": {"rows": {"rides": {"read": 24, "new": 24}}},
    "refine": {"rows": {"rides": {"kept": 24}}, "inputs": {"bronze/rides": 0}},
    "features": {"rows": {"features": 24}, "inputs": {"silver/rides": 0}},
    "profile": {"rows": {"looked_at": 24}, "inputs": {"gold/features": 0}},
    "train": {"version": "1", "inputs": {"gold/features": 0}},
    "evaluate": {"verdict": "REJECT", "version": "1", "champion": "", "reasons": ["rmse 200 is above 120"]},
    "score": {"skipped": "no champion yet"},
    "report": {"rows": {"gold/hours": 24}, "inputs": {"silver/rides": 0}, "page": "report.html"},
}


def end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> int:
    place, job = parse(sys.argv[3:])
    home = Path(place.lake).parent
    told_in = home / f"{job.stage}.json"
    told = json.loads(told_in.read_text()) if told_in.exists() else {}
    call = {"argv": job.argv(), "pid": os.getpid(), "environment": sorted(os.environ)}
    beside = marked(os.environ["NIGHTSHIFT_JOB"])
    with (home / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(call | {"beside": beside}) + "\n")
    if not told.get("deaf"):
        Thread(target=end_with_parent, daemon=True).start()
    if told.get("wait"):
        child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", child], start_new_session=bool(told.get("deaf")))
        (home / "waiting").touch()
        time.sleep(600)
    sys.stderr.write("".join(f"{line}\n" for line in told.get("stderr", [])))
    said = {"nightshift": 1, "stage": str(job.stage), **told.get("result", USUAL[job.stage])}
    sys.stdout.write("".join(f"{line}\n" for line in told.get("stdout", [json.dumps(said)])))
    return int(told.get("status", 0))


if __name__ == "__main__":
    sys.exit(main())
