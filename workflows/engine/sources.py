"""The sources of a step: the memories and decisions behind the results that it uses, directly or through other steps."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor, tenant_pipeline
from liftos.kernel.functions import Mentions, Sources, find_function
from workflows.engine.claims import Claim
from workflows.engine.runs import RunInfo
from workflows.engine.statements import ENDED_STEPS, READ_RESULT
from workflows.types import NOT_AN_ITEM

MAX_SOURCES = 100


def sources_of(claim: Claim, info: RunInfo) -> Sources:
    """Return the memories quoted in a step's inputs, at most MAX_SOURCES, and the decisions that read them.

    The latest results come first. For a map item that is itself a quoted memory, only that memory of the list counts. If the run sees
    private memories, those beyond MAX_SOURCES are returned too, for whoever must not show them to others.
    """
    names = [name for name in info.plan.behind(claim.name) if _mentions(info, name) is not None]
    if not names:
        return Sources()
    item = _id_of(claim.value) if claim.item != NOT_AN_ITEM else None
    memories: dict[UUID, None] = {}
    decisions: dict[UUID, None] = {}
    with tenant_pipeline(info.organisation):
        ended = raw_cursor().execute(ENDED_STEPS, (info.organisation, info.id, sorted(names))).fetchall()
        # one at a time: a thousand results may be too large together
        for (step,) in ended:
            if len(memories) >= MAX_SOURCES and not info.principal.viewer.scopes:
                break
            row = raw_cursor().execute(READ_RESULT, (info.organisation, step)).fetchone()
            if row is None:
                continue
            name, result, decision = row
            value = json.loads(result) if isinstance(result, str) else result
            found = list(_quoted(info, name, value))
            if not found:
                continue
            memories |= dict.fromkeys([item] if item in found else found)
            decisions |= dict.fromkeys(_decisions(value) or [decision])
    named = tuple(memories)
    return Sources(named[:MAX_SOURCES], tuple(decisions)[:MAX_SOURCES], named[MAX_SOURCES:])


def _quoted(info: RunInfo, name: str, value: Any) -> Iterator[UUID]:
    mentions = _mentions(info, name)
    if mentions is None:
        return
    for each in value if info.plan.steps[name].map is not None else [value]:
        if each is not None:
            yield from mentions(each)


def _mentions(info: RunInfo, name: str) -> Mentions | None:
    """Return the function that lists the memories a step's result quotes; None if it quotes none."""
    step = info.plan.steps[name]
    function = find_function(step.function, step.version) if step.function else None
    return None if function is None else function.mentions


def _decisions(value: Any) -> list[UUID]:
    """Return the decisions named in a reading function's result, or in a map's results."""
    results = value if isinstance(value, list) else [value]
    named = (each.get("decision_id") for each in results if isinstance(each, dict))
    return [UUID(each) for each in named if isinstance(each, str)]


def _id_of(value: Any) -> UUID | None:
    try:
        return UUID(value["id"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return None
