"""Rebuilds gold/features and gold/labels for every day that the window or a new file can have changed."""

import logging
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from spark_jobs import use_cases
from spark_jobs.declare import UseCase, Window, common, merged
from spark_jobs.lakehouse import within
from spark_jobs.sql import name_of
from spark_jobs.tables.gold import Gold, days_sql, feature_code
from spark_jobs.tables.shared import as_note, days_of, require_refined
from spark_jobs.tables.silver import Changes, Silver
from spark_jobs.work import Lesson, Result

LOG = logging.getLogger(__name__)

DAY = timedelta(days=1)


def run(work: Lesson) -> Result:
    """Features first, labels last: the note of the labels says that both are done."""
    silver = Silver.of(work)
    if not silver.delivered:
        if work.use_case.reads:
            require_refined(work)  # it was there when this night began
        return {"skipped": "nothing was delivered yet"}
    code = feature_code(work.use_case, silver)
    before = work.lake.gold("labels").state().note
    changes = silver.changes(before if before.get("code") == code else {}, sure=work.job.window)
    ever = days_of(before)
    days, last = _days(work, changes, ever), silver.last_day(work.use_case.labels.clock)
    asked = merged([*ever, *days])
    note = {**silver.made_from, "code": code, "clock": last and str(last), "days": as_note(asked)}
    features = _features(work, silver, days).write(days, note, whole=changes.everything)
    LOG.info("%d rows of features", features.rows)
    days = _label_days(work.use_case, days, before.get("clock"), last)
    labels = _labels(work, silver, days, features.version, last).write(days, note, whole=changes.everything)
    LOG.info("%d rows of labels", labels.rows)
    return {
        "rows": {"features": {"rows": features.rows}, "labels": {"rows": labels.rows}},
        "inputs": silver.versions,
        "outputs": {"gold/features": features.version, "gold/labels": labels.version},
    }


def _features(work: Lesson, silver: Silver, days: Sequence[Window]) -> Gold:
    frames = silver.frames(days, before=work.use_case.features.lookback)
    frames["days"] = work.spark.sql(days_sql(days))
    rows = use_cases.part(work.use_case.name, "features").features(frames)
    return Gold(work=work, name="features", rows=rows, columns=work.use_case.features.columns)


def _labels(work: Lesson, silver: Silver, days: Sequence[Window], version: int, last: date | None) -> Gold:
    declared, key = work.use_case.labels, [name_of(name) for name in work.use_case.features.key]
    stamps = work.lake.gold("features").read(version).where(within(days)).select(*key)
    frames = silver.frames(days, before=work.use_case.features.lookback, after=_reach(work.use_case))
    rows = use_cases.part(work.use_case.name, "features").labels(frames | {"stamps": stamps})
    mature = rows.where(_mature(declared.horizon, last)).join(stamps, list(work.use_case.features.key), "left_semi")
    return Gold(work=work, name="labels", rows=mature, columns=declared.columns + declared.facts)


def _mature(horizon: timedelta, last: date | None) -> str:
    """What is to be foretold lies inside the data, whose last day this is; the end of the horizon belongs to it."""
    if last is None:
        return "FALSE"
    return f"at < TIMESTAMP'{datetime.combine(last + DAY, time()) - horizon}'"


def _reach(use_case: UseCase) -> timedelta:
    """How far after the day of a row its label may look: the end of a step may be the next midnight."""
    return use_case.labels.horizon + (DAY if use_case.features.step else timedelta())


def _days(work: Lesson, changes: Changes, before: Sequence[Window]) -> list[Window]:
    """The window, what is scored after it, touched days, and those of the days before that read a touched one."""
    touched = [window for windows in changes.days.values() for window in windows]
    reading = before if changes.everything else common(before, _reading(work.use_case, changes))
    return merged([work.job.window, work.job.window.moved(work.use_case.ahead), *touched, *reading])


def _reading(use_case: UseCase, changes: Changes) -> list[Window]:
    """All days whose features may read what changed."""
    found = []
    for name, windows in changes.days.items():
        if windows and use_case.table(name).whole_history:
            found.append(Window(start=min(windows).start, end=date.max))
        else:
            found += [window.widened(after=use_case.features.lookback) for window in windows]
    return found


def _label_days(use_case: UseCase, days: Sequence[Window], before: str | None, last: date | None) -> list[Window]:
    """Days whose labels read these days, and those that matured since the data ended on day `before`."""
    reach = _reach(use_case)
    found = [window.widened(before=reach) for window in days]
    if before and last and date.fromisoformat(before) < last:
        found.append(Window.of(date.fromisoformat(before), last).widened(before=reach))
    return merged(found)
