"""The page of a use case's Dag."""

from nightshift import links, often
from nightshift.settings import settings
from spark_jobs.declare import Stage, Tables, UseCase

OF_A_ROLL_BACK = """\
### Roll back a model

Restores an earlier champion in one step; the next score uses it. The version it replaces is withdrawn, and nights do
not promote any version of this model until the hold is released with this same form. Nothing is deleted: who, when,
why, from and to stand in the tags of the registered model in MLflow.
"""

OF_APPROVALS = """\
### Is a new version to become champion?

A night that trained a version which passed the gate starts a run of this Dag, where its use case, or the form, asks for
a person's word. Nothing waits for the answer but that version: the task **ask** holds no worker and no slot of a pool,
and nights go on with the champion that stands.

Answer under **Required Actions**. No answer in time is a Reject. A newer version that passes takes the place of the one
that waits. What was approved is promoted if the champion is still the one it was judged against, the version was not
withdrawn and promotion is not held; else the task **promote** is red and says what to do. Who answered, when and why
stands on the version and in the history of the registered model in MLflow.
"""


def of(use_case: Tables) -> str:
    place = settings().place
    whose = f" of [{use_case.source}](/dags/{use_case.source}), which brings it in" if use_case.reads else ""
    tables = "\n".join(f"- `{table.name}`: {len(table.columns)} columns{whose}" for table in use_case.tables)
    return f"""\
### {use_case.summary}

Grain: {use_case.grain}. Source: **{place.source}**{_remark(use_case, place.source)}.

{tables}

A {"run" if use_case.every else "night"} brings in what arrived, rebuilds what it touched, {_then(use_case)} Start it by
hand with **Trigger**: without days for yesterday, with both for a whole range in one run.
{_how_often(use_case)}
{_in_pictures(use_case)}{_kept(use_case)}; tables lie under `{place.lake}/{use_case.name}`.
"""


def _then(use_case: Tables) -> str:
    if isinstance(use_case, UseCase):
        return f"trains if anything changed, promotes what is better, and scores.{_published(use_case)}"
    return "and makes its reports."


def _how_often(use_case: Tables) -> str:
    if use_case.every is None:
        return ""
    how = often.in_words(use_case.every)
    return f"""
By itself it runs **{how}**, over the day so far, and once more when a day is over. A run that finds nothing new ends
after `ingest`. While one lasts no other begins, and the next takes in what came meanwhile. For days gone by take the
form with two days: a back-fill starts a run for each interval, of which only a day's last does anything.
"""


def _in_pictures(use_case: Tables) -> str:
    """This text is of no night, so it leads to the task of all of them: the newest has the newest page."""
    if not any(report.pictures for report in use_case.reports):
        return ""
    task = Stage.SCORE if isinstance(use_case, UseCase) else Stage.REPORT
    file = f"{settings().place.exports(use_case.name)}/report.html"
    return f"""\
What its reports say in **pictures**: press **Report** on the newest run of the task
[{task}](/dags/{use_case.name}/tasks/{task}). The same page is a file, `{file}`.

"""


def _kept(use_case: Tables) -> str:
    if isinstance(use_case, UseCase):
        return f"{_mlflow(settings().place.model_name(use_case.name))} holds runs, models and verdicts"
    told = settings()
    where = f"[MLflow]({told.pages}/#/experiments)" if told.pages else "The workspace's MLflow"
    return f"{where} holds its runs, in the experiment `{told.place.experiment(use_case.name)}`"


def _mlflow(model: str) -> str:
    """Where a workspace answers is asked of a connection, which no Dag does when it is loaded."""
    return f"[MLflow]({links.model_page(model)})" if settings().pages else f"The workspace's MLflow (`{model}`)"


def _published(use_case: UseCase) -> str:
    to = use_case.publish_to
    return f" Its champion is published to `{to.to}`." if to else ""


def _remark(use_case: Tables, source: str) -> str:
    published = use_case.publication
    return f" ({published.remark})" if source == "public" and published and published.remark else ""
