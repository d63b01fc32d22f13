"""Remove quotes of erased memories from memory's and the kernel's tables: bulk jobs, events, traces, reasons, admin history."""

import json
from collections.abc import Sequence
from typing import Any

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.erasure.sweep import Place, quoting
from liftos.kernel.erasure.types import Going
from liftos.kernel.http.idempotency.keys import scrub
from memory.analysis.value_keys import folded_number, value_keys

_CHUNKS = Place(
    "memory_bulkchunk", ("job_id", "number"), texts=("text",), values=("results",), order="job_id"
)
_CHUNK = """
UPDATE memory_bulkchunk SET results = %s::jsonb WHERE organisation_id = %s AND job_id = %s AND number = %s
"""
_EVENTS = Place("events_outboxevent", ("id",), values=("data",))
_BLANK_EVENTS = """
UPDATE events_outboxevent SET data = '{"erased": true}' WHERE organisation_id = %s AND id = ANY(%s)
"""
_TRACES = Place("observability_tracerecord", ("id",), values=("spans",))
_REMOVE_TRACES = "DELETE FROM observability_tracerecord WHERE organisation_id = %s AND id = ANY(%s)"
_KEYS = Place("idempotency_idempotencykey", ("actor", "key"), values=("body",), order="recorded_at")
_REASONS = Place("memory_memoryversion", ("id",), texts=("reason",), only="AND reason <> ''")
# versions can't be updated, so delete and reinsert them without the reason
_BLANK_REASONS = """
WITH gone AS (DELETE FROM memory_memoryversion WHERE organisation_id = %s AND id = ANY(%s) RETURNING *)
INSERT INTO memory_memoryversion
    (id, organisation_id, memory_id, version, content, metadata, memory_type, tags, importance, state, valid_from, valid_to,
     expires_at, superseded_by, known_from, known_to, operation, reason, actor_kind, actor_id, on_behalf_of, decision_id)
SELECT id, organisation_id, memory_id, version, content, metadata, memory_type, tags, importance, state, valid_from, valid_to,
       expires_at, superseded_by, known_from, known_to, operation, '', actor_kind, actor_id, on_behalf_of, decision_id
FROM gone
"""
_CONTEXTS = Place("memory_context", ("organisation_id",), texts=("domain",), order="organisation_id")
_BLANK_CONTEXT = "UPDATE memory_context SET domain = 'general' WHERE organisation_id = %s"
# the admin's history quotes the beginning of memories; its table has no organisation
_ADMIN = """
UPDATE django_admin_log AS l SET object_repr = 'erased', change_message = ''
FROM django_content_type AS t
WHERE t.id = l.content_type_id AND t.app_label = 'memory' AND l.object_id = ANY(%s) AND l.object_repr <> 'erased'
"""
_SAME = "SELECT count(*) FROM memory_memory WHERE organisation_id = %s AND value = ANY(%s) AND head IS NULL AND id <> ALL(%s)"
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
            ("events", _EVENTS, _BLANK_EVENTS),
            ("traces", _TRACES, _REMOVE_TRACES),
            ("reasons", _REASONS, _BLANK_REASONS),
        ):
            ids = [row[0] for row in quoting(going, place)]
            removed[name] = cursor.execute(statement, (organisation, ids)).rowcount if ids else 0
        keys = quoting(going, _KEYS)
        for actor, key, body in keys:
            scrub(organisation=organisation, actor=actor, key=key, body=body)
        removed["idempotency_answers"] = len(keys)
        numbers = list({folded_number(value_keys(organisation, each)) for each in texts} - {None})
        same = cursor.execute(_SAME, (organisation, numbers, list(going.memories))).fetchone()
        if same and same[0]:
            going.kept[SAME] = same[0]
        if quoting(going, _CONTEXTS):
            cursor.execute(_BLANK_CONTEXT, (organisation,))
        removed["admin_history"] = cursor.execute(_ADMIN, ([str(each) for each in going.memories],)).rowcount
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
                cursor.execute(_CHUNK, (json.dumps(scrubbed), going.organisation, job, number))
            removed += 1
    if waiting:
        going.kept[WAITING] = waiting
    return removed


def _scrubbed(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name in ("line", "status", "id")}
