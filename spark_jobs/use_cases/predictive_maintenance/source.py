"""Where readings and events come from: a simulated plant, or the published files replayed."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from spark_jobs.declare import Delivery, Window
from spark_jobs.use_cases.predictive_maintenance import plant as plants
from spark_jobs.use_cases.predictive_maintenance.accidents import ACCIDENTS, OF_SENSORS, befallen, silences
from spark_jobs.use_cases.predictive_maintenance.plant import ACCIDENT, Events, Lives, Plant
from spark_jobs.use_cases.predictive_maintenance.sensors import readings
from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, ERRORS, MODELS, SENSORS, USE_CASE

LOG = logging.getLogger(__name__)

HEADER = {table.name: ",".join(table.column_names) for table in USE_CASE.tables}
PUBLISHED = {
    "machines": "PdM_machines.csv",
    "telemetry": "PdM_telemetry*.csv",
    "errors": "PdM_errors.csv",
    "maintenance": "PdM_maint.csv",
    "failures": "PdM_failures.csv",
}
TIMED = tuple(table.name for table in USE_CASE.tables if table.timed)
WORDS = {"errors": ERRORS, "maintenance": COMPONENTS, "failures": COMPONENTS}

Days = Mapping[date, Sequence[str]]


def simulated(window: Window, knobs: Mapping[str, float]) -> Iterator[Delivery]:
    """Each day the list of machines, what the sensors showed and what happened."""
    plant = Plant(int(knobs["machines"]), int(knobs["seed"]))
    lives = plant.lives(window)
    machines = [f"{i + 1},{MODELS[model]},{age}" for i, (model, age) in enumerate(_pairs(plant))]
    for day in window.days:
        yield _delivery("machines", day, machines)
        for place, (table, lines) in enumerate(_day(plant, lives, day).items()):
            chance = plants.random(plant.seed, ACCIDENT + place, day)
            yield _delivery(table, day, _after_accidents(table, lines, chance, knobs))


def public(folder: Path, window: Window) -> Iterator[Delivery]:
    """Each line on its day, untouched; the list of machines on every day that has any."""
    machines = (folder / PUBLISHED["machines"]).read_text(encoding="ascii")
    files = [(table, file) for table in TIMED for file in sorted(folder.glob(PUBLISHED[table]))]
    found = [(table, file.name, _by_day(file, window)) for table, file in files]
    for day in window.days:
        of_day = [(table, name, days[day]) for table, name, days in found if day in days]
        if of_day:
            yield Delivery(table="machines", day=day, name=PUBLISHED["machines"], text=machines)
        for table, name, lines in of_day:
            yield Delivery(table=table, day=day, name=name, text="\n".join([*lines, ""]))
    for table, name, days in found:
        if table == "telemetry":
            _say_what_is_covered(name, days, len(machines.splitlines()) - 1, window)


def _pairs(plant: Plant) -> Iterator[tuple[int, int]]:
    return zip(plant.model.tolist(), plant.age.tolist(), strict=True)


def _day(plant: Plant, lives: Lives, day: date) -> dict[str, list[str]]:
    """The lines of each table that has events."""
    return {
        "telemetry": _telemetry(plant, lives, day),
        "errors": _events("errors", plant.errors(lives, day)),
        "maintenance": _events("maintenance", plants.replacements(lives, day)),
        "failures": _events("failures", plants.failures(lives, day)),
    }


def _telemetry(plant: Plant, lives: Lives, day: date) -> list[str]:
    """Machine by machine, 24 lines each. Arrow writes numbers ten times as fast as Python."""
    values = readings(plant, lives, day).reshape(-1, len(SENSORS))
    hours = [plants.moment(minute) for minute in plants.hours_of(day).tolist()]
    columns = {
        "datetime": pa.array(hours * plant.machines),
        "machineID": pa.array([machine for machine in range(1, plant.machines + 1) for _ in range(24)]),
        **{name: pa.array(values[:, place]) for place, name in enumerate(SENSORS)},
    }
    text = pa.BufferOutputStream()
    csv.write_csv(pa.table(columns), text, csv.WriteOptions(include_header=False, quoting_style="none"))
    return bytes(text.getvalue()).decode("ascii").splitlines()


def _events(table: str, events: Events) -> list[str]:
    words = WORDS[table]
    rows = zip(events.minute.tolist(), events.machine.tolist(), events.what.tolist(), strict=True)
    return [f"{plants.moment(minute)},{machine + 1},{words[what]}" for minute, machine, what in rows]


def _after_accidents(
    table: str, lines: list[str], chance: np.random.Generator, knobs: Mapping[str, float]
) -> list[str]:
    shares = {name: knobs[name] for name in ACCIDENTS if table == "telemetry" or name not in OF_SENSORS}
    found = befallen(lines, chance, shares)
    if table != "telemetry":
        return found
    gone = silences(len(lines) // 24, chance, knobs["gaps"]).ravel().tolist()
    return [line for line, silent in zip(found, gone, strict=True) if not silent]


def _delivery(table: str, day: date, lines: Sequence[str]) -> Delivery:
    """The one place that names simulated files: a table's file of a day is called like the table."""
    return Delivery(table=table, day=day, name=f"{table}.csv", text="\n".join([HEADER[table], *lines, ""]))


def _by_day(file: Path, window: Window) -> Days:
    """The lines of each day of the window, below the file's own header."""
    days: dict[str, list[str]] = {str(day): [] for day in window.days}
    with file.open(encoding="ascii") as text:
        header = next(text).rstrip("\n")
        for line in text:
            of_day = days.get(line[:10] if line[0] != '"' else line[1:11])
            if of_day is not None:
                of_day.append(line.rstrip("\n"))
    return {date.fromisoformat(day): [header, *lines] for day, lines in days.items() if lines}


def _say_what_is_covered(name: str, days: Days, machines: int, window: Window) -> None:
    """A published telemetry file may hold some machines or days only."""
    told = [line.split(",", 2)[1] for lines in days.values() for line in lines[1:]]
    which = sorted(set(told), key=lambda machine: (len(machine), machine))
    LOG.info(
        "%s holds %d of %d machines on %d of the %d days asked for (%s): %d readings, from %s to %s, of %s",
        *(name, len(which), machines, len(days), len(window.days), window, len(told)),
        *(min(days, default="-"), max(days, default="-"), ", ".join(which)),
    )
