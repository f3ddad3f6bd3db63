"""Visits that never happened, but could have: the same seed and day give the same rows, whatever the window."""

from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np
import pandas as pd

from spark_jobs.declare import Delivery, Window

BROKEN = (("pages", "many"), ("minutes", "-3"), ("bought", "2"), ("device", "fridge"), ("began", "yesterday"))


def simulated(window: Window, knobs: Mapping[str, float]) -> Iterator[Delivery]:
    for day in window.days:
        yield Delivery(table="visits", day=day, name=f"{day}.csv", text=_visits(day, knobs).to_csv(index=False))


def _visits(day: date, knobs: Mapping[str, float]) -> pd.DataFrame:
    random = np.random.default_rng([int(knobs["seed"]), day.toordinal()])
    count = int(knobs["visits"])
    minutes = random.gamma(2.0, 4.0, count).round(1)
    pages = 1 + random.poisson(minutes / 2)
    phone = random.random(count) < 0.6
    chance = 1 / (1 + np.exp(3 - 0.15 * pages - 0.05 * minutes + 0.8 * phone))
    rows = pd.DataFrame(
        {
            "began": pd.Timestamp(day) + pd.to_timedelta(np.sort(random.integers(0, 86_400, count)), unit="s"),
            "visitor": random.choice(100_000, count, replace=False) + 1,
            "pages": pages,
            "minutes": minutes,
            "device": np.where(phone, "phone", "desktop"),
            "bought": (random.random(count) < chance).astype(int),
        }
    ).astype(object)
    for row in np.flatnonzero(random.random(count) < knobs["broken"]):
        column, value = BROKEN[random.integers(len(BROKEN))]
        rows.loc[row, column] = value
    return rows
