"""Making the next thing while the last one is used."""

import threading
from contextvars import ContextVar

import pytest

from liftos.ahead import ahead


def test_everything_comes_in_order():
    assert list(ahead(lambda number: number * number, range(5))) == [0, 1, 4, 9, 16]
    assert list(ahead(lambda number: number, [])) == []


def test_the_next_one_is_made_while_the_last_one_is_used():
    begun = threading.Event()

    def make(number):
        if number == 1:
            begun.set()
        return number

    made = ahead(make, [0, 1])
    assert next(made) == 0
    assert begun.wait(5)
    assert list(made) == [1]


def test_no_more_than_one_is_made_ahead():
    taken = []

    def items():
        for number in range(10):
            taken.append(number)
            yield number

    made = ahead(lambda number: number, items())
    next(made)
    assert taken == [0, 1]
    made.close()


def test_an_error_comes_up_in_its_place():
    def make(number):
        if number == 1:
            raise ValueError("one")
        return number

    made = ahead(make, [0, 1, 2])
    assert next(made) == 0
    with pytest.raises(ValueError, match="one"):
        next(made)


def test_it_is_made_in_the_callers_context():
    asked = ContextVar("asked", default="nobody")
    asked.set("somebody")
    assert list(ahead(lambda _: asked.get(), [0])) == ["somebody"]
