"""What becomes of positions when a memory comes, changes, is no longer believed, or is erased."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from liftos.db import raw_cursor
from liftos.jobs import send_hint
from spaces.layouts import RENEW, follow
from spaces.outgrowing import is_due, mark_outgrown
from spaces.positions import remove_positions

_DESCRIBED_BY = """
SELECT DISTINCT d.space_id FROM spaces_spacedimension AS d
WHERE d.organisation_id = %(organisation)s AND (
    %(memory)s = ANY(d.low_memories) OR %(memory)s = ANY(d.high_memories)
    OR d.examples::text LIKE %(quoted)s
)
"""
_UNDESCRIBE = """
UPDATE spaces_spacedimension SET low_memories = array_remove(low_memories, %(memory)s),
    high_memories = array_remove(high_memories, %(memory)s),
    examples = (SELECT coalesce(jsonb_agg(e), '[]') FROM jsonb_array_elements(examples) AS e
                WHERE coalesce(e ->> 'memory_id', '') <> %(memory)s::text)
WHERE organisation_id = %(organisation)s AND space_id = ANY(%(spaces)s)
"""
_STALE = """
UPDATE spaces_layout SET outgrown = true WHERE organisation_id = %(organisation)s AND space_id = ANY(%(spaces)s)
"""
_UNLEARN = """
UPDATE spaces_concept SET examples = array_remove(examples, %(memory)s)
WHERE organisation_id = %(organisation)s AND %(memory)s = ANY(examples)
"""
_MEMBERSHIPS = "DELETE FROM spaces_member WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s"


def follow_memories(organisation: UUID, memories: Sequence[UUID]) -> None:
    """Place memories anew, or take their positions away. See `memory.life.ports.Follower`."""
    own = follow(organisation, memories)
    if own is not None and is_due(memories, own):
        mark_outgrown(organisation)


def erase_positions(organisation: UUID, memory: UUID) -> int:
    """Remove a memory from every space; return how many rows. See `memory.life.ports.Eraser`.

    Where it stood for a pole or was a labelled example, the axis is made anew without it by a worker; until then the axis is a mean
    of which it was a part. A concept keeps the prototype that was learnt, without the example's name.
    """
    values = {"organisation": organisation, "memory": memory, "quoted": f'%"{memory}"%'}
    removed = remove_positions(organisation=organisation, memories=[memory])
    with raw_cursor() as cursor:
        removed += cursor.execute(_MEMBERSHIPS, values).rowcount
        removed += cursor.execute(_UNLEARN, values).rowcount
        described = [row[0] for row in cursor.execute(_DESCRIBED_BY, values).fetchall()]
        if described:
            removed += cursor.execute(_UNDESCRIBE, values | {"spaces": described}).rowcount
            cursor.execute(_STALE, values | {"spaces": described})
    if described:
        transaction.on_commit(lambda: send_hint(RENEW, organisation))
    mark_outgrown(organisation, [memory])
    return removed
