"""`make rollback` and `make release`: the Dag model_rollback, started and followed from the terminal."""

import os
import re
import sys
from collections.abc import Mapping
from urllib.parse import quote

from local import airflow_config
from local.airflow_api import Airflow, answers
from local.commands import CannotGoOn, tell
from local.home import USER, Home, from_environment
from local.typed import model_of
from spark_jobs.declare import BadRequest, NightshiftError

DAG, TASK = "model_rollback", "roll_back"
RELEASE = "release the hold"  # as the form of the Dag has it
PREVIOUS = "previous"  # the champion before this one
FAILED = "failed"  # the XCom that says why, in one sentence
LEAST, MOST = 3, 500  # characters of a reason


def main(action: str, typed: Mapping[str, str]) -> None:
    form, home = asked(action, typed), from_environment(typed)
    airflow = _airflow(home)
    airflow.pause(DAG, paused=False)
    run = airflow.trigger(DAG, form)
    state = [seen["state"] for seen, _ in airflow.watch(DAG, run)][-1]
    if state == "success":
        tell(done(form["model"], airflow.xcom(DAG, run, TASK)))
        return
    where = f"{home.airflow_url}/dags/{DAG}/runs/{quote(run)}/tasks/{TASK}"
    raise CannotGoOn(airflow.xcom(DAG, run, TASK, FAILED) or f"{action} failed, and {where} shows its log")


def done(model: str, entry: Mapping[str, str]) -> str:
    """What the registry now remembers, in a sentence."""
    if entry["what"] == RELEASE:
        return f"Nights may promote {model} again; its champion is version {entry['to'] or '(none)'}."
    return (
        f"Champion of {model} is version {entry['to']} again; version {entry['from']} is withdrawn, and promotion is "
        f'held until you type: make release MODEL={model} REASON="..."'
    )


def asked(action: str, typed: Mapping[str, str]) -> dict[str, str]:
    """The form of the Dag, from what was typed after `make`; Airflow would refuse the same in twenty lines."""
    model = model_of(typed, "REASON", like='make rollback MODEL=bike_sharing REASON="too high"')
    version, reason = typed.get("VERSION") or PREVIOUS, typed["REASON"]
    if not re.fullmatch(rf"{PREVIOUS}|[1-9][0-9]*", version):
        raise BadRequest("VERSION", f"is a number, or {PREVIOUS}, got {version!r}")
    if not LEAST <= len(reason) <= MOST:
        raise BadRequest("REASON", f"has from {LEAST} to {MOST} characters, got {len(reason)}")
    return {"action": action, "model": model, "version": version, "reason": reason}


def _airflow(home: Home) -> Airflow:
    if not answers(f"{home.airflow_url}/api/v2/version"):
        raise CannotGoOn(f"Airflow does not answer on {home.airflow_url}: type `make run` in another terminal first.")
    return Airflow(home.airflow_url, USER, airflow_config.password(home))


if __name__ == "__main__":
    try:
        main(sys.argv[1], os.environ)
    except NightshiftError as error:
        sys.exit(str(error))
