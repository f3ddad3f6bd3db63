"""What a source gives."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One raw file on its way: the table it belongs to, the day it arrives, its name and text."""

    table: str
    day: date
    name: str
    text: str
