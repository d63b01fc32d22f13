"""`LiftosRetriever` as LangChain calls it."""

import asyncio
import os
from uuid import uuid4

import pytest
from langchain_core.runnables import RunnablePassthrough
from liftos_client import AsyncClient
from liftos_client.langchain import LiftosRetriever


@pytest.fixture(scope="module")
def source(liftos):
    source = f"test{uuid4().hex}"
    liftos.remember("Boots sell when it rains", source=source, metadata={"region": "us"}, external_id="rain")
    liftos.remember("Hats sell in the sun", source=source, metadata={"region": "eu"})
    filler = "Nothing of interest happens here today. " * 60
    liftos.remember(f"{filler}\n\nUmbrellas are sold at platform nine.\n\n{filler}", source=source)
    liftos.remember({"shop": "corner", "sells": "sledges for the snow"}, source=source)
    return source


def test_memories_come_as_documents(liftos, source):
    retriever = LiftosRetriever(client=liftos, k=2, search={"source": source})
    documents = retriever.invoke("shoes in wet weather")
    assert len(documents) == 2
    [best, _] = documents
    assert best.page_content == "Boots sell when it rains"
    assert best.metadata["region"] == "us"
    own = best.metadata["liftos"]
    assert (own["id"], own["external_id"], own["state"]) == (best.id, "rain", "active")
    assert liftos.decision(own["decision_id"]).operation == "memory.search"
    assert [each.id for each in retriever.invoke("rain", k=1)] == [best.id]
    narrow = retriever.invoke("what sells", filters={"region": "eu"})
    assert [each.page_content for each in narrow] == ["Hats sell in the sun"]
    [found] = retriever.invoke("sledges", k=1)
    assert "sledges for the snow" in found.page_content


def test_long_memories_come_as_passages(liftos, source):
    retriever = LiftosRetriever(client=liftos, k=1, search={"source": source}, passages=True)
    [found] = retriever.invoke("where are umbrellas sold")
    assert "platform nine" in found.page_content
    assert len(found.page_content) < 3000


def test_doubtful_recalls_can_be_left_out(liftos, source):
    retriever = LiftosRetriever(
        client=liftos, search={"source": source, "min_score": 0.99}, skip_doubtful=True
    )
    assert retriever.invoke("zebra xylophone quantum") == []


def test_asynchronously_and_in_chains(liftos, source):
    async def ask():
        async with AsyncClient(os.environ["LIFTOS_URL"], os.environ["LIFTOS_API_KEY"]) as client:
            own = LiftosRetriever(client=liftos, async_client=client, k=1, search={"source": source})
            by_thread = LiftosRetriever(client=liftos, k=1, search={"source": source})
            return [await each.ainvoke("rain boots") for each in (own, by_thread)]

    one, two = asyncio.run(ask())
    assert one[0].id == two[0].id
    retriever = LiftosRetriever(client=liftos, k=1, search={"source": source})
    chain = {"found": retriever, "asked": RunnablePassthrough()} | RunnablePassthrough()
    answer = chain.invoke("rain boots")
    assert answer["found"][0].id == one[0].id
    assert [len(each) for each in retriever.batch(["rain", "sun"])] == [1, 1]


def test_the_adapter_adds_less_than_a_millisecond(liftos, source, added):
    retriever = LiftosRetriever(client=liftos, k=5, search={"source": source})
    # LangChain's own callbacks take longer than ours
    assert added(lambda: retriever._get_relevant_documents("rain boots", run_manager=None)) < 0.001
