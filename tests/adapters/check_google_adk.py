"""`LiftosMemoryService` with ADK's own sessions and events."""

import asyncio
import os
from datetime import datetime
from uuid import uuid4

import pytest
from google.adk.events.event import Event
from google.adk.memory.memory_entry import MemoryEntry
from google.adk.sessions import InMemorySessionService
from google.genai import types
from liftos_client import AsyncClient
from liftos_client.google_adk import LiftosMemoryService


def said(author, *texts):
    role = "user" if author == "user" else "model"
    return Event(
        author=author, content=types.Content(role=role, parts=[types.Part(text=text) for text in texts])
    )


def within(work):
    async def run():
        async with AsyncClient(os.environ["LIFTOS_URL"], os.environ["LIFTOS_API_KEY"]) as client:
            return await work(LiftosMemoryService(client, source=f"test{uuid4().hex}"), client)

    return asyncio.run(run())


def texts(response):
    return [each.content.parts[0].text for each in response.memories]


def test_sessions_are_remembered_by_user_and_once():
    async def work(memory, client):
        sessions = InMemorySessionService()
        session = await sessions.create_session(app_name="trips", user_id="ann")
        for event in (
            said("user", "My sister lives in Porto"),
            said("guide", "Noted", "Porto is lovely"),
            Event(author="guide"),
        ):
            await sessions.append_event(session, event)
        session = await sessions.get_session(app_name="trips", user_id="ann", session_id=session.id)
        await memory.add_session_to_memory(session)
        await sessions.append_event(session, said("user", "She likes chess"))
        await memory.add_session_to_memory(session)
        assert await client.count(source=memory.source) == 3
        found = await memory.search_memory(
            app_name="trips", user_id="ann", query="where does the sister live"
        )
        best = found.memories[0]
        assert texts(found)[0] == "My sister lives in Porto"
        assert (best.author, best.content.role) == ("user", "user")
        assert abs((session.events[0].timestamp) - datetime.fromisoformat(best.timestamp).timestamp()) < 1
        assert "Noted\nPorto is lovely" in texts(found)
        for app, user in (("trips", "bea"), ("other", "ann")):
            assert texts(await memory.search_memory(app_name=app, user_id=user, query="sister Porto")) == []

    within(work)


def test_events_and_memories_are_added_by_themselves():
    async def work(memory, client):
        event = said("user", "I like tea")
        for _ in range(2):
            await memory.add_events_to_memory(app_name="a", user_id="u", events=[event], session_id="s")
        entry = MemoryEntry(
            id="1",
            content=types.Content(parts=[types.Part(text="The house is blue")]),
            custom_metadata={"kind": "fact"},
        )
        for _ in range(2):
            await memory.add_memory(
                app_name="a", user_id="u", memories=[entry], custom_metadata={"by": "hand"}
            )
        assert await client.count(source=memory.source) == 2
        found = await memory.search_memory(app_name="a", user_id="u", query="colour of the house")
        assert found.memories[0].custom_metadata == {"kind": "fact", "by": "hand"}
        one = found.memories[0].id
        await memory.delete_memory(app_name="a", user_id="other", memory_id=one)
        assert await client.count(source=memory.source) == 2
        for gone in (one, one, "nobody", None):
            await memory.delete_memory(app_name="a", user_id="u", memory_id=gone)
        assert await client.count(source=memory.source) == 1
        refused = MemoryEntry(content=types.Content(parts=[types.Part(text="x")]), timestamp="some day")
        with pytest.raises(Exception, match="valid_from"):
            await memory.add_memory(app_name="a", user_id="u", memories=[refused])

    within(work)
