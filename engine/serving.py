"""What spark-submit runs: a Spark whose plugin answers clients, for as long as Java lives.

Spark's own server would keep the artifacts of sessions apart, and so give each session Python processes of its own that
outlive it; sessions that bring none share them.
"""

import os
import time

from pyspark.sql import SparkSession

if __name__ == "__main__":
    java = os.getppid()
    SparkSession.builder.getOrCreate()
    while os.getppid() == java:
        time.sleep(1)
