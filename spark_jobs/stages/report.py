"""Makes the tables that people read from silver, for every day that changed."""

from spark_jobs.tables.reports import write_reports
from spark_jobs.tables.tidy import tidy
from spark_jobs.tracking import tracking
from spark_jobs.work import Result, Work


def run(work: Work) -> Result:
    with tracking(work.place, work.use_case) as book:
        written = write_reports(work, book)
    tidy(work)
    return {"rows": written.rows, "inputs": written.inputs, "outputs": written.outputs} | written.page
