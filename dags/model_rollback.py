"""The airflow dag that takes a model back to an earlier version."""

from nightshift.pipeline import roll_back_dag
from spark_jobs.use_cases import models

dag = roll_back_dag(models())
