"""What is tried next: everything at once, or what becomes of what was tried before.

What `tried` gives back is in the order asked, however it was tried: so one seed asks for the same trials each time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from spark_jobs.declare.learning import By
from spark_jobs.declare.space import combinations, size, suggested
from spark_jobs.kinds import Candidate, Params
from spark_jobs.learning.attempt import Attempt, direction
from spark_jobs.learning.search.searching import Searching, Wanted

if TYPE_CHECKING:
    import optuna

Tried = Callable[[Sequence[Wanted]], Sequence[Attempt]]
Way = Callable[[Searching, Tried], None]
MISSES = 50  # children in one generation that are like somebody before


def by_grid(of: Searching, tried: Tried) -> None:
    """Every combination, numbered as they are declared. People compare all, so none is given up."""
    every = ((one, params) for one in of.candidates for params in combinations(of.declared.spaces[one.name]))
    tried([_wanted(candidate, number, params) for number, (candidate, params) in enumerate(every)])


def by_genetic(of: Searching, tried: Tried) -> None:
    """A batch is a generation, all of its trials new; nearly all combinations tried, it ends before its time."""
    import optuna

    sampler = optuna.samplers.NSGAIISampler(population_size=of.declared.batch, seed=of.declared.seed)
    study, seen = _study(of, sampler), set[tuple[str, str]]()
    while len(seen) < of.declared.trials and (born := list(_generation(of, study, seen))):
        for (trial, _), attempt in zip(born, tried([wanted for _, wanted in born]), strict=True):
            study.tell(trial, _fitness(of, attempt))


def _generation(
    of: Searching, study: "optuna.Study", seen: set[tuple[str, str]]
) -> "Iterator[tuple[optuna.Trial, Wanted]]":
    """Whoever is like somebody before is not born."""
    from optuna.trial import TrialState

    last, misses = min(len(seen) + of.declared.batch, of.declared.trials), 0
    while len(seen) < last and misses < MISSES:
        trial = study.ask()
        wanted = _with_all_genes(of, trial, len(seen))
        if wanted.combination in seen:
            study.tell(trial, state=TrialState.FAIL)
            misses += 1
        else:
            seen.add(wanted.combination)
            yield trial, wanted


def by_optuna(of: Searching, tried: Tried) -> None:
    """The candidate is the first thing a trial draws; then its own parameters and no other's."""
    import optuna

    sampler = optuna.samplers.TPESampler(seed=of.declared.seed, n_startup_trials=of.starts)
    study, batch = _study(of, sampler), of.declared.batch
    for first in range(0, of.declared.trials, batch):
        asked = [study.ask() for _ in range(min(batch, of.declared.trials - first))]
        attempts = tried([_drawn(of, trial) for trial in asked])
        for trial, attempt in zip(asked, attempts, strict=True):
            _tell(of, study, trial, attempt)


WAYS: Mapping[By, Way] = {"grid": by_grid, "genetic": by_genetic, "optuna": by_optuna}


def how_many(of: Searching) -> int:
    """Trials in all."""
    searched = {one.name: of.declared.spaces[one.name] for one in of.candidates}
    return size(searched) if of.declared.by == "grid" else of.declared.trials


def _study(of: Searching, sampler: "optuna.samplers.BaseSampler") -> "optuna.Study":
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(direction=direction(of.trying.gate), sampler=sampler)


def _drawn(of: Searching, trial: "optuna.Trial") -> Wanted:
    candidate = _family(of, trial)
    return _wanted(
        candidate, trial.number, suggested(of.declared.spaces[candidate.name], trial, _prefix(of, candidate))
    )


def _with_all_genes(of: Searching, trial: "optuna.Trial", number: int) -> Wanted:
    """Those of all candidates, so that two of different ones can be crossed."""
    candidate = _family(of, trial)
    genes = {one.name: suggested(of.declared.spaces[one.name], trial, _prefix(of, one)) for one in of.candidates}
    return _wanted(candidate, number, genes[candidate.name])


def _family(of: Searching, trial: "optuna.Trial") -> Candidate:
    if len(of.candidates) == 1:
        return of.candidates[0]
    drawn = trial.suggest_categorical("candidate", [candidate.name for candidate in of.candidates])
    return next(candidate for candidate in of.candidates if candidate.name == drawn)


def _prefix(of: Searching, candidate: Candidate) -> str:
    return "" if len(of.candidates) == 1 else f"{candidate.name}."


def _wanted(candidate: Candidate, number: int, params: Params) -> Wanted:
    return Wanted(candidate=candidate, number=number, params={**candidate.params, **params})


def _fitness(of: Searching, attempt: Attempt) -> float:
    """One that failed is the least fit there can be: told as failed it would leave its generation one short."""
    worst = float("inf") if of.trying.gate.better == "lower" else float("-inf")
    return worst if attempt.error else attempt.metrics[of.trying.gate.metric]


def _tell(of: Searching, study: "optuna.Study", trial: "optuna.Trial", attempt: Attempt) -> None:
    from optuna.trial import TrialState

    if attempt.error:
        study.tell(trial, state=TrialState.FAIL)
        return
    for place, value in enumerate(attempt.steps):
        trial.report(value, place)
    if attempt.given_up:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, attempt.metrics[of.trying.gate.metric])
