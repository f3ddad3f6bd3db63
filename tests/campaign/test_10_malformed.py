"""A service that is sent what nobody should send: broken, cut, slow, deep, huge, in the wrong words and letters."""

import logging
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.serving.malformed import TOLD, bodies, send, way
from tests.serving.shelf import CENSUS, Shelf
from tests.serving.standing import standing
from tests.serving.test_interface import person
from tests.spark.conftest import THIRD_PARTY

pytestmark = [pytest.mark.filterwarnings(line) for line in THIRD_PARTY]
LOG = logging.getLogger(__name__)
MANY, GROWTH = 10_000, 60 << 20
NOBODY_WAITS, NOT_NOW = 0, 503


@pytest.mark.timeout(900)
def test_ten_thousand_malformed_bodies_are_each_told_so_and_leave_nothing_behind(tmp_path: Path, seed: int) -> None:
    shelf, chance = Shelf(tmp_path), random.Random(seed)
    shelf.crown(CENSUS, shelf.add(CENSUS))
    with standing(shelf, SERVE_SECONDS="3") as service:
        service.wait()
        told: Counter[int] = Counter()
        before = 0
        for place, (path, kind, body) in enumerate(bodies(seed, MANY)):
            how = way(chance)
            status = send(service.client, path, kind, body, how)
            assert status in {*TOLD, NOBODY_WAITS, NOT_NOW}, (status, how, path, kind, body[:2000])
            told[status] += 1
            before = service.memory() if place == MANY // 3 else before
        growth = service.memory() - before
        LOG.info("%s; %.1f MB more", dict(told), growth / 2**20)
        assert all(told[status] for status in (*TOLD, NOBODY_WAITS))
        assert growth < GROWTH
        assert service.client.post(f"/v1/models/{CENSUS}:predict", json={"rows": [person()]}).ok
        assert "Traceback" not in service.end()
