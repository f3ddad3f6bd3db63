"""What holds of every simulator of a static table."""

import time
from datetime import date, timedelta

import pytest

from spark_jobs import use_cases
from spark_jobs.declare import Window
from tests.use_cases.deliveries import sound, texts

DAY = timedelta(days=1)
SPRING = Window(start=date(2024, 2, 20), end=date(2024, 4, 20))
LINES = {"wine_quality": (100, 300), "census_income": (200, 400)}  # of a day's file
each = pytest.mark.parametrize("use_case", LINES)


@each
def test_a_day_is_the_same_whatever_window_asks_for_it(use_case: str) -> None:
    for share in (0.0, 0.3):
        knobs = {**sound(use_case), "broken": share}
        whole = texts(use_case, SPRING, knobs)
        for start, length in ((date(2024, 2, 29), 1), (date(2024, 3, 1), 17)):
            some = texts(use_case, Window(start=start, end=start + DAY * length), knobs)
            assert some == {day: whole[day] for day in some}


@each
def test_days_and_seeds_differ(use_case: str) -> None:
    spring = texts(use_case, SPRING, sound(use_case))
    assert len(set(spring.values())) == len(spring)
    other = texts(use_case, Window.of(SPRING.start), {**sound(use_case), "seed": 2.0})
    assert other[SPRING.start] != spring[SPRING.start]


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(2024, 2, 29), date(2060, 12, 31)])
@each
def test_any_date_can_be_simulated(use_case: str, day: date) -> None:
    least, most = LINES[use_case]
    assert least < len(texts(use_case, Window.of(day), sound(use_case))[day].splitlines()) < most


@each
def test_a_year_takes_few_seconds_of_the_processor(use_case: str) -> None:
    began = time.process_time()
    texts(use_case, Window(start=date(2023, 1, 1), end=date(2024, 1, 1)), use_cases.learning(use_case).simulation)
    assert time.process_time() - began < 5
