"""mem0's own client, and its asynchronous one, against our routes."""

import asyncio
import os
from uuid import uuid4

import pytest
from mem0 import AsyncMemoryClient, MemoryClient
from mem0.client.types import (
    AddMemoryOptions,
    DeleteAllMemoryOptions,
    SearchMemoryOptions,
    UpdateMemoryOptions,
)
from mem0.exceptions import AuthenticationError, MemoryNotFoundError, ValidationError

ADDRESS = {"api_key": os.environ["LIFTOS_API_KEY"], "host": os.environ["LIFTOS_URL"]}


@pytest.fixture(scope="module")
def client():
    return MemoryClient(**ADDRESS)


@pytest.fixture
def user():
    return f"alex-{uuid4().hex}"


def texts(page):
    return [each["memory"] for each in page["results"]]


def test_a_memory_lives_from_add_to_delete(client, user):
    messages = [
        {"role": "user", "content": "I am allergic to nuts"},
        {"role": "assistant", "content": "Noted"},
    ]
    added = client.add(messages, user_id=user, run_id="r", metadata={"topic": "food"}, infer=False)
    assert texts(added) == ["I am allergic to nuts", "Noted"]
    memory = added["results"][0]["id"]
    assert client.get(memory)["metadata"] == {"topic": "food"}
    found = client.search("what must Alex not eat", filters={"user_id": user}, top_k=1)
    assert found["results"][0]["id"] == memory
    assert set(texts(client.get_all(filters={"user_id": user}))) == {"I am allergic to nuts", "Noted"}
    assert client.get_all(filters={"user_id": user}, page=2, page_size=1)["count"] == 2
    assert client.update(memory, text="I am allergic to peanuts")["memory"] == "I am allergic to peanuts"
    assert [each["event"] for each in client.history(memory)] == ["ADD", "UPDATE"]
    assert client.delete(memory) == {"message": "Memory deleted successfully!"}
    with pytest.raises(MemoryNotFoundError):
        client.get(memory)


def test_typed_options(client, user):
    mine = {"user_id": user}
    options = AddMemoryOptions(
        filters=mine, infer=False, expiration_date="2999-01-01", timestamp=1_700_000_000
    )
    memory = client.add("I like tea", options=options)["results"][0]["id"]
    options = SearchMemoryOptions(
        filters={"AND": [mine, {"created_at": {"gte": "2020-01-01"}}]}, threshold=0.01
    )
    assert texts(client.search("hot drinks", options=options)) == ["I like tea"]
    assert client.update(memory, options=UpdateMemoryOptions(metadata={"a": 1}))["metadata"] == {"a": 1}
    assert "expiration_date" not in client.update(memory, expiration_date=None)
    assert "message" in client.delete_all(options=DeleteAllMemoryOptions(filters=mine))
    assert client.get_all(filters=mine)["count"] == 0


def test_batches_entities_and_deletions(client, user):
    ids = [
        client.add(text, user_id=user, infer=False)["results"][0]["id"] for text in ("one", "two", "three")
    ]
    client.batch_update([{"memory_id": ids[0], "text": "first"}, {"memory_id": ids[1], "text": "second"}])
    assert set(texts(client.get_all(filters={"user_id": user}))) == {"first", "second", "three"}
    client.batch_delete([{"memory_id": ids[0]}])
    assert {"id": user, "name": user, "type": "user", "total_memories": 2} in client.users()["results"]
    client.delete_users(user_id=user)
    assert client.get_all(filters={"user_id": user})["count"] == 0
    client.add("four", user_id=user, infer=False)
    client.delete_all(user_id=user)
    assert client.get_all(filters={"user_id": user})["count"] == 0


def test_errors_are_the_clients_own(client, user):
    with pytest.raises(ValidationError, match="language model"):
        client.add("x", user_id=user, infer=True)
    with pytest.raises(ValidationError):
        client.add("x")
    with pytest.raises(ValidationError):
        client.delete_all()
    with pytest.raises(ValueError, match="Error"):
        MemoryClient(**ADDRESS | {"api_key": "m0-none"})
    assert AuthenticationError  # raised by calls after the first


def test_the_asynchronous_client(user):
    async def work():
        async with AsyncMemoryClient(**ADDRESS) as client:
            await client.add("I play chess", user_id=user, infer=False)
            return await client.search("board games", filters={"user_id": user})

    assert texts(asyncio.run(work())) == ["I play chess"]


def test_reset_erases_what_mem0s_clients_see(client, user):
    client.add("x", user_id=user, infer=False)
    client.reset()
    assert client.users()["results"] == []
