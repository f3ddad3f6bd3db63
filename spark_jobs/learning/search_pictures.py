"""A search as people look at it: how it went, what mattered, and which values did well. On the training's run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spark_jobs.declare import UseCase
from spark_jobs.declare.space import Space, suggested
from spark_jobs.learning.attempt import Attempt, direction
from spark_jobs.learning.drawing import BAR, INK, a_warning_at_most, bars, sheet
from spark_jobs.tracking import Tracking

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW = 4  # fewer trials tell nothing of what mattered
COLOURS = (BAR, "#f18f01", "#3b8c5a", "#a23b72", "#6c757d")
PALE = "#c9d3dd"


def keep_search(book: Tracking, run: str, use_case: UseCase, attempts: Sequence[Attempt]) -> None:
    spaces = use_case.search.spaces
    searched = [one for one in attempts if one.candidate in spaces]
    good = {name: [one for one in searched if one.candidate == name and one.counts] for name in spaces}
    shown = {name: some for name, some in good.items() if len(some) >= FEW}
    drawings: dict[str, Any] = {"history": lambda: history(attempts, use_case)}
    if shown:
        drawings["importance"] = lambda: importance(shown, use_case)
        drawings |= {f"values_{name}": lambda some=some: values(some, use_case) for name, some in shown.items()}
    for name, draw in drawings.items():
        with a_warning_at_most(f"picture {name} of the search"):
            book.client.log_figure(run, draw(), f"search/{name}.png")


def history(attempts: Sequence[Attempt], use_case: UseCase) -> "Figure":
    """Each trial by its number, and the best so far; blends and what was not searched come after the searched."""
    figure, axes = _figure(8.5, 4.2, f"{use_case.gate.metric} of each trial")
    numbered = list(enumerate(attempts))
    for colour, name in zip(_colours(attempts), dict.fromkeys(one.candidate for one in attempts), strict=True):
        mine = [(x, _value(one, use_case)) for x, one in numbered if one.candidate == name and one.counts]
        axes.scatter(*_apart(mine), s=26, color=colour, label=name, zorder=3)
        left = [(x, one.steps[-1]) for x, one in numbered if one.candidate == name and one.given_up]
        axes.scatter(*_apart(left), s=22, facecolors="none", edgecolors=colour, linewidths=0.9)
    axes.step(*_best_so_far(numbered, use_case), where="post", color=INK, linewidth=1.2, label="best so far")
    failed = [x for x, one in numbered if one.error]
    axes.plot(failed, [0.02] * len(failed), "x", color="#c1121f", transform=axes.get_xaxis_transform(), label="failed")
    if any(one.given_up for one in attempts):
        axes.scatter([], [], s=22, facecolors="none", edgecolors=INK, label="given up")
    handles, labels = axes.get_legend_handles_labels()
    some = [(handle, label) for handle, label in zip(handles, labels, strict=True) if failed or label != "failed"]
    axes.legend(*zip(*some, strict=True), fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.set_xlabel("trial", fontsize=9, color=INK)
    return figure


def importance(shown: dict[str, list[Attempt]], use_case: UseCase) -> "Figure":
    """A panel per candidate: the share of the differences between its trials that each parameter explains."""
    figure = sheet("Which parameters made the difference", (1 + 3.6 * len(shown), 3.2))
    for axes, (name, some) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown.items(), strict=True):
        shares = dict(reversed(_importances(some, use_case.search.spaces[name], use_case).items()))
        words = [f"{one:.0%}" for one in shares.values()]
        bars(axes, f"{name}, {len(some)} trials", list(shares), list(shares.values()), words)
        axes.set_xlim(0, 1.15)
    return figure


def values(some: Sequence[Attempt], use_case: UseCase) -> "Figure":
    """One candidate's trials as lines through the values they tried; the better, the darker; the best in colour."""
    name, metric = some[0].candidate, use_case.gate.metric
    space = use_case.search.spaces[name]
    figure, axes = _figure(2.2 + 1.5 * len(space), 4.2, f"{name}: what was tried, and what came of it")
    measured = sorted(_value(one, use_case) for one in some)
    lowest, spread = measured[0], (measured[-1] - measured[0]) or 1.0
    worst_first = sorted(some, key=lambda one: _value(one, use_case), reverse=use_case.gate.better == "lower")
    for place, one in enumerate(worst_first, 1):
        line = [dimension.height(one.params[column]) for column, dimension in space.items()]
        line.append((_value(one, use_case) - lowest) / spread)
        if place == len(some):
            axes.plot(line, color=COLOURS[1], linewidth=2.2)
        else:
            axes.plot(line, color=INK, linewidth=1.0, alpha=0.08 + 0.5 * (place / len(some)) ** 2)
    ends = [*(dimension.ends for dimension in space.values()), (f"{lowest:.4g}", f"{measured[-1]:.4g}")]
    _upright(axes, [*space, metric], ends)
    return figure


def _upright(axes: "Axes", names: Sequence[str], ends: Sequence[tuple[str, str]]) -> None:
    """An axis per name, with words at its ends."""
    axes.set_xticks(range(len(names)), names, fontsize=8, color=INK)
    for x, (low, high) in enumerate(ends):
        axes.text(x, 1.02, high, ha="center", va="bottom", fontsize=7, color=INK)
        axes.text(x, -0.02, low, ha="center", va="top", fontsize=7, color=INK)
        axes.axvline(x, color=PALE, linewidth=0.8, zorder=0)
    axes.tick_params(axis="x", pad=14, length=0)
    axes.set_ylim(-0.08, 1.1)
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)


def _figure(width: float, height: float, title: str) -> "tuple[Figure, Axes]":
    figure = sheet(title, (width, height))
    axes = figure.subplots()
    axes.tick_params(labelsize=8, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _colours(attempts: Sequence[Attempt]) -> list[str]:
    names = dict.fromkeys(one.candidate for one in attempts)
    return [COLOURS[place % len(COLOURS)] for place in range(len(names))]


def _apart(points: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _value(attempt: Attempt, use_case: UseCase) -> float:
    return attempt.metrics[use_case.gate.metric]


def _best_so_far(numbered: Sequence[tuple[int, Attempt]], use_case: UseCase) -> tuple[list[int], list[float]]:
    better = min if use_case.gate.better == "lower" else max
    found: list[tuple[int, float]] = []
    for x, one in numbered:
        if one.counts:
            value = _value(one, use_case)
            found.append((x, better(value, found[-1][1]) if found else value))
    return _apart(found)


def _importances(some: Sequence[Attempt], space: Space, use_case: UseCase) -> dict[str, float]:
    import optuna

    study = optuna.create_study(direction=direction(use_case.gate))
    for one in some:
        drawn = optuna.trial.FixedTrial({name: one.params[name] for name in space})
        suggested(space, drawn)
        study.add_trial(
            optuna.trial.create_trial(
                params=drawn.params, distributions=drawn.distributions, value=_value(one, use_case)
            )
        )
    return optuna.importance.get_param_importances(
        study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=use_case.search.seed)
    )
