"""What a use case's tables and models are made by: the text of its own modules."""

from spark_jobs.use_cases import _imported

SOURCE = """
import p.one
from p import two, three as third
from p.four import something
from other import five
import os

def late():
    from p import six
"""


def test_modules_of_the_folder_are_found_wherever_and_however_they_are_imported() -> None:
    assert set(_imported(SOURCE, "p")) == {"one", "two", "three", "four", "six"}
