"""Prefetching the next item while waiting."""

import pytest

from liftos.kernel.db.prefetch import Ahead


def test_items_keep_their_order():
    squares = Ahead(lambda number: number * number, range(5))
    found = []
    for square in squares:
        found.append(square)
        if square % 2:
            squares.make_next()
    assert found == [0, 1, 4, 9, 16]
    assert list(Ahead(lambda number: number, [])) == []


def test_next_item_is_prefetched_once():
    made = []
    numbers = Ahead(made.append, [0, 1, 2])
    all_of_them = iter(numbers)
    next(all_of_them)
    assert made == [0]
    numbers.make_next()
    numbers.make_next()
    assert made == [0, 1]
    list(all_of_them)
    assert made == [0, 1, 2]
    numbers.make_next()
    assert made == [0, 1, 2]


def test_prefetch_is_one_item_ahead():
    taken = []

    def items():
        for number in range(10):
            taken.append(number)
            yield number

    numbers = Ahead(lambda number: number, items())
    next(iter(numbers))
    assert taken == [0, 1]
    numbers.make_next()
    assert taken == [0, 1]


def test_error_is_raised_at_its_position():
    def make(number):
        if number == 1:
            raise ValueError("one")
        return number

    numbers = Ahead(make, [0, 1, 2])
    all_of_them = iter(numbers)
    assert next(all_of_them) == 0
    numbers.make_next()
    with pytest.raises(ValueError, match="one"):
        next(all_of_them)
