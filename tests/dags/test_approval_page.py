"""What a person reads before they answer."""

import json
import re
from typing import TYPE_CHECKING

from nightshift.pipeline import approval_dag
from nightshift.settings import settings
from spark_jobs.declare.tags import CHAMPION, FITTED
from tests.dags import people
from tests.dags.approved import asked, read, verdict
from tests.dags.runs import WITH_PEOPLE, Tell

if TYPE_CHECKING:
    from mlflow import MlflowClient


pytestmark = WITH_PEOPLE

PAGE = """\
**How many bicycles will be rented in each hour of the next day.** Version 2 passed the gate. \
Is it to become champion, in the place of version 1?

### The gate says PROMOTE

- rmse leads by 10.375

Decided by **rmse** (lower is better, at most 120), on 672 rows that neither has seen; \
such rows have judged 3 times before. \
It leads by 10.375, 95 % interval 8.25 to 12.5. bias is at most 5. \
rmse_of_sundays may be worse than the champion's by 2.5 at most.

### Side by side

|  | challenger | champion | difference |
| :--- | ---: | ---: | ---: |
| version | [version 2] | [version 1] |  |
| model | boosting | linear |  |
| learned from data that are | simulated | simulated |  |
| fitted on | 75% of all rows before 2024-01-01 | 2023-01-01 to 2024-01-01 |  |
| plots | [calibration], [roc curve] | [calibration], [roc curve] |  |
| **rmse** | 40.125 | 50.5 | -10.4 |
| **bias** | 1.5 | 1.25 | +0.25 |
| **rmse_of_sundays** | 61,234 |  |  |
| mae | 25 | 30 | -5 |

Judged in the run [manual] of bike_sharing ([MLflow]): form run over a day.

### What your answer does

- **Approve**: version 2 becomes champion at once, if no other one has become it meanwhile.
- **Reject**: everything stays as it is.
- No answer until its time is a Reject. No night waits for it; until then scores are the champion's.
"""


def test_the_page_shows_both_side_by_side_the_verdict_and_the_way_to_the_plots(judged: "MlflowClient") -> None:
    fitted = {"start": "1924-01-01", "end": "2024-01-01T00:00:00", "hashed": ["temp"], "low": 0.25, "high": 1.0}
    judged.set_model_version_tag("bike_sharing", "2", FITTED, json.dumps(fitted))
    run = str(judged.get_model_version("bike_sharing", "2").run_id)
    for name in ("roc_curve", "calibration"):
        judged.log_text(run, "as if drawn", f"plots/{name}.png")
    page = people.page(asked())
    assert page.subject == "Is version 2 of bike_sharing to be champion?"
    assert (page.options, page.defaults, list(page.params)) == (["Approve", "Reject"], ["Reject"], ["reason"])
    links = dict(re.findall(r"\[([^]]*)]\(([^)]*)\)", page.body))
    assert links["version 2"].endswith("/#/models/bike_sharing/versions/2")
    assert links["roc curve"].endswith(f"/runs/{run}/artifacts/plots/roc_curve.png")
    read = re.sub(r"]\([^)]*\)", "]", page.body)
    for changes, stays in (
        ("manual__[^]]*", "manual"),
        ("over [0-9-]+", "over a day"),
        ("until [^.]* UTC", "until its time"),
    ):
        read = re.sub(changes, stays, read)
    assert read == PAGE


def test_a_model_whose_run_is_gone_shows_no_plots(judged: "MlflowClient", tell: Tell) -> None:
    judged.create_model_version("bike_sharing", "file:///nowhere", "gone")
    tell("evaluate", result=verdict("4"))
    assert f"| plots | [its run]({settings().place.tracking}/#/experiments/" in people.page(asked()).body


def test_nobody_is_asked_about_a_version_that_was_deleted(judged: "MlflowClient") -> None:
    request = asked()
    judged.delete_model_version("bike_sharing", "2")
    people.clear(request, approval_dag(), "ask")
    assert people.gone_on(request).state == "failed"
    assert people.said(request, "ask", "failed") == "version: bike_sharing has no version 2; it has 1, 3"


def test_the_first_champion_is_asked_for_too(judged: "MlflowClient", tell: Tell) -> None:
    judged.delete_registered_model_alias("bike_sharing", CHAMPION)
    tell("evaluate", result=verdict("2", champion=""))
    request = asked()
    page = people.page(request).body
    assert "Is it to become champion, the first one of this model?" in page
    assert "on 672 rows that it has not seen; such rows have judged once before. bias is at most 5.\n" in page
    assert "|  | challenger |\n| :--- | ---: |\n" in page
    assert "nothing is scored: there is no champion" in page
    assert people.answered(request, "Approve").state == "success"
    assert read(judged).champion == "2"
