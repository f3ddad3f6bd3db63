"""A search as people look at it: how it went, what mattered, and which values did well. On the training's run."""

import logging
import math
from collections.abc import Mapping, Sequence
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from spark_jobs.declare import Choice, UseCase
from spark_jobs.declare.space import Dimension, Space, suggested
from spark_jobs.learning.attempt import Attempt, direction
from spark_jobs.learning.drawing import BAR, INK, a_warning_at_most, bars, sheet
from spark_jobs.learning.search.words import edges, in_words, short
from spark_jobs.tracking import Tracking

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOG = logging.getLogger(__name__)

FEW = 4  # fewer trials tell nothing of what mattered
MANY = 6  # values of a parameter: more are put together
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
        drawings |= {
            f"by_parameter_{name}": lambda some=some: by_parameter(some, use_case) for name, some in shown.items()
        }
    if use_case.search.by == "genetic" and (curves := generations(searched, use_case)):
        book.write(run, curves=curves)
        drawings["generations"] = lambda: of_generations(curves, use_case)
    for name, draw in drawings.items():
        with a_warning_at_most(f"picture {name} of the search"):
            book.client.log_figure(run, draw(), f"search/{name}.png")
    for line in edges(attempts, use_case):
        LOG.info("%s", line)
    book.client.log_text(run, in_words(attempts, use_case), "search/in_words.md")


def generations(searched: Sequence[Attempt], use_case: UseCase) -> dict[str, list[float]]:
    """The best of each generation and its mean, without those that failed; nothing where there is but one."""
    metric, size = use_case.gate.metric, use_case.search.batch
    parted = [searched[first : first + size] for first in range(0, len(searched), size)]
    if len(parted) < 2:
        return {}
    found = [[one.metrics[metric] for one in some if not one.error] or [math.nan] for some in parted]
    better = min if use_case.gate.better == "lower" else max
    return {"generation_best": [better(some) for some in found], "generation_mean": [fmean(some) for some in found]}


def of_generations(curves: Mapping[str, Sequence[float]], use_case: UseCase) -> "Figure":
    figure, axes = _figure(7.0, 4.2, f"{use_case.gate.metric} of each generation")
    for (name, curve), colour in zip(curves.items(), COLOURS, strict=False):
        axes.plot(range(1, len(curve) + 1), curve, marker="o", color=colour, label=name.removeprefix("generation_"))
    axes.set_xticks(range(1, len(curves["generation_best"]) + 1))
    axes.set_xlabel(f"generation of {use_case.search.batch}", fontsize=9, color=INK)
    axes.legend(fontsize=8, frameon=False)
    return figure


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


def by_parameter(some: Sequence[Attempt], use_case: UseCase) -> "Figure":
    """A panel per parameter: each trial, and mean and spread over all the others at each value."""
    name, metric = some[0].candidate, use_case.gate.metric
    space = use_case.search.spaces[name]
    figure = sheet(f"{name}: {metric} by each parameter, over all others", (1 + 2.6 * len(space), 3.4))
    panels = figure.subplots(1, len(space), squeeze=False, sharey=True)[0]
    for axes, (parameter, dimension) in zip(panels, space.items(), strict=True):
        told = [(one.params[parameter], _value(one, use_case)) for one in some]
        groups = _grouped(told, dimension)
        places = {value: place for place, (_, values) in enumerate(groups) for value, _ in values}
        axes.scatter([places[value] for value, _ in told], [y for _, y in told], s=10, color=PALE, zorder=1)
        means = [fmean(y for _, y in values) for _, values in groups]
        spreads = [pstdev([y for _, y in values]) for _, values in groups]
        axes.errorbar(range(len(groups)), means, spreads, color=BAR, marker="o", capsize=3, linewidth=1.4, zorder=2)
        axes.set_xticks(range(len(groups)), [label for label, _ in groups], fontsize=8, color=INK)
        axes.set_xlabel(parameter, fontsize=9, color=INK)
        axes.tick_params(labelsize=8, colors=INK)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _grouped(told: Sequence[tuple[Any, float]], dimension: Dimension) -> list[tuple[str, list[tuple[Any, float]]]]:
    """By value where these are few, else by pieces of the dimension that are equally wide, named by their means."""
    by_value = sorted({value for value, _ in told}, key=dimension.height)
    if len(by_value) <= MANY or isinstance(dimension, Choice):
        return [(short(value), [one for one in told if one[0] == value]) for value in by_value]
    pieces: dict[int, list[tuple[Any, float]]] = {}
    for one in told:
        pieces.setdefault(min(int(dimension.height(one[0]) * MANY), MANY - 1), []).append(one)
    return [(f"{fmean(value for value, _ in some):.2g}", some) for _, some in sorted(pieces.items())]


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
