"""What spark-submit runs: a Spark whose plugin answers clients, for as long as Java lives.

Spark's own server would keep the artifacts of sessions apart, and so give each session Python processes of its own that
outlive it; sessions that bring none share them.
"""

import os
import time
from contextlib import suppress

from py4j.protocol import Py4JNetworkError
from pyspark.sql import SparkSession

from engine.ending import Ending

LOOK = 0.25  # seconds between two looks at what must end

if __name__ == "__main__":
    java = os.getppid()
    ending = Ending(SparkSession.builder.getOrCreate().sparkContext)
    with suppress(Py4JNetworkError):  # Java ends
        while os.getppid() == java:
            ending.look()
            time.sleep(LOOK)
