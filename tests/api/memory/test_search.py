"""POST /api/v1/search."""

import pytest


@pytest.fixture
def stocked(acme):
    acme.store("Holiday campaign raised conversions", metadata={"channel": "email", "spend": 100})
    acme.store("Television reached saturation in March", metadata={"channel": "tv", "spend": 900})
    acme.store("Raising the price hurt the brand", metadata={"channel": "tv", "tags": ["price", "brand"]})
    return acme


@pytest.mark.parametrize("search_type", ["neural", "knowledge", "hybrid"])
def test_finds_by_each_type(stocked, search_type):
    found = stocked.search("campaign conversions", search_type=search_type)
    assert found[0]["content"] == "Holiday campaign raised conversions"


@pytest.mark.parametrize("search_type", ["neural", "knowledge", "hybrid"])
def test_terms_sum_to_the_score(stocked, search_type):
    for hit in stocked.search("television price campaign", search_type=search_type):
        assert sum(hit["terms"].values()) == pytest.approx(hit["score"], abs=1e-6)
