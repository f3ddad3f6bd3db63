"""What takes long is too much for every change: `ONE_OF=2` takes half of it, drawn by the seed."""

import os
import random
from collections.abc import Collection

import pytest

# What all other files of the campaign stand on; each of these stands without the others.
ALWAYS = {"tests/campaign/test_00_every_line.py", "tests/campaign/test_01_interrupted.py"}


def drawn(names: Collection[str], one_of: int, seed: int) -> set[str]:
    """So many of these; those that are always taken do not count."""
    others = sorted(set(names) - ALWAYS)
    return ALWAYS | set(random.Random(seed).sample(others, -(-len(others) // one_of)))


def left_out(items: list[pytest.Item]) -> list[pytest.Item]:
    takes_long = {item: name for item in items if (name := _name(item))}
    taken = drawn(takes_long.values(), int(os.environ.get("ONE_OF") or 1), int(os.environ["SEED"]))
    return [item for item, name in takes_long.items() if name not in taken]


def _name(item: pytest.Item) -> str:
    """What it is drawn by: a file of the campaign as a whole, a long test elsewhere alone, all others not at all."""
    if "tests/campaign/" in item.nodeid:
        return item.nodeid.partition("::")[0]
    return item.nodeid if item.get_closest_marker("long") else ""
