"""The airflow dag of predictive_maintenance; all of it is declared in spark_jobs/use_cases/predictive_maintenance."""

from nightshift.pipeline import dag_of
from spark_jobs.use_cases import load

dag = dag_of(load("predictive_maintenance"))
