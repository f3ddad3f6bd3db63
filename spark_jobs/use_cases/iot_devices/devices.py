"""A fleet of simulated devices: where each is, and what it shows, by seed, day and slot alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from spark_jobs.use_cases.iot_devices.use_case import EVERY, RED, YELLOW

Numbers = Any  # an array of numpy
DAY = 86_400  # seconds
SLOT = int(EVERY.total_seconds())
KINDS = ("device-mac", "meter-gauge", "sensor-pad", "therm-stick")
HOMES = (  # of devices: two letters, three, the name, latitude and longitude
    ("US", "USA", "United States", 38.0, -97.0),
    ("CN", "CHN", "China", 35.0, 105.0),
    ("JP", "JPN", "Japan", 35.69, 139.69),
    ("KR", "KOR", "Republic of Korea", 37.57, 126.98),
    ("DE", "DEU", "Germany", 51.0, 9.0),
    ("GB", "GBR", "United Kingdom", 51.5, -0.12),
    ("CA", "CAN", "Canada", 43.65, -79.38),
    ("RU", "RUS", "Russia", 60.0, 100.0),
    ("FR", "FRA", "France", 48.0, 2.0),
    ("BR", "BRA", "Brazil", -10.0, -55.0),
    ("AU", "AUS", "Australia", -27.0, 133.0),
    ("IT", "ITA", "Italy", 42.83, 12.83),
    ("SE", "SWE", "Sweden", 62.0, 15.0),
    ("PL", "POL", "Poland", 52.0, 20.0),
    ("NL", "NLD", "Netherlands", 52.5, 5.75),
    ("ES", "ESP", "Spain", 40.0, -4.0),
    ("TW", "TWN", "Taiwan", 23.5, 121.0),
    ("IN", "IND", "India", 20.0, 77.0),
    ("CZ", "CZE", "Czech Republic", 49.75, 15.5),
    ("NO", "NOR", "Norway", 62.0, 10.0),
)
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
FLEET, OF_A_DAY, OF_A_READING = 1, 2, 3  # what is drawn apart
# Of device and day: how often a sensor sticks, a device falls silent, or reports ten times as often for ten minutes.
STICKS, SILENT, BURSTS = 0.02, 0.02, 0.01
DRIFTS = 0.05  # of devices: a sensor that shows more each day, until it is set right again
CHANGED = 12 * 3600  # seconds that a battery is empty until somebody changes it, at most


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """What stays of each device."""

    names: list[str]
    ips: list[str]
    homes: Numbers  # place in HOMES
    latitude: Numbers
    longitude: Numbers
    phase: Numbers  # seconds
    temp: Numbers
    swing: Numbers
    humidity: Numbers
    air: Numbers  # how much carbon dioxide there usually is
    lasts: Numbers  # days of a full battery
    drifts: Numbers

    @classmethod
    def of(cls, count: int, seed: int) -> "Fleet":
        chance = np.random.default_rng([seed, FLEET])
        homes = chance.integers(len(HOMES), size=count)
        kinds, words = chance.integers(len(KINDS), size=count), chance.integers(len(LETTERS), size=(count, 8))
        ips = chance.integers(1, 255, size=(count, 4))
        at = np.array([home[3:] for home in HOMES])[homes]
        return cls(
            names=[
                f"{KINDS[kind]}-{place}{''.join(LETTERS[one] for one in word)}"
                for place, (kind, word) in enumerate(zip(kinds, words.tolist(), strict=True), 1)
            ],
            ips=[".".join(map(str, ip)) for ip in ips.tolist()],
            homes=homes,
            latitude=(at[:, 0] + chance.normal(0, 0.5, count)).round(2),
            longitude=(at[:, 1] + chance.normal(0, 0.5, count)).round(2),
            phase=chance.uniform(0, DAY, count),
            temp=chance.uniform(12, 28, count),
            swing=chance.uniform(1, 6, count),
            humidity=chance.uniform(30, 80, count),
            air=chance.uniform(700, 1250, count),
            lasts=chance.uniform(20, 60, count),
            drifts=chance.random(count) < DRIFTS,
        )


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The readings of a slot, by the time they were made."""

    device: Numbers  # place in the fleet
    second: Numbers  # of the day, with parts
    temp: Numbers
    humidity: Numbers
    battery: Numbers
    air: Numbers
    lcd: Numbers


def shown(fleet: Fleet, day: date, slot: int, knobs: Mapping[str, float]) -> Shown:
    """What befalls devices is drawn by the day, what they show by the slot: no slot needs another one drawn."""
    count, pause, seed = len(fleet.names), float(knobs["pause"]), int(knobs["seed"])
    of_day = np.random.default_rng([seed, OF_A_DAY, day.toordinal()])
    struck, begins = of_day.random((3, count)), of_day.uniform(0, DAY, (3, count))
    lasts = of_day.uniform(2 * 3600, 8 * 3600, (3, count))
    device, second = _times(slot, pause, fleet.phase, np.where(struck[2] < BURSTS, begins[2], np.inf))
    silent = (struck[1] < SILENT)[device] & _within(second, begins[1][device], lasts[1][device])
    device, second = device[~silent], second[~silent]
    # A sensor that sticks shows what it showed when it began to.
    stuck = (struck[0] < STICKS)[device] & _within(second, begins[0][device], lasts[0][device])
    when = np.where(stuck, begins[0][device], second)
    chance = np.random.default_rng([seed, OF_A_READING, day.toordinal(), slot])
    noise = np.where(stuck, 0.0, chance.normal(size=(3, len(device))))
    since = day.toordinal() * float(DAY) + when
    round_the_clock = np.sin(2 * np.pi * (when + fleet.phase[device]) / DAY)
    drifted = np.where(fleet.drifts[device], 0.1 * (day.toordinal() % 60), 0.0)
    air = fleet.air[device] + 250 * round_the_clock + 40 * noise[2]
    air = air.clip(400, 5000).astype(int)
    lcd = np.digitize(air, [YELLOW, RED])
    wrong = chance.random(len(device)) < 0.003
    order = np.lexsort((device, second))
    found = Shown(
        device=device,
        second=second,
        temp=(fleet.temp[device] + fleet.swing[device] * round_the_clock + noise[0] + drifted).round().astype(int),
        humidity=(fleet.humidity[device] - 8 * round_the_clock + 2 * noise[1]).clip(0, 100).round().astype(int),
        battery=_battery(fleet, device, since),
        air=air,
        lcd=np.where(wrong, (lcd + 1) % 3, lcd),
    )
    return Shown(**{name: values[order] for name, values in vars(found).items()})


def _times(slot: int, pause: float, phase: Numbers, burst: Numbers) -> tuple[Numbers, Numbers]:
    """Of each device, evenly through the day; and once more, ten times as often, where there is a burst.

    To the millisecond: so one more than fit is tried at either end, for the slot that a rounded time falls into.
    """
    first = np.floor((slot * SLOT - phase % pause) / pause)
    steps = first[:, None] + np.arange(int(SLOT // pause) + 3)[None, :]
    second = steps * pause + (phase % pause)[:, None]
    device = np.broadcast_to(np.arange(len(phase))[:, None], steps.shape)
    counts = (steps >= 0) & (steps < DAY // pause)
    more = np.flatnonzero(np.isfinite(burst))
    extra = burst[more][:, None] + np.arange(0, 600, pause / 10)[None, :]
    device = np.concatenate((device[counts], np.repeat(more, extra.shape[1])))
    second = np.concatenate((second[counts], extra.reshape(-1))).round(3)
    here = (second >= slot * SLOT) & (second < (slot + 1) * SLOT)
    return device[here], second[here]


def _within(second: Numbers, begins: Numbers, lasts: Numbers) -> Numbers:
    return (second >= begins) & (second < begins + lasts)


def _battery(fleet: Fleet, device: Numbers, since: Numbers) -> Numbers:
    """It drains evenly from 9 to 0, stays empty for some hours, and is changed."""
    full = fleet.lasts[device] * DAY
    empty = CHANGED * (fleet.phase[device] / DAY)
    into = (since + 31 * fleet.phase[device]) % (full + empty)
    return np.where(into < full, 9 - np.floor(10 * into / full), 0).clip(0, 9).astype(int)
