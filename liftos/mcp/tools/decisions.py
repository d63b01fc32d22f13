"""Tools for decisions and workflows: explain, record_decision, find_decisions, run_workflow."""

import asyncio
import json
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from liftos.kernel.http.strict import Strict
from liftos.mcp.door import Door, part
from liftos.mcp.replies import Reply, as_data, as_records, counted, memory_record, plain
from liftos.mcp.tools.arguments import Key, Time, VisibleTo, given, once_only
from liftos.mcp.toolset import Report, Tool

# a run that ends within this time, in seconds, is answered by the request that starts it
AT_ONCE = 1.0
POLL_SECONDS = (0.25, 2.0)
ENDED = frozenset({"completed", "failed", "cancelled"})


class Explain(Strict):
    """Arguments of `explain`: one of both."""

    decision_id: str | None = Field(
        default=None, min_length=1, description="A recall's or another decision's id."
    )
    memory_id: str | None = Field(default=None, min_length=1, description="Or a memory's id.")

    @model_validator(mode="after")
    def check_one(self) -> "Explain":
        """Require one."""
        if (self.decision_id is None) == (self.memory_id is None):
            raise PydanticCustomError("explain_what", "Give either decision_id or memory_id")
        return self


class RecordDecision(Strict):
    """Arguments of `record_decision`."""

    operation: str = Field(description='What was decided, as a name: "budget.shift".')
    reasoning: str = Field(description="Why, in sentences.")
    decision_point: str | None = Field(default=None, description="The recurring question that this answers.")
    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    alternatives: list[Any] | None = Field(default=None, description="What was considered and not chosen.")
    memories: list[str] | None = Field(default=None, description="Ids of the memories it rests on.")
    confidence: float | None = Field(default=None, description="0..1")
    confidence_method: str | None = None
    versions: dict[str, Any] | None = Field(default=None, description="Models and prompts used.")
    parents: list[str] | None = Field(
        default=None, description="Ids of decisions it follows from, such as a recall's."
    )
    subject: dict[str, str] | None = Field(default=None, description='{"kind": …, "id": …}')
    risk_class: Literal["minimal", "limited", "high"] | None = None
    effect: Literal["read", "write", "delete"] | None = None
    started_at: Time = None
    idempotency_key: Key = None


class FindDecisions(Strict):
    """Arguments of `find_decisions`: with `query`, the best answers to it; else the newest first."""

    query: str | None = Field(
        default=None,
        min_length=1,
        description="A question: has this been decided before, and what came of it?",
    )
    operation: str | None = None
    subject_id: str | None = Field(default=None, description="What it was about: a memory's id, for example.")
    actor: str | None = Field(default=None, description="Who decided: kind:id, an id, or on whose behalf.")
    effect: Literal["read", "write", "delete"] | None = None
    correlation_id: str | None = None
    since: Time = None
    until: Time = None
    limit: int | None = Field(default=None, description="Default 20, with a query 10.")
    cursor: str | None = Field(default=None, description="`next` of the previous page; not with a query.")

    @model_validator(mode="after")
    def check_query(self) -> "FindDecisions":
        """Refuse what a search by meaning does not take."""
        if self.query is not None and (self.cursor is not None or self.correlation_id is not None):
            raise PydanticCustomError("query_alone", "A query takes neither cursor nor correlation_id")
        return self


class RunWorkflow(Strict):
    """Arguments of `run_workflow`."""

    template: str = Field(description="A published template, by name or id.")
    parameters: dict[str, Any] | None = None
    version: int | None = None
    metadata: dict[str, Any] | None = None
    visible_to: VisibleTo = None
    wait_seconds: float = Field(
        default=60.0, ge=0, le=600, description="How long to wait for its end; it continues afterwards."
    )
    idempotency_key: Key = None


async def explain(door: Door, asked: Explain, report: Report) -> Reply:
    """Return a decision's record with what it led to, or a memory with its history."""
    del report
    if asked.decision_id is not None:
        path = f"decisions/{part(asked.decision_id)}"
        decision = (await door.call("GET", path)).body
        chain = (await door.call("GET", f"{path}/chain")).body
        shown = {"decision": decision, "chain": chain}
        return Reply(as_data(shown, id=decision["id"], type="decision"), shown)
    path = f"memories/{part(str(asked.memory_id))}"
    memory = (await door.call("GET", path)).body
    history = (await door.call("GET", f"{path}/history")).body["results"]
    text, attributes = memory_record(memory)
    changes = json.dumps(history, ensure_ascii=False, indent=1)
    records = [(text, attributes), (changes, {"type": "history"})]
    return Reply(as_records(records), {"memory": memory, "history": history})


async def record_decision(door: Door, asked: RecordDecision, report: Report) -> Reply:
    """Put a decision on record."""
    del report
    answer = await door.call(
        "POST", "decisions", body=given(asked, "idempotency_key"), headers=once_only(asked.idempotency_key)
    )
    return plain(answer.body, f"Recorded as decision {answer.body['id']}.")


async def find_decisions(door: Door, asked: FindDecisions, report: Report) -> Reply:
    """List decisions, newest first, or find those that answer a question, with their verdicts and outcomes."""
    del report
    if asked.query is not None:
        found = (await door.call("POST", "decisions/search", body=given(asked))).body
        lead = counted(len(found["results"]), "decision", "decisions") + ", best first.\n"
        hits = [
            (json.dumps(each, ensure_ascii=False), {"id": each["decision"]["id"], "type": "decision"})
            for each in found["results"]
        ]
        return Reply(as_records(hits, lead=lead), {"results": found["results"], "next": None})
    answer = await door.call("GET", "decisions", query={"limit": 20} | given(asked))
    page = answer.body
    following = parse_qs(urlsplit(page["next"]).query).get("cursor", [None])[0] if page["next"] else None
    shown = {"results": page["results"], "next": following}
    lead = counted(len(page["results"]), "decision", "decisions") + (
        f"; more with cursor {following}.\n" if following else ".\n"
    )
    records = [
        (json.dumps(each, ensure_ascii=False), {"id": each["id"], "type": "decision"})
        for each in page["results"]
    ]
    return Reply(as_records(records, lead=lead), shown)


async def run_workflow(door: Door, asked: RunWorkflow, report: Report) -> Reply:
    """Start a run and follow it until it ends or the time is up."""
    body = given(asked, "wait_seconds", "idempotency_key") | {"wait": min(AT_ONCE, asked.wait_seconds)}
    loop = asyncio.get_running_loop()
    until = loop.time() + asked.wait_seconds
    run = (
        await door.call("POST", "workflows/runs", body=body, headers=once_only(asked.idempotency_key))
    ).body
    pause, most = POLL_SECONDS
    while run["status"] not in ENDED and loop.time() < until:
        await report(*_progress(run))
        await asyncio.sleep(min(pause, max(0.0, until - loop.time())))
        pause = min(2 * pause, most)
        run = (await door.call("GET", f"workflows/runs/{part(run['id'])}")).body
    lead = f"Run {run['id']} is {run['status']}.\n"
    return Reply(as_data(run, lead=lead, id=run["id"], type="run"), run, is_error=run["status"] == "failed")


def _progress(run: dict[str, Any]) -> tuple[float, float | None, str]:
    steps = run.get("steps", [])
    done = sum(step["finished_at"] is not None for step in steps)
    return float(done), float(len(steps)) or None, f"{done} of {len(steps)} steps; {run['status']}"


TOOLS = (
    Tool(
        "explain",
        "Explain",
        "Explain why: with a recall's decision_id, what was searched, found and why it ranks so, and what followed from it; with a memory_id, "
        "where the memory comes from and how it changed.",
        Explain,
        explain,
        reads=True,
    ),
    Tool(
        "record_decision",
        "Record a decision",
        "Put a decision of yours on the permanent record, with the memories and recalls it rests on. People can review it later.",
        RecordDecision,
        record_decision,
    ),
    Tool(
        "find_decisions",
        "Find decisions",
        "Find earlier decisions on record: what was decided, by whom, why, and what came of it. With a query by meaning, best first; without, newest first.",
        FindDecisions,
        find_decisions,
        reads=True,
    ),
    Tool(
        "run_workflow",
        "Run a workflow",
        "Start a published workflow and wait for its result. If it takes longer than wait_seconds, it continues; the answer has its id.",
        RunWorkflow,
        run_workflow,
    ),
)
