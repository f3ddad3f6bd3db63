"""A champion over HTTP: no Spark, no Airflow. It knows what is declared, kinds of models, and the registry."""
