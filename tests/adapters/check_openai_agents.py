"""`LiftosSession` against the SDK's own `SQLiteSession`, and under its runner."""

import asyncio
import os
from uuid import uuid4

import pytest
from agents import Agent, Model, ModelResponse, Runner, SQLiteSession, Usage
from agents.memory import Session, SessionSettings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from liftos_client import AsyncClient
from liftos_client.openai_agents import LiftosSession
from openai.types.responses import ResponseOutputMessage, ResponseOutputText

ITEMS = st.one_of(
    st.sampled_from(["hi", "", "  ", "Olá 👋"]).map(lambda text: {"role": "user", "content": text}),
    st.just(
        {
            "role": "assistant",
            "type": "message",
            "content": [{"type": "output_text", "text": "yes", "annotations": []}],
        }
    ),
    st.just({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}),
    st.just({"type": "function_call_output", "call_id": "c", "output": "1"}),
)
ACTS = st.one_of(
    st.tuples(st.just("add"), st.lists(ITEMS, max_size=3)),
    st.tuples(st.just("get"), st.none() | st.integers(0, 3)),
    st.tuples(st.just("pop"), st.none()),
    st.tuples(st.just("clear"), st.none()),
)


def within(work):
    async def run():
        async with AsyncClient(os.environ["LIFTOS_URL"], os.environ["LIFTOS_API_KEY"]) as client:
            return await work(client)

    return asyncio.run(run())


def session(client, **more):
    return LiftosSession(f"s{uuid4().hex}", client, **more)


async def act(on, what, given):
    if what == "add":
        return await on.add_items(given)
    if what == "get":
        return await on.get_items(given)
    return await (on.pop_item() if what == "pop" else on.clear_session())


@settings(
    max_examples=15,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(acts=st.lists(ACTS, min_size=1, max_size=10))
def test_random_acts_give_the_same_as_sqlite(acts):
    async def compare(client):
        own, theirs = session(client), SQLiteSession("s")
        for what, value in [*acts, ("get", None)]:
            if what == "get" and value == 0:
                continue  # SQLite's own reading of no items is not defined
            assert await act(own, what, value) == await act(theirs, what, value), (what, value)
        theirs.close()

    within(compare)


def test_sessions_are_apart_and_found_by_what_was_said():
    async def work(client):
        one, two = session(client), session(client)
        await one.add_items([{"role": "user", "content": "My sister lives in Porto"}])
        await two.add_items([{"role": "user", "content": "I like chess"}])
        assert [each["content"] for each in await two.get_items()] == ["I like chess"]
        found = await client.recall("where does the sister live", thread=one.session_id)
        assert found[0].content == "My sister lives in Porto"
        limited = LiftosSession(one.session_id, client, session_settings=SessionSettings(limit=1))
        await limited.add_items([{"role": "assistant", "content": "Noted"}])
        assert [each["content"] for each in await limited.get_items()] == ["Noted"]
        assert isinstance(one, Session)
        await one.clear_session()
        assert await one.get_items() == []
        assert len(await two.get_items()) == 1

    within(work)


def test_a_refused_item_leaves_nothing_behind():
    async def work(client):
        own = session(client)
        with pytest.raises(Exception, match=r"NUL|can't be stored"):
            await own.add_items(
                [{"role": "user", "content": "fine"}, {"role": "user", "content": "bad \x00"}]
            )
        assert await own.get_items() == []

    within(work)


class Echo(Model):
    """A model that says what it was told."""

    def __init__(self):
        self.heard = []

    async def get_response(self, system_instructions, input, *args, **kwargs):  # noqa: A002  passed by name
        self.heard.append(input)
        text = ResponseOutputText(text=f"heard {len(input)}", type="output_text", annotations=[])
        message = ResponseOutputMessage(
            id="m", content=[text], role="assistant", status="completed", type="message"
        )
        return ModelResponse(output=[message], usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


def test_an_agent_goes_on_where_it_left():
    async def work(client):
        model = Echo()
        agent, own = Agent(name="echo", model=model), session(client)
        first = await Runner.run(agent, "one", session=own)
        second = await Runner.run(agent, "two", session=own)
        assert (first.final_output, second.final_output) == ("heard 1", "heard 3")
        assert [each["role"] for each in await own.get_items()] == ["user", "assistant", "user", "assistant"]

    within(work)
