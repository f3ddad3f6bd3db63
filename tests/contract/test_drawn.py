"""Half of what takes long is another half each time, and the same in every process of one run."""

from tests.drawn import ALWAYS, drawn

NAMES = [f"test {number}" for number in range(9)]


def test_all_of_it_is_taken_where_nobody_asks_for_less() -> None:
    assert drawn([*NAMES, *ALWAYS], 1, seed=7) == {*NAMES, *ALWAYS}


def test_half_is_drawn_and_what_others_stand_on_is_always_there() -> None:
    for seed in range(20):
        assert len(drawn([*NAMES, *ALWAYS], 2, seed) - ALWAYS) == 5
        assert drawn(NAMES, 2, seed) >= ALWAYS


def test_the_seed_alone_says_which() -> None:
    # As written down once: sets have another order in each process.
    assert drawn(NAMES, 2, seed=7) - ALWAYS == {"test 0", "test 2", "test 3", "test 5", "test 8"}
    assert set().union(*(drawn(NAMES, 2, seed) for seed in range(20))) == {*NAMES, *ALWAYS}
