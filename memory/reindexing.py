"""Rebuild organisations' indexes of words when the analyser changes, while they are searched and written to.

An organisation's `IndexState` says which analyser its index has. A chunk of memories is analysed anew in one transaction: a search sees
each memory by its old terms or by its new ones, never without. Queries are read by the new analyser, and find a memory whose turn is
still ahead by the terms that both analysers have in common: nearly all of English, less of other languages.

The rebuild goes through the memories by id and keeps its place with each chunk, so that it can be interrupted. A memory that is stored,
changed or erased meanwhile is locked by one of the two, and the other follows: what is written has the new terms either way. One
process at a time works on an organisation.
"""

from collections.abc import Iterator
from uuid import UUID

from django.db import connection

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.telemetry.tracing.tracer import TRACER
from liftos.kernel.tenancy.types import SYSTEM, Actor
from memory.analysis.words import ANALYSER
from memory.index.stored import reindex
from memory.models import IndexState
from memory.statements import COUNT_TO_REINDEX, LOCK_INDEX, NEXT_TO_REINDEX

CHUNK = 1_000


def begin(*, organisation: UUID, again: bool = False) -> int:
    """Begin an organisation's rebuild, or continue one; return how many memories and earlier texts it still has to read.

    Args:
        organisation: the tenant.
        again: rebuild also an index that already has the current analyser.
    """
    with tenant_transaction(organisation), raw_cursor() as cursor:
        state, _ = IndexState.objects.select_for_update().get_or_create(
            organisation_id=organisation, defaults={"analyser": "", "target": ANALYSER}
        )
        if not _is_under_way(state):
            if state.analyser == ANALYSER and not again:
                return 0
            state.analyser = "" if again else state.analyser
            state.target, state.after, state.rewritten = ANALYSER, None, 0
            state.save()
        row = cursor.execute(COUNT_TO_REINDEX, (organisation, state.after or UUID(int=0))).fetchone()
    return row[0] if row else 0


def rebuild(*, organisation: UUID, by: Actor = SYSTEM) -> Iterator[int]:
    """Rewrite the index of an organisation that `begin` began, chunk by chunk; yield the size of each.

    Ends early if another process is at it.
    """
    while True:
        with TRACER.span("memory.reindex", organisation=str(organisation)):
            done = _next_chunk(organisation, by)
        if not done:
            return
        yield done


def list_organisations_to_reindex() -> list[UUID]:
    """Return the organisations whose index has another analyser. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_to_reindex(%s)", [ANALYSER])
        return [row[0] for row in cursor.fetchall()]


def _is_under_way(state: IndexState) -> bool:
    return state.analyser != state.target == ANALYSER


def _next_chunk(organisation: UUID, by: Actor) -> int:
    with tenant_transaction(organisation), raw_cursor() as cursor:
        locked = cursor.execute(LOCK_INDEX, [organisation]).fetchone()
        if locked is None or not locked[0]:
            return 0
        state = IndexState.objects.select_for_update().filter(organisation_id=organisation).first()
        if state is None or not _is_under_way(state):
            return 0
        place = (organisation, state.after or UUID(int=0), CHUNK)
        ids = [row[0] for row in cursor.execute(NEXT_TO_REINDEX, place).fetchall()]
        if not ids:
            _finish(organisation, by, state)
            return 0
        done = reindex(organisation, ids)
        state.after, state.rewritten = ids[-1], state.rewritten + done
        state.save()
    return len(ids)


def _finish(organisation: UUID, by: Actor, state: IndexState) -> None:
    record(
        organisation=organisation,
        by=by,
        operation="memory.reindex",
        effect=Effect.WRITE,
        reasoning=f"The words of all memories are indexed by the analyser {ANALYSER}.",
        inputs={"analyser_before": state.analyser},
        outputs={"memories": state.rewritten},
        versions={"analyser": ANALYSER},
    )
    state.analyser, state.after, state.rewritten = ANALYSER, None, 0
    state.save()
