"""What the machines' four sensors show, hour by hour."""

from datetime import date

import numpy as np

from spark_jobs.use_cases.predictive_maintenance.plant import (
    NOISE,
    UPSET,
    Lives,
    Numbers,
    Plant,
    hours_of,
    random,
)

SENSORS = 4
USUAL = np.array([170.0, 446.0, 100.0, 40.0])  # volt, rotate, pressure, vibration
DEVIATION = np.array([15.0, 50.0, 10.0, 5.0])
OF_MODEL = np.array([[0.2, -0.1, 0.1, -0.2], [-0.2, 0.2, 0.1, 0.1], [0.1, 0.1, -0.2, 0.2], [-0.1, -0.2, 0.0, -0.1]])
OF_MACHINE = 0.25  # by how much machines of one model differ

# How far a part about to fail moves each sensor, in its deviations: by component (rows) and sensor.
SIGNS = 6.5 * np.array([[1.0, 0.0, 0.0, 0.2], [0.0, -1.0, 0.0, 0.3], [0.2, 0.0, 1.0, 0.0], [0.0, -0.2, 0.0, 1.0]])
OF_DAY = 0.12  # the load of a day, and how it comes and goes with the hours
UPSETS = 0.04  # of machines and days: a jammed feed, a cold start, something that passes
UPSET_SIZE, UPSET_HOURS = 2.5, 8


def readings(plant: Plant, lives: Lives, day: date) -> Numbers:
    """By machine, hour and sensor."""
    shape = (plant.machines, 24, SENSORS)
    hours = np.arange(24)
    wear = plant.wear(lives, hours_of(day))
    noise = random(plant.seed, NOISE, day).standard_normal((plant.machines, 25, SENSORS))
    load = OF_DAY * (noise[:, 24:] + np.sin(2 * np.pi * (hours - 8) / 24)[:, None])
    moved = noise[:, :24] + load + _of_machine(plant)[:, None] + _upsets(plant, day).reshape(shape)
    moved += wear @ SIGNS
    values: Numbers = USUAL + DEVIATION * moved
    return values.round(3)


def _of_machine(plant: Plant) -> Numbers:
    own = random(plant.seed, NOISE, 0).standard_normal((plant.machines, SENSORS))
    found: Numbers = OF_MODEL[plant.model] + OF_MACHINE * own
    return found


def _upsets(plant: Plant, day: date) -> Numbers:
    """One sensor is off for some hours, and nothing comes of it."""
    happens, begins, lasts, size, sensor = random(plant.seed, UPSET, day).random((plant.machines, 5)).T
    first = (begins * 24).astype(np.int64)[:, None]
    hours = np.arange(24)
    on = (hours >= first) & (hours < first + 1 + (lasts * UPSET_HOURS)[:, None]) & (happens < UPSETS)[:, None]
    way = np.where(size < 0.5, -1, 1) * UPSET_SIZE * (0.5 + np.abs(2 * size - 1))
    which = (sensor * SENSORS).astype(np.int64)[:, None] == np.arange(SENSORS)
    found: Numbers = (on * way[:, None])[:, :, None] * which[:, None]
    return found
