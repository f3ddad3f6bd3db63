"""Job -> operator, one small class per target. The job's argv is the same for all of them."""

from nightshift.runners.databricks import DatabricksJob
from nightshift.runners.job import JobOperator
from nightshift.runners.local import LocalJob
from nightshift.settings import Target

RUNNERS: dict[Target, type[JobOperator]] = {
    Target.LOCAL: LocalJob,
    Target.CLUSTER: LocalJob,
    Target.DATABRICKS: DatabricksJob,
}
