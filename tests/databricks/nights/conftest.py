"""One workspace and one Airflow for all tests that need both."""

from collections.abc import Iterator

import pytest

from tests.databricks.standing import Standing, standing


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("databricks")) as found:
        yield found
