"""What Spark's Python workers are forked from: the libraries their functions use are loaded once."""

import numpy  # noqa: F401 - loaded for the workers
import pandas  # noqa: F401 - as above
import pyarrow.compute
import pyarrow.fs  # noqa: F401 - as above
import xgboost  # noqa: F401, TID253 - as above; every trial and every scoring would load it otherwise
from pyspark import daemon

if __name__ == "__main__":
    daemon.manager()
