"""`liftos_toolset` in an agent of Pydantic AI."""

import asyncio
import os
from uuid import uuid4

import pytest
from liftos_client import AsyncClient
from liftos_client.errors import NotAuthenticated
from liftos_client.pydantic_ai import liftos_toolset
from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

ADDRESS = (os.environ["LIFTOS_URL"], os.environ["LIFTOS_API_KEY"])


def ran(calls, key=ADDRESS[1], **options):
    """Run an agent whose model makes these calls one after another; return what they answered, and the tools it was offered."""
    answers, offered, left = [], [], iter(calls)

    def model(messages, info):
        offered[:] = [each.name for each in info.function_tools]
        answers.extend(
            (getattr(part, "outcome", part.part_kind), str(part.content))
            for part in messages[-1].parts
            if part.part_kind in ("tool-return", "retry-prompt")
        )
        call = next(left, None)
        if callable(call):
            call = call(answers)
        return ModelResponse([TextPart("done") if call is None else ToolCallPart(*call)])

    async def work():
        async with AsyncClient(ADDRESS[0], key) as client:
            toolset = liftos_toolset(client, **options)
            await Agent(FunctionModel(model), toolsets=[toolset], retries=3).run("go")

    asyncio.run(work())
    return answers, offered


def test_an_agent_remembers_corrects_decides_and_forgets(liftos):
    source = f"test{uuid4().hex}"

    def memory(answers):
        return answers[0][1].rpartition(" ")[2]

    answers, offered = ran(
        [
            ("remember", {"content": "Rex is a small brown dog", "tags": ["pets"]}),
            ("recall", {"query": "which pets are there"}),
            lambda answers: (
                "correct",
                {"memory_id": memory(answers), "content": "Rex is a big brown dog", "reason": "grown"},
            ),
            lambda answers: (
                "record_decision",
                {"operation": "pets.feed", "reasoning": "big", "memories": [memory(answers)]},
            ),
            lambda answers: ("forget", {"memory_id": memory(answers)}),
            ("recall", {"query": "Rex"}),
        ],
        narrow={"source": source},
        fields={"source": source},
    )
    assert offered == ["recall", "remember", "correct", "forget", "record_decision"]
    kinds, texts = zip(*answers, strict=True)
    assert set(kinds) == {"success"}
    assert "| Rex is a small brown dog" in texts[1]
    assert texts[2] == "Corrected; this is version 2"
    assert liftos.decision(texts[3].rpartition(" ")[2]).operation == "pets.feed"
    assert texts[4].startswith("Erased")
    assert texts[5] == "Nothing is remembered about this."


def test_the_model_can_mend_its_arguments():
    answers, _ = ran([("remember", {"content": " "}), ("forget", {"memory_id": "nobody"})])
    assert "success" not in {kind for kind, _ in answers}, answers
    assert "visible character" in answers[0][1]


def test_reading_alone_and_a_wrong_key():
    assert ran([], writes=False)[1] == ["recall"]
    with pytest.raises(NotAuthenticated):
        ran([("recall", {"query": "x"})], key="liftos_none")
