"""Results of tools: text for the model, with stored texts fenced as data, and the same as structured content."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from liftos.kernel.http.parsing import InvalidRequest
from liftos.mcp.door import Refused
from memory.search.fencing import fenced, new_tag, preface

# structured results quote no more of a memory than this, in characters: its best passage instead
MAX_QUOTED = 2_000


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a tool call.

    Attributes:
        text: for the model.
        structured: a JSON object for programs.
        is_error: whether the call failed.
    """

    text: str
    structured: dict[str, Any]
    is_error: bool = False


def as_records(records: Iterable[tuple[str, Mapping[str, str]]], *, lead: str = "") -> str:
    """Return texts that others wrote, each fenced as a record.

    Args:
        records: each text with the attributes of its tag.
        lead: own words before the records.
    """
    tag = new_tag()
    quoted = "".join(fenced(tag, text, **attributes) for text, attributes in records)
    return lead + (preface(tag) + quoted if quoted else "")


def as_data(value: Any, *, lead: str = "", **attributes: str) -> str:
    """Return JSON that may quote stored texts, fenced as one record."""
    return as_records([(json.dumps(value, ensure_ascii=False, indent=1), attributes)], lead=lead)


def counted(count: int, one: str, many: str) -> str:
    """Return a number of things in words."""
    return f"{count} {one if count == 1 else many}"


def text_of(content: Any) -> str:
    """Return a memory's content as text: an object as JSON."""
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def memory_record(memory: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return a memory's text, with its metadata below it, and the attributes of its record."""
    text = text_of(memory["content"])
    if memory["metadata"]:
        text += f"\nmetadata: {json.dumps(memory['metadata'], ensure_ascii=False)}"
    return text, {
        "id": memory["id"],
        "type": memory["memory_type"],
        "source": memory["source"],
        "external_id": memory["external_id"] or "",
        "tags": ", ".join(memory["tags"]),
        "state": memory["state"],
        "version": str(memory["version"]),
        "recorded": memory["recorded_at"],
    }


def shown_hit(hit: Mapping[str, Any]) -> dict[str, Any]:
    """Return a search hit as structured content: of a long memory the passage that matches best."""
    names = (
        "id", "content", "score", "metadata", "memory_type", "source", "external_id", "tags", "recorded_at",
        "valid_from", "valid_to", "state", "version",
    )  # fmt: skip
    shown = {name: hit[name] for name in names}
    text = text_of(hit["content"])
    if len(text) > MAX_QUOTED or hit.get("truncated"):
        passage = hit["passage"]["text"] if hit.get("passage") else text
        shown |= {"content": passage[:MAX_QUOTED], "truncated": True}
    return shown


def plain(body: Mapping[str, Any], text: str) -> Reply:
    """Return an answer without stored texts: a sentence, and the answer as JSON."""
    return Reply(f"{text}\n{json.dumps(body, ensure_ascii=False)}", dict(body))


_ADVICE = {
    401: "The credential is missing, revoked or expired. Don't retry; ask the operator for a valid key.",
    403: "This key may not do this. Don't retry; tell the user which permission is missing.",
    404: "Nothing by that id or name exists, or this key may not see it: check it before you try again.",
    412: "It was changed meanwhile. Read it again, then repeat the call with its current version.",
    413: "Send less at once.",
    422: "Correct the arguments named above, then call the tool again.",
}


def refusal(error: Refused) -> Reply:
    """Return a failed call: what is wrong, where, and whether trying again can help."""
    problem = error.problem
    items = [_located(each) for each in problem.get("errors", ()) if isinstance(each, dict)]
    detail = "The arguments are invalid." if error.status == 422 and items else problem.get("detail")
    lines = [str(detail or f"The service answered {error.status}.")]
    lines += [f"- {each['field']}: {each['message']}" for each in items if each["message"] not in lines[0]]
    if error.status == 409 and problem.get("memory_id"):
        lines.append(f"Memory {problem['memory_id']} has this external id: use correct to change it.")
    lines.append(_advice(error))
    told: dict[str, Any] = {
        name: problem[name]
        for name in ("status", "code", "detail", "correlation_id", "memory_id")
        if name in problem
    }
    if items:
        told["errors"] = items
    if error.retry_after:
        told["retry_after"] = error.retry_after
    return Reply("\n".join(filter(None, lines)), {"error": {"status": error.status} | told}, is_error=True)


def invalid(error: InvalidRequest) -> Reply:
    """Return a call whose arguments are refused before any request."""
    return refusal(
        Refused(
            422,
            {
                "code": error.code,
                "detail": "The arguments are invalid.",
                "errors": [{"loc": each["loc"], "msg": each["msg"]} for each in error.items],
            },
        )
    )


def _located(error: Mapping[str, Any]) -> dict[str, str]:
    loc = [str(each) for each in error.get("loc", ()) if each not in ("body", "query", "arguments")]
    return {"field": ".".join(loc) or "arguments", "message": str(error.get("msg", ""))}


def _advice(error: Refused) -> str:
    if error.status == 429 or error.status >= 500:
        wait = f"after {error.retry_after} seconds" if error.retry_after else "later"
        return f"Try again {wait}; with the same idempotency_key, a repeated write has no second effect."
    return _ADVICE.get(error.status, "")
