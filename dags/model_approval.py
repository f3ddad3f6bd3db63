"""The airflow dag in which versions wait for a person's word."""

from nightshift.pipeline import approval_dag

dag = approval_dag()
