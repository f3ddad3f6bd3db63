"""What goes wrong between a machine and a file: lines in, lines out, each accident in the share that is asked for."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

SENSORS = 4  # the last fields of a line of telemetry
STRANGER = 1_000_000  # no machine has so high a number
ABSURD = ("-999", "99999.9", "1e999", "NaN", "n/a")  # what a broken sensor says
LONGEST_SILENCE, USUAL_SILENCE = 11, 4.9  # hours; a silence ends with its day


def befallen(lines: Sequence[str], chance: np.random.Generator, shares: Mapping[str, float]) -> list[str]:
    """A struck line becomes another one, or two."""
    drawn = chance.random((len(lines), 2))
    kinds = np.searchsorted(np.cumsum(list(shares.values())), drawn[:, 0], side="right")
    happens = [ACCIDENTS[name] for name in shares]
    found = list(lines)
    for place in np.nonzero(kinds < len(happens))[0].tolist():
        found[place] = happens[kinds[place]](lines[place].split(","), float(drawn[place, 1]))
    return found


def silences(machines: int, chance: np.random.Generator, share: float) -> NDArray[np.bool_]:
    """By machine and hour: whether nothing came, for some hours on end."""
    happens, begins, lasts = chance.random((machines, 3)).T[:, :, None]
    first, hours = np.floor(begins * 24), np.arange(24)
    over = first + 1 + np.floor(lasts * LONGEST_SILENCE)
    silent: NDArray[np.bool_] = (happens < share * 24 / USUAL_SILENCE) & (hours >= first) & (hours < over)
    return silent


def _missing(fields: list[str], luck: float) -> str:
    """A sensor was silent."""
    return _with(fields, _sensor(fields, luck), "")


def _absurd(fields: list[str], luck: float) -> str:
    """A sensor says what cannot be."""
    return _with(fields, _sensor(fields, luck), ABSURD[int(luck * SENSORS * len(ABSURD)) % len(ABSURD)])


def _clock(fields: list[str], luck: float) -> str:
    """It was never set, or ran a year ahead. One that fell back would touch days of long ago, night after night."""
    ahead = str(int(fields[0][:4]) + 1) + fields[0][4:]
    return _with(fields, 0, "0000-00-00 00:00:00" if luck < 0.5 else ahead)


def _stranger(fields: list[str], luck: float) -> str:  # noqa: ARG001 - there is one way
    """A machine nobody knows."""
    return _with(fields, 1, str(int(fields[1]) + STRANGER))


def _repeated(fields: list[str], luck: float) -> str:  # noqa: ARG001 - as above
    line = ",".join(fields)
    return f"{line}\n{line}"


def _sensor(fields: list[str], luck: float) -> int:
    return len(fields) - SENSORS + int(luck * SENSORS)


def _with(fields: list[str], place: int, text: str) -> str:
    return ",".join([*fields[:place], text, *fields[place + 1 :]])


ACCIDENTS: dict[str, Callable[[list[str], float], str]] = {
    "missing": _missing,
    "absurd": _absurd,
    "clock": _clock,
    "stranger": _stranger,
    "repeated": _repeated,
}
OF_SENSORS = ("missing", "absurd")
