"""How fast wine quality searches, beside the published search of as many trials: `make bench DATA=folder`."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from benchmarks.lakes import Town, job
from benchmarks.measured import asked, memory_of, published, run, tell, timed
from benchmarks.wine_quality import KNOWN, SEED, WINDOW, Wines, cellar, choosing
from spark_jobs.declare import Retrain, Stage
from spark_jobs.learning.attempt import Attempt
from spark_jobs.learning.training import keep_trial
from spark_jobs.tracking import tracking
from spark_jobs.use_cases.wine_quality.use_case import USE_CASE

TRIALS = USE_CASE.search.trials
SOME = 32  # trials, enough to tell workers apart


def as_published(wines: Wines) -> None:
    """One trial after the other with all cores, in the space and with the rounds of those who published it."""
    import optuna
    import xgboost

    learn = xgboost.DMatrix(wines.learn[KNOWN], wines.learn["good"])
    judge = xgboost.DMatrix(wines.judge[KNOWN], wines.judge["good"])
    always: dict[str, Any] = {"objective": "binary:logistic", "eval_metric": "auc", "seed": SEED}

    def area(trial: optuna.Trial) -> float:
        params = {
            "max_depth": trial.suggest_int("max_depth", 4, 100),
            "learning_rate": trial.suggest_float("learning_rate", 0.05, 1.0, log=True),
            "reg_alpha": trial.suggest_float("reg_alpha", 0.0067, 0.37, log=True),
            "reg_lambda": trial.suggest_float("reg_lambda", 0.0025, 0.37, log=True),
            "min_child_weight": trial.suggest_float("min_child_weight", 0.37, 20.1, log=True),
        }
        fitted = xgboost.train(
            always | params, learn, 1000, evals=[(judge, "judge")], early_stopping_rounds=50, verbose_eval=False
        )
        return float(fitted.best_score)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=SEED))
    study.optimize(area, n_trials=TRIALS)
    tell(f"  the published search, chosen by the rows that judge: {study.best_value:.4f}")


def searched(wines: Wines, town: Town, spark: SparkSession, trials: int) -> tuple[float, list[Attempt]]:
    """By ours, each trial written down as a training does it."""
    with tracking(town.place, USE_CASE) as book:
        run_id = book.start("search", "", {})
        ours = choosing(wines, spark, replace(USE_CASE.search, trials=trials), told=partial(keep_trial, book, run_id))
        found: list[Attempt] = []
        return timed(lambda: found.extend(ours.attempts())), found


def whole_training(data: Path) -> None:
    """The job as a night starts it, from its first line to its version, and its search alone."""
    with cellar(data) as (wines, town, spark):
        theirs = timed(lambda: as_published(wines))
        before = memory_of([town.engine.process.pid]) / (1 << 30)
        train = job(Stage.TRAIN, WINDOW, Retrain.ALWAYS, use_case=USE_CASE.name)
        whole = run(town.command(train), engine=town.engine.process.pid)
        ours, _ = searched(wines, town, spark, TRIALS)
    tell(f"  {TRIALS} trials: theirs {theirs:.0f} s, ours {ours:.0f} s, our whole training {whole.seconds:.0f} s")
    asked("our search over the published one", ours / theirs, at_most=0.5)
    asked("peak of training above the engine's, GB", whole.gigabytes - before, at_most=3)


def workers(data: Path, cores: str) -> tuple[float, list[Attempt]]:
    with cellar(data, cores) as (wines, town, spark):
        return searched(wines, town, spark, SOME)


def main() -> None:
    if not (data := published("searching on the published wines")):
        return
    wines = data / "wine_quality"
    whole_training(wines)
    one, attempts = workers(wines, "1")
    two, _ = workers(wines, "2")
    asked(f"{SOME} trials and a blend: one worker over two", one / two, at_least=1.6)
    added = (one - sum(attempt.seconds for attempt in attempts)) / len(attempts)
    asked("added to a trial by Spark and tracking, seconds", added, at_most=0.2)


if __name__ == "__main__":
    main()
