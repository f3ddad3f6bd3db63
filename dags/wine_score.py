"""The airflow dag of wine_score; all of it is declared in spark_jobs/use_cases/wine_score."""

from nightshift.pipeline import dag_of
from spark_jobs.use_cases import load

dag = dag_of(load("wine_score"))
