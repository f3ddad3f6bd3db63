"""Small requests that come while models are busy are answered by one call, each as if it had come alone."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from serving.settings import Limits
from serving.together import FEW, LONGEST, MOST
from tests.serving.conftest import Asked, Client, Held, acts, until
from tests.serving.shelf import CENSUS, Shelf
from tests.serving.test_interface import features, person

OURS = f"/v1/models/{CENSUS}:predict"
AGES = range(20, 60)


@pytest.fixture
def one_thread(shelf: Shelf) -> Iterator[Asked]:
    found = Asked(shelf, limits=Limits(threads=1, waiting=100, each=100, seconds=60))
    yield found
    found.end()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is held is not slow."""
    monkeypatch.setattr("serving.together.LONGEST", 1e9)


class Busy:
    """The one thread is held, and what is asked meanwhile waits."""

    def __init__(self, asked: Asked, pool: ThreadPoolExecutor) -> None:
        self.asked, self.pool, self.held = asked, pool, Held(asked)
        self.first = self.also({"rows": [person()]})
        until(lambda: self.held.calls == [1])

    def also(self, body: Any, path: str = OURS) -> "Future[Any]":
        many = self.asked.service.doors.inside.total()
        found = self.pool.submit(Client(self.asked.client.address, self.asked.key).post, path, json=body)
        together = self.asked.service.together
        until(lambda: self.asked.service.doors.inside.total() == many + 1 and len(together.waiting) >= many)
        return found


@contextmanager
def busy(asked: Asked) -> Iterator[Busy]:
    with ThreadPoolExecutor(50) as pool:
        made = Busy(asked, pool)
        try:
            yield made
        finally:
            made.held.go.set()
        assert made.first.result().status_code == 200


@pytest.mark.usefixtures("patient")
def test_those_that_wait_are_answered_by_one_call_as_if_alone(one_thread: Asked) -> None:
    alone = [one_thread.predict([person(age=age)]).json() for age in AGES]
    with busy(one_thread) as waits:
        told = [waits.also({"rows": [person(age=age)]}) for age in AGES]
    assert [one.result().json() for one in told] == alone
    assert waits.held.calls == [1, MOST, len(AGES) - MOST]


@pytest.mark.usefixtures("patient")
def test_each_is_told_what_is_wrong_with_it_and_the_others_are_answered(one_thread: Asked) -> None:
    good = one_thread.predict([person(), person(age=30)]).json()
    with busy(one_thread) as waits:
        told = {
            "refused": waits.also({"rows": [person(age=3)]}),
            "strange": waits.also({"rows": 7}),
            "good": waits.also({"rows": [person(), person(age=30)]}),
            "nothing": waits.also({"rows": []}),
            "protocol": waits.also({"dataframe_records": features(2)}, "/invocations"),
            "another": waits.also({"dataframe_records": features(1)}, "/invocations"),
            "bad": waits.also({"dataframe_records": [features(1)[0] | {"age": "old"}]}, "/invocations"),
        }
    found = {name: one.result() for name, one in told.items()}
    assert {name: one.status_code for name, one in found.items()} == {
        "refused": 200, "strange": 422, "good": 200, "nothing": 200, "protocol": 200, "another": 200, "bad": 400,
    }  # fmt: skip
    assert found["refused"].json()["rows"] == [{"refused": ["age is below 17"]}]
    assert found["good"].json() == good
    assert found["nothing"].json()["rows"] == []
    assert len(found["protocol"].json()["predictions"]) == 2
    assert waits.held.calls == [1, 2, 3]  # numbers of the protocol are of another type


@pytest.mark.usefixtures("patient")
def test_a_row_that_a_model_fails_of_fails_for_who_asked_it(one_thread: Asked) -> None:
    calls: list[int] = []

    def act(answer: Any) -> Any:
        calls.append(len(answer))
        return answer.slice(1) if len(answer) > 1 else answer

    with busy(one_thread) as waits:
        told = [waits.also({"rows": [person()] * many}) for many in (1, 2, 1)]
        acts(one_thread, act)  # those that wait keep the version they came to
        failing = waits.also({"rows": [person()] * 2})
        fine = waits.also({"rows": [person()]})
    assert [one.result().status_code for one in told] == [200] * 3
    assert (failing.result().status_code, fine.result().status_code) == (500, 200)
    assert waits.held.calls == [1, 4, 3, 2, 1]
    assert calls == [3, 2, 1]


@pytest.mark.usefixtures("patient")
def test_large_ones_ones_with_reasons_and_those_of_another_version_are_asked_apart(
    one_thread: Asked, shelf: Shelf
) -> None:
    large = {"rows": [person()] * 200}
    assert len(str(large)) > FEW
    with busy(one_thread) as waits:
        for body in ({"rows": [person()]}, large, {"rows": [person()]}, {"rows": [person()], "reasons": True}):
            waits.also(body)
        shelf.crown(CENSUS, "2")
        one_thread.champions[CENSUS].look()
        newer = [waits.also({"rows": [person()]}) for _ in range(2)]
    assert waits.held.calls == [1, 2, 1, 200]  # the one with reasons in the same turn
    assert [one.result().json()["version"] for one in newer] == ["2", "2"]


def test_what_a_large_one_takes_says_nothing_of_small_ones(one_thread: Asked) -> None:
    assert one_thread.predict([person()] * 200).status_code == 200
    assert one_thread.service.together.pace == {}
    assert one_thread.predict([person()]).status_code == 200
    small = one_thread.service.together.pace[CENSUS]
    assert one_thread.predict([person()] * 200).status_code == 200
    assert one_thread.service.together.pace == {CENSUS: small}


def test_a_slow_model_is_asked_about_one_at_a_time(one_thread: Asked) -> None:
    with busy(one_thread) as waits:
        for _ in range(3):
            waits.also({"rows": [person()]})
        time.sleep(2 * LONGEST)  # which the first call has taken then
    assert waits.held.calls[:2] == [1, 1]
