"""Remove quotes of erased memories from memory's and the kernel's tables: bulk jobs, events, traces, reasons, links, admin history."""

import json
from collections.abc import Sequence
from typing import Any

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.erasure.sweep import Place, quoting
from liftos.kernel.erasure.types import Going
from liftos.kernel.http.idempotency.keys import scrub
from memory.analysis.value_keys import folded_number, value_keys
from memory.erasure.statements import (
    BLANK_ADMIN_HISTORY,
    BLANK_ARRIVALS,
    BLANK_CONTEXT,
    BLANK_EVENTS,
    BLANK_PROPERTIES,
    BLANK_REASONS,
    BLANK_WEBHOOKS,
    COUNT_SAME_VALUE,
    DELETE_TRACES,
    DOCUMENTS_WAIT,
    SET_CHUNK_RESULTS,
)

_CHUNKS = Place(
    "memory_bulkchunk", ("job_id", "number"), texts=("text",), values=("results",), order="job_id"
)
_EVENTS = Place(
    "events_outboxevent",
    ("id",),
    values=("data",),
    only="AND external_id = ''",
    ids=("memory_id", "decision_id", "erasure_id", "run_id"),
)
# events from outside have data of any form
_ARRIVALS = Place(
    "events_outboxevent",
    ("id",),
    texts=("subject",),
    values=("data", "attributes"),
    only="AND external_id <> ''",
)
_TRACES = Place("observability_tracerecord", ("id",), values=("spans",))
_KEYS = Place("idempotency_idempotencykey", ("actor", "key"), values=("body",), order="recorded_at")
_REASONS = Place("memory_memoryversion", ("id",), texts=("reason",), only="AND reason <> ''")
_CONTEXTS = Place("memory_context", ("organisation_id",), texts=("domain",), order="organisation_id")
_LINKS = Place("memory_memorylink", ("id",), values=("properties",), only="AND properties <> '{}'")
_WEBHOOKS = Place("events_webhook", ("id",), texts=("description",), values=("filters",))
SAME = "other memories of the same text"
WAITING = "lines of bulk stores that wait to be stored"


def erase_quotes(going: Going, texts: Sequence[str]) -> dict[str, int]:
    """Remove quotes of memories from these tables; return the number of rows by table.

    Args:
        going: the erasure.
        texts: the memories' texts. Other memories with the same text that are not derived from them are kept and counted in the
            receipt.
    """
    organisation = going.organisation
    removed = {"bulk_results": _erase_results(going)}
    with raw_cursor() as cursor:
        for name, place, statement in (
            ("events", _EVENTS, BLANK_EVENTS),
            ("arrivals", _ARRIVALS, BLANK_ARRIVALS),
            ("traces", _TRACES, DELETE_TRACES),
            ("reasons", _REASONS, BLANK_REASONS),
            ("link_properties", _LINKS, BLANK_PROPERTIES),
            ("webhooks", _WEBHOOKS, BLANK_WEBHOOKS),
        ):
            ids = [row[0] for row in quoting(going, place)]
            removed[name] = cursor.execute(statement, (organisation, ids)).rowcount if ids else 0
        removed["events"] += removed.pop("arrivals")
        keys = quoting(going, _KEYS)
        for actor, key, body in keys:
            scrub(organisation=organisation, actor=actor, key=key, body=body)
        removed["idempotency_answers"] = len(keys)
        numbers = list({folded_number(value_keys(organisation, each)) for each in texts} - {None})
        same = cursor.execute(COUNT_SAME_VALUE, (organisation, numbers, list(going.memories))).fetchone()
        if same and same[0]:
            going.kept[SAME] = same[0]
        waits = cursor.execute(DOCUMENTS_WAIT, (organisation,)).fetchone()
        if waits and waits[0]:
            going.not_looked_at.add("memory_documentjob")
        if quoting(going, _CONTEXTS):
            cursor.execute(BLANK_CONTEXT, (organisation,))
        removed["admin_history"] = cursor.execute(
            BLANK_ADMIN_HISTORY, ([str(each) for each in going.memories],)
        ).rowcount
    return removed


def _erase_results(going: Going) -> int:
    """Remove external ids and errors from the results of lines that became these memories or quote them."""
    ids = {str(each) for each in going.memories}
    removed = waiting = 0
    for job, number, text, results in quoting(going, _CHUNKS, also=sorted(ids)):
        waiting += bool(text)
        if results is None:
            continue
        scrubbed = [
            _scrubbed(each) if each.get("id") in ids or going.quotes.in_value(each) else each
            for each in results
        ]
        if scrubbed != results:
            with raw_cursor() as cursor:
                cursor.execute(SET_CHUNK_RESULTS, (json.dumps(scrubbed), going.organisation, job, number))
            removed += 1
    if waiting:
        going.kept[WAITING] = waiting
    return removed


def _scrubbed(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name in ("line", "status", "id")}
