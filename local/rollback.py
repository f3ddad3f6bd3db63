"""`make rollback` and `make release`: the Dag model_rollback, started and followed from the terminal."""

import argparse
import sys

from local import airflow_config
from local.airflow_api import Airflow, answers
from local.commands import CannotGoOn, tell
from local.home import USER, Home, from_environment
from spark_jobs.declare import BadRequest, NightshiftError

DAG, TASK = "model_rollback", "roll_back"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="make rollback", description="Restore an earlier champion, or release a hold."
    )
    parser.add_argument("action", choices=("roll back", "release the hold"))
    parser.add_argument("--model", required=True, help="the name of the use case")
    parser.add_argument("--version", default="previous", help="a number, or previous")
    parser.add_argument("--reason", required=True, help="for the record")
    form = vars(parser.parse_args(argv))
    for name in ("model", "reason"):
        if not form[name]:
            raise BadRequest(name.upper(), 'is missing. Like this: make rollback MODEL=bike_sharing REASON="too high"')
    airflow = _airflow(from_environment())
    airflow.pause(DAG, paused=False)
    run = airflow.trigger(DAG, form)
    state = [seen["state"] for seen, _ in airflow.watch(DAG, run)][-1]
    tell(str(airflow.xcom(DAG, run, TASK)) if state == "success" else airflow.log(DAG, run, TASK))
    return 0 if state == "success" else 1


def _airflow(home: Home) -> Airflow:
    if not answers(f"{home.airflow_url}/api/v2/version"):
        raise CannotGoOn(f"Airflow does not answer on {home.airflow_url}: type `make run` in another terminal first.")
    return Airflow(home.airflow_url, USER, airflow_config.password(home))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except NightshiftError as error:
        sys.exit(str(error))
