"""OpenAI's own client against our vector stores."""

import os
from uuid import uuid4

import openai
import pytest


@pytest.fixture(scope="module")
def client():
    return openai.OpenAI(api_key=os.environ["LIFTOS_API_KEY"], base_url=os.environ["LIFTOS_URL"] + "/v1")


@pytest.fixture(scope="module")
def source(liftos):
    source = f"test{uuid4().hex}"
    for name, text, region in (
        ("rain", "Boots sell when it rains", "us"),
        ("snow", "Boots sell when it snows", "eu"),
    ):
        liftos.remember(text, source=source, external_id=name, metadata={"region": region, "year": 2024})
    return source


def test_a_search(client, source):
    page = client.vector_stores.search(source, query="shoes in wet weather", max_num_results=1)
    [found] = list(page)
    assert (found.filename, found.content[0].text) == ("rain", "Boots sell when it rains")
    assert found.attributes == {"region": "us", "year": 2024}
    assert 0 < found.score <= 1
    eu = {
        "type": "and",
        "filters": [
            {"type": "eq", "key": "region", "value": "eu"},
            {"type": "gte", "key": "year", "value": 2000},
        ],
    }
    found = client.vector_stores.search(
        source,
        query=["boots", "snow"],
        filters=eu,
        ranking_options={"score_threshold": 0.0},
        rewrite_query=True,
    )
    assert [each.filename for each in found] == ["snow"]


def test_stores_are_listed_page_by_page(client, source):
    stores = {each.id: each.file_counts.total for each in client.vector_stores.list(limit=2)}
    assert stores[source] == 2
    assert stores["all"] >= 2
    assert client.vector_stores.retrieve(source).status == "completed"


def test_errors_are_the_clients_own(client, source):
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.search("none", query="x")
    with pytest.raises(openai.UnprocessableEntityError) as raised:
        client.vector_stores.search(source, query="x", max_num_results=0)
    assert raised.value.param == "max_num_results"
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(api_key="sk-x", base_url=str(client.base_url)).vector_stores.list()
