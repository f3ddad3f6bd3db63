"""The one entry point of every Spark job: `python -m spark_jobs <place> <stage> <use case> --start= --end=`."""

import json
import logging
import sys
import traceback
from importlib import import_module
from typing import Any, TextIO

from spark_jobs import use_cases
from spark_jobs.declare import BadDeclaration, BadRequest, Job, NightshiftError, Place, Refused, Tables, parse
from spark_jobs.failures import cause, explained
from spark_jobs.life import end_with_parent

LOG = logging.getLogger("spark_jobs")
DONE, FAILED, USELESS_TO_RETRY = 0, 1, 3
FEW = 32 << 20  # bytes of a stream, beyond which compiled queries pay
USELESS = (BadRequest, BadDeclaration, Refused)


def main(argv: list[str]) -> int:
    """Exit status 0: done, or nothing to do. 3: trying again cannot help. 1: anything else."""
    log_to(sys.stderr)
    end_with_parent()
    try:
        done(argv)
    except NightshiftError as error:
        LOG.error("%s", error)
        return USELESS_TO_RETRY if isinstance(error, USELESS) else FAILED
    return DONE


def log_to(stream: TextIO) -> None:
    logging.basicConfig(level=logging.INFO, stream=stream, format="%(asctime)s %(levelname)s %(message)s")
    for talker in ("py4j", "pyspark", "grpc"):
        logging.getLogger(talker).setLevel(logging.WARNING)


def done(argv: list[str]) -> None:
    """The job, and its last line."""
    place, job = parse(argv)
    result = _run(place, job)
    say({"stage": str(job.stage), **result})


def say(result: dict[str, Any]) -> None:
    """The line that whoever asked for the job reads."""
    sys.stdout.write(json.dumps({"nightshift": 1, **result}) + "\n")
    sys.stdout.flush()


def _run(place: Place, job: Job) -> dict[str, Any]:
    """The stage's result; what fails below Nightshift is told in full, and in one line at the end."""
    try:
        return _stage_result(place, job)
    except NightshiftError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, the log's last line has to name the cause)
        known = explained(error, place)
        if known is None:
            traceback.print_exc()
        raise known or NightshiftError(f"{job.stage} of {job.use_case} failed: {cause(error)}") from None


def _stage_result(place: Place, job: Job) -> dict[str, Any]:
    use_case = use_cases.load(job.use_case)
    if job.stage not in use_case.stages:
        raise BadRequest("stage", f"of {job.use_case} is one of {', '.join(use_case.stages)}, got {job.stage}")
    LOG.info("%s of %s for %s", job.stage, job.use_case, job.window)
    from spark_jobs.session import spark_session  # a bad request needs no Spark

    small = bool(place.engine) and job.small and few(place, job, use_case)  # other computes decide themselves
    with spark_session(place, f"{job.use_case} {job.stage}", small=small) as spark:
        from spark_jobs.work import work

        stage = import_module(f"spark_jobs.stages.{job.stage}")
        result: dict[str, Any] = stage.run(work(job, place, use_case, spark))
    return result


def few(place: Place, job: Job, use_case: Tables) -> bool:
    """Of a stream a day may be a hundred readings or millions: as many as came since the window began."""
    from spark_jobs.raw.landing import Landing

    landing, streams = Landing.of(place, use_case.name), [table.name for table in use_case.tables if table.stream]
    came = (file.stamp.size for name in streams for file in landing.files(name) if file.arrival_day >= job.window.start)
    return sum(came) <= FEW


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
