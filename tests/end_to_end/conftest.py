"""One start of everything for all tests of this folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from local.first_nights import Finished, all_of_them
from tests.end_to_end.checkout import copied, running_from
from tests.end_to_end.scheduler import Scheduler, scheduler_at

if TYPE_CHECKING:
    from mlflow import MlflowClient

DAYS = 30  # as few as leave rows to learn from, to validate and to judge


@dataclass(frozen=True, kw_only=True)
class FirstNights:
    """What `make run` does before it hands over."""

    scheduler: Scheduler
    range: Finished
    night: Finished


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstNights]:
    folder = tmp_path_factory.mktemp("nightshift")
    with running_from(copied(folder / "checkout")), scheduler_at(folder / "home") as scheduler:
        first, night = all_of_them(scheduler.services, DAYS)
        yield FirstNights(scheduler=scheduler, range=first, night=night)


@pytest.fixture
def mlflow(nights: FirstNights) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(nights.scheduler.home.mlflow_url, nights.scheduler.home.mlflow_url)
