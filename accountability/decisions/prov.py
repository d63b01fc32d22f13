"""Decisions as W3C PROV, in PROV-JSON. Pure.

A decision is an activity; its inputs and results are entities; the actor and the person it acted for are agents; its parents
informed it. Each decision is its own bundle, so that a document of millions can be streamed; identifiers are shared by all
bundles.

Source: W3C Recommendation PROV-DM (2013) for the terms, W3C Member Submission PROV-JSON (2013) for the form.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from accountability.leaf import jsonable, moment
from accountability.types import Decision, Effect

PREFIXES = {
    "decision": "urn:liftos:decision:",
    "record": "urn:liftos:record:",
    "bundle": "urn:liftos:bundle:",
    "agent": "urn:liftos:agent:",
    "thing": "urn:liftos:thing:",
    "liftos": "urn:liftos:terms:",
}
# how a decision's effect relates it to its subject
_RELATIONS = {Effect.READ: "used", Effect.WRITE: "wasGeneratedBy", Effect.DELETE: "wasInvalidatedBy"}


def prov_document(decisions: Iterable[Decision]) -> Iterator[bytes]:
    """Yield a PROV-JSON document, one bundle per decision, in their order."""
    yield f'{{"prefix":{json.dumps(PREFIXES)},"bundle":{{'.encode()
    separator = ""
    for decision in decisions:
        name = json.dumps(f"bundle:{decision.id}")
        body = json.dumps(jsonable(prov_bundle(decision)), ensure_ascii=False)
        yield f"{separator}\n{name}:{body}".encode()
        separator = ","
    yield b"\n}}\n"


def prov_bundle(decision: Decision) -> dict[str, Any]:
    """Return the PROV bundle of one decision, by kind of statement; relations are numbered within the bundle."""
    activity, record = f"decision:{decision.id}", f"record:{decision.id}"
    agent = _agent(decision.actor_kind, decision.actor_id)
    found: dict[str, dict[str, Any]] = {
        "activity": {activity: _activity(decision)},
        "entity": {record: _record(decision)},
        "agent": {agent: {"prov:type": f"liftos:{_local(decision.actor_kind)}"}},
    }

    def relate(kind: str, **ends: Any) -> None:
        statements = found.setdefault(kind, {})
        statements[f"_:{kind}{len(statements)}"] = {f"prov:{name}": value for name, value in ends.items()}

    relate("wasAssociatedWith", activity=activity, agent=agent)
    relate("wasGeneratedBy", entity=record, activity=activity, time=moment(decision.recorded_at))
    if decision.on_behalf_of:
        person = _agent("user", decision.on_behalf_of)
        found["agent"][person] = {"prov:type": "prov:Person"}
        relate("actedOnBehalfOf", delegate=agent, responsible=person, activity=activity)
    for parent in decision.parents:
        relate("wasInformedBy", informed=activity, informant=f"decision:{parent}")
    for used in decision.memories:
        memory = _thing("memory", str(used.get("id", "")))
        found["entity"][memory] = _memory(used)
        relate("used", activity=activity, entity=memory)
    if decision.subject_id:
        subject = _thing(decision.subject_kind, decision.subject_id)
        found["entity"].setdefault(subject, {})
        relate(_RELATIONS[Effect(decision.effect)], activity=activity, entity=subject)
    return found


def _activity(decision: Decision) -> dict[str, Any]:
    return {
        "prov:startTime": moment(decision.started_at),
        "prov:endTime": moment(decision.ended_at),
        "prov:type": f"liftos:{_local(decision.operation)}",
        "liftos:decisionPoint": decision.decision_point,
        "liftos:correlationId": decision.correlation_id,
        "liftos:traceId": decision.trace_id,
        "liftos:versions": json.dumps(decision.versions, ensure_ascii=False),
    }


def _record(decision: Decision) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "prov:type": "liftos:DecisionRecord",
        "liftos:riskClass": decision.risk_class,
    }
    if decision.reasoning:  # else the payload has been erased
        attributes["liftos:reasoning"] = decision.reasoning
        for name in ("inputs", "outputs", "alternatives"):
            attributes[f"liftos:{name}"] = json.dumps(jsonable(getattr(decision, name)), ensure_ascii=False)
    if decision.confidence is not None:
        attributes["liftos:confidence"] = decision.confidence
        attributes["liftos:confidenceMethod"] = decision.confidence_method
    return attributes


def _memory(used: dict[str, Any]) -> dict[str, Any]:
    given = {f"liftos:{name}": used[name] for name in ("score", "version") if used.get(name) is not None}
    return {"prov:type": "liftos:memory"} | given


def _agent(kind: str, name: str) -> str:
    return f"agent:{_local(kind)}/{_local(name)}"


def _thing(kind: str, name: str) -> str:
    return f"thing:{_local(kind)}/{_local(name)}"


def _local(text: str) -> str:
    """Return a text as the local part of a qualified name."""
    return quote(text, safe="")
