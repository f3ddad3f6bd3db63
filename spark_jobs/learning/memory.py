"""What a process holds of the memory, in gigabytes. Linux says; elsewhere nothing is known, which is 0."""

from contextlib import suppress
from pathlib import Path

PROCESSES, OWN = Path("/proc"), "self"
HELD, PEAK = "VmRSS", "VmHWM"
FORGET_PEAK = "5"  # in the kernel's words


def held() -> float:
    return _told(HELD)


def peak(process: int | str = OWN) -> float:
    """The most it held, or this one since `forget_peak`."""
    return _told(PEAK, process)


def forget_peak() -> None:
    with suppress(OSError):
        (PROCESSES / OWN / "clear_refs").write_text(FORGET_PEAK, encoding="ascii")


def _told(name: str, process: int | str = OWN) -> float:
    with suppress(OSError, StopIteration):
        lines = (PROCESSES / str(process) / "status").read_text(encoding="ascii", errors="replace").splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) / (1 << 20)
    return 0.0
