"""What holds of raw files in a folder holds of raw files in a bucket: the same tests, on the stack's own store."""

import os
import subprocess
import sys

from tests.stack.standing import Standing

SAME = ("tests/spark/test_files.py", "tests/spark/test_ingest.py", "tests/spark/test_laws.py")


def test_the_laws_of_raw_files_hold_in_a_bucket(stack: Standing) -> None:
    surroundings = os.environ | stack.keys("jobs") | {"NIGHTSHIFT_TEST_BUCKET": "s3://landing/laws"}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *SAME]
    said = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout[-5000:]
    assert " passed" in said.stdout
