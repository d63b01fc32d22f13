"""Filters on numbers are exact, though the index has them as doubles."""

from decimal import Decimal
from itertools import pairwise
from math import inf

import pytest

from memory.analysis.attributes import number_key

# neighbours of which the doubles are equal, and what lies beyond the range of doubles and too close to 0
NUMBERS = (
    "-1e305", "-9007199254740993", "-9007199254740992", "-1e-305", "0", "1e-305", "1e-303", "0.1", "0.10000000000000000000001",
    "9007199254740992", "9007199254740993", "1e301", "1e305",
)  # fmt: skip


@pytest.fixture
def stocked(acme):
    for number in NUMBERS:
        body = f'{{"content": "the number {number}", "metadata": {{"n": {number}}}}}'
        stored = acme.send("/api/v1/memories", body, "application/json")
        assert stored.status_code == 201, stored.content
    return acme


def test_each_comparison_is_exact(stocked):
    values = {
        each["content"].split()[-1]: Decimal(str(each["metadata"]["n"]))
        for each in stocked.get("/api/v1/memories?limit=100").json()["results"]
    }
    comparisons = {"$eq": "__eq__", "$gt": "__gt__", "$gte": "__ge__", "$lt": "__lt__", "$lte": "__le__"}
    for operator, method in comparisons.items():
        for bound in NUMBERS:
            body = f'{{"filters": {{"n": {{"{operator}": {bound}}}}}, "limit": 100}}'
            found = stocked.send("/api/v1/memories/query", body, "application/json").json()["results"]
            expected = {name for name, value in values.items() if getattr(value, method)(values[bound])}
            assert {each["content"].split()[-1] for each in found} == expected, (operator, bound)


def test_keys_are_in_the_order_of_their_numbers():
    keys = [number_key(Decimal(each)) for each in NUMBERS]
    assert all(lower <= upper for lower, upper in pairwise(keys))
    assert (keys[0], keys[3], keys[5], keys[-1]) == (-inf, 0.0, 0.0, inf)
