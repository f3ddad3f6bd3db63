"""The airflow dag of bike_sharing; all of it is declared in spark_jobs/use_cases/bike_sharing."""

from nightshift.pipeline import dag_of
from spark_jobs.use_cases import load

dag = dag_of(load("bike_sharing"))
