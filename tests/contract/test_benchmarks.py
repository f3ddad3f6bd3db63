"""Benchmarks are scripts too: spark-submit puts their folder before everything else that is imported."""

import sys
from pathlib import Path

import benchmarks


def test_no_benchmark_hides_a_module_of_the_standard_library() -> None:
    names = {path.stem for path in Path(str(benchmarks.__file__)).parent.glob("*.py")}
    assert len(names) > 10
    assert not names & sys.stdlib_module_names
