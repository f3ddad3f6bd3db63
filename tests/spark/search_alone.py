"""Searches in a session of its own: `python -m tests.spark.search_alone <engine> <token>`."""

import json
import sys

from pyspark import cloudpickle

from spark_jobs import use_cases
from spark_jobs.declare import Place
from spark_jobs.session import spark_session
from tests.spark import test_search_workers, tiny

if __name__ == "__main__":
    use_cases.part = lambda *_: tiny
    cloudpickle.register_pickle_by_value(tiny)  # type: ignore[no-untyped-call] # pyspark's copy has no types
    place = Place(lake="/lake", landing="", tracking="", registry="", engine=sys.argv[1], token=sys.argv[2])
    with spark_session(place, "search") as session:
        print(json.dumps(test_search_workers.of_all_ways(session)))  # noqa: T201 - its answer
