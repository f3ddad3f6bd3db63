"""The airflow dag of iot_devices; all of it is declared in spark_jobs/use_cases/iot_devices."""

from nightshift.pipeline import dag_of
from spark_jobs.use_cases import load

dag = dag_of(load("iot_devices"))
