"""Spaces are declared apart from the candidates they are for."""

from datetime import date

import numpy as np
import optuna  # noqa: TID253 - tests load what they test
import pandas as pd
import pytest
import xgboost  # noqa: F401, TID253 - loaded by this thread, it writes what others warn of where it can be read

from spark_jobs import use_cases
from spark_jobs.declare import Job, Stage, Window
from spark_jobs.declare.space import suggested
from spark_jobs.kinds import Columns, kind
from spark_jobs.learning.model_part import asked_for, model_part

FEW = {"xgboost": {"rounds": 3, "validate_parameters": True}, "forest": {"n_estimators": 3}, "linear": {}}
SPACES = [
    (name, candidate.name)
    for name in use_cases.models()
    for candidate in model_part(name).candidates
    if candidate.name in use_cases.learning(name).search.spaces and kind(candidate.kind).IN_MEMORY
]


@pytest.mark.usefixtures("spark")  # estimators of Spark ML are made in a session
@pytest.mark.parametrize("name", use_cases.models())
def test_each_space_is_of_a_candidate_that_reads_it(name: str) -> None:
    part, search = model_part(name), use_cases.learning(name).search
    assert set(search.spaces) <= {candidate.name for candidate in part.candidates if not candidate.of}
    job = Job(stage=Stage.TRAIN, use_case=name, window=Window.of(date(2024, 1, 1)))
    nightly = {*search.spaces} - {*search.on_request}
    assert nightly <= {candidate.name for candidate in asked_for(part, search, job)}


@pytest.mark.parametrize("name", use_cases.models())
def test_what_serverless_cannot_keep_is_declared_where_dags_are_loaded(name: str) -> None:
    needed = {candidate.name for candidate in model_part(name).candidates if kind(candidate.kind).NEEDS_CLASSIC}
    assert set(use_cases.learning(name).needs_classic) == needed


@pytest.mark.parametrize(("name", "searched"), SPACES)
def test_a_candidate_takes_every_parameter_of_its_space(
    name: str, searched: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """XGBoost takes any word for a parameter; asked to validate, it warns of those it does not know."""
    use_case, draw = use_cases.learning(name), np.random.default_rng(1)
    candidate = next(one for one in model_part(name).candidates if one.name == searched)
    columns = Columns.of(use_case)
    rows = pd.DataFrame(draw.uniform(0, 10, (200, len(columns.features))), columns=list(columns.features))
    rows = rows.assign(**{label: draw.integers(0, 2, len(rows)).astype("float64") for label in columns.labels})
    forest = "n_estimators" in candidate.params
    few = FEW["xgboost" if candidate.kind == "xgboost" else "forest" if forest else "linear"]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(3):
        params = {**candidate.params, **suggested(use_case.search.spaces[searched], study.ask()), **few}
        assert len(candidate.fit(rows, params, columns, rows).predict(rows)) == len(rows)
    assert "are not used" not in capfd.readouterr().err
