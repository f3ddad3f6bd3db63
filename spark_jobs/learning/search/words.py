"""What a search found, in words."""

from collections.abc import Sequence

from spark_jobs.declare import UseCase
from spark_jobs.learning.attempt import Attempt, best


def in_words(attempts: Sequence[Attempt], use_case: UseCase) -> str:
    """A page: how the search went, what was best, and where it may not have ended."""
    metric, declared = use_case.gate.metric, use_case.search
    failed, given_up = sum(bool(one.error) for one in attempts), sum(bool(one.given_up) for one in attempts)
    lines = [
        f"By {declared.by}: {len(attempts)} trials in {declared.folds or 'no'} folds, {failed} failed, {given_up} "
        f"given up, {sum(one.seconds for one in attempts):,.0f} s in all."
    ]
    for leader in leaders(attempts, use_case):
        tried = [name for name in declared.spaces.get(leader.candidate, ()) if name in leader.params]
        params = "".join(f", {name} {short(leader.params[name])}" for name in tried)
        lines.append(f"{leader.candidate}: {metric} {leader.metrics[metric]:.4g} at best{params}.")
    return "\n".join(f"- {line}" for line in [*lines, *edges(attempts, use_case)]) + "\n"


def edges(attempts: Sequence[Attempt], use_case: UseCase) -> list[str]:
    """A line for each candidate whose best lies where its space ends."""
    spaces, of_grid = use_case.search.spaces, use_case.search.by == "grid"
    where = "the grid" if of_grid else "what was searched"
    found = []
    for leader in leaders(attempts, use_case):
        tried = {name: of for name, of in spaces.get(leader.candidate, {}).items() if name in leader.params}
        values = {name: leader.params[name] for name in tried}
        at = [f"{name} {short(values[name])}" for name in tried if tried[name].at_edge(values[name], of_grid=of_grid)]
        if at and sum(one.candidate == leader.candidate for one in attempts) > 1:
            what = " and ".join(filter(None, [", ".join(at[:-1]), at[-1]]))
            verb = "was" if len(at) == 1 else "were"
            found.append(f"{leader.candidate}: {what} {verb} best at the edge of {where}: look further")
    return found


def leaders(attempts: Sequence[Attempt], use_case: UseCase) -> list[Attempt]:
    """The best of each candidate that was measured at all."""
    names = dict.fromkeys(one.candidate for one in attempts if one.counts)
    return [best([one for one in attempts if one.candidate == name], use_case.gate) for name in names]


def short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
