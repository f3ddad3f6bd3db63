"""If there are new rows to learn from: tables, pictures and a report of them, for people. Nothing waits for it."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spark_jobs.declare import Retrain, tags
from spark_jobs.learning import looks, profiles, report
from spark_jobs.learning.known import Known, known
from spark_jobs.learning.model_part import rows_hash
from spark_jobs.learning.profiles import SAMPLE, Looked, spelled
from spark_jobs.learning.splits import Parts, parts
from spark_jobs.tracking import NOTE, PARENT, Tracking, as_json, tracking
from spark_jobs.work import Lesson, Result

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run

LOG = logging.getLogger(__name__)

COLUMNS, NAMED = "columns.json", 3
USED = ("train", "validate")


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a profile's run is made of."""

    book: Tracking
    run: str
    looked: Looked
    count: int
    made: "list[Run]"  # profiles there are, newest first
    rows: str  # the hash of those it is of

    @property
    def said(self) -> str:
        """How much of the rows is in a sample."""
        return f"a sample of {SAMPLE:,} of {self.count:,} rows" if self.count > SAMPLE else f"all {self.count:,} rows"


def run(work: Lesson) -> Result:
    if work.job.retrain is Retrain.NEVER:
        return {"skipped": "this run does not train"}
    rows = known(work.lake, work.use_case, work.job.window)
    if rows is None:
        return {"skipped": "no features with labels yet"}
    cut = parts(work.use_case, work.job.window, rows.frame)
    seen = rows.overview(train=cut.train, validate=cut.validate)
    used = [one for name in USED for one in rows.used(work.lake, name, getattr(cut, name), seen.count(name))]
    count = sum(seen.count(name) for name in USED)
    if not count:
        return {"skipped": "no rows to train on or to validate with yet"}
    mine = rows_hash(work.use_case, seen.fingerprint)
    with tracking(work.place, work.use_case) as book:
        made = book.of_stage("profile")
        last = next((run for run in made if run.info.status == "FINISHED"), None)
        if last is not None and last.data.tags.get(tags.ROWS) == mine:
            return {"skipped": f"nothing new: {last.info.run_name} is of the same rows"}
        run_id = _begun(work, book, made, mine, rows)
        with book.running(run_id):
            book.name_data(run_id, used)
            fill(Page(book=book, run=run_id, looked=_looked(rows, cut, count), count=count, made=made, rows=mine))
    return {"run_id": run_id, "rows": {"looked_at": count}, "inputs": rows.inputs}


def _begun(work: Lesson, book: Tracking, made: "list[Run]", mine: str, rows: Known) -> str:
    """A former try that failed goes on in its own MLflow run."""
    for run in made:
        if run.data.tags.get(tags.ROWS) == mine and run.data.tags.get(PARENT, "") == work.job.run:
            return str(run.info.run_id)
    labels = {
        tags.STAGE: "profile",
        tags.ROWS: mine,
        tags.SOURCE: work.place.source,
        tags.WINDOW: str(work.job.window),
        tags.INPUTS: as_json(rows.inputs),
    }
    labels |= book.begun_by(work.job.run)
    return book.start(f"profile {work.job.window}", work.job.run, labels)


def _looked(rows: Known, cut: Parts, count: int) -> Looked:
    """Judge rows are not in it: what people see here they may choose by."""
    features, labels = rows.use_case.features, rows.use_case.labels.columns
    found = rows.rows(cut.train, cut.validate).select(*features.key, *features.columns, *labels)
    if count <= SAMPLE:  # fetched once and sent back: else each query would read and join the lake's tables again
        found = found.sparkSession.createDataFrame(found.toArrow())
    found, names = spelled(found, features.columns, features.categories)
    return Looked(rows=found, key=features.key, features=names, labels=labels, words=features.categories)


def _then(page: Page) -> "tuple[str, pd.DataFrame] | None":
    """The newest version that was trained on other rows than these, and what they were like."""
    import pandas as pd

    profiled = {run.data.tags.get(tags.ROWS, ""): run for run in reversed(page.made) if run.info.status == "FINISHED"}
    for version in page.book.versions():
        rows = page.book.client.get_run(str(version.run_id)).data.tags.get(tags.ROWS, "")
        if rows == page.rows:
            continue
        kept = page.book.read_json(profiled[rows].info.run_id, COLUMNS) if rows in profiled else None
        return (f"version {version.version}", pd.DataFrame(**kept)) if kept else None
    return None


def fill(page: Page) -> None:
    """Numbers first. A picture that fails is a warning, and the others stay."""
    page.book.show_table(page.run, page.looked.columns, COLUMNS)
    said = [f"{page.count:,} rows to train on and to validate with; rows that judge are not looked at."]
    for keep in (_labels, _boxes, _correlations, _changes, _report):
        try:
            said.append(keep(page))
        except Exception as error:  # noqa: BLE001 - whatever a drawing raises, the numbers stay
            what = f"no {keep.__name__.strip('_')}: {type(error).__name__}: {error}"[:1000]
            LOG.warning("%s", what)
            said.append(f"There is {what}.")
    page.book.write(page.run, labels={NOTE: "\n\n".join(filter(None, said))})


def _labels(page: Page) -> str:
    counted = {label: page.looked.histogram(label) for label in page.looked.labels}
    page.book.client.log_figure(page.run, looks.labels(counted), "plots/labels.png")
    return ""


def _boxes(page: Page) -> str:
    for label in page.looked.labels:
        figure = looks.boxes(label, page.looked.by_class(label))
        page.book.client.log_figure(page.run, figure, f"plots/features_by_{label}.png")
    return ""


def _correlations(page: Page) -> str:
    found = profiles.correlations(page.looked.sample, page.looked.labels)
    if len(found) < 2:
        return "Nothing goes with anything: at most one column changes at all."
    page.book.show_table(page.run, found.rename_axis("column").reset_index(), "correlations.json")
    page.book.client.log_figure(page.run, looks.correlations(found, page.said), "plots/correlations.png")
    return ""


def _changes(page: Page) -> str:
    former = _then(page)
    if former is None:
        LOG.info("nothing to compare with yet")
        return "There is nothing to compare with yet: no version was trained on other rows that have a profile."
    since, then = former
    moved = profiles.changes(then, page.looked.columns)
    page.book.show_table(page.run, moved, "changes.json")
    page.book.client.log_figure(page.run, looks.changed(moved, f"the data of {since}"), "plots/changes.png")
    strongest = ", ".join(f"{one.column} {one.moved:+.2f}" for one in moved.head(NAMED).itertuples())
    LOG.info("since the data of %s moved most: %s", since, strongest)
    return f"Since the data of {since} moved most, in deviations: {strongest}."


def _report(page: Page) -> str:
    text = report.page(page.looked.readable, f"{page.book.model}: {page.said}")
    page.book.client.log_text(page.run, text, "report.html")
    return ""
