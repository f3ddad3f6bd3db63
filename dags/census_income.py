"""The airflow dag of census_income; all of it is declared in spark_jobs/use_cases/census_income."""

from nightshift.pipeline import dag_of
from spark_jobs.use_cases import load

dag = dag_of(load("census_income"))
