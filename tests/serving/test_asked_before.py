"""A service answers with a version before it is promoted: what it must hold, and what is a reason to reject."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from engine.running import free_port
from spark_jobs import use_cases
from spark_jobs.declare import BadDeclaration, Place, Serving, UseCase
from spark_jobs.kinds import Columns, kind
from spark_jobs.learning.gate import Verdict, after_asking
from spark_jobs.learning.served import Served, served
from tests.serving.conftest import until
from tests.serving.shelf import CENSUS, KINDS, Shelf, gold

COLUMNS = Columns.of(use_cases.learning(CENSUS))


@dataclass(frozen=True)
class Challenged:
    shelf: Shelf
    version: str
    judged: pd.DataFrame  # as the batch has them

    def asked(self, limits: Serving, judged: pd.DataFrame | None = None) -> Served:
        use_case: UseCase = replace(use_cases.learning(CENSUS), serving=limits)
        place = Place(lake="", landing="", tracking=self.shelf.address, registry=self.shelf.address)
        rows = self.judged if judged is None else judged
        return served(place, use_case, self.version, COLUMNS.features, rows)


@pytest.fixture(scope="module")
def challenged(tmp_path_factory: pytest.TempPathFactory) -> Challenged:
    shelf = Shelf(tmp_path_factory.mktemp("challenged"))
    name, params = KINDS["blend"]
    model = kind(name).fit(gold(CENSUS), params, COLUMNS)
    rows = gold(CENSUS).reset_index(drop=True)
    return Challenged(shelf, shelf.register(CENSUS, name, model), rows.join(model.predict(rows)))


def test_what_a_service_answers_as_the_batch_does_is_promoted(challenged: Challenged) -> None:
    found = challenged.asked(Serving(rows=20))
    assert found.objections == []
    assert found.numbers["rows"] == 20
    assert 0 < found.numbers["answers"] < found.numbers["starts"] < 30
    assert sys.platform != "linux" or 0.05 < found.numbers["gigabytes"] < 1


def test_one_bit_is_a_reason(challenged: Challenged) -> None:
    other = challenged.judged.assign(probability=challenged.judged["probability"] + 1e-16)
    [together, alone] = challenged.asked(Serving(rows=3), other).objections
    assert together.startswith("asked together, the service answers 3 of 3 rows otherwise than the batch: {")
    assert alone.startswith("asked one by one, the service answers 3 of 3 rows otherwise than the batch: {")


def test_too_slow_and_too_large_are_reasons(challenged: Challenged) -> None:
    limits = Serving(rows=3, answers_within=timedelta(microseconds=1), gigabytes=0.001)
    slow, large = challenged.asked(limits).objections
    assert slow.startswith("the service takes ")
    assert slow.endswith(" ms for a row, allowed are 0.001")
    assert large.endswith(" GB, allowed are 0.001")
    [late] = challenged.asked(Serving(starts_within=timedelta(milliseconds=100))).objections
    assert late == "a service does not answer 0 s after its start, allowed are 0.1 s"


def test_what_does_not_load_is_a_reason_in_its_words(challenged: Challenged) -> None:
    [said] = replace(challenged, version="99").asked(Serving()).objections
    assert said.startswith("a service does not start with it: ")
    assert "99" in said


def test_rows_that_a_service_does_not_take_are_a_reason(challenged: Challenged) -> None:
    nothing = challenged.judged.assign(age=float("inf"))
    [said] = challenged.asked(Serving(rows=2), nothing).objections
    assert said.startswith("the service answered 422: ")
    assert "the body is no JSON" in said


def test_a_service_of_a_job_that_is_killed_ends(challenged: Challenged, tmp_path: Path) -> None:
    env = os.environ | {"MODEL": CENSUS, "SERVE_REGISTRY": challenged.shelf.address, "ANYBODY": "yes"}
    env |= {"NIGHTSHIFT_HOME": str(tmp_path), "VERSION": challenged.version, "SERVE_PORT": str(free_port())}
    starts = "p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE); print(p.pid, flush=True); p.wait()"
    starter = f"import subprocess, sys; {starts}"
    command = [sys.executable, "-c", starter, sys.executable, "-m", "serving", "--of-a-job"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        service = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{service}").exists())


def test_a_verdict_takes_over_what_a_service_says() -> None:
    good = Verdict(verdict="PROMOTE", reasons=["better"], numbers={"rows": 3})
    asked = after_asking(good, Served(objections=[], numbers={"rows": 2}))
    assert (asked.verdict, asked.reasons, asked.numbers) == ("PROMOTE", ["better"], {"rows": 3, "service": {"rows": 2}})
    refused = after_asking(good, Served(objections=["too slow"]))
    assert (refused.verdict, refused.reasons) == ("REJECT", ["too slow"])


@pytest.mark.parametrize("told", [{"rows": 0}, {"gigabytes": 0}, {"starts_within": timedelta()}])
def test_limits_are_more_than_nothing(told: dict[str, float]) -> None:
    with pytest.raises(BadDeclaration, match=r"^serving: rows, starts_within, answers_within and gigabytes are more"):
        Serving(**told)  # type: ignore[arg-type] # numbers of each sort
