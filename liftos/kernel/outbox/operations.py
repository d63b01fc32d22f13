"""Writing of events, in the caller's transaction: no commit, no event."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from liftos.kernel.db.binary import TextArray
from liftos.kernel.db.transactions import able_to_write, raw_cursor
from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.ids import new_id
from liftos.kernel.telemetry.tracing.context import current_context

SOURCE = "urn:liftos:core"

_INSERT = """
INSERT INTO events_outboxevent (id, organisation_id, type, source, subject, data, correlation_id, traceparent, scope_id)
SELECT e.id, %(organisation)s, %(type)s, %(source)s, e.subject, e.data::jsonb, %(correlation_id)s, %(traceparent)s, e.scope
FROM unnest(%(ids)s::uuid[], %(subjects)s::text[], %(data)s::text[], %(scopes)s::int[]) AS e(id, subject, data, scope)
"""


def emit(
    *,
    organisation: UUID,
    type: str,  # noqa: A002  CloudEvents' word
    subject: str,
    data: dict[str, Any],
    scope_id: int = ORGANISATION_SCOPE,
) -> None:
    """Write one event. See `emit_many`."""
    emit_many(organisation=organisation, type=type, events=[(subject, data)], scope_id=scope_id)


def emit_many(
    *,
    organisation: UUID,
    type: str,  # noqa: A002  CloudEvents' word
    events: Sequence[tuple[str, dict[str, Any]]],
    scope_id: int | Sequence[int] = ORGANISATION_SCOPE,
) -> None:
    """Write events of one type to the outbox, in order, inside the caller's tenant transaction.

    Args:
        organisation: a tenant.
        type: for example `liftos.memory.stored`.
        events: pairs of subject and data (JSON-serialisable).
        scope_id: who may read them, or each of them: what they are about, or their decision.
    """
    context = current_context()
    scopes = [scope_id] * len(events) if isinstance(scope_id, int) else list(scope_id)
    values = {
        "organisation": organisation,
        "type": type,
        "source": SOURCE,
        "ids": [new_id() for _ in events],
        "subjects": TextArray(subject for subject, _ in events),
        "data": TextArray(json.dumps(data) for _, data in events),
        "correlation_id": context.correlation_id,
        "traceparent": context.traceparent,
        "scopes": scopes,
    }
    with able_to_write(set(scopes)):
        raw_cursor().execute(_INSERT, values)
