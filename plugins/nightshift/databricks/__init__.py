"""A Databricks workspace as Airflow's side sees it: what it is told of one, and the runs it starts there."""
