"""The way of a version into another registry. Airflow's acts and the terminal take it: no Spark, no lake."""
