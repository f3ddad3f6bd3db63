"""The Spark side of Nightshift: what runs inside a job. Never imports airflow."""
