"""The airflow dag of wine_quality; all of it is declared in spark_jobs/use_cases/wine_quality."""

from nightshift.pipeline import dag_of
from spark_jobs.use_cases import load

dag = dag_of(load("wine_quality"))
