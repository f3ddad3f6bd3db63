"""Judges a version beside the champion, on the same rows, seen by neither."""

import json
import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from spark_jobs.declare import CONTENT, BadRequest, TimeSplit, UseCase
from spark_jobs.kinds import Model
from spark_jobs.learning.bootstrap import Interval, interval
from spark_jobs.learning.gate import PROMOTE, Evidence, after_asking, judge, lead_of
from spark_jobs.learning.groups import slices
from spark_jobs.learning.known import Known, in_memory, known
from spark_jobs.learning.model_part import ModelPart, model_part
from spark_jobs.learning.pictures import keep_groups, keep_pictures
from spark_jobs.learning.registered import Broken, Registered, registered
from spark_jobs.learning.served import served
from spark_jobs.learning.splits import Part, parts
from spark_jobs.learning.verdicts import Stored, former, plain, store, times_judged
from spark_jobs.tracking import Tracking, tracking
from spark_jobs.work import Lesson, Result

if TYPE_CHECKING:
    import pandas as pd

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A version and its model."""

    about: Registered
    model: Model


@dataclass(frozen=True, kw_only=True)
class Contest:
    """A challenger, a champion where there is one, and the rows that neither has seen."""

    use_case: UseCase
    part: ModelPart
    contestants: list[Contestant]  # the challenger first
    rows: DataFrame
    known: Known  # what they were taken from


@dataclass(frozen=True, kw_only=True)
class Judged:
    evidence: Evidence
    frames: "list[pd.DataFrame]"  # judge rows as each contestant predicts them


def run(work: Lesson) -> Result:
    if not work.job.version:
        raise BadRequest("version", "evaluate judges one version: add --version=<number>")
    with tracking(work.place, work.use_case) as book:
        challenger = registered(book.version(work.job.version))
        live = book.champion()
        champion = registered(live) if live is not None else None
        if champion is not None and champion.version == challenger.version:
            return _again(work, book, challenger)
        return _judged(work, book, challenger, champion)


def _again(work: Lesson, book: Tracking, champion: Registered) -> Result:
    """A champion cannot beat itself: what it was promoted by stands."""
    stored = former(book, champion)
    if stored is None:
        return _judged(work, book, champion, None)
    LOG.info("version %s is champion by this verdict: %s", champion.version, stored["verdict"])
    return _result(stored)


def _judged(work: Lesson, book: Tracking, challenger: Registered, champion: Registered | None) -> Result:
    versions = [challenger] + ([champion] if champion else [])
    rows = _known(work, versions)
    stretch = parts(work.use_case, work.job.window, rows.frame if rows else None).judge
    contest, judged = _outcome(work, book, versions, rows, stretch)
    verdict = judge(work.use_case.gate, judged.evidence)
    if work.use_case.serving and verdict.verdict == PROMOTE:
        asked = served(work.place, work.use_case, challenger.version, challenger.features, judged.frames[0])
        verdict = after_asking(verdict, asked)
    LOG.info("%s: %s", verdict.verdict, "; ".join(verdict.reasons))
    stored: Stored = plain(asdict(verdict)) | {
        "version": challenger.version,
        "champion": champion.version if champion else "",
        "judged": json.loads(stretch.to_json()),
        "times": times_judged(book, challenger, stretch),
        "inputs": contest.known.inputs if contest else {},
    }
    store(book, work.use_case, challenger, work.job.run, stored)
    if contest:
        used = contest.known.used(work.lake, "judge", stretch, judged.evidence.rows)
        for run in filter(None, {challenger.run, work.job.run}):
            book.name_data(run, used)
    if contest and judged.frames:
        shown = (judged.frames[0], challenger.constants)
        keep_pictures(book, challenger.run, contest.part, contest.contestants[0].model, shown)
        keep_groups(book, challenger.run, judged.evidence.slices)
    return _result(stored)


def _result(stored: Stored) -> Result:
    kept = ("verdict", "version", "champion", "reasons", "numbers", "times", "inputs")
    told = {name: stored[name] for name in kept if name in stored}  # verdicts of earlier releases hold no inputs
    numbers = {name: value for name, value in stored["numbers"].items() if name != "groups"}  # may be hundreds
    return told | {"numbers": numbers}


def _known(work: Lesson, versions: list[Registered]) -> Known | None:
    """With all columns that the use case declares today or one of the versions reads."""
    columns = sorted({*work.use_case.features.columns, *(name for version in versions for name in version.features)})
    return known(work.lake, work.use_case, work.job.window, tuple(columns))


def _outcome(
    work: Lesson, book: Tracking, versions: list[Registered], rows: Known | None, stretch: Part
) -> tuple[Contest | None, Judged]:
    if rows is None:
        return None, _nothing("there are no rows with labels")
    try:
        contest = _contest(work, book, versions, rows, stretch)
    except Broken as error:
        return None, _nothing(str(error))
    return contest, _judge_rows(contest)


def _contest(work: Lesson, book: Tracking, versions: list[Registered], rows: Known, stretch: Part) -> Contest:
    use_case = work.use_case
    near = use_case.split.embargo if isinstance(use_case.split, TimeSplit) else use_case.labels.horizon
    seen = " OR ".join(part.condition(near) for version in versions for part in (version.fitted, version.tuned))
    models = [version.model(book, use_case, work.spark) for version in versions]
    return Contest(
        use_case=use_case,
        part=model_part(use_case.name),
        contestants=[Contestant(about=a, model=m) for a, m in zip(versions, models, strict=True)],
        rows=rows.rows(stretch).where(f"NOT ({seen})"),
        known=rows,
    )


def _judge_rows(contest: Contest) -> Judged:
    """Fails closed: whatever a model or a measure raises is a reason to reject."""
    try:
        count = contest.rows.count()
        if count < contest.use_case.gate.rows:  # the gate says so; there is nothing to measure
            return Judged(evidence=Evidence(rows=count, challenger={}), frames=[])
        frames = [_predicted(contest, one) for one in contest.contestants]
        pairs = zip(frames, contest.contestants, strict=True)
        metrics = [contest.part.measure(frame, one.about.constants) for frame, one in pairs]
        champion = metrics[1] if len(metrics) > 1 else None
        blocks = _blocks(contest.use_case, frames[0])
        lead = _noise(contest, frames, blocks) if champion else None
        groups = slices(contest.use_case, frames, blocks)
    except Exception as error:
        LOG.exception("judging failed")
        return _nothing(f"judging failed: {type(error).__name__}: {error}"[:1000])
    evidence = Evidence(rows=count, challenger=metrics[0], champion=champion, lead=lead, slices=groups)
    return Judged(evidence=evidence, frames=frames)


def _nothing(failure: str) -> Judged:
    return Judged(evidence=Evidence(rows=0, challenger={}, failure=failure), frames=[])


def _predicted(contest: Contest, contestant: Contestant) -> "pd.DataFrame":
    scored = contestant.model.score(contest.rows, contest.rows.columns)
    if contest.use_case.slices:  # what groups get is what is decided of them
        scored = contest.part.decide(scored, contestant.about.constants)
    return in_memory(scored, contest.use_case)


def _noise(contest: Contest, frames: "list[pd.DataFrame]", blocks: "pd.Series") -> Interval:
    gate = contest.use_case.gate

    def lead(rows: "pd.Index[int]") -> float:
        drawn = zip(frames, contest.contestants, strict=True)
        ours, theirs = (contest.part.measure(frame.loc[rows], one.about.constants) for frame, one in drawn)
        return lead_of(gate, ours, theirs)

    return interval(blocks, lead, gate.resamples)


def _blocks(use_case: UseCase, rows: "pd.DataFrame") -> "pd.Series":
    if use_case.gate.block != CONTENT:
        return rows[use_case.gate.block]
    return rows.groupby(list(use_case.features.columns), dropna=False).ngroup()
