"""The Airflow side: what happens in which order, and who may do it. Spark is started from here, never imported."""
